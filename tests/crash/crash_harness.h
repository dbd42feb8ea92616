#pragma once

// A server that dies, a crowd that votes, and the checks after each death.
//
//   CrashHarness harness({.data_directory = dir.File("data"), .seed = seed});
//   harness.Start();
//   for (...) {
//     harness.BeginLoad(); ... ; harness.Kill(); harness.EndLoad();
//     harness.Recover();      // all checks below, then a server that runs again
//   }
//   harness.Finish();
//   EXPECT_TRUE(harness.violations().empty()) << harness.violations().Text();
//
// After each death: `tallyctl verify` counts the stopped directory again with code of its own,
// walks the hash chain and compares with the watermark and the saved tallies; the restarted server
// must show exactly that count, must not go behind a version anybody has seen, must show the same
// bytes for the same version, must lie between what was acknowledged and what was attempted, and
// must recount itself (POST /v1/admin/verify). Then everything unknown is sent again, and the
// ranking must be exactly what the crowd knows. Receipts of the last ballots are looked up; all at
// the end, and the crowd's files, where it keeps any, must tell the same as its memory.
//
// Violations are collected and not reported to GoogleTest, so that a test of a deliberately broken
// server can expect them. The main thread only: the server dies with the thread that started it.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/crash/voter_crowd.h"
#include "tests/support/tallyd_process.h"

namespace tallyd {

struct HarnessOptions {
  std::string data_directory;
  std::string log_file = {};  // "" = beside the data directory: not where that disk fails
  std::string program = {};   // "" = tallyd
  std::uint64_t seed = 0;
  int threads = 8;
  std::string oracle_directory = {};  // where the clients keep what they know; "" = in memory
  std::vector<std::string> arguments = {};
  std::vector<std::pair<std::string, std::string>> environment = {};
};

class CrashHarness {
 public:
  explicit CrashHarness(HarnessOptions options);
  ~CrashHarness();

  // Starts the server, at the first time with its two polls. `environment` is for this start only.
  bool Start(const std::vector<std::pair<std::string, std::string>>& environment = {});

  void BeginLoad();
  void EndLoad();
  // A while of load, or less if the server dies meanwhile.
  void LoadFor(std::chrono::milliseconds time);

  void Kill() { server_->Kill(); }
  TallydProcess& server() { return *server_; }
  VoterCrowd& crowd() { return crowd_; }
  const std::string& data_directory() const { return options_.data_directory; }

  // The server has ended, the load too: checks, starts it, checks, resolves, checks.
  bool Recover();
  // The first half of it, for directories that are looked at before somebody harms them.
  bool CheckStopped();
  bool CheckServing();
  // SIGTERM; it must end with 0, and everything must be there afterwards.
  void Finish();
  void CheckAllReceipts();

  Violations& violations() { return violations_; }
  std::size_t acknowledged_count() const { return crowd_.acknowledged_count(); }

 private:
  using Tally = std::map<std::string, std::int64_t>;  // by option
  struct Seen {
    std::uint64_t epoch = 0;
    std::uint64_t position = 0;
    std::string body;
  };

  bool CreatePolls();
  bool ReadRanking(const std::string& poll, std::string* body);
  void NoteRanking(const std::string& poll, const std::string& body);
  void Watch(std::uint16_t port);
  void CheckBounds(const std::string& poll, const Tally& shown);
  void CheckReceipts(std::size_t newest);
  void CheckSelfRecount();

  HarnessOptions options_;
  Violations violations_;
  VoterCrowd crowd_;
  std::unique_ptr<TallydProcess> server_;
  bool polls_exist_ = false;
  std::map<std::string, Tally> recounted_;  // by poll, of the stopped directory
  std::map<std::string, Seen> seen_;        // by poll, the newest version anybody got
  std::thread watcher_;
  std::atomic<bool> stop_watching_{false};
};

}  // namespace tallyd
