#pragma once

// What can be set about the engine; config/ fills it. Defaults are what we run and measure.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"

#include "engine/clock.h"
#include "engine/limits.h"
#include "storage/data_directory.h"

namespace tallyd {

struct EngineOptions {
  DataDirectoryOptions data;

  std::string backup_directory;  // "" = the data directory with ".backups" behind it

  std::size_t queue_slots = 65'536;          // power of two; full: 503, nothing happened
  std::size_t queue_slots_reserved = 1'024;  // for acts of administrators
  std::size_t batch_commands_max = 4'096;    // decided together, at most
  bool commit_overlap = false;  // decide the next batch while one syncs (one thread more)

  std::int64_t publish_interval_us_min = 10'000;  // a poll's ranking is renewed at most this often
  std::int64_t publish_interval_us = 250'000;     // and, while votes come, at least this often
  std::int64_t watermark_interval_us = 250'000;
  std::int64_t checkpoint_interval_us = 30'000'000;

  // Less free than this where the data lies: votes are refused until there is room again, so that
  // RocksDB never meets a full disk. 0 = never refused.
  std::uint64_t free_bytes_min = std::uint64_t{1} << 30;

  std::size_t dedup_memory_bytes_max = std::size_t{4} << 30;
  std::size_t tail_bytes_max = std::size_t{256} << 20;  // decided, not yet in the ballot store
  // RocksDB's buffers and caches: half of it is the journal's, half the ballot store's.
  std::size_t storage_memory_bytes_max = std::size_t{256} << 20;

  PaperLimits paper;  // of one poll
  FlagLimits flags;   // of flagged ballots

  // Journal write failures, background errors of the stores: called once, from any thread, and must
  // end the process (the default prints and _exit()s with 74).
  std::function<void(const absl::Status&)> on_fatal;
  const Clock* clock = Clock::System();
};

}  // namespace tallyd
