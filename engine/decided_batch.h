#pragma once

// What one round of deciding hands to committing: the record to make durable, and what may be told
// to whom once it is.
//
// Made by the Decider, consumed by the Committer, strictly in order, then reused: its memory stays.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/command.h"
#include "engine/poll_view.h"
#include "engine/voter_register.h"
#include "storage/journal_record.h"

namespace tallyd {

struct DecidedBatch {
  Position position = 0;  // of the record; meaningful only if `record` is not empty
  TimeUs time = 0;
  RecordBuilder record;
  const TailBlock* block = nullptr;  // null: no ballot versions in this commit

  std::vector<std::vector<Outcome>> outcomes_by_sink;
  std::vector<std::shared_ptr<const PollView>> polls_changed;
  std::vector<std::shared_ptr<const ProjectView>> projects_changed;

  // Commands of the queue that are answered once this batch is released
  // (IngestQueue::PoppedCursor).
  std::uint64_t popped_through = 0;

  bool HasWork() const { return !record.empty() || has_outcomes; }
  bool has_outcomes = false;

  void Clear() {
    position = 0;
    time = 0;
    record.Clear();
    block = nullptr;
    for (auto& outcomes : outcomes_by_sink) outcomes.clear();
    polls_changed.clear();
    projects_changed.clear();
    has_outcomes = false;
  }

  void Answer(SinkId sink, Outcome outcome) {
    if (outcomes_by_sink.size() <= sink) outcomes_by_sink.resize(sink + std::size_t{1});
    outcomes_by_sink[sink].push_back(std::move(outcome));
    has_outcomes = true;
  }
};

}  // namespace tallyd
