#include "net/live_census.h"

#include <string_view>

#include "storage/check.h"

namespace tallyd {

LiveCensus::Entry LiveCensus::Enter(const ClientAddress& client) {
  absl::MutexLock lock(&mutex_);
  if (readers_ >= limits_.readers_max) return Entry::kFull;
  if (client.known()) {
    std::size_t& here = by_network_[std::string(client.Network())];
    // A network that is new here passes: the limit is at least 1.
    if (here >= limits_.network_readers_max) return Entry::kNetworkFull;
    ++here;
  }
  ++readers_;
  return Entry::kEntered;
}

void LiveCensus::AwaitEmpty(absl::Duration patience) const {
  const auto empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return readers_ == 0; };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&empty), patience);
}

void LiveCensus::Leave(const ClientAddress& client) {
  absl::MutexLock lock(&mutex_);
  TALLYD_CHECK(readers_ > 0);
  --readers_;
  if (!client.known()) return;
  const auto found = by_network_.find(client.Network());
  TALLYD_CHECK(found != by_network_.end() && found->second > 0);
  if (--found->second == 0) by_network_.erase(found);
}

}  // namespace tallyd
