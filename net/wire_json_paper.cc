#include "net/wire_json_paper.h"

#include <algorithm>

#include "engine/limits.h"
#include "engine/paper_rules.h"
#include "net/concat.h"
#include "net/wire_json_document.h"
#include "net/wire_json_paper_cards.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using enum ProblemCode;

constexpr std::int64_t kScoreMax = std::int64_t{1} << 53;  // exact in every JSON reader

std::uint32_t ReadCards(ObjectReader& reader, std::string_view name) {
  return static_cast<std::uint32_t>(reader.Integer(name, 0, kPaperCardsPerBatchMax).value_or(0));
}

// Of a survey: the question's.
BallotType TypeOf(const PollView& poll, QuestionIndex question) {
  return poll.is_survey() ? poll.definition.questions[question].ballot.type
                          : poll.definition.ballot.type;
}

// Adds "/a", or "/q1/a" in a survey.
void AppendOptionPointer(const PollView& poll, OptionIndex index, std::string& pointer) {
  const OptionDefinition& option = poll.definition.options[index];
  if (poll.is_survey()) AppendPointer(poll.definition.questions[option.question].id, pointer);
  AppendPointer(option.id, pointer);
}

// One member of "counts"; nothing if it is faulty or counts nothing.
std::optional<PaperCount> ReadCount(const json::value& value, BallotType type,
                                    const std::string& pointer, DocumentErrors& errors) {
  PaperCount count;
  if (type == BallotType::kChoose) {
    const std::int64_t* number = value.if_int64();
    if (number == nullptr || *number < 0 || *number > kPaperCardsPerBatchMax) {
      errors.Add(pointer, kMemberInvalid,
                 Concat("must be an integer from 0 to ", kPaperCardsPerBatchMax));
      return std::nullopt;
    }
    count.ballots = static_cast<std::uint32_t>(*number);
    count.score = *number;
  } else {
    ObjectReader reader(value, pointer, errors);
    for (const std::string_view name : {"ballots", "score"}) {
      if (!reader.Has(name)) reader.Require(name);
    }
    count.ballots = ReadCards(reader, "ballots");
    count.score = reader.Integer("score", -kScoreMax, kScoreMax).value_or(0);
    reader.RefuseUnknown();
  }
  if (count.ballots == 0 && count.score != 0) {
    errors.Add(pointer, kSumMismatch, Concat("a score of ", count.score, ", but 0 ballots"));
  }
  if (count.ballots == 0) return std::nullopt;
  return count;
}

// The counts of one question, or of the poll.
void ReadCountsOf(const json::value& value, const PollView& poll, QuestionIndex question,
                  const std::string& pointer, DocumentErrors& errors, PaperFigures& figures) {
  const json::object* counts = value.if_object();
  if (counts == nullptr) {
    errors.Add(pointer, kMemberInvalid, "must be an object: a count for each option");
    return;
  }
  if (counts->size() > kPaperCountsPerBatchMax) {
    errors.Add(pointer, kMemberInvalid,
               Concat("must not have more than ", kPaperCountsPerBatchMax));
    return;
  }
  for (const auto& member : *counts) {
    const std::string_view id(member.key().data(), member.key().size());
    std::string place = pointer;
    AppendPointer(id, place);
    const auto option = poll.FindOption(id, question);
    if (!option) {
      errors.Add(
          place, kOptionUnknown,
          poll.is_survey() ? "the question has no such option" : "the poll has no such option");
      continue;
    }
    auto count = ReadCount(member.value(), TypeOf(poll, question), place, errors);
    if (!count) continue;
    count->option = *option;
    figures.counts.push_back(*count);
  }
}

void ReadCounts(ObjectReader& reader, const PollView& poll, DocumentErrors& errors,
                PaperFigures& figures) {
  const json::value* value = reader.Require("counts");
  if (value == nullptr) return;
  const std::string pointer = reader.PointerTo("counts");
  if (!poll.is_survey()) {
    ReadCountsOf(*value, poll, 0, pointer, errors, figures);
  } else if (const json::object* questions = value->if_object()) {
    for (const auto& member : *questions) {
      const std::string_view id(member.key().data(), member.key().size());
      std::string place = pointer;
      AppendPointer(id, place);
      if (const auto question = poll.FindQuestion(id)) {
        ReadCountsOf(member.value(), poll, *question, place, errors, figures);
      } else {
        errors.Add(place, kQuestionUnknown, "the poll has no such question");
      }
    }
  } else {
    reader.Fault("counts", kMemberInvalid, "must be an object: the counts of each question");
  }
  if (figures.counts.size() > kPaperCountsPerBatchMax) {
    reader.Fault("counts", kMemberInvalid,
                 Concat("must not have more than ", kPaperCountsPerBatchMax));
  }
  std::sort(figures.counts.begin(), figures.counts.end(),
            [](const PaperCount& a, const PaperCount& b) { return a.option < b.option; });
}

std::optional<BoxIndex> ReadBox(ObjectReader& reader, const PollView& poll) {
  const auto id = reader.String("box", 1, 64);
  if (!id) return std::nullopt;
  const auto box = poll.FindBox(*id);
  if (!box) reader.Fault("box", kBoxUnknown, "the poll has no such box");
  return box;
}

void ReadOpening(ObjectReader& reader, DocumentErrors& errors, PaperBatch& batch) {
  if (const auto text = reader.String("opened_at", 1, 64)) {
    batch.opened_at = ParseTime(*text);
    if (!batch.opened_at) {
      reader.Fault("opened_at", kMemberInvalid, "not a time such as 2026-05-01T06:00:00Z");
    }
  }
  const json::array* names = ReadArray(reader, "counted_by", false, kPaperNamesPerBatchMax);
  for (std::size_t i = 0; names != nullptr && i < names->size(); ++i) {
    const json::string* name = (*names)[i].if_string();
    const std::string_view text =
        name == nullptr ? std::string_view() : std::string_view(name->data(), name->size());
    if (!IsVoter(text)) {
      errors.Add(Concat("/counted_by/", i), kMemberInvalid,
                 "must be 1 to 128 bytes without control characters");
    }
    batch.counted_by.emplace_back(text);
  }
}

// What both entries of a batch have. `given` says which of box and seal were there.
struct Entered {
  PaperBatch batch;
  bool has_box = false;
  bool has_seal = false;
};

// Where `cards_may_follow`, a batch without counts gets them from its cards.
Entered ReadEntered(ObjectReader& reader, const PollView& poll, bool cards_may_follow,
                    DocumentErrors& errors) {
  Entered entered;
  PaperBatch& batch = entered.batch;
  entered.has_box = reader.Has("box");
  entered.has_seal = reader.Has("seal");
  batch.box = ReadBox(reader, poll).value_or(0);
  ReadOpening(reader, errors, batch);
  batch.seal = std::string(reader.String("seal", 0, kPaperTextBytesMax).value_or(""));
  if (!reader.Has("cards")) reader.Require("cards");
  batch.figures.cards = ReadCards(reader, "cards");
  batch.figures.invalid = ReadCards(reader, "invalid");
  batch.figures.blank = ReadCards(reader, "blank");
  batch.by_cards = cards_may_follow && !reader.Has("counts");
  if (!batch.by_cards) ReadCounts(reader, poll, errors, batch.figures);
  reader.RefuseUnknown();
  return entered;
}

void CheckSums(const PollView& poll, const PaperBatch& batch, DocumentErrors& errors) {
  const PaperFigures& figures = batch.figures;
  if (batch.by_cards) {
    const std::uint64_t rest = std::uint64_t{figures.invalid} + figures.blank;
    if (rest <= figures.cards) return;
    errors.Add("/cards", kSumMismatch,
               Concat("invalid and blank add up to ", rest, ", but cards is ", figures.cards));
    return;
  }
  const auto fault = CheckPaperFigures(poll.definition, figures);
  if (!fault) return;
  std::string pointer = "/counts";
  if (fault->option) AppendOptionPointer(poll, *fault->option, pointer);
  errors.Add(pointer, kSumMismatch, fault->text);
}

std::string CellText(BallotType type, const PaperCount& count) {
  if (type == BallotType::kChoose) return Concat(count.ballots);
  return Concat(count.ballots, " ballots with a score of ", count.score);
}

void AddCell(std::string_view pointer, std::string_view first, std::string_view second,
             DocumentErrors& cells) {
  if (first == second) return;
  cells.Add(pointer, kEntriesDiffer,
            Concat("the first entry has ", first, ", the second has ", second));
}

void AppendSignature(std::string_view name, const PaperSignature& signature, std::string& out) {
  AppendTo(&out, ",\"", name, "\":{");
  if (!signature.actor.empty()) {
    out += "\"by\":";
    AppendJsonString(signature.actor, out);
    out += ',';
  }
  AppendTo(&out, "\"at\":\"", FormatTime(signature.time), "\"");
}

// Those of one question, or of the poll.
void AppendCounts(const PollView& poll, QuestionIndex question,
                  const std::vector<PaperCount>& counts, std::string& out) {
  const PollDefinition& definition = poll.definition;
  const BallotType type = TypeOf(poll, question);
  bool first = true;
  for (const PaperCount& count : counts) {
    const OptionDefinition& option = definition.options[count.option];
    if (option.question != question) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(option.id, out);
    if (type == BallotType::kChoose) {
      AppendTo(&out, ":", count.ballots);
    } else {
      AppendTo(&out, ":{\"ballots\":", count.ballots, ",\"score\":", count.score, "}");
    }
  }
}

void AppendRecord(const PollView& poll, const PaperRecord& record, std::string_view reader,
                  std::string& out) {
  const PaperBatch& batch = record.batch;
  out += "{\"poll\":";
  AppendJsonString(poll.definition.id, out);
  out += ",\"batch\":";
  AppendJsonString(batch.id, out);
  AppendTo(&out, ",\"status\":\"",
           record.voided              ? "voided"
           : record.counts            ? "counted"
           : record.waits_for_cards() ? "announced"
                                      : "entered",
           "\",\"box\":");
  AppendJsonString(poll.definition.boxes[batch.box - 1].id, out);
  if (batch.opened_at) AppendTo(&out, ",\"opened_at\":\"", FormatTime(*batch.opened_at), "\"");
  out += ",\"counted_by\":[";
  for (std::size_t i = 0; i < batch.counted_by.size(); ++i) {
    if (i != 0) out += ',';
    AppendJsonString(batch.counted_by[i], out);
  }
  out += ']';
  if (!batch.seal.empty()) {
    out += ",\"seal\":";
    AppendJsonString(batch.seal, out);
  }
  if (HidesFigures(poll, record, reader)) {
    out += ",\"figures_hidden\":true";
  } else {
    const PaperFigures& figures = record.figures();
    AppendTo(&out, ",\"cards\":", figures.cards, ",\"invalid\":", figures.invalid,
             ",\"blank\":", figures.blank);
  }
  AppendSignature("entered", record.entered, out);
  out += '}';
  if (record.cards_entered) {
    AppendSignature("cards_entered", *record.cards_entered, out);
    out += '}';
  }
  if (record.confirmed) {
    AppendSignature("confirmed", *record.confirmed, out);
    out += record.blind ? ",\"blind\":true}" : ",\"blind\":false}";
  }
  if (record.voided) {
    AppendSignature("voided", *record.voided, out);
    out += ",\"reason\":";
    AppendJsonString(record.void_reason, out);
    out += '}';
  }
}

}  // namespace

std::optional<PaperBatch> DecodePaperBatch(std::string_view body, const PollView& poll,
                                           std::string_view batch_id,
                                           std::vector<BodyError>& errors) {
  DocumentErrors found;
  std::optional<PaperBatch> batch;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    if (!reader.Has("box")) reader.Require("box");
    batch = ReadEntered(reader, poll, true, found).batch;
    batch->id = std::string(batch_id);
    if (found.empty()) CheckSums(poll, *batch, found);
  }
  if (found.empty()) return batch;
  errors = found.Take();
  return std::nullopt;
}

std::optional<ConfirmPaperBatch::SecondEntry> DecodeSecondEntry(std::string_view body,
                                                                const PollView& poll,
                                                                std::vector<BodyError>& errors) {
  DocumentErrors found;
  ConfirmPaperBatch::SecondEntry second;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    Entered entered = ReadEntered(reader, poll, false, found);
    if (entered.has_box) second.box = entered.batch.box;
    if (entered.has_seal) second.seal = std::move(entered.batch.seal);
    second.figures = std::move(entered.batch.figures);
  }
  if (found.empty()) return second;
  errors = found.Take();
  return std::nullopt;
}

std::optional<std::string> DecodeVoid(std::string_view body, std::vector<BodyError>& errors) {
  DocumentErrors found;
  std::string reason;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    reason = std::string(reader.RequireString("reason", 1, kPaperTextBytesMax).value_or(""));
    reader.RefuseUnknown();
  }
  if (found.empty()) return reason;
  errors = found.Take();
  return std::nullopt;
}

std::vector<BodyError> CompareEntries(const PollView& poll, const PaperRecord& entered,
                                      const ConfirmPaperBatch::SecondEntry& second) {
  const PollDefinition& definition = poll.definition;
  const PaperBatch& first = entered.batch;
  const PaperFigures& figures = entered.figures();
  DocumentErrors cells;
  if (second.box) {
    AddCell("/box", definition.boxes[first.box - 1].id, definition.boxes[*second.box - 1].id,
            cells);
  }
  if (second.seal)
    AddCell("/seal", Concat('"', first.seal, '"'), Concat('"', *second.seal, '"'), cells);
  AddCell("/cards", Concat(figures.cards), Concat(second.figures.cards), cells);
  AddCell("/invalid", Concat(figures.invalid), Concat(second.figures.invalid), cells);
  AddCell("/blank", Concat(figures.blank), Concat(second.figures.blank), cells);
  const std::vector<PaperCount>& a = figures.counts;
  const std::vector<PaperCount>& b = second.figures.counts;
  for (std::size_t i = 0, k = 0; i < a.size() || k < b.size();) {
    const bool take_a = i < a.size() && (k == b.size() || a[i].option <= b[k].option);
    const bool take_b = k < b.size() && (i == a.size() || b[k].option <= a[i].option);
    const PaperCount in_a = take_a ? a[i] : PaperCount{};
    const PaperCount in_b = take_b ? b[k] : PaperCount{};
    std::string pointer = "/counts";
    const OptionIndex option = take_a ? in_a.option : in_b.option;
    AppendOptionPointer(poll, option, pointer);
    const BallotType type = TypeOf(poll, definition.options[option].question);
    AddCell(pointer, CellText(type, in_a), CellText(type, in_b), cells);
    if (take_a) ++i;
    if (take_b) ++k;
  }
  return cells.Take();
}

bool HidesFigures(const PollView& poll, const PaperRecord& record, std::string_view reader) {
  if (!poll.definition.paper_blind || record.counts || record.voided) return false;
  return record.cards_entered ? record.cards_entered->actor != reader
                              : record.entered.actor != reader;
}

void AppendPaperBatch(const PollView& poll, const PaperRecord& record, std::string_view reader,
                      std::string& out) {
  AppendRecord(poll, record, reader, out);
  if (HidesFigures(poll, record, reader)) {
    out += "}\n";
    return;
  }
  if (poll.is_survey()) {
    out += ",\"counts\":{";
    for (QuestionIndex i = 0; i < poll.definition.questions.size(); ++i) {
      if (i != 0) out += ',';
      AppendJsonString(poll.definition.questions[i].id, out);
      out += ":{";
      AppendCounts(poll, i, record.figures().counts, out);
      out += '}';
    }
  } else {
    out += ",\"counts\":{";
    AppendCounts(poll, 0, record.figures().counts, out);
  }
  out += '}';
  if (record.cards_entered) AppendCardOutcomes(record, out);
  out += "}\n";
}

void AppendPaperPage(const PollView& poll, const PaperPage& page, const PaperReader& reader,
                     std::string& out) {
  out += "{\"batches\":[";
  bool first = true;
  for (const PaperRecord& record : page.batches) {
    if (!first) out += ',';
    first = false;
    AppendRecord(poll, record, reader.actor, out);
    out += '}';
  }
  out += ']';
  if (!reader.next.empty()) {
    out += ",\"next\":";
    AppendJsonString(reader.next, out);
  }
  out += "}\n";
}

}  // namespace tallyd
