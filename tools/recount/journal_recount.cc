#include "tools/recount/journal_recount.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include <openssl/sha.h>

namespace tallyd {
namespace {

// The numbers of a packed ballot, one after the other.
class NumberReader {
 public:
  explicit NumberReader(std::string_view bytes) : bytes_(bytes) {}

  std::optional<std::uint64_t> Next() {
    std::uint64_t number = 0;
    for (int shift = 0; shift < 63 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      number |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return number;
    }
    return std::nullopt;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

struct NamedOption {
  std::uint64_t option = 0;
  std::int64_t score = 0;
};

// What the next ballot names and gives; nothing if the bytes are not a ballot of that type.
std::optional<std::vector<NamedOption>> ReadOne(const BallotDefinition& rules,
                                                NumberReader& numbers) {
  const std::optional<std::uint64_t> count = numbers.Next();
  if (!count.has_value()) return std::nullopt;
  std::vector<NamedOption> named;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const std::optional<std::uint64_t> number = numbers.Next();
    if (!number.has_value()) return std::nullopt;
    const bool distance = rules.type != BallotType::kRank && i > 0;
    NamedOption option{distance ? named.back().option + *number : *number, 1};
    if (rules.type == BallotType::kPoints) {
      const std::optional<std::uint64_t> points = numbers.Next();
      if (!points.has_value()) return std::nullopt;
      option.score = static_cast<std::int64_t>(*points);
    } else if (rules.type == BallotType::kUpDown) {
      const std::optional<std::uint64_t> vote = numbers.Next();
      if (!vote.has_value() || *vote > 2) return std::nullopt;
      option.score = static_cast<std::int64_t>(*vote) - 1;
    } else if (rules.type == BallotType::kRank) {
      const std::uint64_t top = rules.scoring == RankScoring::kBorda ? rules.max : *count;
      option.score = static_cast<std::int64_t>(top) - static_cast<std::int64_t>(i);
    }
    named.push_back(option);
  }
  return named;
}

struct WeighedBallot {
  std::int64_t weight = 1;
  std::vector<NamedOption> named;
};

// A whole ballot, behind its weight where the poll weighs voters; a survey's has an answer for each
// question, which names its own options only.
std::optional<std::vector<NamedOption>> ReadMarks(const PollDefinition& poll,
                                                  NumberReader& numbers) {
  if (poll.ballot.type != BallotType::kSurvey) {
    auto named = ReadOne(poll.ballot, numbers);
    return numbers.at_end() ? named : std::nullopt;
  }
  std::vector<NamedOption> named;
  for (std::size_t question = 0; question < poll.questions.size(); ++question) {
    const auto answer = ReadOne(poll.questions[question].ballot, numbers);
    if (!answer.has_value()) return std::nullopt;
    for (const NamedOption& option : *answer) {
      const bool its_own = option.option >= poll.options.size() ||  // said by the caller
                           poll.options[option.option].question == question;
      if (!its_own) return std::nullopt;
      named.push_back(option);
    }
  }
  if (!numbers.at_end()) return std::nullopt;
  return named;
}

std::optional<WeighedBallot> ReadBallot(const PollDefinition& poll, std::string_view packed) {
  NumberReader numbers(packed);
  WeighedBallot ballot;
  if (poll.weight.is_given()) {
    const std::optional<std::uint64_t> weight = numbers.Next();
    if (!weight.has_value() || *weight < 1 || *weight > poll.weight.max) return std::nullopt;
    ballot.weight = static_cast<std::int64_t>(*weight);
  }
  auto named = ReadMarks(poll, numbers);
  if (!named.has_value()) return std::nullopt;
  ballot.named = *std::move(named);
  return ballot;
}

constexpr std::size_t kNobody = SIZE_MAX;

// The option that a vote for `option` counts for.
std::size_t CountsFor(const PollDefinition& poll, std::size_t option) {
  while (poll.options[option].fate == OptionFate::kMoved) option = poll.options[option].counts_for;
  return poll.options[option].fate == OptionFate::kReleased ? kNobody : option;
}

// What one ballot gives to an option by naming it and those merged into it.
std::int64_t ScoreOnce(const PollDefinition& poll, std::size_t option,
                       const std::vector<std::int64_t>& given) {
  const BallotType type = poll.questions.empty()
                              ? poll.ballot.type
                              : poll.questions[poll.options[option].question].ballot.type;
  std::int64_t sum = 0;
  std::int64_t most = given.front();
  for (const std::int64_t score : given) {
    sum += score;
    most = std::max(most, score);
  }
  if (type == BallotType::kPoints) return sum;
  if (type == BallotType::kUpDown) return sum == 0 ? 0 : sum / std::abs(sum);
  return most;
}

std::string At(Position position) {
  return "record " + std::to_string(position);
}

}  // namespace

absl::Status JournalRecount::Add(std::string_view record) {
  const auto view = RecordView::Parse(record);
  if (!view.ok()) return view.status();
  const RecordHeader& header = view->header();
  if (header.position != position_ + 1) {
    return absl::DataLossError(At(header.position) + " follows " + At(position_));
  }
  if (header.previous_hash != last_hash_) {
    return absl::DataLossError(At(header.position) + " does not carry the hash of the one before");
  }
  position_ = header.position;
  epoch_ = header.epoch;
  SHA256(reinterpret_cast<const unsigned char*>(record.data()), record.size(),
         last_hash_.bytes.data());
  return view->ForEach([this](const Entry& entry) { return AddEntry(entry); });
}

absl::Status JournalRecount::AddEntry(const Entry& entry) {
  if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
    AddVersion(ballot->poll, ballot->tag,
               ballot->supersedes.has_value() ? &*ballot->supersedes : nullptr,
               {ballot->seq, ballot->channel, false, std::string(ballot->payload)});
  } else if (const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
    AddVersion(withdrawal->poll, withdrawal->tag, &withdrawal->supersedes,
               {withdrawal->seq, Channel::kOnline, true, ""});
  } else if (const auto* poll = std::get_if<PollEntry>(&entry)) {
    polls_[poll->number].definition = poll->definition;
  } else if (const auto* fate = std::get_if<OptionFateEntry>(&entry)) {
    AddFate(*fate);
  } else if (const auto* state = std::get_if<PollStateEntry>(&entry)) {
    const auto moved = polls_.find(state->poll);
    if (moved != polls_.end()) moved->second.state = state->to;
  } else if (const auto* destroyed = std::get_if<KeyDestroyedEntry>(&entry)) {
    AddKeyDestroyed(*destroyed);
  } else if (const auto* sealed = std::get_if<KeySealedEntry>(&entry)) {
    const auto owner = polls_.find(sealed->of_poll);
    if (owner != polls_.end() && owner->second.key_destroyed) {
      Differ(At(position_) + ", poll " + std::to_string(sealed->of_poll) +
             ": its key was destroyed, and is there again");
    }
  } else {
    AddFlags(entry);
    AddPaper(entry);
  }
  return absl::OkStatus();
}

void JournalRecount::AddFate(const OptionFateEntry& entry) {
  const std::string where = At(position_) + ", poll " + std::to_string(entry.poll) + ", option " +
                            std::to_string(entry.option);
  const auto poll = polls_.find(entry.poll);
  if (poll == polls_.end()) return Differ(where + ": the poll was never created");
  std::vector<OptionDefinition>& options = poll->second.definition.options;
  const bool moved = entry.fate == OptionFate::kMoved;
  if (entry.option >= options.size() || (moved && entry.into >= options.size())) {
    return Differ(where + ": there is no such option");
  }
  if (options[entry.option].fate != OptionFate::kKept) {
    return Differ(where + ": its votes were moved or released before");
  }
  if (moved && (options[entry.into].withdrawn || entry.into == entry.option)) {
    return Differ(where + ": its votes go to an option that takes none");
  }
  options[entry.option].withdrawn = true;
  options[entry.option].fate = entry.fate;
  options[entry.option].counts_for = entry.into;
}

void JournalRecount::AddKeyDestroyed(const KeyDestroyedEntry& entry) {
  if (entry.poll == 0) return;  // of a project, which counts nothing
  const std::string where = At(position_) + ", poll " + std::to_string(entry.poll);
  const auto found = polls_.find(entry.poll);
  if (found == polls_.end()) return Differ(where + ": the poll was never created");
  if (found->second.state != PollState::kFinal) {
    Differ(where + ": its key was destroyed before it was final");
  }
  if (found->second.key_destroyed) Differ(where + ": its key was destroyed twice");
  if (entry.actor.empty() || entry.reason.empty()) {
    Differ(where + ": its key was destroyed by nobody or for no reason");
  }
  found->second.key_destroyed = true;
}

void JournalRecount::AddPaper(const Entry& entry) {
  const auto where = [this](PollNumber poll, const std::string& batch) {
    return At(position_) + ", poll " + std::to_string(poll) + ", paper batch " + batch;
  };
  if (const auto* batch = std::get_if<PaperBatchEntry>(&entry)) {
    const std::string& id = batch->batch.id;
    const PaperFigures& entered = batch->batch.figures;
    const HeldPaper paper{batch->batch.by_cards ? RestOf(entered) : entered, batch->actor,
                          batch->counts, false, batch->batch.by_cards};
    if (!polls_[batch->poll].paper.emplace(id, paper).second) {
      Differ(where(batch->poll, id) + ": entered twice");
    }
    if (batch->counts && polls_[batch->poll].definition.paper_confirm) {
      Differ(where(batch->poll, id) + ": counts without a second person");
    }
  } else if (const auto* confirm = std::get_if<PaperConfirmEntry>(&entry)) {
    auto& paper = polls_[confirm->poll].paper;
    const auto held = paper.find(confirm->batch);
    ConfirmPaper(held == paper.end() ? nullptr : &held->second, *confirm,
                 where(confirm->poll, confirm->batch));
  } else if (const auto* cards = std::get_if<PaperCardsCountEntry>(&entry)) {
    HeldPoll& poll = polls_[cards->poll];
    const auto held = poll.paper.find(cards->batch);
    CountCards(held == poll.paper.end() ? nullptr : &held->second, *cards,
               poll.definition.paper_confirm, where(cards->poll, cards->batch));
  } else if (const auto* taken = std::get_if<PaperVoidEntry>(&entry)) {
    auto& paper = polls_[taken->poll].paper;
    const auto held = paper.find(taken->batch);
    VoidPaper(held == paper.end() ? nullptr : &held->second, *taken,
              where(taken->poll, taken->batch));
  }
}

void JournalRecount::ConfirmPaper(HeldPaper* held, const PaperConfirmEntry& entry,
                                  const std::string& where) {
  if (held == nullptr || held->voided || held->counts) {
    return Differ(where + ": confirms what does not wait for it");
  }
  if (entry.actor.empty() || entry.actor == held->actor) {
    Differ(where + ": confirmed by the person who entered it");
  }
  if (!(entry.figures == held->figures)) Differ(where + ": confirms other figures");
  held->counts = true;
}

void JournalRecount::CountCards(HeldPaper* held, const PaperCardsCountEntry& entry,
                                bool second_person, const std::string& where) {
  if (held == nullptr || !held->by_cards || held->voided || held->counts) {
    return Differ(where + ": counts cards that do not wait for it");
  }
  if (second_person && (entry.at_once || entry.actor.empty() || entry.actor == held->actor)) {
    Differ(where + ": cards count without a second person");
  }
  if (!(entry.rest == held->figures)) Differ(where + ": counts other figures");
  held->counts = true;
}

void JournalRecount::VoidPaper(HeldPaper* held, const PaperVoidEntry& entry,
                               const std::string& where) {
  if (held == nullptr || held->voided) return Differ(where + ": voids what is not there");
  const bool as_entered =
      entry.reverses.has_value() ? held->counts && *entry.reverses == held->figures : !held->counts;
  if (!as_entered) Differ(where + ": reverses other figures than those that counted");
  held->counts = false;
  held->voided = true;
}

void JournalRecount::AddVersion(PollNumber number, const VoterTag& tag,
                                const SupersededBallot* supersedes, HeldBallot version) {
  const auto found = polls_.find(number);
  const std::string where =
      At(position_) + ", poll " + std::to_string(number) + ", seq " + std::to_string(version.seq);
  if (found == polls_.end()) {
    Differ(where + ": the poll was never created");
    return;
  }
  HeldPoll& poll = found->second;
  if (version.seq <= poll.last_seq) Differ(where + ": seqs must grow");
  if (poll.key_destroyed) Differ(where + ": came after the poll's key was destroyed");
  poll.last_seq = version.seq;

  const auto held = poll.ballots.find(tag);
  const bool first = held == poll.ballots.end();
  if (first != (supersedes == nullptr)) {
    Differ(where + (first ? ": supersedes a ballot that never was"
                          : ": a second ballot of one voter supersedes nothing"));
  } else if (!first &&
             (supersedes->seq != held->second.seq || supersedes->payload != held->second.payload)) {
    Differ(where + ": supersedes another ballot than the one in force");
  }
  poll.ballots[tag] = std::move(version);
}

CountedPoll JournalRecount::NothingOf(const HeldPoll& poll) {
  CountedPoll nothing;
  nothing.poll = poll.definition.id;
  for (const OptionDefinition& option : poll.definition.options) {
    const auto& questions = poll.definition.questions;
    nothing.options.emplace_back().id =
        questions.empty() ? option.id : questions[option.question].id + ":" + option.id;
  }
  return nothing;
}

std::vector<CountedPoll> JournalRecount::Count() {
  std::vector<CountedPoll> counted;
  for (const auto& [number, poll] : polls_) {
    CountedPoll result = NothingOf(poll);
    result.number = number;
    for (const auto& [tag, ballot] : poll.ballots) {
      if (ballot.withdrawn) continue;
      const FlagState state = StateOf(poll, tag, ballot);
      if (state == FlagState::kQuarantined) {
        ++result.quarantined;
      } else if (state == FlagState::kVoided) {
        ++result.voided;
      } else {
        CountBallot(poll, ballot, result);
      }
    }
    for (const auto& [id, paper] : poll.paper) {
      if (paper.counts) CountPaper(poll, paper, result);
    }
    counted.push_back(std::move(result));
  }
  return counted;
}

absl::StatusOr<PollBallots> JournalRecount::BallotsOf(std::string_view id) const {
  const auto found = std::find_if(polls_.begin(), polls_.end(), [id](const auto& poll) {
    return poll.second.definition.id == id;
  });
  if (found == polls_.end()) {
    return absl::NotFoundError("there is no poll " + std::string(id));
  }
  for (const auto& [batch, paper] : found->second.paper) {
    if (!paper.counts || paper.by_cards) continue;
    return absl::FailedPreconditionError("poll " + std::string(id) + " counts the paper batch " +
                                         batch + ", of which only sums are known, no ballots");
  }
  if (found->second.definition.weight.is_given()) {
    return absl::FailedPreconditionError(
        "poll " + std::string(id) + " weighs its voters, a method that counts people does not");
  }
  PollBallots ballots;
  ballots.definition = found->second.definition;
  for (const auto& [tag, ballot] : found->second.ballots) {
    if (ballot.withdrawn || IsHeld(StateOf(found->second, tag, ballot))) continue;
    const auto read = ReadBallot(ballots.definition, ballot.payload);
    const auto in_range = [&](const NamedOption& option) {
      return option.option < ballots.definition.options.size();
    };
    if (!read.has_value() || !std::all_of(read->named.begin(), read->named.end(), in_range)) {
      return absl::DataLossError("poll " + std::string(id) + ", seq " + std::to_string(ballot.seq) +
                                 ": not a ballot of the poll");
    }
    std::vector<OptionIndex>& options = ballots.named.emplace_back();
    for (const NamedOption& option : read->named) {
      const std::size_t counted = CountsFor(ballots.definition, option.option);
      const auto index = static_cast<OptionIndex>(counted);
      const bool known = std::find(options.begin(), options.end(), index) != options.end();
      if (counted != kNobody && !known) options.push_back(index);
    }
  }
  return ballots;
}

void JournalRecount::CountPaper(const HeldPoll& poll, const HeldPaper& paper,
                                CountedPoll& counted) {
  const PaperFigures& figures = paper.figures;
  counted.paper += figures.cards - figures.invalid;
  counted.blank += figures.blank;
  counted.invalid += figures.invalid;
  for (const PaperCount& count : figures.counts) {
    if (count.option >= counted.options.size()) {
      Differ("poll " + poll.definition.id + ": paper names an option that the poll does not have");
      continue;
    }
    const std::size_t option = CountsFor(poll.definition, count.option);
    if (option == kNobody) continue;
    counted.options[option].ballots += count.ballots;
    counted.options[option].paper += count.score;
  }
}

void JournalRecount::CountBallot(const HeldPoll& poll, const HeldBallot& ballot,
                                 CountedPoll& counted) {
  const std::string where = "poll " + poll.definition.id + ", seq " + std::to_string(ballot.seq);
  const auto read = ReadBallot(poll.definition, ballot.payload);
  if (!read.has_value()) {
    Differ(where + ": not a ballot of the poll's type");
    return;
  }
  const bool paper = ballot.channel == Channel::kPaper;
  (paper ? counted.paper : counted.online) += 1;
  if (read->named.empty()) counted.blank += 1;
  std::map<std::size_t, std::vector<std::int64_t>> scores;  // by the option that gets them
  for (const NamedOption& option : read->named) {
    if (option.option >= counted.options.size()) {
      Differ(where + ": names an option that the poll does not have");
      continue;
    }
    scores[CountsFor(poll.definition, option.option)].push_back(option.score);
  }
  for (const auto& [option, given] : scores) {
    if (option == kNobody) continue;
    CountedOption& sum = counted.options[option];
    sum.ballots += 1;
    (paper ? sum.paper : sum.online) += read->weight * ScoreOnce(poll.definition, option, given);
  }
}

void JournalRecount::Differ(const std::string& what) {
  constexpr std::size_t kDifferencesMax = 100;
  if (differences_.size() < kDifferencesMax) differences_.push_back(what);
}

}  // namespace tallyd
