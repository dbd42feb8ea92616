#pragma once

// Many voters against one server that may die at any moment, and what they know afterwards.
//
//   VoterCrowd crowd(8, seed);
//   crowd.Begin(port);  ... harm is done ...  crowd.End();   // threads end when the server is gone
//   crowd.bounds("fixed")                                    // what a ranking may say now
//   crowd.Resolve(port);                                     // everything unanswered is sent again
//   crowd.bounds("fixed")                                    // minimum and maximum are now equal
//
// Every ballot has one of three outcomes: acknowledged (201, 200), refused (a ballot that must be
// refused was), or unknown (503, no answer); what is unknown is sent again, as real frontends do.
// Each thread has at most one unknown ballot. One ballot in four is sent on two connections at the
// same time, so that duplicates meet in flight; one in eight repeats an acknowledged ballot and
// must get the same seq and receipt; one in sixteen asks for a second vote and must be refused.
// With an oracle directory every thread keeps what it knows in a file there (oracle_file.h), synced
// before its next ballot leaves, so that the knowledge outlives this process and its machine too.
// Begin, End and Resolve by one thread; results are read between End and Begin.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/oracle_file.h"
#include "tests/support/http_client.h"

namespace tallyd {

inline const std::vector<std::string>& CrowdOptions() {
  static const std::vector<std::string> options = {"alpha", "beta", "gamma", "delta"};
  return options;
}

// What a poll's ranking may show, by option.
struct TallyBounds {
  std::map<std::string, std::int64_t> least;
  std::map<std::string, std::int64_t> most;
};

// What went wrong, of many threads.
class Violations {
 public:
  void Add(const std::string& what);
  bool empty() const;
  std::string Text() const;  // the first twenty, one a line

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> list_;
  std::size_t count_ = 0;
};

class VoterCrowd {
 public:
  // `oracle_directory`: "" = none; it must exist.
  VoterCrowd(int threads, std::uint64_t seed, Violations* violations,
             const std::string& oracle_directory = "");
  ~VoterCrowd();

  void Begin(std::uint16_t port);
  void End();
  void Resolve(std::uint16_t port);
  // From now on until the next Begin no answer counts: the power is about to go, and what comes
  // after that never came. (A sync in flight may return success from a file system that is shut
  // down at this moment; no real machine could still tell anybody.)
  void StopListening() { deaf_ = true; }
  bool deaf() const { return deaf_; }

  TallyBounds bounds(const std::string& poll) const;
  std::vector<AcknowledgedBallot> acknowledged() const;
  std::size_t acknowledged_count() const;  // any time
  std::size_t unknown_count() const;       // unanswered so far, resolved or not

 private:
  class Member;
  Violations* violations_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> deaf_{false};
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::thread> threads_;
};

}  // namespace tallyd
