#include "engine/visibility.h"

#include <algorithm>

#include "engine/ranking.h"

namespace tallyd {
namespace {

std::uint64_t Distance(const PollTally& a, const PollTally& b) {
  const std::uint64_t x = a.totals().ballots();
  const std::uint64_t y = b.totals().ballots();
  return x > y ? x - y : y - x;
}

bool CanBeBlank(const BallotDefinition& ballot) {
  return ballot.type != BallotType::kChoose || ballot.min == 0;
}

void HideRow(RankedOption* row) {
  *row = {.suppressed = true, .split_hidden = true};
}

// Ballots of the smaller channel, as far as they are known; 0 where they are not.
std::int64_t SmallerSide(const BallotDefinition& ballot, const RankedOption& row) {
  if (ballot.type != BallotType::kChoose) return 0;
  return std::min(row.online, row.paper);
}

// Finds the least of what is not hidden yet.
template <typename IsHidden, typename Size>
OptionIndex* FindLeast(std::vector<OptionIndex>& cells, IsHidden is_hidden, Size size) {
  OptionIndex* least = nullptr;
  for (OptionIndex& option : cells) {
    if (is_hidden(option)) continue;
    if (least == nullptr || size(option) < size(*least)) least = &option;
  }
  return least;
}

// One question's cells; the blank ballots are one of them where there is one question.
void SuppressIn(std::vector<OptionIndex>& cells, const BallotDefinition& ballot, std::uint64_t k,
                bool alone, std::vector<RankedOption>& rows, RankingSnapshot* snapshot) {
  PollTotals& totals = snapshot->totals;
  const auto is_hidden = [&rows](OptionIndex option) { return rows[option].suppressed; };
  const auto ballots = [&rows](OptionIndex option) { return rows[option].ballots; };
  std::size_t hidden = 0;
  for (const OptionIndex option : cells) {
    if (rows[option].ballots >= k) continue;
    HideRow(&rows[option]);
    ++hidden;
  }
  const std::size_t blanks_hidden = alone && snapshot->blank_hidden ? 1 : 0;
  if (hidden + blanks_hidden == 1) {
    if (const OptionIndex* next = FindLeast(cells, is_hidden, ballots)) {
      HideRow(&rows[*next]);
      ++hidden;
    } else {
      snapshot->blank_hidden = true;
    }
  }
  if (totals.online == 0 || totals.paper == 0) return;  // one channel: its cells are the scores
  std::size_t splits_hidden = hidden;
  for (const OptionIndex option : cells) {
    RankedOption& row = rows[option];
    if (row.split_hidden || SmallerSide(ballot, row) >= static_cast<std::int64_t>(k)) continue;
    row.split_hidden = true;
    ++splits_hidden;
  }
  if (splits_hidden != 1) return;
  const OptionIndex* next = FindLeast(
      cells, [&rows](OptionIndex option) { return rows[option].split_hidden; },
      [&](OptionIndex option) { return SmallerSide(ballot, rows[option]); });
  if (next != nullptr) rows[*next].split_hidden = true;
}

// Hidden rows last and by id, so that ranks are as if there were none: an order or a gap would
// tell.
SharedOrder OrderWithoutHidden(const PollDefinition& definition,
                               const std::vector<RankedOption>& rows,
                               std::vector<OptionIndex> order) {
  const auto& options = definition.options;
  std::stable_sort(order.begin(), order.end(), [&](OptionIndex a, OptionIndex b) {
    if (options[a].question != options[b].question)
      return options[a].question < options[b].question;
    if (rows[a].suppressed != rows[b].suppressed) return rows[b].suppressed;
    return rows[a].suppressed && options[a].id < options[b].id;
  });
  return SharedOrder(order);
}

void EncodeStamp(const VisibilityGate::Stamp& stamp, ByteWriter* out) {
  out->U64(stamp.position);
  out->I64(stamp.time);
}

VisibilityGate::Stamp DecodeStamp(ByteReader* in) {
  VisibilityGate::Stamp stamp;
  stamp.position = in->U64();
  stamp.time = in->I64();
  return stamp;
}

}  // namespace

bool IsSealed(const VisibilityDefinition& visibility, PollState state) {
  if (visibility.rule != Visibility::kSealed || state == PollState::kFinal) return false;
  return visibility.from == VisibleFrom::kFinal || state != PollState::kClosed;
}

bool IsWithheld(const VisibilityDefinition& visibility, PollState state) {
  const bool coarse = visibility.rule == Visibility::kCoarse && state != PollState::kFinal;
  return coarse || IsSealed(visibility, state);
}

bool HidesTurnout(const VisibilityDefinition& visibility, PollState state) {
  return visibility.turnout_hidden && IsSealed(visibility, state);
}

void SuppressSmallCells(const PollDefinition& definition, RankingSnapshot* snapshot) {
  const std::uint64_t k = definition.visibility.coarse_k;
  const bool survey = definition.ballot.type == BallotType::kSurvey;
  snapshot->blank_hidden = snapshot->totals.blank < k && (survey || CanBeBlank(definition.ballot));
  std::vector<std::vector<OptionIndex>> cells(survey ? definition.questions.size() : 1);
  std::vector<RankedOption> rows = snapshot->rows.ToVector();
  for (OptionIndex i = 0; i < rows.size(); ++i) {
    cells[definition.options[i].question].push_back(i);
  }
  for (QuestionIndex question = 0; question < cells.size(); ++question) {
    const BallotDefinition& ballot =
        survey ? definition.questions[question].ballot : definition.ballot;
    SuppressIn(cells[question], ballot, k, !survey, rows, snapshot);
  }
  if (snapshot->blank_hidden) snapshot->totals.blank = 0;
  // What an operator took out in small numbers could be told from two steps.
  const auto is_small = [k](std::uint64_t held) { return held > 0 && held < k; };
  if (is_small(snapshot->totals.quarantined) || is_small(snapshot->totals.voided)) {
    snapshot->held_hidden = true;
    snapshot->totals.quarantined = snapshot->totals.voided = 0;
  }
  for (RankedOption& row : rows) {
    if (row.split_hidden) row.online = row.paper = 0;
  }
  snapshot->order = OrderWithoutHidden(definition, rows, snapshot->order.ToVector());
  snapshot->rows = SharedRows(rows);
}

void VisibilityGate::NoteEvent(const VisibilityDefinition& visibility, Stamp at) {
  visibility_ = visibility;
  event_ = at;
}

void VisibilityGate::Settle(const PollTally& tally, PollState state, Stamp at) {
  if (visibility_.rule != Visibility::kCoarse) return;
  if (state == PollState::kFinal) {
    if (shown_.at.position < event_.position) shown_ = {tally, at};
    return;
  }
  if (Distance(tally, held_.tally) < visibility_.coarse_k) return;
  shown_ = std::move(held_);
  held_ = {tally, at};
}

VisibilityGate::Stamp VisibilityGate::Shown(PollState state, Stamp newest) const {
  if (visibility_.rule == Visibility::kCoarse) {
    return shown_.at.position > event_.position ? shown_.at : event_;
  }
  return HidesTurnout(visibility_, state) ? event_ : newest;
}

bool VisibilityGate::IsOpen(PollState state) const {
  return visibility_.rule != Visibility::kCoarse && !IsSealed(visibility_, state);
}

void VisibilityGate::Fill(const PollDefinition& definition, RankingSnapshot* snapshot) const {
  const std::size_t options = definition.options.size();
  if (IsSealed(visibility_, snapshot->state)) {
    snapshot->sealed = true;
    snapshot->turnout_hidden = visibility_.turnout_hidden;
    snapshot->blank_hidden = true;  // with few options the figures follow from it
    snapshot->totals.blank = 0;
    if (snapshot->turnout_hidden) snapshot->totals = {};
    RankedOption hidden;
    HideRow(&hidden);
    snapshot->rows = SharedRows::Repeat(options, hidden);
    return;
  }
  snapshot->totals = shown_.tally.totals();
  const std::vector<OptionTally>& tallies = shown_.tally.options();
  snapshot->rows = SharedRows::Make(options, [&tallies](OptionIndex option) {
    // An option that came after the step shown.
    return option < tallies.size() ? RowOf(tallies[option]) : RankedOption{};
  });
  std::vector<Ranking::Name> names;
  names.reserve(options);
  for (const OptionDefinition& option : definition.options) {
    names.push_back({option.question, option.id});
  }
  Ranking ranking;
  ranking.Reset(names, [snapshot](OptionIndex option) { return snapshot->rows[option].score; });
  snapshot->order = ranking.order();
  SuppressSmallCells(definition, snapshot);
}

// rule, from u8; k u32; turnout hidden u8; the last event's position u64 and time i64; of a coarse
// poll the step shown and the one held back, each position u64, time i64, counts (string).
void VisibilityGate::Encode(ByteWriter* out) const {
  out->U8(static_cast<std::uint8_t>(visibility_.rule));
  out->U8(static_cast<std::uint8_t>(visibility_.from));
  out->U32(visibility_.coarse_k);
  out->U8(visibility_.turnout_hidden ? 1 : 0);
  EncodeStamp(event_, out);
  if (visibility_.rule != Visibility::kCoarse) return;
  for (const Step* step : {&shown_, &held_}) {
    EncodeStamp(step->at, out);
    out->String(step->tally.Encode());
  }
}

bool VisibilityGate::Decode(ByteReader* in, VisibilityGate* gate) {
  VisibilityDefinition& visibility = gate->visibility_;
  visibility.rule = DecodeEnum(in, Visibility::kLive, Visibility::kSealed);
  visibility.from = DecodeEnum(in, VisibleFrom::kOpen, VisibleFrom::kFinal);
  visibility.coarse_k = in->U32();
  visibility.turnout_hidden = in->U8() != 0;
  gate->event_ = DecodeStamp(in);
  if (visibility.rule != Visibility::kCoarse) return in->finished();
  for (Step* step : {&gate->shown_, &gate->held_}) {
    step->at = DecodeStamp(in);
    if (!PollTally::Decode(in->String(), &step->tally).ok()) return false;
  }
  return in->finished();
}

}  // namespace tallyd
