#pragma once

// What the journal says of keys, to whoever has certain root keys: which can be had, which ended.
//
// Made by reading the whole journal, about a second per five million ballots; nothing of votes is
// kept. One thread.

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"

#include "engine/poll_registry.h"
#include "storage/journal.h"
#include "storage/watermark.h"

namespace tallyd {

struct KeyHistory {
  explicit KeyHistory(const RootKeys& roots) : registry(Keyring(roots)) {}

  // Whose key cannot be had although it did not end: "poll p", "project town", "the receipts".
  // Polls in `spared` may be without.
  std::optional<std::string> FindMissing(const std::set<PollNumber>& spared = {}) const;

  PollRegistry registry;  // knows polls and projects with their states and keys, and nothing else
  std::set<PollNumber> linked_by_quota;  // polls with tags under their project's key
  ChainHash last_hash;
  TimeUs last_time = 0;
};

// DataLoss: damaged, or not the history on which the watermark (if any) was set.
absl::StatusOr<std::unique_ptr<KeyHistory>> ReadKeyHistory(const RootKeys& roots, Journal* journal,
                                                           const Watermark* watermark);

}  // namespace tallyd
