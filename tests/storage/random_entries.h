#pragma once

// Random entries of every kind for the tests of the formats. The entries look into `arena`, which
// therefore lives as long as they do.

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "storage/entries.h"
#include "storage/journal_record.h"

namespace tallyd {

// TALLYD_TEST_SEED, or a new one; printed, so that a failure can be run again.
std::uint64_t TestSeed();

class RandomEntries {
 public:
  explicit RandomEntries(std::uint64_t seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }
  std::string Text(std::size_t bytes_max);
  VoterTag Tag();
  BallotEntry Ballot();
  WithdrawalEntry Withdrawal();
  ProjectEntry Project();
  BallotDefinition BallotRules(std::uint64_t type);
  BurstRule Burst();
  FraudDefinition Fraud();
  PollEntry Poll();
  PollStateEntry PollState();
  PaperFigures Figures();
  PaperBatchEntry PaperBatch();
  PaperConfirmEntry PaperConfirm();
  PaperVoidEntry PaperVoid();
  OptionFateEntry FateOfOption();
  IdeaEntry Idea();
  IdeaDecisionEntry DecisionOnIdea();
  PaperCardsEntry PaperCards();
  PaperCardsCountEntry PaperCardsCount();
  RollEntry Roll();
  ProjectQuotaEntry QuotaOfProject();
  QuotaUseEntry UseOfQuota();
  OnlineAfterPaperEntry OnlineAfterPaper();
  KeySealedEntry KeySealed();
  KeyDestroyedEntry KeyDestroyed();
  FlagOpenedEntry FlagOpened();
  FlagJoinedEntry FlagJoined();
  FlagDecisionEntry FlagDecision();
  HeldBallotEntry HeldBallot();
  Entry Any();

 private:
  bool Coin() { return Below(2) == 1; }
  std::uint64_t Number();  // of any magnitude
  SupersededBallot Superseded();
  std::string_view Payload();
  Seq NextSeq(PollNumber poll);

  std::mt19937_64 random_;
  std::deque<std::string> arena_;
  std::map<PollNumber, Seq> seqs_;
};

void AddEntry(const Entry& entry, RecordBuilder* builder);
std::size_t EncodedSizeMaxOf(const Entry& entry);

// One line per entry with all its fields: equal lines, equal entries.
std::string Describe(const Entry& entry);

}  // namespace tallyd
