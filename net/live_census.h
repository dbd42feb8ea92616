#pragma once

// How many follow a ranking by a stream, in all and from each client address.
//
// One for the whole server; asked when a reader comes and goes, so a mutex is cheap enough. Bounded
// by readers_max, which also bounds the addresses. Whose address it is has been found out by the
// gate (net/client_address.h), so readers behind a believed proxy count for themselves; whom it
// does not know (the proxy's own requests, the private listener) counts in all only. Any thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "net/client_address.h"

namespace tallyd {

struct LiveLimits {
  std::size_t readers_max = 32'768;         // then 503
  std::size_t network_readers_max = 1'000;  // of one IPv4 address or IPv6 /64; then 429
  int heartbeat_ms = 15'000;
  int write_ms_max = 20'000;           // a reader that takes nothing for so long is closed
  int send_buffer_bytes = 128 * 1024;  // what the kernel keeps for a slow reader
  int push_interval_ms_min = 50;       // between two versions for the same reader
};

class LiveCensus {
 public:
  enum class Entry : std::uint8_t { kEntered, kFull, kNetworkFull };

  explicit LiveCensus(const LiveLimits& limits) : limits_(limits) {}
  // kEntered: Leave() has to be called once, with the same address.
  Entry Enter(const ClientAddress& client);
  void Leave(const ClientAddress& client);
  std::size_t readers() const {
    absl::MutexLock lock(&mutex_);
    return readers_;
  }
  // Waits until nobody is there, but not beyond `patience`. A thread that may wait.
  void AwaitEmpty(absl::Duration patience) const;

 private:
  const LiveLimits limits_;
  mutable absl::Mutex mutex_;
  std::size_t readers_ ABSL_GUARDED_BY(mutex_) = 0;
  // Ordered: networks are chosen by clients, and no choice makes this slow.
  absl::btree_map<std::string, std::size_t, std::less<>> by_network_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tallyd
