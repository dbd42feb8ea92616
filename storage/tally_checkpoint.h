#pragma once

// The tally checkpoint: the counts of every poll at one journal position, in one file that is
// replaced atomically (write, fdatasync, rename, sync of the directory). It only shortens a
// restart; without it, or when it is damaged, the journal is replayed from the start.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "storage/records.h"

namespace tallyd {

struct TallyCheckpoint {
  Epoch epoch = 0;
  Position position = 0;
  ChainHash hash;  // of the record at `position`: a checkpoint of another history is not used
  struct Poll {
    PollNumber poll = 0;
    std::string tally;  // engine/tally.h, opaque here
  };
  std::vector<Poll> polls;
};

absl::Status WriteTallyCheckpoint(const std::string& path, const TallyCheckpoint& checkpoint);
// NotFound (none, or one in an earlier format: it is counted anew), DataLoss (CRC, sizes),
// Unimplemented (newer format).
absl::StatusOr<TallyCheckpoint> ReadTallyCheckpoint(const std::string& path);

}  // namespace tallyd
