#include "tools/pabulib/pabulib_comparison.h"

#include <initializer_list>
#include <optional>

#include <boost/json/object.hpp>

namespace tallyd {
namespace {

namespace json = boost::json;

// The whole number at a path of members.
std::optional<std::int64_t> NumberAt(const json::value& root,
                                     std::initializer_list<std::string_view> path) {
  const json::value* value = &root;
  for (const std::string_view member : path) {
    const json::object* object = value->if_object();
    value = object == nullptr ? nullptr : object->if_contains(member);
    if (value == nullptr) return std::nullopt;
  }
  if (const std::int64_t* number = value->if_int64()) return *number;
  if (const std::uint64_t* number = value->if_uint64()) return static_cast<std::int64_t>(*number);
  return std::nullopt;
}

class Comparison {
 public:
  explicit Comparison(const json::value& ranking) : ranking_(ranking) {}

  void Expect(std::initializer_list<std::string_view> path, const char* source,
              std::optional<std::int64_t> wanted) {
    if (!wanted.has_value()) return;
    const std::optional<std::int64_t> served = NumberAt(ranking_, path);
    if (served == wanted) return;
    std::string line;
    for (const std::string_view member : path)
      line += (line.empty() ? "" : " ") + std::string(member);
    differences_.push_back(line + ": " + source + " " + std::to_string(*wanted) + ", served " +
                           (served.has_value() ? std::to_string(*served) : "nothing"));
  }
  void Add(std::string difference) { differences_.push_back(std::move(difference)); }
  std::vector<std::string> Take() { return std::move(differences_); }

 private:
  const json::value& ranking_;
  std::vector<std::string> differences_;
};

}  // namespace

std::vector<std::string> CompareWithRanking(const PabulibFile& file, const PabulibScoring& scoring,
                                            const json::value& ranking) {
  Comparison comparison(ranking);
  const auto counts = RecountVotes(file, scoring);
  for (const PabulibProject& project : file.projects) {
    const PabulibCount& count = counts.at(project.id);
    comparison.Expect({"options", project.id, "ballots"}, "published", project.votes);
    comparison.Expect({"options", project.id, "score"}, "published", project.score);
    comparison.Expect({"options", project.id, "ballots"}, "recounted", count.votes);
    comparison.Expect({"options", project.id, "score"}, "recounted", count.score);
    comparison.Expect({"options", project.id, "online"}, "recounted", count.score_online);
    comparison.Expect({"options", project.id, "paper"}, "recounted", count.score_paper);
  }
  std::int64_t paper = 0;
  std::int64_t blank = 0;
  for (const PabulibVote& vote : file.votes) {
    paper += vote.paper ? 1 : 0;
    blank += vote.choices.empty() ? 1 : 0;
  }
  const auto ballots = static_cast<std::int64_t>(file.votes.size());
  comparison.Expect({"totals", "ballots"}, "recounted", ballots);
  comparison.Expect({"totals", "online"}, "recounted", ballots - paper);
  comparison.Expect({"totals", "paper"}, "recounted", paper);
  comparison.Expect({"totals", "blank"}, "recounted", blank);
  const json::object* body = ranking.if_object();
  const json::value* options = body == nullptr ? nullptr : body->if_contains("options");
  if (options == nullptr || !options->is_object() ||
      options->as_object().size() != file.projects.size()) {
    comparison.Add("options: the ranking does not have exactly the projects of the file");
  }
  return comparison.Take();
}

}  // namespace tallyd
