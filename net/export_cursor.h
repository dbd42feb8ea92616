#pragma once

// Where an export goes on: opaque to clients, a few numbers to us.
//
// A cursor names a kind of export, the epoch and up to two numbers; it tells nothing that the pages
// do not. Pure functions; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/records.h"

namespace tallyd {

struct ExportCursor {
  char kind = 0;  // b: ballots, h: history, p: PabuLib
  Epoch epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const ExportCursor&, const ExportCursor&) = default;
};

std::string FormatCursor(const ExportCursor& cursor);
// nullopt: not one of ours, or of another kind.
std::optional<ExportCursor> ParseCursor(std::string_view text, char kind);

}  // namespace tallyd
