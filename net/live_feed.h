#pragma once

// The readers of one io thread who follow rankings by streams, and the passes that push to them.
//
// A version that is published marks its poll; a pass then brings every reader of marked polls to
// the newest version, whatever it had before. Who is still busy with an older message is skipped
// and gets the newest when it is free: no queues. A patch is serialised once for all who come from
// the same version, and so is a whole ranking.
//
// A pass works in slices, with a multiple of the time a slice took between it and the next: so ten
// thousand readers take a bounded share of the thread, evenly, and the more there are the rarer
// they are told. The share is an eighth, and a 32nd of a thread that has much else to do: votes go
// first. Bounded by LiveCensus.
//
// Everything belongs to the io thread, also construction and destruction while it does not run.

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "engine/snapshot_board.h"
#include "net/live_census.h"
#include "net/live_reader.h"
#include "net/ranking_cache.h"
#include "net/ranking_feed.h"
#include "net/wire_text.h"

namespace tallyd {

class LiveFeed final : public LiveReaderOwner, public RankingFeed::Follower {
 public:
  struct Parts {
    SnapshotBoard& board;
    RankingCache& cache;
    RankingFeed& feed;
    LiveCensus& census;
    IoThread& io_thread;
  };
  LiveFeed(const Parts& parts, const LiveLimits& limits);
  ~LiveFeed() override;
  LiveFeed(const LiveFeed&) = delete;
  LiveFeed& operator=(const LiveFeed&) = delete;

  // A reader whose client has version `since`, and who has entered the census as `client`.
  void Add(DetachedConnection connection, LiveReader::Kind kind, PollNumber poll,
           const std::optional<VersionTag>& since, const ClientAddress& client);
  // Says bye to everybody, each with another time to come back after, and ends the connections.
  void BeginDrain();
  bool draining() const { return draining_; }

  // The feed takes one part in so many of its thread's time: fewer parts of a thread that worked
  // for `worked` of the last `passed`, if that is much.
  static int ShareOf(std::chrono::nanoseconds worked, std::chrono::nanoseconds passed);

  void OnFree(LiveReader& reader) override;
  void OnGone(LiveReader& reader) override;
  void OnPublished(PollNumber poll) override;

 private:
  using TimePoint = IoThread::TimePoint;
  struct Message {
    LiveReader::Kind kind;
    Position since;  // kWhole: a snapshot
    LiveReader::Bytes bytes;
  };
  // The readers of one poll, and the messages of its newest version.
  struct Channel {
    SnapshotBoard::SnapshotPtr newest;
    std::vector<LiveReader*> readers;
    std::vector<Message> messages;
    bool marked = false;
  };
  struct Timers;

  Channel& Enter(LiveReader& reader);
  void MoveToNewest(Channel& channel, PollNumber poll);
  void Leave(LiveReader& reader);
  void Advance(LiveReader& reader, Channel& channel);
  LiveReader::Bytes MessageFor(Position since, LiveReader::Kind kind, Channel& channel);
  LiveReader::Bytes Render(LiveReader::Kind kind, Position since, const RankingSnapshot& newest);
  void SchedulePass();
  void BeginPass();
  void RunSlice();
  void EndPass();
  void ChooseShare(TimePoint now);
  void ScheduleTick();
  void Tick();
  void SayHeartbeats(std::vector<LiveReader*> readers);

  Parts parts_;
  const LiveLimits limits_;
  std::vector<std::shared_ptr<LiveReader>> ring_;
  absl::flat_hash_map<PollNumber, std::unique_ptr<Channel>> channels_;

  std::vector<PollNumber> marked_;  // for the next pass
  std::vector<PollNumber> passing_;
  std::size_t place_ = 0;  // in the readers of passing_.back()
  bool left_during_pass_ = false;
  bool pass_runs_ = false;
  bool pass_scheduled_ = false;
  TimePoint pass_began_;
  TimePoint next_pass_;
  std::chrono::steady_clock::duration pass_rest_{0};  // from one pass to the next
  // One part of the thread's time in so many, and what it was chosen by.
  int share_ = 1;
  TimePoint share_chosen_;
  std::chrono::nanoseconds worked_{0};

  std::unique_ptr<Timers> timers_;
  unsigned ticks_ = 0;
  // Who is told at which tick of a heartbeat's time that we are still here.
  std::vector<std::vector<LiveReader*>> beats_;
  LiveReader::Bytes heartbeats_[2];
  std::minstd_rand random_;
  bool draining_ = false;
};

}  // namespace tallyd
