#pragma once

// The bodies of engine/committer.h, for those who instantiate them: engine/shell.cc, tests/sim.

#include <algorithm>
#include <utility>

#include "engine/committer.h"
#include "engine/limits.h"
#include "storage/broken_build.h"
#include "storage/check.h"

namespace tallyd {

template <class Runtime>
BasicCommitter<Runtime>::BasicCommitter(Options options, Parts parts, Position last,
                                        const ChainHash& last_hash)
    : options_(std::move(options)), parts_(parts), last_(last), last_hash_(last_hash) {
  checkpoint_us_ = parts_.clock->SteadyUs();
  // Tallies that were counted anew (none saved, or in an earlier format) are worth saving at once.
  checkpoint_position_ = options_.checkpoint;
}

template <class Runtime>
void BasicCommitter<Runtime>::SetSink(SinkId id, OutcomeSink* sink) {
  // Pairs with the acquire in Acknowledge: the sink is whole before a batch can name it.
  sinks_[id].store(sink, std::memory_order_release);
}

template <class Runtime>
bool BasicCommitter<Runtime>::Commit(DecidedBatch* batch) {
  if (TALLYD_BROKEN("M1-acknowledge-first") && batch->block != nullptr) Acknowledge(batch);
  if (!batch->record.empty() && !Append(batch)) {
    if (!TALLYD_BROKEN("M11-unknown-called-refused")) return false;
    for (auto& outcomes : batch->outcomes_by_sink) {
      for (Outcome& outcome : outcomes) outcome.code = OutcomeCode::kPollNotOpen;
    }
  }
  Acknowledge(batch);
  return true;
}

template <class Runtime>
bool BasicCommitter<Runtime>::Append(DecidedBatch* batch) {
  const std::int64_t began_us = parts_.clock->SteadyUs();
  const SealedRecord sealed = batch->record.Seal({.epoch = options_.epoch,
                                                  .term = options_.term,
                                                  .position = batch->position,
                                                  .time = batch->time,
                                                  .previous_hash = last_hash_});
  TALLYD_CHECK(batch->position == last_ + 1);
  if (TALLYD_BROKEN("M6-publish-before-sync")) {
    Apply(*batch, sealed.bytes);
    PublishAll();
  }
  if (TALLYD_BROKEN("M12-watermark-before-sync")) {
    parts_.keeper->NoteDurable(
        {.epoch = options_.epoch, .position = batch->position, .hash = sealed.hash});
  }
  if (const absl::Status durable = parts_.journal->Append(last_, sealed.bytes); !durable.ok()) {
    if (!TALLYD_BROKEN("M11-unknown-called-refused")) options_.on_fatal(durable);
    return false;
  }
  last_ = batch->position;
  last_hash_ = sealed.hash;
  parts_.keeper->NoteDurable({.epoch = options_.epoch, .position = last_, .hash = last_hash_});
  EngineMetrics& metrics = *parts_.metrics;
  metrics.commits.fetch_add(1, std::memory_order_relaxed);
  metrics.commit_bytes.fetch_add(sealed.bytes.size(), std::memory_order_relaxed);
  metrics.commit_ballots.Add(batch->block == nullptr ? 0 : batch->block->versions.size());
  metrics.commit_duration_us.Add(static_cast<std::uint64_t>(parts_.clock->SteadyUs() - began_us));
  if (!TALLYD_BROKEN("M6-publish-before-sync")) Apply(*batch, sealed.bytes);
  return true;
}

template <class Runtime>
void BasicCommitter<Runtime>::Apply(const DecidedBatch& batch, std::string_view record) {
  const auto view = RecordView::Parse(record);
  TALLYD_CHECK(view.ok());  // sealed a moment ago
  const absl::Status applied = parts_.tallies->Apply(*view);
  TALLYD_CHECK(applied.ok());  // a committed event always applies
  for (const auto& poll : batch.polls_changed) {
    parts_.tallies->SetView(poll);
    parts_.directory->Publish(poll);
  }
  for (const auto& project : batch.projects_changed) parts_.directory->PublishProject(project);
  // After the views: whoever finds an act finds the options and boxes it names.
  const absl::Status audited = parts_.audit->Apply(*view);
  TALLYD_CHECK(audited.ok());
  for (const PollNumber poll : parts_.tallies->touched()) {
    // What the gate holds back is nothing new to readers: nobody waits for it, no version is made.
    const Position shown = parts_.tallies->ShownPosition(poll);
    parts_.board->MarkApplied(poll, shown);
    const auto newest = parts_.board->Newest(poll);
    if (newest != nullptr && newest->position == shown) continue;
    PlanPublish(poll, options_.publish_interval_us);
    // A new poll is readable from its first acknowledgement on.
    if (newest == nullptr) Publish(poll, parts_.clock->SteadyUs());
  }
  parts_.materialiser->Submit(last_, batch.block);
}

template <class Runtime>
void BasicCommitter<Runtime>::Acknowledge(DecidedBatch* batch) {
  for (std::size_t id = 0; id < batch->outcomes_by_sink.size(); ++id) {
    std::vector<Outcome>& outcomes = batch->outcomes_by_sink[id];
    if (outcomes.empty()) continue;
    OutcomeSink* sink = sinks_[id].load(std::memory_order_acquire);
    TALLYD_CHECK(sink != nullptr);
    sink->Deliver(std::move(outcomes));
    outcomes = std::vector<Outcome>();
  }
}

template <class Runtime>
void BasicCommitter<Runtime>::PlanPublish(PollNumber poll, std::int64_t interval_us) {
  PublishPlan& plan = plans_[poll];
  const std::int64_t due_us = plan.published_us + interval_us;
  if (plan.due_us) {
    if (*plan.due_us <= due_us) return;
    due_.erase({*plan.due_us, poll});
  }
  plan.due_us = due_us;
  due_.insert({due_us, poll});
}

template <class Runtime>
void BasicCommitter<Runtime>::Publish(PollNumber poll, std::int64_t now_us) {
  PublishPlan& plan = plans_[poll];
  if (plan.due_us) due_.erase({*plan.due_us, poll});
  plan = {.published_us = now_us, .due_us = std::nullopt};
  auto snapshot = parts_.tallies->MakeSnapshot(poll, options_.epoch);
  parts_.metrics->snapshot_build_us.Add(
      static_cast<std::uint64_t>(parts_.clock->SteadyUs() - now_us));
  parts_.metrics->snapshots_published.fetch_add(1, std::memory_order_relaxed);
  parts_.board->Publish(std::move(snapshot));
}

template <class Runtime>
std::optional<std::int64_t> BasicCommitter<Runtime>::Tick() {
  std::deque<Errand> errands;
  {
    absl::MutexLock lock(&errands_mutex_);
    errands.swap(errands_);
  }
  for (Errand& errand : errands) errand(last_, *parts_.tallies);

  const std::int64_t now_us = parts_.clock->SteadyUs();
  for (const PollNumber poll : parts_.board->TakeWanted()) {
    // Also where nothing changed since the last publish: who waits lost a race, let him go.
    PlanPublish(poll, options_.publish_interval_us_min);
  }
  PublishDue(now_us);
  std::optional<std::int64_t> next;
  if (!due_.empty()) next = due_.begin()->first;
  if (last_ != checkpoint_position_) {
    const std::int64_t due_us = checkpoint_us_ + options_.checkpoint_interval_us;
    if (due_us <= now_us) {
      FinishCheckpoint();
    } else {
      next = next ? std::min(*next, due_us) : due_us;
    }
  }
  return next;
}

template <class Runtime>
void BasicCommitter<Runtime>::PublishDue(std::int64_t now_us) {
  const std::int64_t began_us = now_us;
  while (!due_.empty() && due_.begin()->first <= now_us) {
    Publish(due_.begin()->second, now_us);
    now_us = parts_.clock->SteadyUs();
    if (now_us - began_us > kPublishTurnUs) return;
  }
}

template <class Runtime>
void BasicCommitter<Runtime>::PublishAll() {
  const std::int64_t now_us = parts_.clock->SteadyUs();
  while (!due_.empty()) Publish(due_.begin()->second, now_us);
}

template <class Runtime>
void BasicCommitter<Runtime>::AddErrand(Errand errand) {
  absl::MutexLock lock(&errands_mutex_);
  errands_.push_back(std::move(errand));
}

template <class Runtime>
TallyCheckpoint BasicCommitter<Runtime>::MakeCheckpoint() const {
  return TallyCheckpoint{.epoch = options_.epoch,
                         .position = last_,
                         .hash = last_hash_,
                         .polls = parts_.tallies->Encode()};
}

template <class Runtime>
void BasicCommitter<Runtime>::FinishCheckpoint() {
  if (last_ == checkpoint_position_) return;
  parts_.keeper->OfferCheckpoint(MakeCheckpoint());
  checkpoint_us_ = parts_.clock->SteadyUs();
  checkpoint_position_ = last_;
}

}  // namespace tallyd
