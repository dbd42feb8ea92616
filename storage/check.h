#pragma once

// TALLYD_CHECK(condition): a broken invariant stops the process, in every build.
//
// Use it where going on could lose or double a vote: between "this cannot be" and a wrong tally we
// choose a loud stop; a restart recovers from the journal. Trouble of the environment (disk,
// network, input) is never a check: it is an absl::Status or a refused vote.
// Cost: one predicted branch. TALLYD_DCHECK is the same in debug builds and nothing in release.

#include <cstdio>
#include <cstdlib>

#define TALLYD_CHECK(condition)                                                           \
  do {                                                                                    \
    if (!(condition)) [[unlikely]] {                                                      \
      std::fprintf(stderr, "tallyd: broken invariant at %s:%d: %s\n", __FILE__, __LINE__, \
                   #condition);                                                           \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

#ifdef NDEBUG
#define TALLYD_DCHECK(condition) \
  do {                           \
  } while (false)
#else
#define TALLYD_DCHECK(condition) TALLYD_CHECK(condition)
#endif
