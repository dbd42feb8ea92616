// Tells ThreadSanitizer what absl::Mutex and absl::Notification do; linked into every program of
// the tsan preset, and nowhere else.
//
// The packaged Abseil is not instrumented, so the sanitizer sees neither its locks nor what they
// order, and reports a race for everything they guard. The functions here stand before those of
// libabsl_synchronization.so (the dynamic linker takes the program's first), call the real ones and
// say which side of the lock we are on. While the real ones run, accesses are not looked at: a
// thread that unlocks may evaluate the condition another thread waits for, which is under the lock
// although the sanitizer has been told that it was released.
//
// Nothing is hidden by this: what a thread does between Lock() and Unlock() is looked at as ever.

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

class Unobserved {
 public:
  Unobserved() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unobserved() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;
};

template <class Function>
Function* Real(const char* symbol) {
  void* const found = dlsym(RTLD_NEXT, symbol);
  if (found == nullptr) {
    std::fprintf(stderr, "no %s behind the sanitizer's: %s\n", symbol, dlerror());
    std::abort();
  }
  return reinterpret_cast<Function*>(found);
}

// A member function is called like a function whose first argument is the object (Itanium C++ ABI).
using Plain = void(absl::Mutex*);
using Trying = bool(absl::Mutex*);
using Waiting = void(absl::Mutex*, const absl::Condition&);
using WaitingFor = bool(absl::Mutex*, const absl::Condition&, absl::Duration);

void LockBy(Plain* real, absl::Mutex* mutex) {
  {
    const Unobserved unobserved;
    real(mutex);
  }
  __tsan_acquire(mutex);
}

void UnlockBy(Plain* real, absl::Mutex* mutex) {
  __tsan_release(mutex);
  const Unobserved unobserved;
  real(mutex);
}

}  // namespace

#define TALLYD_MUTEX_SYMBOL(name) "_ZN4absl7debian35Mutex" name

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static Plain* const real = Real<Plain>(TALLYD_MUTEX_SYMBOL("4LockEv"));
  LockBy(real, this);
}

void Mutex::Unlock() {
  static Plain* const real = Real<Plain>(TALLYD_MUTEX_SYMBOL("6UnlockEv"));
  UnlockBy(real, this);
}

void Mutex::ReaderLock() {
  static Plain* const real = Real<Plain>(TALLYD_MUTEX_SYMBOL("10ReaderLockEv"));
  LockBy(real, this);
}

// Readers release as well: the next writer comes after them.
void Mutex::ReaderUnlock() {
  static Plain* const real = Real<Plain>(TALLYD_MUTEX_SYMBOL("12ReaderUnlockEv"));
  UnlockBy(real, this);
}

bool Mutex::TryLock() {
  static Trying* const real = Real<Trying>(TALLYD_MUTEX_SYMBOL("7TryLockEv"));
  bool locked = false;
  {
    const Unobserved unobserved;
    locked = real(this);
  }
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::Await(const Condition& condition) {
  static Waiting* const real = Real<Waiting>(TALLYD_MUTEX_SYMBOL("5AwaitERKNS0_9ConditionE"));
  __tsan_release(this);
  {
    const Unobserved unobserved;
    real(this, condition);
  }
  __tsan_acquire(this);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  static WaitingFor* const real =
      Real<WaitingFor>(TALLYD_MUTEX_SYMBOL("16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE"));
  bool held = false;
  __tsan_release(this);
  {
    const Unobserved unobserved;
    held = real(this, condition, timeout);
  }
  __tsan_acquire(this);
  return held;
}

void Notification::Notify() {
  static auto* const real = Real<void(Notification*)>("_ZN4absl7debian312Notification6NotifyEv");
  __tsan_release(this);
  const Unobserved unobserved;
  real(this);
}

void Notification::WaitForNotification() const {
  static auto* const real =
      Real<void(const Notification*)>("_ZNK4absl7debian312Notification19WaitForNotificationEv");
  {
    const Unobserved unobserved;
    real(this);
  }
  __tsan_acquire(const_cast<Notification*>(this));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  static auto* const real = Real<bool(const Notification*, Duration)>(
      "_ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  bool notified = false;
  {
    const Unobserved unobserved;
    notified = real(this, timeout);
  }
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

ABSL_NAMESPACE_END
}  // namespace absl
