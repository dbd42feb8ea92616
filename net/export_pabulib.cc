#include "net/export_pabulib.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"

#include "engine/tally.h"
#include "net/concat.h"
#include "net/wire_ballot_rows.h"
#include "net/wire_csv.h"
#include "net/wire_json_table.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

// Pages end between buckets of the hash order; cursors name buckets, never a voter.
constexpr std::uint32_t kBuckets = 65'536;
constexpr std::size_t kVersionsBetweenLooks = 4'096;

std::uint32_t BucketOf(const VoterTag& tag) {
  return static_cast<std::uint32_t>(tag.bytes[0]) << 8 | tag.bytes[1];
}

VoterTag BeginOf(std::uint32_t bucket) {
  VoterTag tag;
  tag.bytes[0] = static_cast<std::uint8_t>(bucket >> 8);
  tag.bytes[1] = static_cast<std::uint8_t>(bucket & 0xff);
  return tag;
}

// Every ballot in force at `through`, by rising tag from bucket `begin` on; until `visit` says no.
absl::Status ForEachInForce(const BallotStore& store, const ExportAsk& ask, Position through,
                            std::uint32_t begin,
                            absl::FunctionRef<bool(const BallotVersion&)> visit) {
  std::optional<VoterTag> decided;  // whose newest version by then was seen
  std::size_t versions = 0;
  bool enough = false;
  absl::Status scanned =
      store.ScanFrom(ask.poll, BeginOf(begin), [&](const BallotVersion& version) {
        if (++versions % kVersionsBetweenLooks == 0 && !ask.thread->keep_on()) {
          return absl::CancelledError("the server is going down");
        }
        if (decided == version.tag || version.position > through) return absl::OkStatus();
        decided = version.tag;
        if (version.withdrawn) return absl::OkStatus();
        enough = !visit(version);
        return enough ? absl::AbortedError("enough") : absl::OkStatus();
      });
  return enough ? absl::OkStatus() : scanned;
}

std::string_view VoteType(const PollView& poll) {
  switch (poll.definition.ballot.type) {
    case BallotType::kChoose:
      return poll.definition.ballot.max == 1 ? "choose-1" : "approval";
    case BallotType::kPoints:
      return "cumulative";
    case BallotType::kRank:
      return "ordinal";
    case BallotType::kUpDown:
    case BallotType::kSurvey:
      return "";
  }
  return "";
}

std::string_view RuleName(SelectionRule rule) {
  switch (rule) {
    case SelectionRule::kGreedy:
      return "greedy";
    case SelectionRule::kGreedyNoSkip:
      return "greedy-no-skip";
    case SelectionRule::kGreedyThreshold:
      return "greedy-threshold";
    case SelectionRule::kNone:
    case SelectionRule::kTop:
      return "";
  }
  return "";
}

void AppendMeta(std::string_view key, std::string_view value, std::string& out) {
  AppendTo(&out, key, ";");
  AppendCsvPlainText(value, ';', out);
  out += '\n';
}

// What the importer reads back as the rules of the ballot.
void AppendBallotMeta(const BallotDefinition& ballot, std::string& out) {
  if (ballot.type == BallotType::kChoose) {
    AppendMeta("min_length", std::to_string(ballot.min), out);
    AppendMeta("max_length", std::to_string(ballot.max), out);
  } else if (ballot.type == BallotType::kPoints) {
    AppendMeta("max_sum_points", std::to_string(ballot.points_total), out);
  } else if (ballot.type == BallotType::kRank) {
    if (ballot.scoring == RankScoring::kBorda) {
      AppendMeta("max_length", std::to_string(ballot.max), out);
    }
    AppendMeta("scoring_fn", ballot.scoring == RankScoring::kBorda ? "borda" : "borda_ballot", out);
  }
}

void AppendHead(const PollView& poll, const PollTally& tally, const PollTotals& whole,
                std::string& out) {
  const PollDefinition& definition = poll.definition;
  out += "META\nkey;value\n";
  AppendMeta("description", DisplayTitle(definition.display, definition.id, false), out);
  AppendMeta("unit", definition.project, out);
  AppendMeta("instance", definition.id, out);
  AppendMeta("num_projects", std::to_string(definition.options.size()), out);
  AppendMeta("num_votes", std::to_string(tally.totals().ballots()), out);
  if (whole.paper > tally.totals().paper) {
    AppendMeta("paper_cards_not_included", std::to_string(whole.paper - tally.totals().paper), out);
  }
  // Ballots in force as they were cast, those that an operator took out of the count among them.
  if (const std::uint64_t held = whole.quarantined + whole.voided; held > 0) {
    AppendMeta("held_ballots_included", std::to_string(held), out);
  }
  const SelectionDefinition& selection = definition.selection;
  if (!RuleName(selection.rule).empty()) {
    AppendMeta("budget", std::to_string(selection.budget), out);
    AppendMeta("rule", RuleName(selection.rule), out);
    if (selection.threshold > 0) {
      AppendMeta("min_project_score_threshold", std::to_string(selection.threshold), out);
    }
  }
  AppendMeta("vote_type", VoteType(poll), out);
  AppendBallotMeta(definition.ballot, out);
  out += "PROJECTS\nproject_id;cost;votes;score;name\n";
  for (OptionIndex i = 0; i < definition.options.size(); ++i) {
    const OptionDefinition& option = definition.options[i];
    const OptionTally& counts = tally.options()[i];
    AppendTo(&out, option.id, ";", option.cost, ";", counts.ballots, ";", counts.score(), ";");
    AppendCsvPlainText(DisplayTitle(option.display, "", false), ';', out);
    out += '\n';
  }
  AppendTo(&out, "VOTES\nvoter_id;vote;",
           definition.ballot.type == BallotType::kPoints ? "points;" : "", "voting_method\n");
}

std::string VoteRow(const PollView& poll, const BallotVersion& version) {
  const BallotType type = poll.definition.ballot.type;
  std::string row;
  AppendPseudonym(poll.voter_key->MakePseudonym(version.tag), row);
  row += ';';
  std::string points;
  bool first = true;
  for (const OptionValue& value : UnpackBallot(type, version.payload)) {
    AppendTo(&row, first ? "" : ",", poll.definition.options[value.option].id);
    AppendTo(&points, first ? "" : ",", value.points);
    first = false;
  }
  if (type == BallotType::kPoints) AppendTo(&row, ";", points);
  AppendTo(&row, ";", version.channel == Channel::kPaper ? "paper" : "internet", "\n");
  return row;
}

// The rows from bucket `begin` on, sorted within each bucket by pseudonym; returns the bucket that
// comes next, kBuckets at the end.
absl::StatusOr<std::uint32_t> AppendVotes(const BallotStore& store, const ExportAsk& ask,
                                          const PollView& poll, Position through,
                                          std::uint32_t begin, std::string& out) {
  std::vector<std::string> rows;  // of one bucket
  std::uint64_t count = 0;
  std::uint32_t bucket = begin;
  std::uint32_t next = kBuckets;
  const auto flush = [&] {
    std::sort(rows.begin(), rows.end());
    for (const std::string& row : rows) out += row;
    count += rows.size();
    rows.clear();
  };
  absl::Status scanned =
      ForEachInForce(store, ask, through, begin, [&](const BallotVersion& version) {
        if (const std::uint32_t now = BucketOf(version.tag); now != bucket) {
          flush();
          bucket = now;
          if (count >= ask.limit || out.size() >= kExportPageBytes) next = now;
        }
        if (next != kBuckets) return false;
        rows.push_back(VoteRow(poll, version));
        return true;
      });
  if (!scanned.ok()) return scanned;
  flush();
  return next;
}

}  // namespace

HttpResponse MakePabulibPage(const ExportAsk& ask) {
  if (auto refused = RefuseCursor(ask)) return *std::move(refused);
  const auto snapshot = AwaitCurrent(ask);
  if (snapshot == nullptr) return ask.Refuse(ProblemCode::kDraining);
  const PollView& poll = *snapshot->view;
  if (auto refused = RefuseNameless(ask, poll)) return *std::move(refused);
  if (VoteType(poll).empty()) {
    return ask.Refuse(ProblemCode::kNotSupported, "PabuLib has no ballots of this type");
  }
  if (poll.rules.weight_max != 0) {
    return ask.Refuse(ProblemCode::kNotSupported, "PabuLib has no weights of voters");
  }
  const Position through = ask.after ? ask.after->first : snapshot->position;
  const std::uint64_t begin = ask.after ? ask.after->second : 0;
  if (through > snapshot->position || begin >= kBuckets) {
    return ask.Refuse(ProblemCode::kParameterInvalid, "after lies ahead of the poll");
  }
  const auto store = ask.engine->AwaitBallots(through);
  if (!store.ok()) return ask.Refuse(store.status());
  ExportPage page;
  page.content_type = "text/csv; charset=utf-8";
  if (!ask.after) {
    PollTally tally;
    tally.ResizeOptions(poll.definition.options.size());
    BallotRules as_cast = poll.rules;  // the file has ballots as they were cast, and adds up
    as_cast.counts_for.clear();
    absl::Status counted =
        ForEachInForce(**store, ask, through, 0, [&](const BallotVersion& version) {
          tally.Add(version.channel, as_cast, version.payload);
          return true;
        });
    if (!counted.ok()) return ask.Refuse(counted);
    AppendHead(poll, tally, snapshot->totals, page.body);
  }
  const auto next =
      AppendVotes(**store, ask, poll, through, static_cast<std::uint32_t>(begin), page.body);
  if (!next.ok()) return ask.Refuse(next.status());
  // Titles may change: a first page is never for good. The ballots of a position are.
  page.is_full = *next != kBuckets;
  page.through = through;
  std::string version;
  AppendVersionTag(ask.engine->epoch(), through, version);
  page.etag = Concat("p", version, ".", begin, ".", ask.limit, ".", poll.revision, ".");
  page.query = Concat("limit=", ask.limit);
  if (page.is_full) {
    page.next =
        ExportCursor{.kind = 'p', .epoch = ask.engine->epoch(), .first = through, .second = *next};
  }
  return FinishPage(ask, std::move(page));
}

}  // namespace tallyd
