#include "net/wire_csv_paper.h"

#include <csv.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "engine/limits.h"
#include "engine/paper_rules.h"
#include "net/concat.h"
#include "net/wire_json_document.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

using enum ProblemCode;

// Windows-1252 from 0x80 to 0x9f; 0 = no character.
constexpr std::array<std::uint16_t, 32> kWindows1252 = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

void AppendUtf8(std::uint16_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// UTF-8 with line feeds alone; nullopt: no text in either encoding.
std::optional<std::string> ToText(std::string_view body) {
  if (body.substr(0, 3) == "\xef\xbb\xbf") body.remove_prefix(3);
  std::string text;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\r') {
      text += body[i];
    } else if (i + 1 == body.size() || body[i + 1] != '\n') {
      text += '\n';  // as old spreadsheets end a line
    }
  }
  if (IsText(text)) return text;
  std::string converted;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool special = byte >= 0x80 && byte < 0xa0;
    if (special && kWindows1252[byte - 0x80] == 0) return std::nullopt;
    AppendUtf8(special ? kWindows1252[byte - 0x80] : byte, converted);
  }
  return IsText(converted) ? std::optional<std::string>(std::move(converted)) : std::nullopt;
}

struct Row {
  std::vector<std::string> cells;
  std::size_t line = 1;
};

// Rows with their line numbers, out of libcsv's callbacks.
struct RowCollector {
  static void OnField(void* data, std::size_t size, void* self) {
    auto& rows = *static_cast<RowCollector*>(self);
    const std::string_view field(static_cast<const char*>(data), size);
    if (rows.current.cells.empty()) rows.current.line = rows.line;
    rows.line += static_cast<std::size_t>(std::count(field.begin(), field.end(), '\n'));
    rows.current.cells.emplace_back(StripBlanks(field));
  }
  static void OnRowEnd(int end, void* self) {
    auto& rows = *static_cast<RowCollector*>(self);
    if (!rows.current.cells.empty()) rows.all.push_back(std::move(rows.current));
    rows.current = Row();
    if (end == '\n') ++rows.line;
  }

  std::vector<Row> all;
  Row current;
  std::size_t line = 1;
};

std::optional<std::vector<Row>> SplitRows(const std::string& text) {
  csv_parser parser;
  if (csv_init(&parser, CSV_REPALL_NL) != 0) return std::nullopt;
  const std::size_t separator = text.find_first_of(";,\t");
  if (separator != std::string::npos) {
    csv_set_delim(&parser, static_cast<unsigned char>(text[separator]));
  }
  RowCollector rows;
  const std::size_t taken = csv_parse(&parser, text.data(), text.size(), RowCollector::OnField,
                                      RowCollector::OnRowEnd, &rows);
  csv_fini(&parser, RowCollector::OnField, RowCollector::OnRowEnd, &rows);
  csv_free(&parser);
  if (taken != text.size()) return std::nullopt;
  std::erase_if(rows.all, [](const Row& row) {
    return std::all_of(row.cells.begin(), row.cells.end(),
                       [](const std::string& cell) { return cell.empty(); });
  });
  return std::move(rows.all);
}

// Lower case for ASCII and the two umlauts that the words have.
std::string Folded(std::string_view text) {
  std::string folded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view two = text.substr(i, 2);
    if (two == "Ü" || two == "Ö" || two == "Ä") {
      folded += two == "Ü" ? "ü" : two == "Ö" ? "ö" : "ä";
      ++i;
    } else {
      folded += static_cast<char>(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    }
  }
  return folded;
}

enum class Word : std::uint8_t {
  kBox,
  kOpenedAt,
  kCountedBy,
  kSeal,
  kCards,
  kInvalid,
  kBlank,
  kOption,
  kQuestion
};

std::optional<Word> FindWord(std::string_view cell) {
  static constexpr std::pair<std::string_view, Word> kWords[] = {{"box", Word::kBox},
                                                                 {"urne", Word::kBox},
                                                                 {"opened_at", Word::kOpenedAt},
                                                                 {"geöffnet", Word::kOpenedAt},
                                                                 {"counted_by", Word::kCountedBy},
                                                                 {"gezählt von", Word::kCountedBy},
                                                                 {"seal", Word::kSeal},
                                                                 {"siegel", Word::kSeal},
                                                                 {"cards", Word::kCards},
                                                                 {"karten", Word::kCards},
                                                                 {"invalid", Word::kInvalid},
                                                                 {"ungültig", Word::kInvalid},
                                                                 {"blank", Word::kBlank},
                                                                 {"leer", Word::kBlank},
                                                                 {"option", Word::kOption},
                                                                 {"idee", Word::kOption},
                                                                 {"vorschlag", Word::kOption},
                                                                 {"question", Word::kQuestion},
                                                                 {"frage", Word::kQuestion}};
  const std::string folded = Folded(cell);
  for (const auto& [name, word] : kWords) {
    if (name == folded) return word;
  }
  return std::nullopt;
}

class TableReader {
 public:
  TableReader(const PollView& poll, DocumentErrors& errors) : poll_(poll), errors_(errors) {}

  PaperBatch Read(const std::vector<Row>& rows, std::string_view batch_id) {
    batch_.id = std::string(batch_id);
    bool options = false;
    for (const Row& row : rows) {
      if (options) {
        ReadOption(row);
        continue;
      }
      const auto word = FindWord(row.cells[0]);
      if (!word) {
        Fault(row, kMemberInvalid,
              Concat("\"", row.cells[0],
                     "\" is none of the words known here, and no line with "
                     "\"option\" (Idee) came before"));
        continue;
      }
      options = *word == Word::kOption || *word == Word::kQuestion;
      if (!options) ReadFigure(row, *word);
      if (options && (*word == Word::kQuestion) != poll_.is_survey()) {
        return Stop(row);
      }
    }
    if (batch_.box == 0 && errors_.empty()) errors_.Add("", kMemberMissing, "no line says the box");
    if (!has_cards_ && errors_.empty()) {
      errors_.Add("", kMemberMissing, "no line says how many cards there were");
    }
    auto& counts = batch_.figures.counts;
    std::sort(counts.begin(), counts.end(),
              [](const PaperCount& a, const PaperCount& b) { return a.option < b.option; });
    return std::move(batch_);
  }

 private:
  // The lines that follow would be read as what they are not.
  PaperBatch Stop(const Row& row) {
    Fault(row, kMemberInvalid,
          poll_.is_survey() ? "a survey's counts have the question in their first column, and "
                              "\"question\" (Frage) above it"
                            : "the poll has no questions: begin with \"option\" (Idee)");
    return {};
  }

  void Fault(const Row& row, ProblemCode code, std::string_view what) {
    errors_.Add(Concat("/", row.line), code, Concat("line ", row.line, ": ", what));
  }

  std::optional<std::int64_t> ReadNumber(const Row& row, std::size_t cell, bool may_be_negative) {
    std::string_view text = row.cells.size() > cell ? row.cells[cell] : std::string_view();
    const bool negative = may_be_negative && !text.empty() && text[0] == '-';
    if (negative) text.remove_prefix(1);
    const auto number = ParseDecimal(text);
    if (!number || *number > std::uint64_t{1} << 53) {
      Fault(row, kMemberInvalid,
            Concat("column ", cell + 1, " must be a number in digits alone, not \"", text, "\""));
      return std::nullopt;
    }
    return negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
  }

  std::uint32_t ReadCards(const Row& row, std::size_t cell) {
    const auto number = ReadNumber(row, cell, false);
    if (!number) return 0;
    if (*number > kPaperCardsPerBatchMax) {
      Fault(row, kMemberInvalid, Concat("must not be more than ", kPaperCardsPerBatchMax));
      return 0;
    }
    return static_cast<std::uint32_t>(*number);
  }

  void ReadFigure(const Row& row, Word word) {
    const std::string text = row.cells.size() > 1 ? row.cells[1] : "";
    const bool repeated = word != Word::kCountedBy && (seen_ & Bit(word)) != 0;
    if (repeated) return Fault(row, kMemberInvalid, "this was said before");
    seen_ |= Bit(word);
    switch (word) {
      case Word::kBox: {
        const auto box = poll_.FindBox(text);
        if (!box) return Fault(row, kBoxUnknown, "the poll has no such box");
        batch_.box = *box;
        return;
      }
      case Word::kOpenedAt:
        batch_.opened_at = ParseTime(text);
        if (!batch_.opened_at) {
          Fault(row, kMemberInvalid, "not a time such as 2026-05-01T06:00:00Z");
        }
        return;
      case Word::kCountedBy:
        if (!IsVoter(text) || batch_.counted_by.size() == kPaperNamesPerBatchMax) {
          return Fault(row, kMemberInvalid, "must be 1 to 128 bytes, and not more than 20 names");
        }
        batch_.counted_by.push_back(text);
        return;
      case Word::kSeal:
        if (text.size() > kPaperTextBytesMax) return Fault(row, kMemberInvalid, "too long");
        batch_.seal = text;
        return;
      case Word::kCards:
        has_cards_ = true;
        batch_.figures.cards = ReadCards(row, 1);
        return;
      case Word::kInvalid:
        batch_.figures.invalid = ReadCards(row, 1);
        return;
      case Word::kBlank:
        batch_.figures.blank = ReadCards(row, 1);
        return;
      case Word::kOption:
      case Word::kQuestion:
        return;
    }
  }

  void ReadOption(const Row& row) {
    // Of a survey: question, option, cards that name it; a column more than elsewhere.
    const std::size_t first = poll_.is_survey() ? 1 : 0;
    const auto question =
        poll_.is_survey() ? poll_.FindQuestion(row.cells[0]) : std::optional<QuestionIndex>(0);
    if (!question) {
      return Fault(row, kQuestionUnknown,
                   Concat("the poll has no question \"", row.cells[0], "\""));
    }
    const std::string name = row.cells.size() > first ? row.cells[first] : "";
    const auto option = poll_.FindOption(name, *question);
    if (!option) {
      return Fault(row, kOptionUnknown, Concat("the poll has no option \"", name, "\""));
    }
    const auto [before, fresh] = lines_.emplace(*option, row.line);
    if (!fresh) {
      return Fault(row, kOptionRepeated,
                   Concat("\"", name, "\" was counted in line ", before->second));
    }
    if (lines_.size() > kPaperCountsPerBatchMax) {
      return Fault(row, kMemberInvalid, Concat("more than ", kPaperCountsPerBatchMax, " options"));
    }
    PaperCount count{.option = *option};
    count.ballots = ReadCards(row, first + 1);
    count.score = count.ballots;
    const BallotDefinition& ballot =
        poll_.is_survey() ? poll_.definition.questions[*question].ballot : poll_.definition.ballot;
    if (ballot.type != BallotType::kChoose) {
      count.score = ReadNumber(row, first + 2, true).value_or(0);
    }
    if (count.ballots == 0 && count.score != 0) {
      Fault(row, kSumMismatch, Concat("a score of ", count.score, ", but 0 cards"));
    }
    if (count.ballots != 0) batch_.figures.counts.push_back(count);
  }

  static unsigned Bit(Word word) { return 1U << static_cast<unsigned>(word); }

  const PollView& poll_;
  DocumentErrors& errors_;
  PaperBatch batch_;
  unsigned seen_ = 0;
  bool has_cards_ = false;
  absl::flat_hash_map<OptionIndex, std::size_t> lines_;
};

// nullopt: `errors` has every fault.
std::optional<PaperBatch> ReadTable(std::string_view body, const PollView& poll,
                                    std::string_view batch_id, DocumentErrors& errors) {
  const auto text = ToText(body);
  const auto rows = text ? SplitRows(*text) : std::nullopt;
  std::optional<PaperBatch> batch;
  if (!rows) {
    errors.Add("", kMemberInvalid, "neither UTF-8 nor Windows-1252, or no table");
  } else {
    batch = TableReader(poll, errors).Read(*rows, batch_id);
  }
  return errors.empty() ? batch : std::nullopt;
}

}  // namespace

std::optional<PaperBatch> DecodePaperCsv(std::string_view body, const PollView& poll,
                                         std::string_view batch_id,
                                         std::vector<BodyError>& errors) {
  DocumentErrors found;
  auto batch = ReadTable(body, poll, batch_id, found);
  if (batch) {
    const auto fault = CheckPaperFigures(poll.definition, batch->figures);
    if (!fault) return batch;
    found.Add("", kSumMismatch, fault->text);
  }
  errors = found.Take();
  return std::nullopt;
}

std::optional<ConfirmPaperBatch::SecondEntry> DecodeSecondCsv(std::string_view body,
                                                              const PollView& poll,
                                                              std::vector<BodyError>& errors) {
  DocumentErrors found;
  auto batch = ReadTable(body, poll, "", found);
  if (!batch) {
    errors = found.Take();
    return std::nullopt;
  }
  ConfirmPaperBatch::SecondEntry second;
  second.box = batch->box;
  if (!batch->seal.empty()) second.seal = std::move(batch->seal);
  second.figures = std::move(batch->figures);
  return second;
}

}  // namespace tallyd
