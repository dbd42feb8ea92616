#include "engine/burst_watch.h"

#include <cstring>

#include <sodium.h>

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr TimeUs kSecond = 1'000'000;
constexpr TimeUs kDay = 24 * 60 * 60 * kSecond;

}  // namespace

bool BurstWatch::Note(BurstSource source, const VoterTag& voter, TimeUs now) {
  Expire(now);
  if (places_->free == 0) {
    ++places_->dropped;
    if (noted_.empty()) return false;
    ForgetOldest();
  }
  --places_->free;
  noted_.push_back({now, source, voter});
  Source& known = sources_[source];
  ++known.ballots;
  if (known.ballots >= rule_.ballots) known.in_burst = true;
  return known.in_burst;
}

void BurstWatch::Expire(TimeUs now) {
  const TimeUs oldest = now - TimeUs{rule_.window_s} * kSecond;
  while (!noted_.empty() && noted_.front().time <= oldest) ForgetOldest();
}

void BurstWatch::ForgetOldest() {
  const auto found = sources_.find(noted_.front().source);
  TALLYD_CHECK(found != sources_.end() && found->second.ballots > 0);
  Source& source = found->second;
  --source.ballots;
  if (source.ballots * std::uint64_t{2} < rule_.ballots) {
    source.in_burst = false;
    source.group = 0;
  }
  if (source.ballots == 0) sources_.erase(found);
  noted_.pop_front();
  ++places_->free;
}

FlagGroupNumber BurstWatch::GroupOf(BurstSource source) const {
  const auto found = sources_.find(source);
  return found == sources_.end() ? 0 : found->second.group;
}

void BurstWatch::SetGroup(BurstSource source, FlagGroupNumber group) {
  const auto found = sources_.find(source);
  TALLYD_CHECK(found != sources_.end());
  found->second.group = group;
}

std::vector<VoterTag> BurstWatch::VotersToFlag(BurstSource source) const {
  if (GroupOf(source) != 0) return {noted_.back().voter};
  std::vector<VoterTag> voters;
  for (const Noted& noted : noted_) {
    if (noted.source == source) voters.push_back(noted.voter);
  }
  return voters;
}

BurstWatch& BurstWatches::Find(PollNumber poll, FlagRule rule, const BurstRule& burst, TimeUs now) {
  if (places_.free == 0 && now - room_made_ >= kSecond) MakeRoom(now);
  std::unique_ptr<BurstWatch>& watch = watches_[{poll, rule}];
  if (watch == nullptr || watch->rule() != burst) {
    watch = std::make_unique<BurstWatch>(burst, &places_);
  }
  return *watch;
}

// Polls in which nobody votes any more do not expire by themselves.
void BurstWatches::MakeRoom(TimeUs now) {
  room_made_ = now;
  for (auto& [key, watch] : watches_) watch->Expire(now);
  absl::erase_if(watches_, [](const auto& entry) { return entry.second->noted_count() == 0; });
}

BurstSource BurstWatches::PrintOf(const ClientNetwork& network, TimeUs now) {
  if (now - key_drawn_ >= kDay) DrawKey(now);
  std::array<std::uint8_t, sizeof(BurstSource)> print{};
  static_assert(crypto_shorthash_siphash24_BYTES == sizeof print);
  crypto_shorthash_siphash24(print.data(), network.bytes.data(), network.size, key_.data());
  BurstSource source = 0;
  std::memcpy(&source, print.data(), sizeof source);
  return source == kWholePoll ? 1 : source;
}

void BurstWatches::DrawKey(TimeUs now) {
  randombytes_buf(key_.data(), key_.size());
  key_drawn_ = now;
  absl::erase_if(watches_,
                 [](const auto& entry) { return entry.first.second == FlagRule::kNetworkBurst; });
}

}  // namespace tallyd
