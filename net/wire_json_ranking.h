#pragma once

// A ranking snapshot as JSON, CSV and NDJSON, its live form and patches between live forms.
//
// The bytes follow from the snapshot alone: same version, same bytes, also after a restart. Options
// come in rank order; with `top` only those whose rank is at most that, so that a shared rank is
// never cut in two. CSV is RFC 4180 (CRLF), and a cell that a spreadsheet would take for a formula
// begins with an apostrophe. Any thread; 100 options take about 10 us.

#include <cstdint>
#include <limits>
#include <string>

#include "absl/types/span.h"

#include "engine/snapshot.h"

namespace tallyd {

inline constexpr std::uint32_t kAllRanks = std::numeric_limits<std::uint32_t>::max();

void AppendRankingJson(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out);
void AppendRankingCsv(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out);
void AppendRankingNdjson(const RankingSnapshot& snapshot, std::uint32_t top, std::string& out);

// The live form: no ranks, so that one vote changes one option. Options by their number.
void AppendRankingLive(const RankingSnapshot& snapshot, std::string& out);
// A merge patch (RFC 7396) that turns an older live form of the poll into that of `snapshot`;
// `options` are those that may differ, ascending.
void AppendRankingPatch(const RankingSnapshot& snapshot, absl::Span<const OptionIndex> options,
                        std::string& out);

}  // namespace tallyd
