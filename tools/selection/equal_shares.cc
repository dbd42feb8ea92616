#include "tools/selection/equal_shares.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tallyd {
namespace {

constexpr double kTolerance = 1e-9;

// What each supporter pays at most if together they pay `cost`; nullopt: they cannot.
std::optional<double> PriceFor(const EqualSharesOption& option, const std::vector<double>& money) {
  std::vector<double> held;
  held.reserve(option.supporters.size());
  double sum = 0;
  for (const std::uint32_t ballot : option.supporters) {
    held.push_back(money[ballot]);
    sum += money[ballot];
  }
  auto left = static_cast<double>(option.cost);
  if (held.empty() || sum < left * (1 - kTolerance)) return std::nullopt;
  // Who has less than an equal part gives all; the others share what remains.
  std::sort(held.begin(), held.end());
  for (std::size_t i = 0; i < held.size(); ++i) {
    const double part = left / static_cast<double>(held.size() - i);
    if (held[i] >= part * (1 - kTolerance)) return part;
    left -= held[i];
  }
  return held.back();  // all give all, but for rounding
}

struct Offer {
  std::size_t option = 0;
  double price = 0;
  double per_worth = 0;
};

// The option that asks least in proportion to its worth.
std::optional<Offer> BestOffer(const std::vector<EqualSharesOption>& options,
                               const std::vector<bool>& taken, const std::vector<double>& money) {
  std::optional<Offer> best;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const EqualSharesOption& option = options[i];
    if (taken[i]) continue;
    const std::optional<double> price = PriceFor(option, money);
    if (!price) continue;
    const double worth = option.cost == 0 ? 1 : static_cast<double>(option.cost);
    const Offer offer{.option = i, .price = *price, .per_worth = *price / worth};
    const bool less = !best || offer.per_worth < best->per_worth * (1 - kTolerance);
    const bool tied = best && !less && offer.per_worth <= best->per_worth * (1 + kTolerance);
    if (less || (tied && option.id < options[best->option].id)) best = offer;
  }
  return best;
}

EqualSharesResult Run(const std::vector<EqualSharesOption>& options, std::int64_t ballots,
                      double share) {
  EqualSharesResult result;
  result.share = share;
  std::vector<double> money(static_cast<std::size_t>(ballots), share);
  std::vector<bool> taken(options.size(), false);
  while (const std::optional<Offer> offer = BestOffer(options, taken, money)) {
    const EqualSharesOption& option = options[offer->option];
    taken[offer->option] = true;
    EqualSharesResult::Bought bought{
        .option = offer->option,
        .price = offer->price,
        .supporters = static_cast<std::int64_t>(option.supporters.size())};
    for (const std::uint32_t ballot : option.supporters) {
      if (money[ballot] > 0) ++bought.paying;
      money[ballot] -= std::min(money[ballot], offer->price);
    }
    result.spent += option.cost;
    result.bought.push_back(bought);
  }
  return result;
}

}  // namespace

absl::StatusOr<EqualSharesResult> SelectEqualShares(const std::vector<EqualSharesOption>& options,
                                                    std::int64_t ballots, std::int64_t budget,
                                                    EqualSharesCompletion completion) {
  if (ballots <= 0) return absl::InvalidArgumentError("there are no ballots to share a budget");
  if (budget < 0) return absl::InvalidArgumentError("the budget is less than nothing");
  for (const EqualSharesOption& option : options) {
    if (option.cost < 0) {
      return absl::InvalidArgumentError(absl::StrCat(option.id, " costs less than nothing"));
    }
  }
  const double share = static_cast<double>(budget) / static_cast<double>(ballots);
  EqualSharesResult result = Run(options, ballots, share);
  if (completion == EqualSharesCompletion::kNone) return result;
  const auto supported = std::count_if(options.begin(), options.end(), [](const auto& option) {
    return !option.supporters.empty();
  });
  for (std::int64_t raise = 1; std::cmp_less(result.bought.size(), supported); ++raise) {
    if (raise > kRaisesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("nothing ended the raises of the budget after ", kRaisesMax));
    }
    EqualSharesResult next = Run(options, ballots, share + static_cast<double>(raise));
    if (next.spent > budget) break;
    result = std::move(next);
  }
  return result;
}

}  // namespace tallyd
