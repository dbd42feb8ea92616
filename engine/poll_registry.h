#pragma once

// What the writer knows of every poll and project: the state decisions are made on.
//
// It runs ahead of what is durable (the next batch is decided while one syncs); readers never see
// it but through the views it makes, which the committer publishes after the sync. Every change is
// the Apply() of a journal entry, at decision time and in recovery alike, so both end in the same
// state.
//
// The writer's thread only (recovery before it starts).

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "engine/ballot.h"
#include "engine/flag_book.h"
#include "engine/idea_box.h"
#include "engine/keyring.h"
#include "engine/paper_ledger.h"
#include "engine/poll_view.h"
#include "engine/quota_book.h"
#include "engine/voter_key.h"
#include "storage/entries.h"

namespace tallyd {

// Who may vote where a poll has a roll: the tags of codes and names, and the batches they came in.
struct PollRoll {
  struct TagHash {
    std::size_t operator()(const VoterTag& tag) const { return tag.high(); }
  };
  absl::flat_hash_set<VoterTag, TagHash> tags;
  absl::flat_hash_set<std::string> batches;
};

struct PollRecord {
  PollNumber number = 0;
  PollDefinition definition;
  BallotRules rules;
  PollState state = PollState::kDraft;
  bool opened_once = false;
  Position revision = 0;
  Seq next_seq = 1;
  std::vector<PastSeqs> past;
  std::array<std::uint8_t, 16> key_salt{};
  std::array<std::uint8_t, 8> key_check{};
  std::optional<VoterKey> voter_key;
  std::optional<TimeUs> key_destroyed_at;  // time of the record that ended it
  std::uint32_t project_quota = 0;  // ballots of a voter over the project's polls; 0 = no quota
  PaperLedger paper;
  PollRoll roll;
  FlagBook flags;

  // Closed ends online votes, paper goes on; final freezes everything.
  bool Accepts(Channel channel) const {
    if (!opened_once) return false;
    return state == PollState::kOpen || (state == PollState::kClosed && channel == Channel::kPaper);
  }
  // Boxes are opened and counted from the first opening until the poll is final, pauses included.
  bool TakesPaperBatches() const { return opened_once && state != PollState::kFinal; }
};

class PollRegistry {
 public:
  // With an empty keyring no poll has a voter key.
  explicit PollRegistry(const Keyring& keyring, const PaperLimits& paper = {},
                        const FlagLimits& flags = {});

  PollRecord* Find(PollNumber number);
  const PollRecord* Find(PollNumber number) const;
  const PollRecord* Find(std::string_view id) const;
  const ProjectView* FindProject(std::string_view id) const;
  std::size_t polls_count() const { return polls_.size() - 1; }
  std::size_t projects_count() const { return projects_.size(); }
  PollNumber next_number() const { return static_cast<PollNumber>(polls_.size()); }

  void Apply(const ProjectEntry& entry, Position position);
  void Apply(const PollEntry& entry, Position position);
  // False: there is no such project or poll, or what was never spent is given back.
  bool Apply(const ProjectQuotaEntry& entry, Position position);
  bool Apply(const QuotaUseEntry& entry);
  void Apply(const PollStateEntry& entry, Position position, TimeUs time);
  // False: there is no such option, and nothing was changed.
  bool Apply(const OptionFateEntry& entry, Position position);
  // False: of an unknown poll, or a batch of that name was there before.
  bool Apply(const RollEntry& entry);
  // False: of an unknown or destroyed owner, or not the key that the poll was created with.
  bool Apply(const KeySealedEntry& entry);
  // False: of an unknown owner, or of a poll that is not final or whose key was destroyed before.
  bool Apply(const KeyDestroyedEntry& entry, Position position, TimeUs time);
  // False: of an unknown poll, or it does not follow from what came before.
  bool Apply(const FlagOpenedEntry& entry, TimeUs time);
  bool Apply(const FlagJoinedEntry& entry, TimeUs time);
  bool Apply(const FlagDecisionEntry& entry, TimeUs time);
  // A ballot or withdrawal took `seq`.
  void ApplySeq(PollNumber poll, Seq seq);
  // ... under an epoch that has ended (recovery only).
  void ApplyPastSeq(PollNumber poll, Seq seq, Epoch epoch);

  // Polls whose time has come at `now`: to be opened (their window begins), to be closed.
  std::vector<PollNumber> DueToOpen(TimeUs now) const;
  std::vector<PollNumber> DueToClose(TimeUs now) const;
  // The next time either list changes; nullopt: nothing is scheduled.
  std::optional<TimeUs> NextDue() const { return next_due_; }

  const Keyring& keyring() const { return keyring_; }
  // nullopt: the key file does not fit.
  const std::optional<ReceiptKey>& receipt_key() const { return receipt_key_; }
  const PaperLimits& paper_limits() const { return paper_limits_; }
  const FlagLimits& flag_limits() const { return flag_limits_; }
  std::size_t flagged_voters() const { return flagged_voters_; }  // of all polls
  std::size_t RoomForFlaggedVoters() const {
    return flag_limits_.voters_in_all_max - flagged_voters_;
  }
  const QuotaBook& quotas() const { return quotas_; }
  // Polls of a project, by number.
  std::vector<PollNumber> PollsOf(std::string_view project) const;
  IdeaBox& ideas() { return ideas_; }
  const IdeaBox& ideas() const { return ideas_; }

  std::shared_ptr<const PollView> MakeView(PollNumber number) const;
  std::vector<std::shared_ptr<const PollView>> MakeAllViews() const;
  std::vector<std::shared_ptr<const ProjectView>> MakeAllProjectViews() const;

 private:
  void FindNextDue();

  const Keyring keyring_;
  std::optional<ReceiptKey> receipt_key_;
  const PaperLimits paper_limits_;
  const FlagLimits flag_limits_;
  std::size_t flagged_voters_ = 0;
  std::vector<std::unique_ptr<PollRecord>> polls_;  // by number; [0] is empty
  absl::flat_hash_map<std::string, PollNumber> number_by_id_;
  absl::flat_hash_map<std::string, ProjectView> projects_;
  std::optional<TimeUs> next_due_;
  IdeaBox ideas_;
  QuotaBook quotas_;
};

BallotRules RulesOf(const PollDefinition& definition);
// What counted for `option` counts for `into` from now on, or for nobody (kNoOption).
void SetCountsFor(OptionIndex option, OptionIndex into, std::size_t options_count,
                  BallotRules* rules);

}  // namespace tallyd
