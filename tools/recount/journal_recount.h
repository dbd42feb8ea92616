#pragma once

// Counts all votes again from the journal alone, in the plainest way that could be thought of.
//
//   JournalRecount recount;
//   while (record = next...) recount.Add(record);      // every record, from position 1 on
//   std::vector<CountedPoll> polls = recount.Count();  // at any point
//
// Shares nothing with the engine, not even the ballot's format: what it reads is what
// docs/data_formats.md says. It keeps the ballot in force of every voter in a std::map and counts
// only at the end, where the engine adds and subtracts as it goes; so the two can disagree.
// It checks on the way that positions are dense, that each record carries the SHA-256 of the one
// before, that seqs grow, that what an entry claims to supersede was in force, that paper was
// confirmed by another person and taken back as it was entered, and that keys end with final polls.
// One thread. Memory: about 150 bytes a voter.
// confirmed by another person and taken back as it was entered, and that what a decision takes out
// of the count is what the ballots of its group add up to. One thread. Memory: about 150 bytes
// a voter.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/entries.h"
#include "storage/journal_record.h"

namespace tallyd {

struct CountedOption {
  std::string id;
  std::int64_t ballots = 0;  // naming it
  std::int64_t online = 0;   // score
  std::int64_t paper = 0;    // score
  std::int64_t score() const { return online + paper; }
};

struct CountedPoll {
  PollNumber number = 0;
  std::string poll;
  std::int64_t online = 0;  // ballots in force
  std::int64_t paper = 0;
  std::int64_t blank = 0;
  std::int64_t invalid = 0;      // paper cards
  std::int64_t quarantined = 0;  // online ballots in force that count for nothing
  std::int64_t voided = 0;
  std::vector<CountedOption> options;
  std::int64_t ballots() const { return online + paper; }
};

// What the ballots in force of one poll name.
struct PollBallots {
  PollDefinition definition;
  std::vector<std::vector<OptionIndex>> named;  // one for each ballot, in no order of voters
};

class JournalRecount {
 public:
  // DataLoss if the record is damaged, is not the next one, or does not continue the chain.
  absl::Status Add(std::string_view record);

  std::vector<CountedPoll> Count();
  // NotFound: no such poll. DataLoss: a ballot is not one of the poll's type. FailedPrecondition:
  // paper batches count, of which only sums are known.
  absl::StatusOr<PollBallots> BallotsOf(std::string_view poll) const;

  Position position() const { return position_; }
  Epoch epoch() const { return epoch_; }
  const ChainHash& last_hash() const { return last_hash_; }
  // What entries claim and should not: the first 100, one a line. Count() adds ballots that break
  // the format.
  const std::vector<std::string>& differences() const { return differences_; }

 private:
  struct HeldBallot {
    Seq seq = 0;
    Channel channel = Channel::kOnline;
    bool withdrawn = false;
    std::string payload;
  };
  struct HeldPaper {
    PaperFigures figures;
    std::string actor;
    bool counts = false;
    bool voided = false;
    bool by_cards = false;  // the figures are those beside its cards, which are ballots
  };
  struct HeldGroup {
    FlagState state = FlagState::kFlagged;
    std::vector<VoterTag> voters;
  };
  struct HeldPoll {
    PollDefinition definition;
    PollState state = PollState::kDraft;
    bool key_destroyed = false;
    Seq last_seq = 0;
    std::map<VoterTag, HeldBallot> ballots;  // the newest version of every voter
    std::map<std::string, HeldPaper> paper;
    std::map<FlagGroupNumber, HeldGroup> groups;  // of flagged voters
    std::map<VoterTag, FlagGroupNumber> group_of;
  };

  absl::Status AddEntry(const Entry& entry);
  void AddVersion(PollNumber poll, const VoterTag& tag, const SupersededBallot* supersedes,
                  HeldBallot version);
  void AddFate(const OptionFateEntry& entry);
  void AddKeyDestroyed(const KeyDestroyedEntry& entry);
  void AddFlags(const Entry& entry);
  void PutInGroup(PollNumber poll, FlagGroupNumber group, const VoterTag& voter);
  void Decide(const FlagDecisionEntry& entry);
  static FlagState StateOf(const HeldPoll& poll, const VoterTag& voter, const HeldBallot& ballot);
  static CountedPoll NothingOf(const HeldPoll& poll);
  void AddPaper(const Entry& entry);
  void ConfirmPaper(HeldPaper* held, const PaperConfirmEntry& entry, const std::string& where);
  void CountCards(HeldPaper* held, const PaperCardsCountEntry& entry, bool second_person,
                  const std::string& where);
  void VoidPaper(HeldPaper* held, const PaperVoidEntry& entry, const std::string& where);
  void CountPaper(const HeldPoll& poll, const HeldPaper& paper, CountedPoll& counted);
  void CountBallot(const HeldPoll& poll, const HeldBallot& ballot, CountedPoll& counted);
  void Differ(const std::string& what);

  Position position_ = 0;
  Epoch epoch_ = 0;
  ChainHash last_hash_;
  std::map<PollNumber, HeldPoll> polls_;
  std::vector<std::string> differences_;
};

}  // namespace tallyd
