#pragma once

// Sends all ballots of an election over several connections and adds up the answers.
//
//   BallotSender sender(options, file, plan);
//   auto result = sender.Run([](std::size_t done) { ... });   // progress, from the calling thread
//
// Every connection has a thread of its own. Batches go to the private listener, which alone takes
// paper; with `single` an online ballot is one POST to the public listener and a paper ballot a
// batch of one line. What the server could not decide (503, a lost connection, a retryable line) is
// sent again, so every ballot arrives at least once and counts exactly once.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

#include "tools/client/retrying_connection.h"
#include "tools/pabulib/pabulib_file.h"
#include "tools/pabulib/pabulib_poll.h"

namespace tallyd {

// An answer lists at most this many refused lines, and every one must be named.
inline constexpr std::size_t kBatchLinesMax = 1'000;

struct SendOptions {
  ServerAddress private_server;
  ServerAddress public_server;
  int connections = 4;
  bool single = false;
  std::size_t batch_lines = kBatchLinesMax;
  std::chrono::seconds give_up_after{30};
  std::string actor;
  std::string token;  // "" = none
};

struct RefusedBallot {
  int line = 0;  // of the file
  int status = 0;
  std::string code;
};

struct SendResult {
  std::uint64_t counted = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t replaced = 0;
  std::vector<RefusedBallot> refused;  // in the order of the file
};

class BallotSender {
 public:
  BallotSender(SendOptions options, const PabulibFile& file, const PollPlan& plan)
      : options_(std::move(options)), file_(file), plan_(plan) {}

  absl::StatusOr<SendResult> Run(const std::function<void(std::size_t done)>& progress);

 private:
  using Votes = std::vector<const PabulibVote*>;

  void Work();
  absl::Status SendBatch(RetryingConnection& connection, Votes votes);
  absl::Status SendSingle(RetryingConnection& connection, const PabulibVote& vote);
  // Adds up one answer to a batch; returns the ballots that must be sent again.
  absl::StatusOr<Votes> TakeBatchAnswer(const ClientAnswer& answer, const Votes& votes);

  const SendOptions options_;
  const PabulibFile& file_;
  const PollPlan& plan_;
  std::atomic<std::size_t> next_{0};  // first vote that no thread has taken
  std::atomic<std::size_t> done_{0};  // for progress only
  absl::Mutex mutex_;
  SendResult result_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  int working_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tallyd
