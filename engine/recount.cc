#include "engine/recount.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "engine/poll_registry.h"
#include "storage/absl_view.h"
#include "storage/journal_record.h"

namespace tallyd {
namespace {

// Of a voter held, at the worst moment: while the table grows it is there twice, once half empty.
constexpr std::uint64_t kVoterBytes = 224;

struct Held {
  Channel channel = Channel::kOnline;
  std::string payload;
};

struct HeldPaper {
  bool counts = false;
  PaperFigures figures;
};

struct VoterId {
  PollNumber poll;
  VoterTag tag;
  friend bool operator==(const VoterId&, const VoterId&) = default;
  template <class H>
  friend H AbslHashValue(H state, const VoterId& voter) {
    return H::combine(std::move(state), voter.poll, voter.tag.high(), voter.tag.low());
  }
};

class Pass {
 public:
  Pass(std::uint64_t part, std::uint64_t parts) : part_(part), parts_(parts) {}

  absl::Status Take(const RecordView& record) {
    return record.ForEach([this](const Entry& entry) {
      if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
        if (IsMine(ballot->tag)) {
          in_force_[{ballot->poll, ballot->tag}] = {ballot->channel, std::string(ballot->payload)};
        }
      } else if (const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
        if (IsMine(withdrawal->tag)) in_force_.erase({withdrawal->poll, withdrawal->tag});
      } else if (const auto* opened = std::get_if<FlagOpenedEntry>(&entry)) {
        for (const VoterTag& voter : opened->voters) PutInGroup(opened->poll, voter, opened->group);
      } else if (const auto* joined = std::get_if<FlagJoinedEntry>(&entry)) {
        PutInGroup(joined->poll, joined->voter, joined->group);
      } else if (const auto* decided = std::get_if<FlagDecisionEntry>(&entry)) {
        group_states_[{decided->poll, decided->group}] = decided->to;
      } else if (const auto* poll = std::get_if<PollEntry>(&entry)) {
        definitions_[poll->number] = poll->definition;
        options_count_[poll->number] = poll->definition.options.size();
      } else if (const auto* fate = std::get_if<OptionFateEntry>(&entry)) {
        return TakeFate(*fate);
      } else if (part_ == 0) {
        TakePaper(entry);
      }
      return absl::OkStatus();
    });
  }

  void CountInto(Recount* recount) const {
    for (const auto& [number, count] : options_count_) recount->polls[number].options.resize(count);
    for (const auto& [voter, held] : in_force_) {
      RecountedPoll& counted = recount->polls[voter.poll];
      const FlagState state =
          held.channel == Channel::kOnline ? StateOf(voter) : FlagState::kFlagged;
      if (IsHeld(state)) {
        ++(state == FlagState::kVoided ? counted.voided_ballots : counted.quarantined_ballots);
        continue;
      }
      CountOne(definitions_.at(voter.poll), held, &counted);
    }
    for (const auto& [batch, held] : paper_) {
      if (held.counts) {
        CountPaper(definitions_.at(batch.first), held.figures, &recount->polls[batch.first]);
      }
    }
  }

 private:
  bool IsMine(const VoterTag& tag) const { return tag.high() % parts_ == part_; }

  void PutInGroup(PollNumber poll, const VoterTag& voter, FlagGroupNumber group) {
    if (IsMine(voter)) group_of_[{poll, voter}] = group;
  }

  // What the last decision on the voter's group says; entries that take single ballots out or put
  // them back are not looked at.
  FlagState StateOf(const VoterId& voter) const {
    const auto group = group_of_.find(voter);
    if (group == group_of_.end()) return FlagState::kFlagged;
    const auto state = group_states_.find({voter.poll, group->second});
    return state == group_states_.end() ? FlagState::kFlagged : state->second;
  }

  absl::Status TakeFate(const OptionFateEntry& fate) {
    const auto poll = definitions_.find(fate.poll);
    if (poll == definitions_.end() || fate.option >= poll->second.options.size() ||
        (fate.fate == OptionFate::kMoved && fate.into >= poll->second.options.size())) {
      return absl::DataLossError("the fate of an option that is not there");
    }
    OptionDefinition& option = poll->second.options[fate.option];
    option.fate = fate.fate;
    option.counts_for = fate.into;
    return absl::OkStatus();
  }

  // Where a vote for the option counts, if anywhere.
  static std::optional<OptionIndex> Counted(const PollDefinition& definition, OptionIndex option) {
    while (definition.options[option].fate == OptionFate::kMoved) {
      option = definition.options[option].counts_for;
    }
    if (definition.options[option].fate == OptionFate::kReleased) return std::nullopt;
    return option;
  }

  // Counts what was entered, not what the later entries say they confirm or reverse.
  void TakePaper(const Entry& entry) {
    if (const auto* batch = std::get_if<PaperBatchEntry>(&entry)) {
      const PaperFigures& figures = batch->batch.figures;
      paper_[{batch->poll, batch->batch.id}] = {batch->counts,
                                                batch->batch.by_cards ? RestOf(figures) : figures};
    } else if (const auto* confirm = std::get_if<PaperConfirmEntry>(&entry)) {
      paper_[{confirm->poll, confirm->batch}].counts = true;
    } else if (const auto* cards = std::get_if<PaperCardsCountEntry>(&entry)) {
      paper_[{cards->poll, cards->batch}].counts = true;
    } else if (const auto* taken = std::get_if<PaperVoidEntry>(&entry)) {
      paper_.erase({taken->poll, taken->batch});
    }
  }

  static void CountPaper(const PollDefinition& definition, const PaperFigures& figures,
                         RecountedPoll* poll) {
    poll->paper_ballots += figures.cards - figures.invalid;
    poll->blank_ballots += figures.blank;
    poll->invalid_cards += figures.invalid;
    for (const PaperCount& count : figures.counts) {
      const auto option = Counted(definition, count.option);
      if (!option) continue;
      poll->options[*option].ballots += count.ballots;
      poll->options[*option].paper += count.score;
    }
  }

  static void CountOne(const PollDefinition& definition, const Held& held, RecountedPoll* poll) {
    const bool paper = held.channel == Channel::kPaper;
    ++(paper ? poll->paper_ballots : poll->online_ballots);
    bool blank = true;
    const BallotRules rules = RulesOf(definition);
    const std::int64_t weight = WeightOf(rules, held.payload);
    const std::string_view marks = MarksOf(rules, held.payload);
    if (definition.ballot.type == BallotType::kSurvey) {
      const auto answers = UnpackSurvey(rules, marks);
      for (std::size_t i = 0; i < answers.size(); ++i) {
        const BallotDefinition& ballot = definition.questions[i].ballot;
        CountAnswer(definition, ballot, answers[i], {weight, paper}, poll);
        blank = blank && answers[i].empty();
      }
    } else {
      const auto named = UnpackBallot(definition.ballot.type, marks);
      CountAnswer(definition, definition.ballot, named, {weight, paper}, poll);
      blank = named.empty();
    }
    if (blank) ++poll->blank_ballots;
  }

  struct Cast {
    std::int64_t weight = 1;
    bool paper = false;
  };
  static void CountAnswer(const PollDefinition& poll_definition, const BallotDefinition& definition,
                          const std::vector<OptionValue>& named, const Cast& cast,
                          RecountedPoll* poll) {
    std::map<OptionIndex, std::vector<std::int64_t>> given;
    for (std::size_t place = 0; place < named.size(); ++place) {
      std::int64_t score = 1;
      if (definition.type == BallotType::kPoints || definition.type == BallotType::kUpDown) {
        score = named[place].points;
      }
      if (definition.type == BallotType::kRank) {
        const std::size_t top =
            definition.scoring == RankScoring::kBorda ? definition.max : named.size();
        score = static_cast<std::int64_t>(top) - static_cast<std::int64_t>(place);
      }
      if (const auto option = Counted(poll_definition, named[place].option)) {
        given[*option].push_back(score);
      }
    }
    for (const auto& [index, scores] : given) {
      RecountedOption& option = poll->options[index];
      ++option.ballots;
      (cast.paper ? option.paper : option.online) += cast.weight * Once(definition.type, scores);
    }
  }

  // Options that count together count once for each ballot.
  static std::int64_t Once(BallotType type, const std::vector<std::int64_t>& scores) {
    if (type != BallotType::kPoints && type != BallotType::kUpDown) {
      return *std::max_element(scores.begin(), scores.end());
    }
    const std::int64_t sum = std::accumulate(scores.begin(), scores.end(), std::int64_t{0});
    if (type == BallotType::kPoints) return sum;
    return sum > 0 ? 1 : sum < 0 ? -1 : 0;
  }

  std::uint64_t part_;
  std::uint64_t parts_;
  absl::flat_hash_map<VoterId, Held> in_force_;
  absl::flat_hash_map<VoterId, FlagGroupNumber> group_of_;  // of flagged voters
  std::map<std::pair<PollNumber, FlagGroupNumber>, FlagState> group_states_;
  std::map<std::pair<PollNumber, std::string>, HeldPaper> paper_;
  std::map<PollNumber, PollDefinition> definitions_;
  std::map<PollNumber, std::size_t> options_count_;
};

absl::StatusOr<std::uint64_t> RunPass(Journal* journal, Position through, Pass* pass,
                                      std::uint64_t* records) {
  std::uint64_t ballots = 0;
  *records = 0;
  if (through == 0) return ballots;
  auto cursor = journal->Read(journal->first());
  if (!cursor.ok()) return cursor.status();
  for (;;) {
    const auto bytes = (*cursor)->Next();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) break;
    const auto record = RecordView::Parse(*bytes);
    if (!record.ok()) return record.status();
    if (record->header().position > through) break;
    ++*records;
    for (const PollSpan& span : record->polls()) ballots += span.ballots;
    if (pass == nullptr) continue;
    if (absl::Status taken = pass->Take(*record); !taken.ok()) return taken;
  }
  return ballots;
}

}  // namespace

absl::StatusOr<Recount> RecountJournal(Journal* journal, Position through,
                                       std::size_t memory_bytes_max) {
  Recount recount;
  recount.position = through;
  const auto ballots = RunPass(journal, through, nullptr, &recount.records);
  if (!ballots.ok()) return ballots.status();
  // As if each ballot were another voter's.
  const std::uint64_t parts =
      *ballots * kVoterBytes / std::max<std::size_t>(memory_bytes_max, 1) + 1;
  for (std::uint64_t part = 0; part < parts; ++part) {
    Pass pass(part, parts);
    const auto taken = RunPass(journal, through, &pass, &recount.records);
    if (!taken.ok()) return taken.status();
    pass.CountInto(&recount);
  }
  return recount;
}

std::vector<std::string> CompareWithRecount(const PollTally& tally, const RecountedPoll& recount) {
  std::vector<std::string> differences;
  const auto compare = [&differences](std::string_view what, auto served, auto counted) {
    if (std::cmp_equal(served, counted)) return;
    differences.push_back(absl::StrCat(AbslView(what), ": tally ", served, ", recount ", counted));
  };
  compare("online ballots", tally.totals().online, recount.online_ballots);
  compare("paper ballots", tally.totals().paper, recount.paper_ballots);
  compare("blank ballots", tally.totals().blank, recount.blank_ballots);
  compare("invalid cards", tally.totals().invalid, recount.invalid_cards);
  compare("quarantined ballots", tally.totals().quarantined, recount.quarantined_ballots);
  compare("voided ballots", tally.totals().voided, recount.voided_ballots);
  compare("options", tally.options().size(), recount.options.size());
  const std::size_t options_count = std::min(tally.options().size(), recount.options.size());
  for (std::size_t i = 0; i < options_count; ++i) {
    const OptionTally& served = tally.options()[i];
    const RecountedOption& counted = recount.options[i];
    compare(absl::StrCat("option ", i, " online"), served.online, counted.online);
    compare(absl::StrCat("option ", i, " paper"), served.paper, counted.paper);
    compare(absl::StrCat("option ", i, " ballots"), served.ballots, counted.ballots);
  }
  return differences;
}

}  // namespace tallyd
