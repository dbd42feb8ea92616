// Entries as text, to compare them and to read a difference.

#include <array>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <string>
#include <variant>

#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

template <std::size_t kSize>
std::string Hex(const std::array<std::uint8_t, kSize>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    text += two;
  }
  return text;
}

struct Describer {
  std::ostringstream out;

  void operator()(const SupersededBallot& was) {
    out << " superseded{" << was.seq << ' ' << int(was.channel) << ' ' << was.box << " '"
        << was.payload << "'}";
  }
  void operator()(const BallotEntry& entry) {
    out << "ballot " << entry.poll << ' ' << entry.seq << ' ' << Hex(entry.tag.bytes) << ' '
        << int(entry.channel) << ' ' << entry.box << ' ' << entry.version_no << ' '
        << entry.idempotency_print << " '" << entry.payload << "'";
    if (entry.supersedes.has_value()) (*this)(*entry.supersedes);
  }
  void operator()(const WithdrawalEntry& entry) {
    out << "withdrawal " << entry.poll << ' ' << entry.seq << ' ' << Hex(entry.tag.bytes) << ' '
        << entry.version_no << ' ' << entry.idempotency_print;
    (*this)(entry.supersedes);
  }
  void operator()(const ProjectEntry& entry) {
    out << "project '" << entry.id << "' '" << entry.display << "' '" << entry.actor << "'";
  }
  void operator()(const PollEntry& entry) {
    const PollDefinition& poll = entry.definition;
    out << "poll " << entry.number << ' ' << Hex(entry.key_salt) << ' ' << Hex(entry.key_check)
        << " '" << poll.id << "' '" << poll.project << "' " << int(poll.ballot.type) << ' '
        << poll.ballot.min << ' ' << poll.ballot.max << ' ' << poll.ballot.points_total << ' '
        << poll.ballot.points_per_option_max << ' ' << int(poll.ballot.scoring);
    for (const QuestionDefinition& question : poll.questions) {
      const BallotDefinition& ballot = question.ballot;
      out << " question{'" << question.id << "' " << int(ballot.type) << ' ' << ballot.min << ' '
          << ballot.max << ' ' << ballot.points_total << ' ' << ballot.points_per_option_max << ' '
          << int(ballot.scoring) << " '" << question.display << "'}";
    }
    for (const OptionDefinition& option : poll.options) {
      out << " option{'" << option.id << "' " << option.cost << ' ' << option.withdrawn << " '"
          << option.display << "' " << option.question << ' ' << int(option.fate) << ' '
          << option.counts_for << '}';
    }
    for (const BoxDefinition& box : poll.boxes)
      out << " box{" << box.id << ' ' << box.display << '}';
    out << ' ' << poll.opens.has_value() << ' ' << poll.opens.value_or(0) << ' '
        << poll.closes.has_value() << ' ' << poll.closes.value_or(0) << ' ' << int(poll.revote)
        << ' ' << poll.changes_max << ' ' << poll.withdraw << poll.online << poll.paper
        << poll.paper_confirm << poll.paper_blind << poll.roll << ' '
        << poll.ballots_per_voter.count << '\'' << poll.ballots_per_voter.day_zone << "' "
        << int(poll.selection.rule) << ' ' << poll.selection.count << ' ' << poll.selection.budget
        << ' ' << poll.selection.threshold << ' ' << int(poll.visibility.rule) << ' '
        << int(poll.visibility.from) << ' ' << poll.visibility.coarse_k << ' '
        << poll.visibility.turnout_hidden << ' ' << int(poll.channel_rule) << " '" << poll.display
        << "' '" << entry.actor << "' weight{'" << poll.weight.claim << "' " << poll.weight.max
        << '}' << " fraud{" << poll.fraud.network_burst.ballots << ' '
        << poll.fraud.network_burst.window_s << ' ' << poll.fraud.poll_burst.ballots << ' '
        << poll.fraud.poll_burst.window_s << '}';
    for (const ClaimRule& claim : poll.claims) {
      out << " claim{'" << claim.name << '\'';
      for (const std::string& value : claim.values) out << " '" << value << '\'';
      out << '}';
    }
  }
  void operator()(const PaperFigures& figures) {
    out << " figures{" << figures.cards << ' ' << figures.invalid << ' ' << figures.blank;
    for (const PaperCount& count : figures.counts) {
      out << " (" << count.option << ' ' << count.ballots << ' ' << count.score << ')';
    }
    out << '}';
  }
  void operator()(const PaperBatchEntry& entry) {
    out << "paper batch " << entry.poll << " '" << entry.batch.id << "' " << entry.batch.box << ' '
        << entry.counts << entry.batch.by_cards << ' ' << entry.batch.opened_at.has_value() << ' '
        << entry.batch.opened_at.value_or(0) << " '" << entry.batch.seal << "' '" << entry.actor
        << "'";
    for (const std::string& name : entry.batch.counted_by) out << " by '" << name << "'";
    (*this)(entry.batch.figures);
  }
  void operator()(const PaperConfirmEntry& entry) {
    out << "paper confirm " << entry.poll << " '" << entry.batch << "' " << entry.blind << " '"
        << entry.actor << "'";
    (*this)(entry.figures);
  }
  void operator()(const PaperVoidEntry& entry) {
    out << "paper void " << entry.poll << " '" << entry.batch << "' '" << entry.reason << "' '"
        << entry.actor << "' " << entry.reverses.has_value();
    if (entry.reverses) (*this)(*entry.reverses);
  }
  void operator()(const OptionFateEntry& entry) {
    out << "fate " << entry.poll << ' ' << entry.option << ' ' << int(entry.fate) << ' '
        << entry.into << ' ' << entry.overlap.ballots << ' ' << entry.overlap.online << ' '
        << entry.overlap.paper << " '" << entry.reason << "' '" << entry.actor << "'";
  }
  void operator()(const IdeaEntry& entry) {
    out << "idea " << entry.number << " '" << entry.project << "' " << entry.submitter.high() << ' '
        << entry.submitter.low() << ' ' << entry.idempotency_print << " '" << entry.display << "' '"
        << entry.text << "'";
  }
  void operator()(const IdeaDecisionEntry& entry) {
    out << "idea decision " << entry.number << ' ' << int(entry.decision) << ' ' << entry.poll
        << ' ' << entry.option << " '" << entry.reason_code << "' '" << entry.actor << "'";
  }
  void operator()(const PaperCardsEntry& entry) {
    out << "paper cards " << entry.poll << " '" << entry.batch << "' '" << entry.actor << "'";
    for (const PaperCard& card : entry.cards) {
      out << ' ' << Hex(card.tag.bytes) << " '" << card.payload << "'";
    }
    (*this)(entry.figures);
  }
  void operator()(const PaperCardsCountEntry& entry) {
    out << "paper cards count " << entry.poll << " '" << entry.batch << "' " << entry.blind
        << entry.at_once << " '" << entry.actor << "'";
    for (const CardOutcome& outcome : entry.outcomes) {
      out << ' ' << int(outcome.result) << ':' << outcome.seq;
    }
    (*this)(entry.rest);
  }
  void operator()(const RollEntry& entry) {
    out << "roll " << entry.poll << " '" << entry.batch << "' '" << entry.actor << "'";
    for (const VoterTag& tag : entry.tags) out << ' ' << Hex(tag.bytes);
  }
  void operator()(const ProjectQuotaEntry& entry) {
    out << "quota '" << entry.project << "' " << entry.ballots_per_voter << " '" << entry.actor
        << "'";
  }
  void operator()(const QuotaUseEntry& entry) {
    out << "quota use " << entry.spent_in << ' ' << entry.project_tag.high() << ' '
        << entry.project_tag.low() << ' ' << entry.given_back;
  }
  void operator()(const OnlineAfterPaperEntry& entry) {
    out << "online after paper " << entry.poll << ' ' << entry.on_paper;
  }
  void operator()(const KeySealedEntry& entry) {
    out << "key sealed " << int(entry.owner) << ' ' << entry.of_poll << " '" << entry.of_project
        << "' " << Hex(entry.root_check) << ' ' << Hex(entry.nonce) << " '" << entry.sealed << "'";
  }
  void operator()(const KeyDestroyedEntry& entry) {
    out << "key destroyed " << entry.poll << " '" << entry.project << "' '" << entry.reason << "' '"
        << entry.actor << "'";
  }
  void operator()(const FlagOpenedEntry& entry) {
    out << "flag opened " << entry.poll << ' ' << entry.group << ' ' << int(entry.rule) << ' '
        << entry.burst.ballots << ' ' << entry.burst.window_s;
    for (const VoterTag& voter : entry.voters) out << ' ' << Hex(voter.bytes);
  }
  void operator()(const FlagJoinedEntry& entry) {
    out << "flag joined " << entry.poll << ' ' << entry.group << ' ' << Hex(entry.voter.bytes);
  }
  void operator()(const FlagDecisionEntry& entry) {
    out << "flag decision " << entry.poll << ' ' << entry.group << ' ' << int(entry.was) << ' '
        << int(entry.to) << " '" << entry.reason << "' '" << entry.actor << "' held{"
        << entry.figures.ballots << ' ' << entry.figures.blank;
    for (const HeldCount& count : entry.figures.counts) {
      out << " (" << count.option << ' ' << count.ballots << ' ' << count.score << ')';
    }
    out << '}';
  }
  void operator()(const HeldBallotEntry& entry) {
    out << "held ballot " << entry.poll << ' ' << entry.seq << ' ' << int(entry.state) << ' '
        << entry.put_back << " '" << entry.payload << "'";
  }
  void operator()(const PollStateEntry& entry) {
    out << "state " << entry.poll << ' ' << int(entry.to) << ' ' << int(entry.cause) << " '"
        << entry.actor << "'";
  }
};

}  // namespace

std::string Describe(const Entry& entry) {
  Describer describer;
  std::visit(describer, entry);
  return describer.out.str();
}

}  // namespace tallyd
