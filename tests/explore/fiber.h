#pragma once

// A thread of a simulation: runs only when it is resumed, stops only where it yields, so that one
// real thread decides who goes on.
//
//   Fiber fiber([] { ... Fiber::Yield(); ... });
//   while (!fiber.ended()) fiber.Resume();
//
// A fiber that is destroyed half-way is unwound, as if its process had died: its last Yield()
// throws Fiber::Killed, which its own code must let pass. Any other exception must not leave its
// body. Everything about one fiber on one real thread.

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace tallyd {

class Fiber {
 public:
  struct Killed {};

  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void Resume();  // from outside of any fiber; returns when it yields or ends
  bool ended() const { return ended_; }

  static Fiber* Current();  // null outside of any
  static void Yield();

 private:
  static void Enter();
  void SwitchIn();
  void SwitchOut(bool for_ever);
  void FinishSwitch();

  std::function<void()> body_;
  std::unique_ptr<char[]> stack_;
  ucontext_t context_{};
  ucontext_t caller_{};
  bool ended_ = false;
  bool killed_ = false;
  // What a sanitizer wants to be told about stacks.
  void* thread_sanitizer_fiber_ = nullptr;
  void* thread_sanitizer_caller_ = nullptr;
  const void* caller_bottom_ = nullptr;
  std::size_t caller_bytes_ = 0;
};

}  // namespace tallyd
