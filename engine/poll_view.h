#pragma once

// A poll as readers and request decoders see it: immutable, shared, replaced as a whole.
//
// The committing thread publishes a new view after each commit that changes the poll, so a view
// never shows what is not durable. Look it up by id in the PollDirectory; keep it for one request.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "engine/ballot.h"
#include "engine/voter_key.h"
#include "storage/entries.h"
#include "storage/records.h"

namespace tallyd {

// The seqs of a poll up to `last` that were given under an epoch before the present one: a restore
// keeps ballots, and with them their seqs and receipts.
struct PastSeqs {
  Epoch epoch = 0;
  Seq last = 0;
};

struct PollView {
  PollNumber number = 0;
  PollDefinition definition;
  BallotRules rules;
  PollState state = PollState::kDraft;
  bool opened_once = false;       // rules are frozen
  bool accepting_online = false;  // open, and inside its window, as of the last commit
  Position revision = 0;          // commit that last changed definition or state, or ended the key
  // nullopt: the key file does not fit this poll (503 key_missing), or the key was destroyed.
  std::optional<VoterKey> voter_key;
  std::optional<TimeUs> key_destroyed_at;  // nobody has it any more (410 key_destroyed)

  // Of a project with a quota: names voters over all of its polls.
  std::optional<VoterKey> project_key;

  // Options by id, for each question; one map where the poll is no survey.
  std::vector<absl::flat_hash_map<std::string, OptionIndex>> option_by_id;
  absl::flat_hash_map<std::string, QuestionIndex> question_by_id;  // survey only
  absl::flat_hash_map<std::string, BoxIndex> box_by_id;            // counted from 1

  std::vector<PastSeqs> past;  // ascending; empty unless the history was restored

  // The epoch under which the ballot with that seq was decided; `present` if none before was.
  Epoch EpochOf(Seq seq, Epoch present) const;
  // Fills the maps from the definition.
  void IndexIds();
  bool is_survey() const { return definition.ballot.type == BallotType::kSurvey; }
  // Survey: of that question.
  std::optional<OptionIndex> FindOption(std::string_view id, QuestionIndex question = 0) const;
  std::optional<QuestionIndex> FindQuestion(std::string_view id) const;
  std::optional<BoxIndex> FindBox(std::string_view id) const;
};

struct ProjectView {
  ProjectEntry project;
  Position revision = 0;
  std::uint32_t ballots_per_voter = 0;  // over its polls; 0 = no quota
  // For what its polls share, ideas and quotas; nullopt: the key file does not fit.
  std::optional<VoterKey> voter_key;
};

}  // namespace tallyd
