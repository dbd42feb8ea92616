#include "net/wire_json_paper_cards.h"

#include <algorithm>
#include <iterator>

#include "engine/limits.h"
#include "net/concat.h"
#include "net/line_splitter.h"
#include "net/wire_json_document.h"
#include "net/wire_json_poll_parts.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using enum ProblemCode;

constexpr std::size_t kLinesShownMax = 1'000;

// By CardResult: what it is called, and the problem it is reported as where it does not count.
struct ResultWords {
  std::string_view count;
  std::string_view code;
  std::string_view channel;
};
constexpr ResultWords kResults[] = {{"counted", "", ""},
                                    {"beat_online", "", ""},
                                    {"voted_online", "already_voted", "online"},
                                    {"on_paper", "already_voted", "paper"},
                                    {"not_on_roll", "not_on_roll", ""}};

// Takes the lines of a body apart and keeps the cards.
class CardReader {
 public:
  CardReader(const PollView& poll, VoteDecoder& decoder, DocumentErrors& errors)
      : poll_(poll), decoder_(decoder), errors_(errors) {}

  void Take(const LineSplitter::Line& line) {
    const std::string place = Concat("/", line.number - 1);
    if (line.too_long) return errors_.Add(place, kBodyTooLarge, At(line, "the line is too long"));
    if (line.is_blank()) return;
    DecodedVote vote;
    BodyError error;
    if (!decoder_.Decode(line.text, poll_, VoteDecoder::Form::kCardLine, vote, error)) {
      errors_.Add(Concat(place, error.pointer), error.code, At(line, error.detail));
      return;
    }
    bytes_ += vote.ballot.view().size();
    if (cards_.size() == kPaperCardsWithCodesPerBatchMax || bytes_ > kPaperCardBytesPerBatchMax) {
      if (!full_) errors_.Add(place, kTooManyLines, At(line, kTooMany));
      full_ = true;
      return;
    }
    // A card weighs 1: it bears no token that could say otherwise.
    if (poll_.rules.weight_max != 0) vote.ballot = PackWeighted(1, vote.ballot.view());
    cards_.push_back({.tag = poll_.voter_key->MakeTag(vote.voter, vote.ballot_no),
                      .payload = std::string(vote.ballot.view())});
  }
  std::vector<PaperCard> TakeCards() { return std::move(cards_); }

 private:
  static constexpr std::string_view kTooMany =
      "a batch takes 3,000 cards, or 64 KiB of ballots: enter the rest as another batch";

  static std::string At(const LineSplitter::Line& line, std::string_view what) {
    return Concat("line ", line.number, what.empty() ? "" : ": ", what);
  }

  const PollView& poll_;
  VoteDecoder& decoder_;
  DocumentErrors& errors_;
  std::vector<PaperCard> cards_;
  std::size_t bytes_ = 0;
  bool full_ = false;
};

// In a blind poll what waits for its second person is not summed up either.
void AppendSum(std::string_view name, const PaperBoxSummary::Sum& sum, bool hidden,
               std::string& out) {
  AppendTo(&out, ",\"", name, "\":{\"batches\":", sum.batches);
  if (hidden) {
    out += ",\"figures_hidden\":true}";
    return;
  }
  AppendTo(&out, ",\"cards\":", sum.cards, ",\"invalid\":", sum.invalid, ",\"blank\":", sum.blank,
           "}");
}

void AppendBox(const BoxDefinition& box, const PaperBoxSummary& sums, bool blind,
               std::string& out) {
  out += "{\"box\":";
  AppendJsonString(box.id, out);
  DocumentErrors errors;
  const auto display = ParseDocument(box.display, errors);
  const json::object* members = display ? display->if_object() : nullptr;
  const json::value* place = members == nullptr ? nullptr : members->if_contains("place");
  const json::value* handed_out = members == nullptr ? nullptr : members->if_contains("handed_out");
  if (place != nullptr && place->is_string()) {
    out += ",\"place\":";
    AppendJsonString({place->get_string().data(), place->get_string().size()}, out);
  }
  if (handed_out != nullptr && handed_out->is_int64()) {
    const std::uint64_t entered = blind ? 0 : sums.entered.cards;
    const auto back = static_cast<std::int64_t>(entered + sums.counted.cards);
    AppendTo(&out, ",\"handed_out\":", handed_out->get_int64(),
             ",\"not_returned\":", handed_out->get_int64() - back);
  }
  AppendSum("entered", sums.entered, blind && sums.entered.batches > 0, out);
  AppendSum("counted", sums.counted, false, out);
  AppendSum("voided", sums.voided, false, out);
  out += ",\"card_lines\":{";
  for (std::size_t i = 0; i < std::size(kResults); ++i) {
    AppendTo(&out, i == 0 ? "\"" : ",\"", kResults[i].count, "\":", sums.cards_by_result[i]);
  }
  AppendTo(&out, ",\"online_after\":", sums.online_after, "}}");
}

void ReadCodes(ObjectReader& reader, DocumentErrors& errors, CodesOrder& order) {
  const json::array* codes = ReadArray(reader, "codes", false, kCodesPerBatchMax);
  if (codes == nullptr) return;
  for (std::size_t i = 0; i < codes->size(); ++i) {
    const json::string* code = (*codes)[i].if_string();
    const std::string_view text =
        code == nullptr ? std::string_view() : std::string_view(code->data(), code->size());
    if (!IsVoter(text)) {
      errors.Add(Concat("/codes/", i), kVoterInvalid,
                 "must be 1 to 128 bytes without control characters");
    }
    order.codes.emplace_back(text);
  }
  if (codes->empty()) reader.Fault("codes", kMemberInvalid, "must not be empty");
}

}  // namespace

std::optional<std::vector<PaperCard>> DecodePaperCards(std::string_view body, const PollView& poll,
                                                       VoteDecoder& decoder,
                                                       std::vector<BodyError>& errors) {
  DocumentErrors found;
  CardReader reader(poll, decoder, found);
  LineSplitter splitter;
  while (const auto line = splitter.Next(body)) reader.Take(*line);
  if (const auto line = splitter.Finish()) reader.Take(*line);
  if (found.empty()) return reader.TakeCards();
  errors = found.Take();
  return std::nullopt;
}

void AppendCardOutcomes(const PaperRecord& record, std::string& out) {
  std::size_t counts[std::size(kResults)] = {};
  for (const CardOutcome& outcome : record.outcomes) {
    ++counts[static_cast<std::size_t>(outcome.result)];
  }
  out += ",\"card_lines\":{";
  for (std::size_t i = 0; i < std::size(kResults); ++i) {
    AppendTo(&out, "\"", kResults[i].count, "\":", counts[i], ",");
  }
  const auto tried = std::count(record.online_after.begin(), record.online_after.end(), true);
  AppendTo(&out, "\"online_after\":", tried, ",\"items\":[");
  std::size_t shown = 0;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < record.outcomes.size(); ++i) {
    ResultWords words = kResults[static_cast<std::size_t>(record.outcomes[i].result)];
    // It counts, and its voter was refused online afterwards: for people to look at.
    const bool came_online = i < record.online_after.size() && record.online_after[i];
    if (came_online) words = {"", "online_after", "online"};
    if (words.code.empty()) continue;
    if (shown == kLinesShownMax) {
      ++left_out;
      continue;
    }
    AppendTo(&out, shown == 0 ? "" : ",", "{\"line\":", i + 1, ",\"code\":\"", words.code, "\"");
    if (!words.channel.empty()) AppendTo(&out, ",\"channel\":\"", words.channel, "\"");
    out += '}';
    ++shown;
  }
  AppendTo(&out, "],\"truncated\":", left_out > 0 ? "true" : "false", "}");
}

void AppendReconciliation(const PollView& poll, const std::vector<PaperBoxSummary>& boxes,
                          std::string& out) {
  out += "{\"poll\":";
  AppendJsonString(poll.definition.id, out);
  out += ",\"boxes\":[";
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (i != 0) out += ',';
    AppendBox(poll.definition.boxes[i], boxes[i], poll.definition.paper_blind, out);
  }
  out += "]}\n";
}

std::optional<CodesOrder> DecodeCodesOrder(std::string_view body, std::vector<BodyError>& errors) {
  DocumentErrors found;
  CodesOrder order;
  if (const auto document = ParseDocument(body, found)) {
    ObjectReader reader(*document, "", found);
    order.batch = std::string(reader.String("batch", 1, 63).value_or(""));
    if (!order.batch.empty() && !IsId(order.batch)) {
      reader.Fault("batch", kIdInvalid, "1 to 63 lower-case letters, digits or hyphens");
    }
    const bool given = reader.Has("codes");
    if (given == reader.Has("count")) {
      found.Add("/count", kMemberMissing, "say either how many codes to make, or which there are");
    }
    if (given) {
      ReadCodes(reader, found, order);
      order.count = order.codes.size();
    } else {
      const auto most = static_cast<std::int64_t>(kCodesPerBatchMax);
      order.count = static_cast<std::size_t>(reader.Integer("count", 1, most).value_or(0));
    }
    reader.RefuseUnknown();
  }
  if (found.empty()) return order;
  errors = found.Take();
  return std::nullopt;
}

void AppendCodes(std::string_view poll, std::string_view batch, std::size_t count,
                 const std::vector<std::string>& codes, std::string& out) {
  out += "{\"poll\":";
  AppendJsonString(poll, out);
  out += ",\"batch\":";
  AppendJsonString(batch, out);
  AppendTo(&out, ",\"count\":", count);
  if (!codes.empty()) {
    out += ",\"codes\":[";
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (i != 0) out += ',';
      AppendJsonString(codes[i], out);
    }
    out += ']';
  }
  out += "}\n";
}

}  // namespace tallyd
