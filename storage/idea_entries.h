#pragma once

// Ideas of citizens: handed in, then decided by a moderator.
//
// Of who handed an idea in only a keyed hash is kept (engine/voter_key.h). An idea that is approved
// becomes an option by a poll entry in the same record. Bytes: docs/data_formats.md.

#include <cstdint>
#include <string>

#include "storage/records.h"

namespace tallyd {

// Number of an idea, given by the writer: 1, 2, 3 ... Never reused.
using IdeaNumber = std::uint32_t;

struct IdeaEntry {
  IdeaNumber number = 0;
  std::string project = {};
  VoterTag submitter = {};
  std::uint64_t idempotency_print = 0;  // keyed hash of the Idempotency-Key
  std::string display = {};             // JSON text of the option that it may become: its title
  std::string text = {};                // JSON text by language, or ""
};

enum class IdeaDecision : std::uint8_t { kApproved = 1, kRejected = 2, kMerged = 3 };

struct IdeaDecisionEntry {
  IdeaNumber number = 0;
  IdeaDecision decision = IdeaDecision::kRejected;
  PollNumber poll = 0;     // approved, merged: of the option
  OptionIndex option = 0;  // approved: the new one; merged: the one it goes into
  std::string reason_code = {};
  std::string actor = {};
};

}  // namespace tallyd
