#include "net/live_feed.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "net/live_message.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr Position kWhole = ~Position{0};
// Readers told in one go: about 0.3 ms, in which the thread does nothing else.
constexpr std::size_t kSliceReaders = 32;
// Telling takes at most one part in so many of the thread's time, evenly and not in a burst, which
// votes would have to wait for. Less where the thread has much else to do: then it is what votes
// per second are made of.
constexpr int kShareOfBusyThread = 32;
constexpr int kShareOfIdleThread = 8;
// Busy: it worked for more than one part in so many of the time since the last slice. Telling alone
// does not make it so.
constexpr int kBusyPart = 4;
static_assert(kShareOfIdleThread > kBusyPart);
constexpr auto kTickInterval = std::chrono::milliseconds(100);
constexpr unsigned kTicksBetweenLooks = 10;
// Of one version, by kind and by what the reader had; beyond that the oldest is made again if it is
// asked for.
constexpr std::size_t kMessagesMax = 16;
constexpr std::uint32_t kRetryMsMin = 1'000;
constexpr std::uint32_t kRetryMsMax = 10'000;

std::chrono::nanoseconds CpuTimeOfThread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

HttpMetrics& CountersOf(IoThread& thread) {
  return thread.counters();
}

}  // namespace

struct LiveFeed::Timers {
  explicit Timers(asio::io_context& context) : pass(context), tick(context) {}
  SteadyTimer pass;
  SteadyTimer tick;
  bool ticking = false;
};

LiveFeed::LiveFeed(const Parts& parts, const LiveLimits& limits)
    : parts_(parts),
      limits_(limits),
      timers_(std::make_unique<Timers>(parts.io_thread.context())),
      random_(std::random_device()()) {
  for (const auto kind : {LiveReader::Kind::kEvents, LiveReader::Kind::kWebSocket}) {
    heartbeats_[static_cast<int>(kind)] = std::make_shared<std::string>(LiveHeartbeat(kind));
  }
  const auto ticks = std::chrono::milliseconds(limits_.heartbeat_ms) / kTickInterval;
  beats_.resize(std::max<std::size_t>(1, static_cast<std::size_t>(ticks)));
  parts_.feed.SetFollower(this);
}

LiveFeed::~LiveFeed() {
  parts_.feed.SetFollower(nullptr);
  while (!ring_.empty()) ring_.back()->Close();
}

void LiveFeed::Add(DetachedConnection connection, LiveReader::Kind kind, PollNumber poll,
                   const std::optional<VersionTag>& since, const ClientAddress& client) {
  auto reader = std::make_shared<LiveReader>(std::move(connection), kind, *this);
  reader->BoundSendBuffer(limits_.send_buffer_bytes);
  reader->poll = poll;
  reader->client = client;
  reader->ring_index = ring_.size();
  ring_.push_back(reader);
  // Any of them, so that those who came together are not told together.
  reader->beat = random_() % beats_.size();
  reader->beat_index = beats_[reader->beat].size();
  beats_[reader->beat].push_back(reader.get());
  (kind == LiveReader::Kind::kEvents ? CountersOf(parts_.io_thread).live_readers_events
                                     : CountersOf(parts_.io_thread).live_readers_web_socket)
      .Add();
  Channel& channel = Enter(*reader);
  const RankingSnapshot& newest = *channel.newest;
  const bool known = since && since->epoch == newest.epoch && since->position <= newest.position;
  reader->fresh = !known;
  if (known) reader->position = since->position;
  reader->Start();
  if (known && since->position == newest.position && newest.state != PollState::kFinal) {
    reader->Send(heartbeats_[static_cast<int>(kind)]);  // the head has to go out
  } else {
    Advance(*reader, channel);
  }
  ScheduleTick();
}

LiveFeed::Channel& LiveFeed::Enter(LiveReader& reader) {
  auto& channel = channels_[reader.poll];
  if (channel == nullptr) {
    channel = std::make_unique<Channel>();
    // Followed before the board is asked: what is published after that marks the channel.
    parts_.feed.Follow(reader.poll);
  }
  // Also where others are told a little later: who comes may have seen the newest already, and
  // versions never go back.
  MoveToNewest(*channel, reader.poll);
  reader.channel_index = channel->readers.size();
  channel->readers.push_back(&reader);
  return *channel;
}

void LiveFeed::MoveToNewest(Channel& channel, PollNumber poll) {
  SnapshotBoard::SnapshotPtr newest = parts_.board.Newest(poll);
  TALLYD_CHECK(newest != nullptr);  // the route has found the poll
  if (channel.newest == newest) return;
  channel.newest = std::move(newest);
  channel.messages.clear();
}

void LiveFeed::Leave(LiveReader& reader) {
  const auto found = channels_.find(reader.poll);
  std::vector<LiveReader*>& readers = found->second->readers;
  readers[reader.channel_index] = readers.back();
  readers[reader.channel_index]->channel_index = reader.channel_index;
  readers.pop_back();
  left_during_pass_ = true;  // the one that took the place may have been passed over
  if (!readers.empty()) return;
  parts_.feed.Unfollow(reader.poll);
  channels_.erase(found);
}

void LiveFeed::OnGone(LiveReader& reader) {
  Leave(reader);
  parts_.census.Leave(reader.client);
  (reader.kind() == LiveReader::Kind::kEvents
       ? CountersOf(parts_.io_thread).live_readers_events
       : CountersOf(parts_.io_thread).live_readers_web_socket)
      .Subtract();
  std::vector<LiveReader*>& beat = beats_[reader.beat];
  beat[reader.beat_index] = beat.back();
  beat[reader.beat_index]->beat_index = reader.beat_index;
  beat.pop_back();
  const std::size_t place = reader.ring_index;
  ring_[place].swap(ring_.back());
  ring_[place]->ring_index = place;
  ring_.pop_back();  // whoever called holds a reference
}

void LiveFeed::OnFree(LiveReader& reader) {
  Channel& channel = *channels_.at(reader.poll);
  // Not where the pass is still to come: it brings a newer version.
  if (!channel.marked) Advance(reader, channel);
}

// Brings a reader to the newest version of its channel.
void LiveFeed::Advance(LiveReader& reader, Channel& channel) {
  if (!reader.is_free()) return;
  const RankingSnapshot& newest = *channel.newest;
  const bool is_final = newest.state == PollState::kFinal;
  if (!reader.fresh && reader.position == newest.position && !is_final) return;
  CountersOf(parts_.io_thread).live_messages.Add();
  const bool fresh = std::exchange(reader.fresh, false);
  if (!is_final) {
    LiveReader::Bytes message =
        MessageFor(fresh ? kWhole : reader.position, reader.kind(), channel);
    reader.position = newest.position;
    reader.Send(std::move(message));
    return;
  }
  reader.position = newest.position;
  std::string version;
  AppendVersionTag(newest.epoch, newest.position, version);
  const auto whole = parts_.cache.Get(newest, RankingFormat::kLive, Coding::kIdentity).bytes;
  std::string last;
  if (fresh) last = LiveMessage(reader.kind(), "snapshot", version, *whole);
  last += LiveMessage(reader.kind(), "final", version, *whole);
  reader.End(last + LiveEnd(reader.kind()));
}

LiveReader::Bytes LiveFeed::MessageFor(Position since, LiveReader::Kind kind, Channel& channel) {
  for (const Message& message : channel.messages) {
    if (message.kind == kind && message.since == since) return message.bytes;
  }
  LiveReader::Bytes bytes = Render(kind, since, *channel.newest);
  // Not known any more what changed since: whole, as others get it.
  if (bytes == nullptr) bytes = MessageFor(kWhole, kind, channel);
  if (channel.messages.size() == kMessagesMax) channel.messages.erase(channel.messages.begin());
  channel.messages.push_back({kind, since, bytes});
  return bytes;
}

// Null: no patch from there is known.
LiveReader::Bytes LiveFeed::Render(LiveReader::Kind kind, Position since,
                                   const RankingSnapshot& newest) {
  const RankingCache::Bytes data =
      since == kWhole ? parts_.cache.Get(newest, RankingFormat::kLive, Coding::kIdentity).bytes
                      : parts_.cache.PatchSince(parts_.board, newest, since);
  if (data == nullptr) return nullptr;
  std::string version;
  AppendVersionTag(newest.epoch, newest.position, version);
  return std::make_shared<std::string>(
      LiveMessage(kind, since == kWhole ? "snapshot" : "delta", version, *data));
}

void LiveFeed::OnPublished(PollNumber poll) {
  const auto found = channels_.find(poll);
  if (found == channels_.end() || found->second->marked) return;
  found->second->marked = true;
  marked_.push_back(poll);
  SchedulePass();
}

void LiveFeed::SchedulePass() {
  if (pass_runs_ || pass_scheduled_ || marked_.empty() || draining_) return;
  pass_scheduled_ = true;
  timers_->pass.expires_at(next_pass_);  // at once if that has gone by
  timers_->pass.async_wait([this](const ErrorCode& error) {
    if (error) return;
    pass_scheduled_ = false;
    BeginPass();
  });
}

void LiveFeed::BeginPass() {
  pass_runs_ = true;
  pass_began_ = std::chrono::steady_clock::now();
  pass_rest_ = {};
  passing_.swap(marked_);
  for (const PollNumber poll : passing_) {
    const auto found = channels_.find(poll);
    if (found == channels_.end()) continue;
    found->second->marked = false;
    MoveToNewest(*found->second, poll);
  }
  place_ = 0;
  left_during_pass_ = false;
  RunSlice();
}

void LiveFeed::RunSlice() {
  const TimePoint began = std::chrono::steady_clock::now();
  std::size_t told = 0;
  while (!passing_.empty() && told < kSliceReaders) {
    const auto found = channels_.find(passing_.back());
    if (found == channels_.end() || place_ >= found->second->readers.size()) {
      place_ = 0;
      // Somebody left and another took the place: look again, it costs a compare for each.
      if (found == channels_.end() || !std::exchange(left_during_pass_, false)) passing_.pop_back();
      continue;
    }
    // A pass takes a while: who comes late in it is told what is newest then.
    if (told == 0) MoveToNewest(*found->second, passing_.back());
    Advance(*found->second->readers[place_], *found->second);
    ++place_;
    ++told;
  }
  const TimePoint now = std::chrono::steady_clock::now();
  ChooseShare(now);
  pass_rest_ += share_ * (now - began);
  if (passing_.empty()) return EndPass();
  timers_->pass.expires_at(now + (share_ - 1) * (now - began));
  timers_->pass.async_wait([this](const ErrorCode& error) {
    if (!error) RunSlice();
  });
}

void LiveFeed::EndPass() {
  pass_runs_ = false;
  next_pass_ =
      pass_began_ + std::max<std::chrono::steady_clock::duration>(
                        pass_rest_, std::chrono::milliseconds(limits_.push_interval_ms_min));
  SchedulePass();
}

int LiveFeed::ShareOf(std::chrono::nanoseconds worked, std::chrono::nanoseconds passed) {
  return kBusyPart * worked > passed ? kShareOfBusyThread : kShareOfIdleThread;
}

void LiveFeed::ChooseShare(TimePoint now) {
  const std::chrono::nanoseconds worked = CpuTimeOfThread();
  share_ = ShareOf(worked - worked_, now - share_chosen_);
  worked_ = worked;
  share_chosen_ = now;
}

void LiveFeed::ScheduleTick() {
  if (timers_->ticking || ring_.empty()) return;
  timers_->ticking = true;
  // From the last one on, so that being late does not add up.
  const TimePoint now = std::chrono::steady_clock::now();
  timers_->tick.expires_at(std::max(now, timers_->tick.expiry() + kTickInterval));
  timers_->tick.async_wait([this](const ErrorCode& error) {
    if (error) return;
    timers_->ticking = false;
    Tick();
    ScheduleTick();
  });
}

void LiveFeed::Tick() {
  SayHeartbeats(beats_[ticks_ % beats_.size()]);
  if (++ticks_ % kTicksBetweenLooks != 0) return;
  const TimePoint now = parts_.io_thread.coarse_now();
  // From the end: who goes leaves the place to one that was looked at.
  for (std::size_t i = ring_.size(); i-- > 0;) {
    const std::shared_ptr<LiveReader> reader = ring_[i];
    if (reader->CloseIfStuck(now, std::chrono::milliseconds(limits_.write_ms_max))) {
      CountersOf(parts_.io_thread).live_closed_slow.Add();
    }
  }
}

// A copy: who cannot be told leaves the list.
void LiveFeed::SayHeartbeats(std::vector<LiveReader*> readers) {
  for (LiveReader* const reader : readers) {
    if (reader->is_free()) reader->Send(heartbeats_[static_cast<int>(reader->kind())]);
  }
}

void LiveFeed::BeginDrain() {
  draining_ = true;
  std::uniform_int_distribution<std::uint32_t> retry_ms(kRetryMsMin, kRetryMsMax);
  const std::vector<std::shared_ptr<LiveReader>> readers = ring_;
  for (const std::shared_ptr<LiveReader>& reader : readers) {
    const RankingSnapshot& newest = *channels_.at(reader->poll)->newest;
    std::string version;
    AppendVersionTag(newest.epoch, reader->position, version);
    reader->End(LiveBye(reader->kind(), version, retry_ms(random_)));
  }
}

}  // namespace tallyd
