#include "tests/sim/simulated_runtime.h"

#include <exception>
#include <utility>

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr int kIdleMax = 100'000;

thread_local Scheduler* the_scheduler = nullptr;

}  // namespace

Scheduler::Scheduler(Dice dice) : dice_(std::move(dice)) {
  TALLYD_CHECK(the_scheduler == nullptr);
  the_scheduler = this;
}

Scheduler::~Scheduler() {
  KillAll();
  the_scheduler = nullptr;
}

Scheduler& Scheduler::Current() {
  return *the_scheduler;
}

std::size_t Scheduler::Add(std::function<void()> body) {
  tasks_.push_back({std::make_unique<Fiber>(std::move(body)), nullptr});
  return tasks_.size() - 1;
}

bool Scheduler::RunOne() {
  std::size_t can = 0;
  for (const Task& task : tasks_) can += CanGoOn(task) ? 1 : 0;
  if (can == 0) return false;
  std::uint64_t chosen = dice_(can);
  for (running_ = 0; !CanGoOn(tasks_[running_]) || chosen-- > 0; ++running_) {
  }
  tasks_[running_].ready = nullptr;
  tasks_[running_].fiber->Resume();
  return true;
}

void Scheduler::KillAll() {
  tasks_.clear();
  died_ = false;
}

void Scheduler::Point() {
  // A destructor on its way out must not stop.
  if (Fiber::Current() == nullptr || std::uncaught_exceptions() > 0) return;
  Fiber::Yield();
}

void Scheduler::WaitUntil(std::function<bool()> ready) {
  if (std::uncaught_exceptions() > 0) return;
  if (Fiber::Current() == nullptr) {
    // From outside: time passes for the others until it is so.
    for (int idle = 0; !ready() && !died_ && !stuck_;) {
      if (RunOne()) continue;
      steady_us += 1'000;
      if (when_idle) when_idle();
      stuck_ = ++idle == kIdleMax;
    }
    return;
  }
  tasks_[running_].ready = std::move(ready);
  Fiber::Yield();
}

void Scheduler::Die() {
  died_ = true;
  throw Fiber::Killed();
}

void SimulatedMutex::Lock() {
  Scheduler::Current().Point();
  if (locked_) {
    Scheduler::Current().WaitUntil([this] { return !locked_; });
  }
  locked_ = true;
}

void SimulatedMutex::Await(const absl::Condition& condition) {
  if (condition.Eval()) return;
  locked_ = false;
  Scheduler::Current().WaitUntil([this, &condition] { return !locked_ && condition.Eval(); });
  locked_ = true;
}

void SimulatedThread::join() {
  const std::size_t number = *number_;
  Scheduler::Current().WaitUntil([number] { return Scheduler::Current().Ended(number); });
  number_.reset();
}

}  // namespace tallyd
