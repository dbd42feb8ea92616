#include "tools/pabulib/pabulib_file.h"

#include <csv.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <unordered_set>

namespace tallyd {
namespace {

struct Row {
  std::vector<std::string> fields;
  int line = 0;  // where it begins
};

// Rows with their line numbers, out of libcsv's callbacks.
class RowCollector {
 public:
  static void OnField(void* data, std::size_t size, void* self) {
    static_cast<RowCollector*>(self)->AddField({static_cast<const char*>(data), size});
  }
  static void OnRowEnd(int end, void* self) { static_cast<RowCollector*>(self)->EndRow(end); }

  std::vector<Row> Take() { return std::move(rows_); }
  int line() const { return line_; }

 private:
  void AddField(std::string_view field) {
    if (current_.fields.empty()) current_.line = line_;
    line_ += static_cast<int>(std::count(field.begin(), field.end(), '\n'));
    current_.fields.emplace_back(field);
  }
  void EndRow(int end) {
    if (!current_.fields.empty()) rows_.push_back(std::move(current_));
    current_ = Row();
    if (end == '\n') ++line_;
  }

  int line_ = 1;
  Row current_;
  std::vector<Row> rows_;
};

absl::Status Refuse(const std::string& name, int line, const std::string& rule) {
  return absl::InvalidArgumentError(name + ":" + std::to_string(line) + ": " + rule);
}

// Line of the first byte that is not UTF-8 (RFC 3629); 0 if there is none.
int FindBadUtf8(std::string_view text) {
  int line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead == '\n') ++line;
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || i + length > text.size()) return line;
    std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return line;
      code = code << 6 | (next & 0x3fu);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return line;
    i += length;
  }
  return 0;
}

absl::StatusOr<std::vector<Row>> SplitRows(std::string_view content, const std::string& name) {
  constexpr int kFieldBegun = 2;  // a parser state of libcsv that its header does not name
  csv_parser parser;
  if (csv_init(&parser, CSV_REPALL_NL) != 0) {
    return absl::ResourceExhaustedError(name + ": not enough memory");
  }
  csv_set_delim(&parser, ';');
  RowCollector rows;
  const std::size_t taken = csv_parse(&parser, content.data(), content.size(),
                                      RowCollector::OnField, RowCollector::OnRowEnd, &rows);
  absl::Status status;
  if (taken != content.size()) {
    status = Refuse(name, rows.line(), csv_strerror(csv_error(&parser)));
  } else if (parser.pstate == kFieldBegun && parser.quoted != 0) {
    // libcsv itself refuses this only in its strict mode, which refuses quotes inside fields, too.
    status = Refuse(name, rows.line(), "a quoted field that begins here never ends");
  } else {
    csv_fini(&parser, RowCollector::OnField, RowCollector::OnRowEnd, &rows);
  }
  csv_free(&parser);
  if (!status.ok()) return status;
  return rows.Take();
}

// "12", also "12.0" as some cities write it.
std::optional<std::int64_t> ParseNumber(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point != std::string_view::npos) {
    if (text.find_first_not_of('0', point + 1) != std::string_view::npos) return std::nullopt;
    text = text.substr(0, point);
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    items.emplace_back(item);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return items;
}

std::optional<PabulibVoteType> ParseVoteType(const std::string& text) {
  if (text == "approval") return PabulibVoteType::kApproval;
  if (text == "choose-1") return PabulibVoteType::kChooseOne;
  if (text == "cumulative") return PabulibVoteType::kCumulative;
  if (text == "ordinal") return PabulibVoteType::kOrdinal;
  if (text == "scoring") return PabulibVoteType::kScoring;
  return std::nullopt;
}

class FileReader {
 public:
  explicit FileReader(const std::string& name) { file_.name = name; }

  absl::StatusOr<PabulibFile> Read(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      const absl::Status status = ReadRow(row);
      if (!status.ok()) return status;
    }
    const absl::Status status = Finish(rows.empty() ? 1 : rows.back().line);
    if (!status.ok()) return status;
    return std::move(file_);
  }

 private:
  enum class Section { kNone, kMeta, kProjects, kVotes };

  absl::Status ReadRow(const Row& row) {
    if (row.fields.size() == 1 && BeginSection(row.fields[0])) return absl::OkStatus();
    if (section_ == Section::kNone) {
      return Refuse(file_.name, row.line, "the file must begin with a line \"META\"");
    }
    if (columns_.empty()) return ReadHeader(row);
    if (section_ == Section::kMeta) return ReadMeta(row);
    return section_ == Section::kProjects ? ReadProject(row) : ReadVote(row);
  }

  bool BeginSection(const std::string& word) {
    if (word == "META" && section_ == Section::kNone) {
      section_ = Section::kMeta;
    } else if (word == "PROJECTS" && section_ == Section::kMeta) {
      section_ = Section::kProjects;
    } else if (word == "VOTES" && section_ == Section::kProjects) {
      section_ = Section::kVotes;
    } else {
      return false;
    }
    columns_.clear();
    return true;
  }

  absl::Status ReadHeader(const Row& row) {
    for (std::size_t i = 0; i < row.fields.size(); ++i) columns_.emplace(row.fields[i], i);
    const std::vector<std::string> required =
        section_ == Section::kMeta       ? std::vector<std::string>{"key", "value"}
        : section_ == Section::kProjects ? std::vector<std::string>{"project_id", "cost"}
                                         : std::vector<std::string>{"voter_id", "vote"};
    for (const std::string& column : required) {
      if (!columns_.contains(column)) {
        return Refuse(file_.name, row.line,
                      "the header of this section has no column \"" + column + "\"");
      }
    }
    return absl::OkStatus();
  }

  // "" if the row is shorter: the last columns may be left out.
  std::string Field(const Row& row, const std::string& column) const {
    const auto found = columns_.find(column);
    return found == columns_.end() || found->second >= row.fields.size()
               ? std::string()
               : row.fields[found->second];
  }

  absl::Status ReadMeta(const Row& row) {
    const std::string key = Field(row, "key");
    if (!file_.meta.emplace(key, Field(row, "value")).second) {
      return Refuse(file_.name, row.line, "the key \"" + key + "\" is there twice");
    }
    return absl::OkStatus();
  }

  absl::Status ReadProject(const Row& row) {
    PabulibProject project;
    project.line = row.line;
    project.id = Field(row, "project_id");
    project.name = Field(row, "name");
    if (project.id.empty()) return Refuse(file_.name, row.line, "project_id must not be empty");
    if (!project_ids_.insert(project.id).second) {
      return Refuse(file_.name, row.line, "the project \"" + project.id + "\" is there twice");
    }
    const std::optional<std::int64_t> cost = ParseNumber(Field(row, "cost"));
    if (!cost.has_value() || *cost < 0) {
      return Refuse(file_.name, row.line, "cost must be a whole number, 0 or more");
    }
    project.cost = *cost;
    for (const auto& [column, member] :
         {std::pair("votes", &PabulibProject::votes), std::pair("score", &PabulibProject::score)}) {
      const std::string text = Field(row, column);
      if (text.empty()) continue;
      project.*member = ParseNumber(text);
      if (!(project.*member).has_value()) {
        return Refuse(file_.name, row.line, std::string(column) + " must be a whole number");
      }
    }
    file_.projects.push_back(std::move(project));
    return absl::OkStatus();
  }

  absl::Status ReadVote(const Row& row) {
    PabulibVote vote;
    vote.line = row.line;
    vote.voter_id = Field(row, "voter_id");
    vote.choices = SplitList(Field(row, "vote"));
    vote.paper = Field(row, "voting_method") == "paper";
    if (vote.voter_id.empty()) return Refuse(file_.name, row.line, "voter_id must not be empty");
    for (const std::string& item : SplitList(Field(row, "points"))) {
      const std::optional<std::int64_t> points = ParseNumber(item);
      if (!points.has_value()) {
        return Refuse(file_.name, row.line, "points must be whole numbers, one for each choice");
      }
      vote.points.push_back(*points);
    }
    if (!vote.points.empty() && vote.points.size() != vote.choices.size()) {
      return Refuse(file_.name, row.line, "points must be whole numbers, one for each choice");
    }
    file_.votes.push_back(std::move(vote));
    return absl::OkStatus();
  }

  absl::Status Finish(int last_line) {
    if (section_ != Section::kVotes || columns_.empty()) {
      return Refuse(file_.name, last_line,
                    "the sections META, PROJECTS and VOTES must all be there");
    }
    const std::string type = file_.meta.contains("vote_type") ? file_.meta.at("vote_type") : "";
    const std::optional<PabulibVoteType> known = ParseVoteType(type);
    if (!known.has_value()) {
      return Refuse(file_.name, 1,
                    "vote_type \"" + type +
                        "\" is not one of approval, choose-1, cumulative, ordinal, scoring");
    }
    file_.vote_type = *known;
    const bool with_points =
        *known == PabulibVoteType::kCumulative || *known == PabulibVoteType::kScoring;
    for (const PabulibVote& vote : file_.votes) {
      if (with_points && vote.points.size() != vote.choices.size()) {
        return Refuse(file_.name, vote.line, "points must be whole numbers, one for each choice");
      }
    }
    return absl::OkStatus();
  }

  PabulibFile file_;
  Section section_ = Section::kNone;
  std::map<std::string, std::size_t> columns_;
  std::unordered_set<std::string> project_ids_;
};

std::int64_t ScoreOf(const PabulibScoring& scoring, const PabulibVote& vote, std::size_t at) {
  switch (scoring.rule) {
    case PabulibScoring::Rule::kBallots:
      return 1;
    case PabulibScoring::Rule::kPoints:
      return vote.points[at];
    case PabulibScoring::Rule::kBorda:
      return scoring.max - static_cast<std::int64_t>(at);
    case PabulibScoring::Rule::kBordaBallot:
      return static_cast<std::int64_t>(vote.choices.size() - at);
  }
  return 0;
}

}  // namespace

std::optional<std::int64_t> PabulibFile::MetaNumber(const std::string& key) const {
  const auto found = meta.find(key);
  return found == meta.end() ? std::nullopt : ParseNumber(found->second);
}

std::size_t PabulibFile::LongestBallot() const {
  std::size_t longest = 0;
  for (const PabulibVote& vote : votes) longest = std::max(longest, vote.choices.size());
  return longest;
}

std::size_t PabulibFile::ShortestBallot() const {
  std::size_t shortest = votes.empty() ? 0 : votes.front().choices.size();
  for (const PabulibVote& vote : votes) shortest = std::min(shortest, vote.choices.size());
  return shortest;
}

std::int64_t PabulibFile::LargestPointsSum() const {
  std::int64_t largest = 0;
  for (const PabulibVote& vote : votes) {
    std::int64_t sum = 0;
    for (const std::int64_t points : vote.points) sum += points;
    largest = std::max(largest, sum);
  }
  return largest;
}

absl::StatusOr<PabulibFile> ParsePabulib(std::string_view content, const std::string& name) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  const int bad_line = FindBadUtf8(content);
  if (bad_line != 0) return Refuse(name, bad_line, "the file must be UTF-8");
  const auto rows = SplitRows(content, name);
  if (!rows.ok()) return rows.status();
  return FileReader(name).Read(*rows);
}

absl::StatusOr<PabulibFile> ReadPabulib(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(path + ": cannot be opened");
  std::ostringstream content;
  content << file.rdbuf();
  if (file.bad()) return absl::UnavailableError(path + ": cannot be read");
  return ParsePabulib(content.str(), path);
}

PabulibScoring FindScoring(const PabulibFile& file) {
  using Rule = PabulibScoring::Rule;
  switch (file.vote_type) {
    case PabulibVoteType::kApproval:
    case PabulibVoteType::kChooseOne:
      return {Rule::kBallots, 0};
    case PabulibVoteType::kCumulative:
    case PabulibVoteType::kScoring:
      return {Rule::kPoints, 0};
    case PabulibVoteType::kOrdinal:
      break;
  }
  const std::optional<std::int64_t> stated = file.MetaNumber("max_length");
  const auto longest = static_cast<std::int64_t>(file.LongestBallot());
  const PabulibScoring borda{Rule::kBorda, std::max(stated.value_or(longest), longest)};
  const PabulibScoring borda_ballot{Rule::kBordaBallot, 0};
  const auto fits = [&](const PabulibScoring& scoring) {
    return CompareWithPublished(file, RecountVotes(file, scoring)).empty();
  };
  const PabulibScoring& likely = stated.has_value() ? borda : borda_ballot;
  const PabulibScoring& other = stated.has_value() ? borda_ballot : borda;
  return fits(likely) || !fits(other) ? likely : other;
}

std::map<std::string, PabulibCount> RecountVotes(const PabulibFile& file,
                                                 const PabulibScoring& scoring) {
  std::map<std::string, PabulibCount> counts;
  for (const PabulibProject& project : file.projects) counts[project.id];
  for (const PabulibVote& vote : file.votes) {
    for (std::size_t at = 0; at < vote.choices.size(); ++at) {
      PabulibCount& count = counts[vote.choices[at]];
      const std::int64_t score = ScoreOf(scoring, vote, at);
      count.votes += 1;
      count.score += score;
      (vote.paper ? count.score_paper : count.score_online) += score;
    }
  }
  return counts;
}

std::vector<std::string> CompareWithPublished(const PabulibFile& file,
                                              const std::map<std::string, PabulibCount>& counts) {
  std::vector<std::string> differences;
  const auto compare = [&](const PabulibProject& project, const char* column,
                           const std::optional<std::int64_t>& published, std::int64_t counted) {
    if (!published.has_value() || *published == counted) return;
    differences.push_back(file.name + ":" + std::to_string(project.line) + ": project " +
                          project.id + ": " + column + " published " + std::to_string(*published) +
                          ", counted " + std::to_string(counted));
  };
  for (const PabulibProject& project : file.projects) {
    const PabulibCount& count = counts.at(project.id);
    compare(project, "votes", project.votes, count.votes);
    compare(project, "score", project.score, count.score);
  }
  if (counts.size() != file.projects.size()) {
    differences.push_back(file.name + ": VOTES names projects that PROJECTS does not have");
  }
  return differences;
}

}  // namespace tallyd
