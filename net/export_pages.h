#pragma once

// The pages of the exports: made on the analysis thread, one bounded body at a time.
//
// A full page is a function of what was asked for and of a part of the journal that never changes:
// it is immutable and may be cached for good. The last page grows; it says so. Where to go on is in
// `Link: rel="next"` while there is more, and always in Tallyd-Cursor.
//
// Each function returns a whole answer, problems included. Cost and bounds: see the engine's walks.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "engine/engine.h"
#include "net/analysis_thread.h"
#include "net/content_coding.h"
#include "net/export_cursor.h"
#include "net/http_response.h"
#include "net/problem_catalog.h"
#include "net/wire_csv.h"

namespace tallyd {

// Of records read by one request, whoever's they are; a history of more is refused.
inline constexpr std::uint64_t kHistoryBytesMax = std::uint64_t{16} << 30;
// A page ends after the commit with which it reaches this size.
inline constexpr std::size_t kExportPageBytes = std::size_t{16} << 20;

// What every page needs.
struct ExportAsk {
  Engine* engine = nullptr;
  const AnalysisThread* thread = nullptr;
  PollNumber poll = 0;
  std::string path;  // of the request, without query
  std::optional<ExportCursor> after;
  std::uint64_t limit = 0;
  std::string if_none_match;
  Coding coding = Coding::kIdentity;
  bool german = false;
  std::uint64_t history_bytes_max = kHistoryBytesMax;

  HttpResponse Refuse(ProblemCode code, std::string_view detail = {}) const;
  // Of a walk that failed; a fault of storage is logged.
  HttpResponse Refuse(const absl::Status& status) const;
};

// The newest ranking that holds what was acknowledged before; null: the server is going down. Waits
// for the committing thread.
SnapshotBoard::SnapshotPtr AwaitCurrent(const ExportAsk& ask);
// Answers, if the cursor is of another history.
std::optional<HttpResponse> RefuseCursor(const ExportAsk& ask);
// Answers, if no ballot of this poll may leave yet.
std::optional<HttpResponse> RefuseWithheld(const ExportAsk& ask, const PollView& poll);
// The same of ballots that name their voters by pseudonyms, which need the poll's key.
std::optional<HttpResponse> RefuseNameless(const ExportAsk& ask, const PollView& poll);

struct ExportPage {
  std::string body;
  std::string_view content_type;
  std::string etag;      // without quotes; of immutable pages it ends in 'f'
  bool is_full = false;  // more may follow, and this page will never change
  std::optional<ExportCursor> next;
  std::string query;  // of the next page, without the cursor: "limit=100"
  Position through = 0;
};
HttpResponse FinishPage(const ExportAsk& ask, ExportPage page);

enum class BallotFormat : std::uint8_t { kNdjson, kCsv };
HttpResponse MakeBallotPage(const ExportAsk& ask, BallotFormat format, CsvDialect dialect);
HttpResponse MakeHistoryPage(const ExportAsk& ask, std::uint64_t step_seconds);

}  // namespace tallyd
