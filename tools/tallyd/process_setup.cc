#include "tools/tallyd/process_setup.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "absl/synchronization/mutex.h"

#include "storage/check.h"
#include "tools/exit_code.h"

namespace tallyd {
namespace {

// Written by the handler, which may run in any thread; lock-free, so fit for one.
std::atomic<int> signal_event{-1};
std::atomic<int> stop_count{0};
std::atomic<bool> reload_wanted{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void OnSignal(int number) {
  const int saved_errno = errno;
  if (number == SIGHUP) {
    reload_wanted.store(true);
  } else if (stop_count.fetch_add(1) > 0) {
    _exit(kExitFailure);
  }
  const std::uint64_t one = 1;
  // The counter of an eventfd that nobody has read yet takes it; nothing could be done otherwise.
  [[maybe_unused]] const ssize_t written = write(signal_event.load(), &one, sizeof one);
  errno = saved_errno;
}

}  // namespace

Signals::Signals() {
  const int event = eventfd(0, EFD_CLOEXEC);
  TALLYD_CHECK(event >= 0);
  signal_event.store(event);
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    TALLYD_CHECK(sigaction(number, &action, nullptr) == 0);
  }
}

Signals::Kind Signals::Wait() {
  while (true) {
    if (StopPending()) return Kind::kStop;
    if (reload_wanted.exchange(false)) return Kind::kReload;
    // Blocks until a handler has written; it does so after it has said why. In poll() and not in
    // read(): ThreadSanitizer keeps a signal back while a thread is in the latter.
    pollfd event = {.fd = signal_event.load(), .events = POLLIN, .revents = 0};
    if (poll(&event, 1, -1) < 0) {
      TALLYD_CHECK(errno == EINTR);
      continue;
    }
    std::uint64_t count = 0;
    TALLYD_CHECK(read(event.fd, &count, sizeof count) == sizeof count);
  }
}

bool Signals::StopPending() const {
  return stop_count.load() > 0;
}

void PrepareProcess() {
  TALLYD_CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  rlimit descriptors = {};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    // Without it we serve fewer connections; the listener has an answer to that.
    setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  const rlimit none = {.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &none);
  // A core piped to a collector ignores the limit, but not this.
  prctl(PR_SET_DUMPABLE, 0);
#ifdef NDEBUG
  // Debian builds Abseil without NDEBUG: each lock would look for cycles in a graph that all
  // threads share under one more lock. The dev and sanitizer presets keep it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

}  // namespace tallyd
