#pragma once

// Deliberately wrong behaviour, one kind at a time, so that the crash tests can prove that they
// would notice it (tests/crash/broken_builds_test.cc).
//
//   if (TALLYD_BROKEN("M2-sync-error-ignored")) return absl::OkStatus();
//
// The macro is `false` in everything that is built, but for one program of the tests,
// tallyd_broken, which takes the name from the environment variable TALLYD_BROKEN. A test looks
// into tallyd and finds none of the names.

#ifdef TALLYD_BROKEN_BUILD

#include <cstdlib>
#include <string_view>

namespace tallyd {

inline bool IsBroken(std::string_view name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets any
  static const char* const chosen = std::getenv("TALLYD_BROKEN");
  return chosen != nullptr && name == chosen;
}

}  // namespace tallyd

#define TALLYD_BROKEN(name) ::tallyd::IsBroken(name)
#else
#define TALLYD_BROKEN(name) false
#endif
