#pragma once

// Watches one burst rule of one poll: how many first ballots each source has cast within the
// window, and whether that is a burst.
//
//   if (watch.Note(source, voter, now)) { ... the ballot is part of a burst ... }
//
// The window slides: a burst begins with the ballot that makes `rule.ballots` within
// `rule.window_s`, and goes on until its source has fallen below half of that. A source is a keyed
// print of a network that lives in memory only, or kWholePoll. Nothing of this is kept: after a
// restart the watch begins anew.
//
// Bounded: all watches share a number of free places, one for each ballot noted. Without a free one
// the watch forgets its own oldest before its time, or else does not note the ballot; either is
// counted in `dropped`. The writer's thread. A ballot costs a hash probe; VotersToFlag() a walk
// over what is noted, once a burst.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "storage/fraud_entries.h"
#include "storage/records.h"

namespace tallyd {

// The network of a client: what of its address stands for it (net/client_address.h), and how much.
struct ClientNetwork {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t size = 0;
};

using BurstSource = std::uint64_t;
inline constexpr BurstSource kWholePoll = 0;

class BurstWatch {
 public:
  // What all watches share.
  struct Places {
    std::size_t free = 0;
    std::uint64_t dropped = 0;
  };
  BurstWatch(const BurstRule& rule, Places* places) : rule_(rule), places_(places) {}
  ~BurstWatch() { places_->free += noted_.size(); }
  BurstWatch(const BurstWatch&) = delete;
  BurstWatch& operator=(const BurstWatch&) = delete;

  // A first ballot was accepted. True: the source is in a burst.
  bool Note(BurstSource source, const VoterTag& voter, TimeUs now);

  // Forgets what is older than the window; gives its places back.
  void Expire(TimeUs now);

  // The group that the burst of the source was flagged as; 0 = not yet.
  FlagGroupNumber GroupOf(BurstSource source) const;
  void SetGroup(BurstSource source, FlagGroupNumber group);
  // Who cast the ballots of the burst: all of the source's in the window, oldest first, or the
  // newest alone once the burst has a group.
  std::vector<VoterTag> VotersToFlag(BurstSource source) const;

  const BurstRule& rule() const { return rule_; }
  std::size_t noted_count() const { return noted_.size(); }

 private:
  struct Noted {
    TimeUs time;
    BurstSource source;
    VoterTag voter;
  };
  struct Source {
    std::uint32_t ballots = 0;
    bool in_burst = false;
    FlagGroupNumber group = 0;
  };
  void ForgetOldest();

  BurstRule rule_;
  Places* places_;
  std::deque<Noted> noted_;  // by rising time
  absl::flat_hash_map<BurstSource, Source> sources_;
};

// The watches of all polls, and the key of the networks' prints: drawn at the start and anew every
// day, when what was noted of networks is forgotten too. The writer's thread.
class BurstWatches {
 public:
  explicit BurstWatches(std::size_t watched_max) : places_{.free = watched_max} { DrawKey(0); }

  // Valid until the next call. A watch whose rule has changed begins anew.
  BurstWatch& Find(PollNumber poll, FlagRule rule, const BurstRule& burst, TimeUs now);
  // Never kWholePoll.
  BurstSource PrintOf(const ClientNetwork& network, TimeUs now);
  // Ballots that were not noted, or forgotten before their time.
  std::uint64_t dropped_count() const { return places_.dropped; }

 private:
  void DrawKey(TimeUs now);
  void MakeRoom(TimeUs now);

  BurstWatch::Places places_;  // outlives the watches
  absl::flat_hash_map<std::pair<PollNumber, FlagRule>, std::unique_ptr<BurstWatch>> watches_;
  std::array<std::uint8_t, 16> key_{};
  TimeUs key_drawn_ = 0;
  TimeUs room_made_ = 0;
};

}  // namespace tallyd
