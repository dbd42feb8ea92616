#pragma once

// How much a client may still ask for: one table of budgets, kept as points in time.
//
//   ClientBudgets budgets(options);
//   const Verdict verdict = budgets.Charge(BudgetKind::kAddress, client.Network(), now_us);
//   if (!verdict.allowed) ... 429, Retry-After: verdict.wait_s
//
// A budget gives back `requests_per_s` up to `burst` (GCRA: a client is the moment at which its
// budget will be whole again). A client whose moment has passed is as good as one never seen, so
// its place is free. The table has a fixed number of places in sets of eight; where all eight of a
// set are still paying back, the client that owes least is forgotten and that is counted: nobody is
// locked out because the table is full, and no memory grows. Clients are hashed under a key of the
// process, so that nobody can choose whose place it takes.
// Any thread; one short lock of 64, one hash, no allocation: about 100 ns.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tallyd {

enum class BudgetKind : std::uint8_t {
  kAddress,       // who shows no token, by address
  kToken,         // a person, by token subject, wherever they are
  kFrontend,      // whoever votes on behalf of others, by name
  kRefusedToken,  // tokens that were not believed, by address
  kHandshake,     // TLS connections that begin, by address
};
inline constexpr std::size_t kBudgetKindCount = 5;
// "address", "token", "frontend", "refused-token": in RateLimit fields and metrics; "handshake": in
// metrics alone.
std::string_view BudgetName(BudgetKind kind);

struct Budget {
  std::int64_t requests_per_s = 0;  // 0: no limit
  std::int64_t burst = 1;           // that many at once

  friend bool operator==(const Budget&, const Budget&) = default;
};

struct ClientBudgetOptions {
  Budget address{200, 2'000};
  Budget token{10, 100};
  Budget frontend{0, 10'000};
  Budget refused_token{20, 400};
  Budget handshake{50, 500};
  std::size_t clients_max = 65'536;  // places of the table, 16 bytes each
};

class ClientBudgets {
 public:
  struct Verdict {
    bool allowed = true;
    bool limited = false;         // there is a limit, and what follows means something
    std::uint32_t remaining = 0;  // requests that would still pass now
    std::uint32_t wait_s = 0;     // until it passes; at least 1 if not allowed
    std::uint32_t whole_s = 0;    // until the budget is whole
  };

  explicit ClientBudgets(const ClientBudgetOptions& options);
  ClientBudgets(const ClientBudgets&) = delete;
  ClientBudgets& operator=(const ClientBudgets&) = delete;

  // Takes one request out of the client's budget. `now_us` may be of any clock that does not go
  // back.
  Verdict Charge(BudgetKind kind, std::string_view client, std::int64_t now_us);
  // Whether one more would pass; takes nothing.
  bool IsSpent(BudgetKind kind, std::string_view client, std::int64_t now_us);

  const Budget& budget(BudgetKind kind) const { return budgets_[static_cast<std::size_t>(kind)]; }
  std::uint64_t refused(BudgetKind kind) const {
    return refused_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }
  // Clients forgotten while they were still paying back.
  std::uint64_t forgotten() const { return forgotten_.load(std::memory_order_relaxed); }
  std::size_t places() const { return kShards * sets_per_shard_ * kWays; }

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kWays = 8;

  struct Place {
    std::uint64_t print = 0;
    std::int64_t whole_us = 0;  // when the budget is whole again
  };
  struct Shard {
    absl::Mutex mutex;
    std::unique_ptr<Place[]> places ABSL_GUARDED_BY(mutex);
  };

  std::uint64_t PrintOf(BudgetKind kind, std::string_view client) const;
  Shard& ShardOf(std::uint64_t print) { return shards_[print % kShards]; }
  Place* SetOf(Shard& shard, std::uint64_t print) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  Place& PlaceOf(Place* set, std::uint64_t print, std::int64_t now_us);

  const std::array<Budget, kBudgetKindCount> budgets_;
  const std::size_t sets_per_shard_;
  std::array<unsigned char, 16> hash_key_;
  std::array<Shard, kShards> shards_;
  std::array<std::atomic<std::uint64_t>, kBudgetKindCount> refused_{};
  std::atomic<std::uint64_t> forgotten_{0};
};

}  // namespace tallyd
