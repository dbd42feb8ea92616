#include "tests/explore/schedule_explorer.h"

#include <algorithm>

#include "storage/check.h"

namespace tallyd {
namespace {

Explorer* current = nullptr;

}  // namespace

Explorer* Explorer::Current() {
  return current;
}

void Explorer::Explore(const std::function<void(Explorer&)>& program) {
  current = this;
  choices_.clear();
  do {
    ++runs_;
    threads_count_ = 1;
    current_ = 0;
    atomics_ = 0;
    next_choice_ = 0;
    preemptions_left_ = options_.preemptions_max;
    stale_left_ = options_.stale_loads_max;
    accesses_.clear();
    for (ExploredThread& thread : threads_) thread.clock = {};
    program(*this);
    complete_ = !failed_ && !NextRun();
  } while (!failed_ && !complete_ && runs_ < options_.runs_max);
  current = nullptr;
}

// The last choice that can be made otherwise is; what came after it is forgotten.
bool Explorer::NextRun() {
  while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().count) {
    choices_.pop_back();
  }
  if (choices_.empty()) return false;
  ++choices_.back().taken;
  return true;
}

std::size_t Explorer::Choose(std::size_t count) {
  if (count == 1) return 0;
  if (next_choice_ == choices_.size()) choices_.push_back({0, count});
  const Choice& choice = choices_[next_choice_++];
  TALLYD_CHECK(choice.count == count);  // a run is repeated exactly up to its last choice
  return choice.taken;
}

std::size_t Explorer::ChooseStale(std::size_t count) {
  if (stale_left_ == 0) return 0;
  const std::size_t choice = Choose(count);
  if (choice > 0) --stale_left_;
  return choice;
}

void Explorer::Thread(std::function<void()> body) {
  TALLYD_CHECK(threads_count_ < threads_.size());
  threads_[threads_count_++].fiber = std::make_unique<Fiber>(std::move(body));
}

// Who goes on when the running thread has ended: 0 when all have.
std::size_t Explorer::NextThread() {
  std::array<std::size_t, kExploredThreadsMax> ready{};
  std::size_t count = 0;
  for (std::size_t i = 1; i < threads_count_; ++i) {
    if (!threads_[i].fiber->ended()) ready[count++] = i;
  }
  return count == 0 ? 0 : ready[Choose(count)];
}

void Explorer::RunThreads() {
  // What was before the threads is known to all of them.
  ++threads_[0].clock[0];
  for (std::size_t i = 1; i < threads_count_; ++i) {
    threads_[i].clock = threads_[0].clock;
    ++threads_[i].clock[i];
  }
  for (next_ = NextThread(); next_ != 0;) {
    current_ = next_;
    threads_[current_].fiber->Resume();
    if (threads_[current_].fiber->ended()) next_ = NextThread();
  }
  current_ = 0;
  for (std::size_t i = 1; i < threads_count_; ++i) {
    for (std::size_t j = 0; j < kExploredThreadsMax; ++j) {
      threads_[0].clock[j] = std::max(threads_[0].clock[j], threads_[i].clock[j]);
    }
  }
}

void Explorer::Point() {
  if (current_ == 0 || preemptions_left_ == 0) return;
  std::array<std::size_t, kExploredThreadsMax> ready{};
  ready[0] = current_;
  std::size_t count = 1;
  for (std::size_t i = 1; i < threads_count_; ++i) {
    if (i != current_ && !threads_[i].fiber->ended()) ready[count++] = i;
  }
  next_ = ready[Choose(count)];
  if (next_ == current_) return;
  --preemptions_left_;
  Fiber::Yield();
}

void Explorer::Access(const void* address, bool write) {
  Accesses& accesses = accesses_[address];
  const VectorClock& now = clock();
  for (std::size_t i = 0; i < kExploredThreadsMax; ++i) {
    if (i == current_) continue;
    if (accesses.writes[i] > now[i] || (write && accesses.reads[i] > now[i])) {
      Fail("data race: thread " + std::to_string(current_) + (write ? " writes" : " reads") +
           " what thread " + std::to_string(i) + " has touched, and nothing orders them");
    }
  }
  // Ticks move at atomic operations; an access lies between two of them.
  (write ? accesses.writes : accesses.reads)[current_] = now[current_];
}

const Weakening* Explorer::WeakeningOf(int atomic) const {
  const Weakening& weak = options_.weakening;
  if (weak.atomic < 0) return nullptr;
  const bool meant = weak.atomics_after ? atomic >= weak.atomic : atomic == weak.atomic;
  return meant ? &weak : nullptr;
}

void Explorer::Fail(const std::string& what) {
  if (failed_) return;
  failed_ = true;
  failure_ = "run " + std::to_string(runs_) + ": " + what;
}

}  // namespace tallyd
