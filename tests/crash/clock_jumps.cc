// A wall clock that jumps: preloaded (LD_PRELOAD) into the real tallyd. After every
// TALLYD_CLOCK_JUMP_READINGS readings it is somewhere else within a year of the true time, before
// or after; and whoever waits for a point of the wall clock finds that it was set back by an hour
// meanwhile, as the kernel lets such a wait go on. The steady clock is left alone, as the kernel
// leaves it.

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr std::int64_t kYearSeconds = 365 * 86'400;
constexpr std::int64_t kHourSeconds = 3'600;

using Word = long;  // NOLINT(google-runtime-int): the type in libc's signature

std::int64_t Readings() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets any
  static const char* const text = getenv("TALLYD_CLOCK_JUMP_READINGS");
  return text == nullptr ? 0 : std::atol(text);
}

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

std::atomic<std::int64_t> readings_count{0};

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static const auto real = Next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, now);
  if (result != 0 || clock != CLOCK_REALTIME || Readings() == 0) return result;
  const auto jumps = static_cast<std::uint64_t>(++readings_count / Readings());
  if (jumps == 0) return 0;
  // Every jump is another one, and every run has the same.
  const std::uint64_t somewhere = jumps * 0x9e3779b97f4a7c15ULL >> 20;
  now->tv_sec += static_cast<std::int64_t>(somewhere % (2 * kYearSeconds)) - kYearSeconds;
  return 0;
}

// Abseil waits with this.
Word syscall(Word number, ...) noexcept {
  static const auto real = Next<Word (*)(Word, ...)>("syscall");
  Word words[6];
  va_list list;
  va_start(list, number);
  for (Word& word : words) word = va_arg(list, Word);
  va_end(list);
  timespec until{};
  if (number == SYS_futex && (words[1] & FUTEX_CLOCK_REALTIME) != 0 && words[3] != 0) {
    until = *reinterpret_cast<const timespec*>(words[3]);
    until.tv_sec += kHourSeconds;
    words[3] = reinterpret_cast<std::intptr_t>(&until);
  }
  return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
}
