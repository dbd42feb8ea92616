#pragma once

// The engine: opens a data directory, takes commands, gives outcomes, rankings and polls.
//
//   auto engine = Engine::Open(options);                     // recovers; refuses rather than serve
//   less SinkId sink = (*engine)->RegisterSink(&my_sink);          // before the first Submit
//   (*engine)->Submit(commands, Engine::Lane::kVote);         // from any thread
//   ... my_sink.Deliver(outcomes) once per commit ...
//   (*engine)->Drain();                                       // everything submitted is answered
//
// Promise: an outcome is delivered only after every commit its decision could see is durable, and
// after the tallies hold it; so a ranking asked for after an acknowledgement contains that vote.
// Threads: everything but Open and the destructor from any thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "engine/audit_index.h"
#include "engine/backup.h"
#include "engine/command.h"
#include "engine/engine_options.h"
#include "engine/metrics.h"
#include "engine/poll_directory.h"
#include "engine/receipt.h"
#include "engine/snapshot_board.h"
#include "storage/ballot_store.h"
#include "storage/journal.h"

namespace tallyd {

class Engine {
 public:
  enum class Lane : std::uint8_t { kVote, kReserved };

  static absl::StatusOr<std::unique_ptr<Engine>> Open(EngineOptions options);
  virtual ~Engine() = default;

  virtual SinkId RegisterSink(OutcomeSink* sink) = 0;

  // Moves commands from the front of the span into the queue; returns how many were taken. The rest
  // was not touched: the queue is full and the caller answers 503 (nothing happened).
  virtual std::size_t Submit(absl::Span<Command> commands, Lane lane) = 0;

  virtual const PollDirectory& polls() const = 0;
  virtual SnapshotBoard& board() = 0;
  virtual const EngineMetrics& metrics() const = 0;

  virtual Epoch epoch() const = 0;
  virtual bool key_present() const = 0;  // there is a key file
  // It holds two roots: a rotation was begun and not completed.
  virtual bool rotation_unfinished() const = 0;
  // nullopt: no key file, or not the one that belongs to this history.
  virtual const std::optional<ReceiptKey>& receipt_key() const = 0;
  virtual std::size_t queue_depth() const = 0;
  virtual std::size_t queue_capacity() const = 0;
  // True while less than EngineOptions::free_bytes_min is free: take no votes.
  virtual bool storage_full() const = 0;
  virtual std::uint64_t storage_free_bytes() const = 0;
  virtual Position last_position() const = 0;
  virtual std::size_t dedup_memory_bytes() const = 0;
  virtual std::size_t dedup_voters() const = 0;

  struct RecoverySummary {
    Position records = 0;
    std::uint64_t ballots = 0;  // ballot versions replayed
    std::size_t polls = 0;
    Position checkpoint = 0;  // tallies were taken from there; 0 = counted from the start
    std::int64_t duration_us = 0;
  };
  virtual const RecoverySummary& recovered() const = 0;

  struct VerifyReport {
    bool ok = true;
    Position position = 0;
    std::uint64_t records = 0;
    struct Poll {
      std::string poll;
      bool ok = true;
      std::uint64_t ballots = 0;
    };
    std::vector<Poll> polls;
    std::vector<std::string> differences;  // at most 100
  };
  // Recounts everything from the journal, by other code than what serves, and compares with the
  // tallies of the same position. Runs on the calling thread (seconds per 10 M votes); votes go on
  // meanwhile.
  virtual absl::StatusOr<VerifyReport> Verify() = 0;

  // One act of an audit log (engine/audit_index.h), and when it was journaled.
  struct JournaledAct {
    std::uint64_t number = 0;  // within the log: 1, 2, 3 ...
    Position position = 0;
    TimeUs time = 0;
    const Entry& entry;
  };
  // The log of a project; that of a poll is its number.
  virtual std::optional<AuditLog> FindProjectLog(std::string_view project) const = 0;
  // Durable acts: of one log, of all.
  virtual std::uint64_t acts_count(AuditLog log) const = 0;
  virtual std::uint64_t acts_count() const = 0;
  // Shows the acts number `after` + 1 to `after` + `limit` in order, until `visit` returns false;
  // read from the journal on the calling thread.
  virtual absl::Status ReadActs(AuditLog log, std::uint64_t after, std::size_t limit,
                                absl::FunctionRef<bool(const JournaledAct&)> visit) = 0;

  // Makes a backup while votes go on (engine/backup.h). One at a time, on the calling thread.
  virtual absl::StatusOr<BackupReport> Backup() = 0;

  // For whoever reads the past, on a thread that may wait for the disk: the records from `from` (at
  // least first_position()) to the newest durable one, which may be ahead of the rankings.
  virtual absl::StatusOr<std::unique_ptr<JournalCursor>> ReadJournal(Position from) = 0;
  virtual Position first_position() const = 0;
  // The ballot store, once it holds every commit up to `through`. Unavailable: not in time.
  virtual absl::StatusOr<const BallotStore*> AwaitBallots(Position through) = 0;

  // Waits until everything submitted before is decided, durable and delivered.
  virtual void Drain() = 0;
};

}  // namespace tallyd
