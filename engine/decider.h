#pragma once

// Decides: takes commands in queue order, gives each its outcome, and writes what changes into a
// record.
//
// Everything decided is visible to the next decision at once, although not durable yet; that is
// sound because batches are released strictly in order after their sync, and a failed sync ends the
// process. No I/O but reads of the ballot store for voters that memory does not hold.
//
// The writer's thread only.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "engine/burst_watch.h"
#include "engine/command.h"
#include "engine/decided_batch.h"
#include "engine/metrics.h"
#include "engine/poll_registry.h"
#include "engine/voter_register.h"

namespace tallyd {

class Decider {
 public:
  struct State {
    PollRegistry* polls;
    VoterRegister* voters;
    EngineMetrics* metrics;
  };
  // `last_position` and `last_time` are those of the newest record.
  Decider(State state, Position last_position, TimeUs last_time);

  // Decides commands from the front until all are decided or the record is full; returns how many
  // were. `now` is the wall clock; the batch's time is later than that of every batch before.
  std::size_t Decide(absl::Span<Command> commands, TimeUs now, DecidedBatch* batch);

  // Journals the openings and closings whose time has come. Closings only if `close_too`: the
  // caller first lets in what was enqueued before.
  void DecideSchedule(TimeUs now, bool close_too, DecidedBatch* batch);

  // Call once per batch after everything was decided: fixes position and views.
  void Finish(DecidedBatch* batch);

  Position last_position() const { return last_position_; }

 private:
  void Begin(TimeUs now, DecidedBatch* batch);
  Outcome DecideOne(Command& command, DecidedBatch* batch);
  Outcome DecideVote(Command& vote, DecidedBatch* batch);
  Outcome DecideWithdrawal(const Command& command, DecidedBatch* batch);
  Outcome LookUp(const Command& command);
  Outcome LookUpReceipt(const Command& command);
  Outcome DecideAct(PollNumber poll, const Act& act, DecidedBatch* batch);
  Outcome DecidePutProject(const PutProject& act, DecidedBatch* batch);
  Outcome DecidePutPoll(const PutPoll& act, DecidedBatch* batch);
  Outcome DecidePaper(PollNumber poll, const Act& act, DecidedBatch* batch);
  Outcome DecidePut(PollRecord& poll, const PutPaperBatch& put, DecidedBatch* batch);
  Outcome DecideConfirm(PollRecord& poll, const ConfirmPaperBatch& confirm, DecidedBatch* batch);
  Outcome DecideVoid(PollRecord& poll, const VoidPaperBatch& taken, DecidedBatch* batch);
  Outcome DecideWithdrawOption(PollNumber poll, const WithdrawOption& act, DecidedBatch* batch);
  // What both options got from the same ballots in force, and one will get only once.
  FateOverlap FindOverlap(const PollRecord& poll, OptionIndex option, OptionIndex into);
  Outcome DecideIdeas(const Act& act, DecidedBatch* batch);
  Outcome DecideSubmitIdea(const SubmitIdea& act, DecidedBatch* batch);
  Outcome DecideOnIdea(const DecideIdea& act, DecidedBatch* batch);
  Outcome ApproveIdea(const IdeaRecord& idea, const DecideIdea& act, DecidedBatch* batch);
  Outcome RecordDecision(const IdeaDecisionEntry& entry, DecidedBatch* batch);
  Outcome DecideCards(PollRecord& poll, const PutPaperCards& put, DecidedBatch* batch);
  Outcome DecideRoll(PollRecord& poll, const PutRoll& put, DecidedBatch* batch);

  // Cards with codes (decider_cards.cc). All cards of a batch are decided in one commit, so such an
  // act begins a record of its own.
  std::size_t CardsOf(const Command& command);
  struct CardFate {
    CardResult result = CardResult::kCounted;
    std::optional<BallotVersion> newest;  // of the card's voter
  };
  std::vector<CardFate> FatesOf(const PollRecord& poll, const std::vector<PaperCard>& cards);
  void CountCards(PollRecord& poll, const std::string& id, std::vector<CardFate> fates,
                  PaperCardsCountEntry entry, DecidedBatch* batch);
  Outcome ConfirmCards(PollRecord& poll, const ConfirmPaperBatch& confirm, DecidedBatch* batch);
  // False: the ballots do not fit into the record; nothing was changed.
  bool TakeCardsBack(PollRecord& poll, const PaperRecord& record, DecidedBatch* batch);
  Outcome AboutPaper(OutcomeCode code, const PollRecord& poll, const PaperRecord& record);
  Outcome DecideTransition(PollNumber poll, const TransitionPoll& act, DecidedBatch* batch);

  static Outcome Answer(OutcomeCode code, Position revision = 0, std::string detail = {});
  // An act that changed nothing, and why.
  static Outcome Refused(OutcomeCode code, std::string detail = {});
  // Flagged ballots (decider_fraud.cc).
  static std::size_t FraudRoomFor(const PollRecord& poll, const Command& vote);
  // Of a voter's first ballot, which was accepted just now.
  void WatchBallot(const Command& vote, DecidedBatch* batch);
  void Flag(PollRecord& poll, FlagRule rule, BurstWatch& watch, BurstSource source,
            DecidedBatch* batch);
  HeldFigures SumOf(const PollRecord& poll, const FlagGroup& group);
  Outcome AboutFlags(OutcomeCode code, const PollRecord& poll, const FlagGroup& group);
  Outcome DecideFlagActs(PollNumber poll, const Act& act, DecidedBatch* batch);
  Outcome DecideOnFlags(PollRecord& poll, const DecideFlags& act, DecidedBatch* batch);
  static void PutBack(FlagState held, const BallotVersion& superseded, Seq seq,
                      DecidedBatch* batch);
  static void TakeOut(FlagState held, const BallotVersion& version, DecidedBatch* batch);

  // The answer that a version used with this Idempotency-Key got, if any version of the voter did.
  bool AnswerRepeatedKey(const Command& command, const BallotVersion& newest, Outcome* outcome);
  // Whether both mark the same; what their voter weighs makes no difference.
  bool MarksTheSame(const Command& vote, const BallotVersion& version) const;
  // Notes, once, that the voter of a ballot on paper came online too, where the poll lists that.
  void ListOnlineTry(const BallotVersion& in_force, const Command& vote, DecidedBatch* batch);
  // A bound of the poll's paper is reached: counted, and refused as too large.
  Outcome RefuseMorePaper(std::string detail);
  // Why the voter may have no further ballot in the project; nullopt: one more is fine.
  std::optional<OutcomeCode> CheckQuota(const PollRecord& poll, const Command& vote) const;
  // Spends one of the voter's ballots over the project, or gives one back.
  void UseQuota(const PollRecord& poll, const Command& command, bool give_back,
                DecidedBatch* batch);
  void Accept(BallotVersion version, const BallotVersion* superseded, DecidedBatch* batch);
  void CreateProjectOf(const PutPoll& act, DecidedBatch* batch);
  Outcome CreatePoll(const PutPoll& act, DecidedBatch* batch);
  Outcome ReplacePoll(const PollRecord& poll, const PutPoll& act, DecidedBatch* batch);
  void ChangeState(PollNumber poll, PollState to, StateCause cause, const std::string& actor,
                   DecidedBatch* batch);
  void Count(const Outcome& outcome, Channel channel);
  // Readers get a new view of the poll once the batch is durable.
  void TouchPoll(PollNumber poll);
  std::size_t RoomFor(const Command& command) const;

  State state_;
  BurstWatches watches_;
  Position last_position_;
  TimeUs last_time_;
  TailBlock* block_ = nullptr;
  std::size_t commands_in_call_ = 0;
  std::size_t cards_in_call_ = 0;  // ballots that one act may bring besides
  std::vector<PollNumber> polls_touched_;
  std::vector<std::string> projects_touched_;
};

}  // namespace tallyd
