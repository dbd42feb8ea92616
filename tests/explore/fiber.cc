#include "tests/explore/fiber.h"

#include <utility>
#include <vector>

#include "storage/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace tallyd {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackBytes = std::size_t{1} << 20;
#else
constexpr std::size_t kStackBytes = std::size_t{128} << 10;
#endif

thread_local Fiber* current = nullptr;

// Stacks of ended fibers, for the next ones: a simulation makes millions.
std::vector<std::unique_ptr<char[]>>& FreeStacks() {
  thread_local std::vector<std::unique_ptr<char[]>> stacks;
  return stacks;
}

}  // namespace

Fiber* Fiber::Current() {
  return current;
}

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)) {
  if (FreeStacks().empty()) {
    stack_ = std::make_unique_for_overwrite<char[]>(kStackBytes);
  } else {
    stack_ = std::move(FreeStacks().back());
    FreeStacks().pop_back();
  }
  TALLYD_CHECK(getcontext(&context_) == 0);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  makecontext(&context_, &Fiber::Enter, 0);
#if defined(__SANITIZE_THREAD__)
  thread_sanitizer_fiber_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  if (!ended_) {
    killed_ = true;
    Resume();
    TALLYD_CHECK(ended_);
  }
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(thread_sanitizer_fiber_);
#endif
  FreeStacks().push_back(std::move(stack_));
}

void Fiber::Enter() {
  Fiber& self = *current;
  self.FinishSwitch();
  try {
    if (!self.killed_) self.body_();
  } catch (const Killed&) {
    // unwound: everything on this stack is gone
  }
  self.ended_ = true;
  self.SwitchOut(/*for_ever=*/true);
}

// The first thing after control came to a fiber.
void Fiber::FinishSwitch() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &caller_bottom_, &caller_bytes_);
#endif
}

void Fiber::Resume() {
  TALLYD_CHECK(current == nullptr && !ended_);
  current = this;
  SwitchIn();
  current = nullptr;
}

void Fiber::SwitchIn() {
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_.get(), kStackBytes);
#endif
#if defined(__SANITIZE_THREAD__)
  thread_sanitizer_caller_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(thread_sanitizer_fiber_, 0);
#endif
  swapcontext(&caller_, &context_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

void Fiber::SwitchOut(bool for_ever) {
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(for_ever ? nullptr : &fake_stack, caller_bottom_, caller_bytes_);
#else
  static_cast<void>(for_ever);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(thread_sanitizer_caller_, 0);
#endif
  swapcontext(&context_, &caller_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, &caller_bottom_, &caller_bytes_);
#endif
}

void Fiber::Yield() {
  Fiber& self = *current;
  self.SwitchOut(/*for_ever=*/false);
  if (self.killed_) throw Killed();
}

}  // namespace tallyd
