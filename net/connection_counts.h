#pragma once

// Open connections of a listener, in all and by the network they come from.
//
// Every connection holds a ConnectionToken for as long as it is open. Networks are counted only if
// asked for (not for proxies, which bring everybody); the map has at most one entry for each open
// connection. Any thread; a short lock when a connection opens and when it ends.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"

namespace tallyd {

class ConnectionCounts {
 public:
  int total() const { return total_.load(std::memory_order_relaxed); }
  int of_network(std::string_view network) {
    absl::MutexLock lock(&mutex_);
    const auto found = by_network_.find(network);
    return found == by_network_.end() ? 0 : found->second;
  }
  void Add(std::string_view network) {
    total_.fetch_add(1, std::memory_order_relaxed);
    if (network.empty()) return;
    absl::MutexLock lock(&mutex_);
    ++by_network_[std::string(network)];
  }
  void Remove(std::string_view network) {
    total_.fetch_sub(1, std::memory_order_relaxed);
    if (network.empty()) return;
    absl::MutexLock lock(&mutex_);
    const auto found = by_network_.find(network);
    if (--found->second == 0) by_network_.erase(found);
  }

 private:
  std::atomic<int> total_{0};
  absl::Mutex mutex_;
  // Ordered: networks are chosen by clients, and no choice makes this slow.
  absl::btree_map<std::string, int, std::less<>> by_network_ ABSL_GUARDED_BY(mutex_);
};

class ConnectionToken {
 public:
  // An empty network is not counted by network.
  ConnectionToken(std::shared_ptr<ConnectionCounts> counts, std::string_view network)
      : counts_(std::move(counts)), network_(network) {
    counts_->Add(network_);
  }
  ConnectionToken(ConnectionToken&&) noexcept = default;
  ConnectionToken& operator=(ConnectionToken&&) = delete;
  ~ConnectionToken() {
    if (counts_ != nullptr) counts_->Remove(network_);
  }

 private:
  std::shared_ptr<ConnectionCounts> counts_;
  std::string network_;
};

}  // namespace tallyd
