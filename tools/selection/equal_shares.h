#pragma once

// The Method of Equal Shares: what gets built if every ballot has an equal part of the budget to
// pay for what it named.
//
// As published (Peters, Pierczynski, Skowron: Proportional Participatory Budgeting with Additive
// Utilities, NeurIPS 2021), for approval ballots with cost utilities: an option is worth its cost
// to whoever named it. Again and again that option is bought whose cost, shared by those who named
// it as equally as their money allows, asks least of each in proportion to that worth; of several
// such options the one with the smaller id, byte by byte. It ends when no option can be paid for by
// those who named it. Completion kAdd1: the parts are raised by 1 each, as long as what is selected
// then costs no more than the budget (the rule of Wieliczka, Aarau and Assen).
//
// A pure function; any thread. A round costs a pass over the supporters of every option, a raise
// costs a whole run; kAdd1 gives up after kRaisesMax raises. Money is floating point: amounts that
// differ by less than one part in 10^9 are equal.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tallyd {

struct EqualSharesOption {
  std::string id;
  std::int64_t cost = 0;
  std::vector<std::uint32_t> supporters;  // ballots that name it, each once
};

enum class EqualSharesCompletion : std::uint8_t { kNone, kAdd1 };

struct EqualSharesResult {
  struct Bought {
    std::size_t option = 0;       // index
    double price = 0;             // the most that one supporter paid
    std::int64_t supporters = 0;  // who named it
    std::int64_t paying = 0;      // of them, who had money left
  };
  std::vector<Bought> bought;  // in order
  std::int64_t spent = 0;
  double share = 0;  // of each ballot, after raises
};

inline constexpr std::int64_t kRaisesMax = 100'000;

// InvalidArgument: no ballots, a negative cost or budget. ResourceExhausted: too many raises.
absl::StatusOr<EqualSharesResult> SelectEqualShares(const std::vector<EqualSharesOption>& options,
                                                    std::int64_t ballots, std::int64_t budget,
                                                    EqualSharesCompletion completion);

}  // namespace tallyd
