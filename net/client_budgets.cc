#include "net/client_budgets.h"

#include <algorithm>
#include <cstring>

#include <sodium.h>

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
// A voter and what is put before it: longer names are cut, which only merges budgets.
constexpr std::size_t kClientBytesMax = 160;

std::uint32_t SecondsUp(std::int64_t us) {
  return us <= 0 ? 0 : static_cast<std::uint32_t>((us + kSecondUs - 1) / kSecondUs);
}

}  // namespace

std::string_view BudgetName(BudgetKind kind) {
  constexpr std::array<std::string_view, kBudgetKindCount> kNames = {"address", "token", "frontend",
                                                                     "refused-token", "handshake"};
  return kNames[static_cast<std::size_t>(kind)];
}

ClientBudgets::ClientBudgets(const ClientBudgetOptions& options)
    : budgets_{options.address, options.token, options.frontend, options.refused_token,
               options.handshake},
      sets_per_shard_(std::max<std::size_t>(1, options.clients_max / (kShards * kWays))) {
  TALLYD_CHECK(sodium_init() >= 0);
  static_assert(sizeof hash_key_ == crypto_shorthash_KEYBYTES);
  randombytes_buf(hash_key_.data(), hash_key_.size());
  for (Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    shard.places = std::make_unique<Place[]>(sets_per_shard_ * kWays);
  }
}

std::uint64_t ClientBudgets::PrintOf(BudgetKind kind, std::string_view client) const {
  // The kind goes first: an address and a token of the same bytes are two clients.
  unsigned char bytes[1 + kClientBytesMax];
  const std::size_t size = std::min(client.size(), kClientBytesMax);
  bytes[0] = static_cast<unsigned char>(kind);
  std::memcpy(bytes + 1, client.data(), size);
  std::uint64_t print = 0;
  static_assert(sizeof print == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&print), bytes, 1 + size, hash_key_.data());
  return print;
}

ClientBudgets::Place* ClientBudgets::SetOf(Shard& shard, std::uint64_t print) {
  return &shard.places[(print / kShards) % sets_per_shard_ * kWays];
}

// The client's place, or the one it takes.
ClientBudgets::Place& ClientBudgets::PlaceOf(Place* set, std::uint64_t print, std::int64_t now_us) {
  Place* least = set;
  for (Place* place = set; place < set + kWays; ++place) {
    if (place->print == print) return *place;
    if (place->whole_us < least->whole_us) least = place;
  }
  if (least->whole_us > now_us) forgotten_.fetch_add(1, std::memory_order_relaxed);
  least->print = print;
  least->whole_us = now_us;
  return *least;
}

ClientBudgets::Verdict ClientBudgets::Charge(BudgetKind kind, std::string_view client,
                                             std::int64_t now_us) {
  const Budget& budget = this->budget(kind);
  if (budget.requests_per_s <= 0) return {};
  const std::int64_t one_us = std::max<std::int64_t>(1, kSecondUs / budget.requests_per_s);
  const std::int64_t all_us = one_us * budget.burst;
  const std::uint64_t print = PrintOf(kind, client);
  Verdict verdict;
  verdict.limited = true;
  Shard& shard = ShardOf(print);
  absl::MutexLock lock(&shard.mutex);
  Place& place = PlaceOf(SetOf(shard, print), print, now_us);
  std::int64_t owed_us = std::max<std::int64_t>(0, place.whole_us - now_us);
  if (owed_us + one_us > all_us) {
    refused_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
    verdict.allowed = false;
    verdict.wait_s = std::max(1U, SecondsUp(owed_us + one_us - all_us));
  } else {
    owed_us += one_us;
    place.whole_us = now_us + owed_us;
  }
  verdict.remaining = static_cast<std::uint32_t>((all_us - owed_us) / one_us);
  verdict.whole_s = SecondsUp(owed_us);
  return verdict;
}

bool ClientBudgets::IsSpent(BudgetKind kind, std::string_view client, std::int64_t now_us) {
  const Budget& budget = this->budget(kind);
  if (budget.requests_per_s <= 0) return false;
  const std::int64_t one_us = std::max<std::int64_t>(1, kSecondUs / budget.requests_per_s);
  const std::uint64_t print = PrintOf(kind, client);
  Shard& shard = ShardOf(print);
  absl::MutexLock lock(&shard.mutex);
  const Place* const set = SetOf(shard, print);
  for (const Place* place = set; place < set + kWays; ++place) {
    if (place->print == print) return place->whole_us - now_us + one_us > one_us * budget.burst;
  }
  return false;
}

}  // namespace tallyd
