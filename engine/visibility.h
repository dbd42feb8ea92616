#pragma once

// The gate in front of every figure: what of a poll's tally may leave, and since which commit.
//
// A ranking snapshot is made through it and in no other way, so whatever net/ renders, streams or
// compares has passed here. It stands between the tally and the board and not in front of the
// readers, because a figure that is not in the snapshot cannot be forgotten in a new route.
//
//   live    everything, at once.
//   coarse  figures as they were at a step. A step has at least k ballots more (or fewer) than the
//           one before, and is shown only when the next one is complete: so at least k ballots are
//           always held back, and the exact result (state final) too differs by k from what was
//           shown last. Cells of fewer than k ballots stay empty, never one alone.
//   sealed  no figure of an option, nor what one follows from, before `from`; with turnout_hidden
//           not even how many voted, and no version for a vote.
//
// A fold over the journal like the tally itself: the same steps after a restart or a rebuild. The
// committing thread. Cost: nothing for a live poll; a coarse one copies its tally once a step.

#include <vector>

#include "engine/snapshot.h"
#include "engine/tally.h"
#include "storage/byte_codec.h"
#include "storage/entries.h"

namespace tallyd {

// No figure of an option may leave in this state. For whatever shows ballots or tallies by another
// way than a snapshot (exports, analysts' questions): it must ask this first.
bool IsSealed(const VisibilityDefinition& visibility, PollState state);
// Figures of an option leave in steps or not at all: what counts ballots by itself shows none.
bool IsWithheld(const VisibilityDefinition& visibility, PollState state);
// Nor may anything leave that tells how many voted: totals, seqs, a version per vote.
bool HidesTurnout(const VisibilityDefinition& visibility, PollState state);

class VisibilityGate {
 public:
  // A commit and its journaled time: what a version is named after.
  struct Stamp {
    Position position = 0;
    TimeUs time = 0;
  };

  // The poll's definition or state changed; `visibility` is that of its definition.
  void NoteEvent(const VisibilityDefinition& visibility, Stamp at);
  void NoteEvent(Stamp at) { event_ = at; }
  // After everything of the commit `at`, which touched the poll, was added to `tally`.
  void Settle(const PollTally& tally, PollState state, Stamp at);

  // The newest version there is to show, given that the poll's last commit was `newest`.
  Stamp Shown(PollState state, Stamp newest) const;
  bool IsOpen(PollState state) const;  // everything may leave as it is
  // Fills totals, rows and order. Not of a poll that IsOpen(). `definition` is the view's.
  void Fill(const PollDefinition& definition, RankingSnapshot* snapshot) const;

  bool is_live() const { return visibility_.rule == Visibility::kLive; }
  // Only of a poll that is not live.
  void Encode(ByteWriter* out) const;
  static bool Decode(ByteReader* in, VisibilityGate* gate);

 private:
  struct Step {
    PollTally tally;
    Stamp at;
  };

  VisibilityDefinition visibility_;
  Stamp event_;  // last change of definition or state
  Step shown_;   // coarse
  Step held_;    // the step after it, until one more is complete
};

// Empties the cells of fewer than k ballots, so that none can be reckoned from the others.
void SuppressSmallCells(const PollDefinition& definition, RankingSnapshot* snapshot);

}  // namespace tallyd
