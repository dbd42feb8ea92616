#include "engine/tally_book.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "engine/poll_registry.h"
#include "storage/absl_view.h"
#include "storage/byte_codec.h"

namespace tallyd {
namespace {

// In the state's byte of a checkpoint.
constexpr unsigned kGated = 0x80;
constexpr unsigned kWeighted = 0x40;

absl::Status Damaged(const RecordHeader& header, std::string_view what) {
  return absl::DataLossError(
      absl::StrCat("journal record ", header.position, ": ", AbslView(what)));
}

void EncodeRules(const BallotRules& rules, ByteWriter* out) {
  out->U8(static_cast<std::uint8_t>(rules.type));
  out->U32(rules.min);
  out->U32(rules.max);
  out->U32(rules.points_total);
  out->U32(rules.points_per_option_max);
  out->U8(static_cast<std::uint8_t>(rules.scoring));
}

void DecodeRules(ByteReader* in, BallotRules* rules) {
  rules->type = DecodeEnum(in, BallotType::kChoose, BallotType::kSurvey);
  rules->min = in->U32();
  rules->max = in->U32();
  rules->points_total = in->U32();
  rules->points_per_option_max = in->U32();
  rules->scoring = DecodeEnum(in, RankScoring::kBorda, RankScoring::kBordaBallot);
}

void EncodeIndexes(const std::vector<std::uint32_t>& indexes, ByteWriter* out) {
  out->U32(static_cast<std::uint32_t>(indexes.size()));
  for (const std::uint32_t index : indexes) out->U32(index);
}

void DecodeIndexes(ByteReader* in, std::vector<std::uint32_t>* indexes) {
  const std::uint32_t count = in->U32();
  if (count > in->remaining() / 4) return in->Fail();
  for (std::uint32_t i = 0; i < count; ++i) indexes->push_back(in->U32());
}

}  // namespace

TallyBook::PollPage* TallyBook::Touch(PollNumber poll, const RecordHeader& header) {
  const auto found = polls_.find(poll);
  if (found == polls_.end()) return nullptr;
  PollPage& page = *found->second;
  if (page.position != header.position) {
    page.position = header.position;
    page.as_of = header.time;
    touched_.push_back(poll);
  }
  return &page;
}

absl::Status TallyBook::Apply(const RecordView& record) {
  touched_.clear();
  absl::Status applied =
      record.ForEach([&](const Entry& entry) { return ApplyEntry(entry, record.header()); });
  for (const PollNumber poll : touched_) {
    PollPage& page = *polls_.at(poll);
    page.gate.Settle(page.tally, page.state, page.newest());
  }
  return applied;
}

absl::Status TallyBook::ApplyEntry(const Entry& entry, const RecordHeader& header) {
  if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
    PollPage* page = Touch(ballot->poll, header);
    if (page == nullptr) return Damaged(header, "a ballot of an unknown poll");
    if (ballot->supersedes && !ballot->supersedes->payload.empty()) {
      page->tally.Remove(ballot->supersedes->channel, page->rules, ballot->supersedes->payload);
    }
    page->tally.Add(ballot->channel, page->rules, ballot->payload);
  } else if (const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
    PollPage* page = Touch(withdrawal->poll, header);
    if (page == nullptr) return Damaged(header, "a withdrawal of an unknown poll");
    page->tally.Remove(withdrawal->supersedes.channel, page->rules, withdrawal->supersedes.payload);
  } else if (const auto* poll = std::get_if<PollEntry>(&entry)) {
    auto& page = polls_[poll->number];
    if (page == nullptr) page = std::make_unique<PollPage>();
    page->rules = RulesOf(poll->definition);
    page->tally.ResizeOptions(poll->definition.options.size());
    page->ranking_is_whole = false;
    Touch(poll->number, header);
    page->gate.NoteEvent(poll->definition.visibility, page->newest());
  } else if (const auto* state = std::get_if<PollStateEntry>(&entry)) {
    PollPage* page = Touch(state->poll, header);
    if (page == nullptr) return Damaged(header, "a state of an unknown poll");
    page->state = state->to;
    page->gate.NoteEvent(page->newest());
  } else if (std::holds_alternative<PaperBatchEntry>(entry) ||
             std::holds_alternative<PaperConfirmEntry>(entry) ||
             std::holds_alternative<PaperVoidEntry>(entry) ||
             std::holds_alternative<PaperCardsCountEntry>(entry)) {
    return ApplyPaper(entry, header);
  } else if (const auto* fate = std::get_if<OptionFateEntry>(&entry)) {
    return ApplyFate(*fate, header);
  } else {
    return ApplyFraud(entry, header);
  }
  return absl::OkStatus();
}

// What is flagged counts as before; only decisions and what follows from them change a ranking.
absl::Status TallyBook::ApplyFraud(const Entry& entry, const RecordHeader& header) {
  if (const auto* decision = std::get_if<FlagDecisionEntry>(&entry)) {
    PollPage* page = Touch(decision->poll, header);
    if (page == nullptr) return Damaged(header, "a decision on flags of an unknown poll");
    const std::vector<HeldCount>& counts = decision->figures.counts;
    if (!counts.empty() && counts.back().option >= page->tally.options().size()) {
      return Damaged(header, "a decision on flags that names an unknown option");
    }
    page->tally.Decide(*decision);
  } else if (const auto* held = std::get_if<HeldBallotEntry>(&entry)) {
    PollPage* page = Touch(held->poll, header);
    if (page == nullptr) return Damaged(header, "a held ballot of an unknown poll");
    page->tally.Hold(page->rules, *held);
  }
  return absl::OkStatus();
}

// A batch that nobody confirmed yet, and the voiding of one, change no ranking.
absl::Status TallyBook::ApplyPaper(const Entry& entry, const RecordHeader& header) {
  PollNumber poll = 0;
  const PaperFigures* added = nullptr;
  const PaperFigures* removed = nullptr;
  if (const auto* batch = std::get_if<PaperBatchEntry>(&entry)) {
    poll = batch->poll;
    if (batch->counts) added = &batch->batch.figures;
  } else if (const auto* confirm = std::get_if<PaperConfirmEntry>(&entry)) {
    poll = confirm->poll;
    added = &confirm->figures;
  } else if (const auto* cards = std::get_if<PaperCardsCountEntry>(&entry)) {
    poll = cards->poll;
    added = &cards->rest;  // the cards themselves are ballots
  } else if (const auto* taken = std::get_if<PaperVoidEntry>(&entry)) {
    poll = taken->poll;
    if (taken->reverses) removed = &*taken->reverses;
  }
  if (!polls_.contains(poll)) return Damaged(header, "paper of an unknown poll");
  if (added == nullptr && removed == nullptr) return absl::OkStatus();
  PollPage* page = Touch(poll, header);
  if (added != nullptr) page->tally.AddPaper(page->rules, *added);
  if (removed != nullptr) page->tally.RemovePaper(page->rules, *removed);
  return absl::OkStatus();
}

absl::Status TallyBook::ApplyFate(const OptionFateEntry& fate, const RecordHeader& header) {
  PollPage* page = Touch(fate.poll, header);
  if (page == nullptr) return Damaged(header, "a fate in an unknown poll");
  page->gate.NoteEvent(page->newest());  // what readers see of the option changes
  const std::size_t options = page->tally.options().size();
  const bool moved = fate.fate == OptionFate::kMoved;
  if (fate.option >= options || (moved && fate.into >= options)) {
    return Damaged(header, "a fate of an unknown option");
  }
  if (fate.fate == OptionFate::kKept) {
    page->tally.Touch(fate.option);
    return absl::OkStatus();
  }
  SetCountsFor(fate.option, moved ? fate.into : kNoOption, options, &page->rules);
  if (moved) {
    page->tally.MoveVotes(fate.option, fate.into, fate.overlap);
  } else {
    page->tally.ReleaseVotes(fate.option);
  }
  return absl::OkStatus();
}

void TallyBook::SetView(std::shared_ptr<const PollView> view) {
  PollPage& page = *polls_.at(view->number);
  page.view = std::move(view);
}

Position TallyBook::ShownPosition(PollNumber poll) const {
  const PollPage& page = *polls_.at(poll);
  return page.gate.Shown(page.state, page.newest()).position;
}

std::shared_ptr<const RankingSnapshot> TallyBook::MakeSnapshot(PollNumber poll, Epoch epoch) {
  PollPage& page = *polls_.at(poll);
  const VisibilityGate::Stamp shown = page.gate.Shown(page.state, page.newest());
  auto snapshot = std::make_shared<RankingSnapshot>();
  snapshot->poll = poll;
  snapshot->epoch = epoch;
  snapshot->position = shown.position;
  snapshot->as_of = shown.time;
  snapshot->state = page.state;
  snapshot->totals = page.tally.totals();
  snapshot->view = page.view;
  if (page.gate.IsOpen(page.state)) {
    FillOpen(page, snapshot.get());
  } else {
    FillGated(page, snapshot.get());
  }
  return snapshot;
}

void TallyBook::FillGated(PollPage& page, RankingSnapshot* snapshot) {
  page.gate.Fill(page.view->definition, snapshot);
  page.ranking_is_whole = false;  // rows_shown are not the tally's
  if (snapshot->sealed) return;   // once it opens, every option is new to its readers
  // A row may also change because another did: compare what is shown. With a new definition an
  // option may be shown otherwise, so all of them.
  const bool redefined = page.view_shown != page.view;
  page.view_shown = page.view;
  for (OptionIndex option = 0; option < snapshot->rows.size(); ++option) {
    const bool same = !redefined && option < page.rows_shown.size() &&
                      page.rows_shown[option] == snapshot->rows[option];
    if (!same) snapshot->changed.push_back(option);
  }
  page.rows_shown = snapshot->rows;
}

void TallyBook::FillOpen(PollPage& page, RankingSnapshot* snapshot) {
  const std::vector<OptionTally>& options = page.tally.options();
  const auto score = [&options](OptionIndex option) { return options[option].score(); };
  const auto row = [&options](OptionIndex option) { return RowOf(options[option]); };
  std::vector<OptionIndex> changed = page.tally.TakeChanged();
  if (page.ranking_is_whole) {
    std::sort(changed.begin(), changed.end());
    page.ranking.Update(changed, score);
    page.rows_shown = page.rows_shown.With(changed, row);
  } else {
    std::vector<Ranking::Name> names;
    names.reserve(options.size());
    for (const OptionDefinition& option : page.view->definition.options) {
      names.push_back({option.question, option.id});
    }
    page.ranking.Reset(names, score);
    page.rows_shown = SharedRows::Make(options.size(), row);
    page.ranking_is_whole = true;
  }
  for (; page.options_shown < options.size(); ++page.options_shown) {
    changed.push_back(page.options_shown);  // may be there already; ChangeLog merges them
  }
  snapshot->changed = std::move(changed);
  snapshot->order = page.ranking.order();
  snapshot->rows = page.rows_shown;
}

std::vector<PollNumber> TallyBook::Polls() const {
  std::vector<PollNumber> polls;
  polls.reserve(polls_.size());
  for (const auto& [number, page] : polls_) polls.push_back(number);
  std::sort(polls.begin(), polls.end());
  return polls;
}

// position u64, time i64, state u8 (with kGated: a gate comes before the counts; with kWeighted:
// the largest weight u32 comes next), ballot rules (type u8, min, max, points_total,
// points_per_option_max u32 each, scoring u8), number of questions u32 and the rules of each; of a
// survey number of options u32 and the question of each; where votes count elsewhere number of
// options u32 and whom each counts for (kNoOption: nobody); the gate (string); then the counts
// (PollTally::Encode).
std::vector<TallyCheckpoint::Poll> TallyBook::Encode() const {
  std::vector<TallyCheckpoint::Poll> encoded;
  for (const PollNumber number : Polls()) {
    const PollPage& page = *polls_.at(number);
    std::string bytes;
    ByteWriter out(&bytes);
    out.U64(page.position);
    out.I64(page.as_of);
    const bool gated = !page.gate.is_live();
    const bool weighted = page.rules.weight_max != 0;
    out.U8(static_cast<std::uint8_t>(static_cast<unsigned>(page.state) | (gated ? kGated : 0U) |
                                     (weighted ? kWeighted : 0U)));
    if (weighted) out.U32(page.rules.weight_max);
    EncodeRules(page.rules, &out);
    out.U32(static_cast<std::uint32_t>(page.rules.questions.size()));
    for (const BallotRules& question : page.rules.questions) EncodeRules(question, &out);
    EncodeIndexes(page.rules.question_of_option, &out);
    EncodeIndexes(page.rules.counts_for, &out);
    if (gated) {
      std::string gate;
      ByteWriter writer(&gate);
      page.gate.Encode(&writer);
      out.String(gate);
    }
    out.Bytes(page.tally.Encode());
    encoded.push_back({.poll = number, .tally = std::move(bytes)});
  }
  return encoded;
}

absl::Status TallyBook::Decode(const std::vector<TallyCheckpoint::Poll>& polls) {
  for (const TallyCheckpoint::Poll& encoded : polls) {
    ByteReader in(encoded.tally);
    auto page = std::make_unique<PollPage>();
    page->position = in.U64();
    page->as_of = in.I64();
    const unsigned state = in.U8();
    page->state = static_cast<PollState>(state & ~(kGated | kWeighted));
    if ((state & kWeighted) != 0) page->rules.weight_max = in.U32();
    DecodeRules(&in, &page->rules);
    const std::uint32_t questions = in.U32();
    for (std::uint32_t i = 0; i < questions && in.ok(); ++i) {
      DecodeRules(&in, &page->rules.questions.emplace_back());
    }
    DecodeIndexes(&in, &page->rules.question_of_option);
    DecodeIndexes(&in, &page->rules.counts_for);
    if ((state & kGated) != 0) {
      ByteReader gate(in.String());
      if (!VisibilityGate::Decode(&gate, &page->gate)) {
        return absl::DataLossError("a poll's checkpoint has a broken gate");
      }
    }
    if (!in.ok()) return absl::DataLossError("a poll's checkpoint is too short");
    absl::Status counts = PollTally::Decode(in.Bytes(in.remaining()), &page->tally);
    if (!counts.ok()) return counts;
    polls_[encoded.poll] = std::move(page);
  }
  return absl::OkStatus();
}

}  // namespace tallyd
