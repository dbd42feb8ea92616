#include "engine/tally.h"

#include <utility>

#include "storage/byte_codec.h"
#include "storage/check.h"

namespace tallyd {

void PollTally::ResizeOptions(std::size_t count) {
  TALLYD_CHECK(count >= options_.size() || totals_.ballots() == 0);
  options_.resize(count);
  is_changed_.resize(count, false);
  std::erase_if(changed_, [count](OptionIndex option) { return option >= count; });
}

void PollTally::Add(Channel channel, const BallotRules& rules, std::string_view packed) {
  Count(channel, rules, packed, 1);
}

void PollTally::Remove(Channel channel, const BallotRules& rules, std::string_view packed) {
  Count(channel, rules, packed, -1);
}

void PollTally::Count(Channel channel, const BallotRules& rules, std::string_view packed,
                      int sign) {
  // Unsigned arithmetic wraps when adding -1, which is what is wanted; the checks look at the
  // result.
  const auto step = static_cast<std::uint64_t>(static_cast<std::int64_t>(sign));
  std::uint64_t& channel_total = channel == Channel::kPaper ? totals_.paper : totals_.online;
  TALLYD_CHECK(sign > 0 || channel_total > 0);
  channel_total += step;
  if (IsBlank(MarksOf(rules, packed))) {
    TALLYD_CHECK(sign > 0 || totals_.blank > 0);
    totals_.blank += step;
  }
  ForEachScore(rules, packed, [&](OptionIndex option, std::int64_t score) {
    TALLYD_CHECK(option < options_.size());
    OptionTally& tally = options_[option];
    TALLYD_CHECK(sign > 0 || tally.ballots > 0);
    tally.ballots += step;
    (channel == Channel::kPaper ? tally.paper : tally.online) += sign * score;
    MarkChanged(option);
  });
}

void PollTally::CountPaper(const BallotRules& rules, const PaperFigures& figures, int sign) {
  const auto count = [sign](std::uint64_t& total, std::uint64_t number) {
    TALLYD_CHECK(sign > 0 || total >= number);
    total = sign > 0 ? total + number : total - number;
  };
  TALLYD_CHECK(figures.invalid <= figures.cards);
  count(totals_.paper, figures.cards - figures.invalid);
  count(totals_.blank, figures.blank);
  count(totals_.invalid, figures.invalid);
  TALLYD_CHECK(figures.invalid + figures.blank <= figures.cards);
  count(totals_.anonymous, figures.cards - figures.invalid - figures.blank);
  for (const PaperCount& one : figures.counts) {
    const OptionIndex option =
        one.option < rules.counts_for.size() ? rules.counts_for[one.option] : one.option;
    if (option == kNoOption) continue;
    TALLYD_CHECK(option < options_.size());
    OptionTally& tally = options_[option];
    count(tally.ballots, one.ballots);
    tally.paper += sign * one.score;
    MarkChanged(option);
  }
}

std::uint64_t& PollTally::HeldTotal(FlagState state) {
  TALLYD_CHECK(IsHeld(state));
  return state == FlagState::kQuarantined ? totals_.quarantined : totals_.voided;
}

void PollTally::CountHeld(const HeldFigures& figures, int sign) {
  const auto count = [sign](std::uint64_t& total, std::uint64_t number) {
    TALLYD_CHECK(sign > 0 || total >= number);
    total = sign > 0 ? total + number : total - number;
  };
  count(totals_.online, figures.ballots);
  count(totals_.blank, figures.blank);
  for (const HeldCount& one : figures.counts) {
    TALLYD_CHECK(one.option < options_.size());
    OptionTally& tally = options_[one.option];
    count(tally.ballots, one.ballots);
    tally.online += sign * one.score;
    MarkChanged(one.option);
  }
}

void PollTally::Decide(const FlagDecisionEntry& decision) {
  const HeldFigures& figures = decision.figures;
  ++totals_.decisions;
  if (IsHeld(decision.was)) {
    std::uint64_t& total = HeldTotal(decision.was);
    TALLYD_CHECK(total >= figures.ballots);
    total -= figures.ballots;
  }
  if (IsHeld(decision.to)) HeldTotal(decision.to) += figures.ballots;
  if (IsHeld(decision.was) == IsHeld(decision.to)) return;
  CountHeld(figures, IsHeld(decision.to) ? -1 : 1);
}

void PollTally::Hold(const BallotRules& rules, const HeldBallotEntry& held) {
  std::uint64_t& total = HeldTotal(held.state);
  if (held.put_back) {
    TALLYD_CHECK(total > 0);
    --total;
    Add(Channel::kOnline, rules, held.payload);
  } else {
    ++total;
    Remove(Channel::kOnline, rules, held.payload);
  }
}

void PollTally::MoveVotes(OptionIndex option, OptionIndex into, const FateOverlap& overlap) {
  TALLYD_CHECK(option < options_.size() && into < options_.size() && option != into);
  OptionTally& from = options_[option];
  OptionTally& to = options_[into];
  TALLYD_CHECK(overlap.ballots <= from.ballots && overlap.ballots <= to.ballots);
  to.online += from.online - overlap.online;
  to.paper += from.paper - overlap.paper;
  to.ballots += from.ballots - overlap.ballots;
  from = {};
  MarkChanged(option);
  MarkChanged(into);
}

void PollTally::ReleaseVotes(OptionIndex option) {
  TALLYD_CHECK(option < options_.size());
  options_[option] = {};
  MarkChanged(option);
}

void PollTally::MarkChanged(OptionIndex option) {
  if (is_changed_[option]) return;
  is_changed_[option] = true;
  changed_.push_back(option);
}

std::vector<OptionIndex> PollTally::TakeChanged() {
  for (const OptionIndex option : changed_) is_changed_[option] = false;
  return std::exchange(changed_, {});
}

std::string PollTally::Encode() const {
  std::string bytes;
  ByteWriter out(&bytes);
  out.U64(totals_.online);
  out.U64(totals_.paper);
  out.U64(totals_.blank);
  out.U64(totals_.invalid);
  out.U64(totals_.anonymous);
  out.U64(totals_.quarantined);
  out.U64(totals_.voided);
  out.U64(totals_.decisions);
  out.U32(static_cast<std::uint32_t>(options_.size()));
  for (const OptionTally& option : options_) {
    out.U64(static_cast<std::uint64_t>(option.online));
    out.U64(static_cast<std::uint64_t>(option.paper));
    out.U64(option.ballots);
  }
  return bytes;
}

absl::Status PollTally::Decode(std::string_view bytes, PollTally* tally) {
  ByteReader in(bytes);
  PollTally decoded;
  decoded.totals_.online = in.U64();
  decoded.totals_.paper = in.U64();
  decoded.totals_.blank = in.U64();
  decoded.totals_.invalid = in.U64();
  decoded.totals_.anonymous = in.U64();
  decoded.totals_.quarantined = in.U64();
  decoded.totals_.voided = in.U64();
  decoded.totals_.decisions = in.U64();
  const std::uint32_t count = in.U32();
  if (!in.ok() || in.remaining() != count * std::size_t{24}) {
    return absl::DataLossError("a poll's counts have the wrong size");
  }
  decoded.ResizeOptions(count);
  for (OptionTally& option : decoded.options_) {
    option.online = static_cast<std::int64_t>(in.U64());
    option.paper = static_cast<std::int64_t>(in.U64());
    option.ballots = in.U64();
  }
  *tally = std::move(decoded);
  return absl::OkStatus();
}

}  // namespace tallyd
