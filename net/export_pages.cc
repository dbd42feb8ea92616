#include "net/export_pages.h"

#include <utility>

#include "absl/synchronization/notification.h"

#include "engine/ballot_log.h"
#include "engine/poll_history.h"
#include "engine/visibility.h"
#include "net/concat.h"
#include "net/log.h"
#include "net/problem_response.h"
#include "net/status_to_http.h"
#include "net/wire_ballot_rows.h"
#include "net/wire_history.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr std::string_view kImmutable = "private, max-age=31536000, immutable";
constexpr std::string_view kGrowing = "private, no-cache";
// Of journal records read for one page of ballots: what a poll among busier ones costs a request.
constexpr std::size_t kBallotScanBytes = std::size_t{64} << 20;

// Whether If-None-Match names `whole`, or a page beginning with `prefix` that will never change.
bool IsKnown(std::string_view if_none_match, std::string_view prefix, std::string_view whole) {
  EntityTags tags(if_none_match);
  while (const auto tag = tags.Next()) {
    if (!whole.empty() && tag->opaque == whole) return true;
    if (!prefix.empty() && tag->opaque.starts_with(prefix) && tag->opaque.ends_with('f')) {
      return true;
    }
  }
  return false;
}

HttpResponse NotModified(std::string_view etag, std::string_view cache_control) {
  HttpResponse response;
  response.status = 304;
  response.headers.emplace_back("ETag", Concat("W/\"", etag, "\""));
  response.headers.emplace_back("Cache-Control", cache_control);
  response.headers.emplace_back("Vary", "Accept-Encoding");
  return response;
}

}  // namespace

HttpResponse ExportAsk::Refuse(ProblemCode code, std::string_view detail) const {
  return ProblemResponse(code, detail, {}, german ? "de" : "en");
}

HttpResponse ExportAsk::Refuse(const absl::Status& status) const {
  if (absl::IsCancelled(status)) return Refuse(ProblemCode::kDraining);
  if (absl::IsUnavailable(status)) return Refuse(ProblemCode::kOverloaded);
  if (absl::IsOutOfRange(status)) {
    return Refuse(ProblemCode::kNotSupported,
                  "the journal is longer than one request may read; ask a restored copy of a part");
  }
  Log(LogLevel::kError, "export_failed", {{"status", status.ToString()}});
  return Refuse(ProblemCode::kInternal);
}

SnapshotBoard::SnapshotPtr AwaitCurrent(const ExportAsk& ask) {
  absl::Notification came;
  SnapshotBoard::SnapshotPtr newest;
  ask.engine->board().WhenCurrent(ask.poll, [&](SnapshotBoard::SnapshotPtr snapshot) {
    newest = std::move(snapshot);
    came.Notify();
  });
  came.WaitForNotification();
  return newest;
}

std::optional<HttpResponse> RefuseCursor(const ExportAsk& ask) {
  if (!ask.after || ask.after->epoch == ask.engine->epoch()) return std::nullopt;
  return ask.Refuse(ProblemCode::kEpochChanged);
}

std::optional<HttpResponse> RefuseWithheld(const ExportAsk& ask, const PollView& poll) {
  if (IsWithheld(poll.definition.visibility, poll.state)) {
    return ask.Refuse(ProblemCode::kForbidden, "the poll is sealed or coarse, and not over yet");
  }
  return std::nullopt;
}

std::optional<HttpResponse> RefuseNameless(const ExportAsk& ask, const PollView& poll) {
  if (auto refused = RefuseWithheld(ask, poll)) return refused;
  if (poll.voter_key) return std::nullopt;
  return ask.Refuse(WhyKeyless(poll));
}

HttpResponse FinishPage(const ExportAsk& ask, ExportPage page) {
  if (page.is_full) page.etag += 'f';
  const std::string_view cache_control = page.is_full ? kImmutable : kGrowing;
  HttpResponse response;
  if (IsKnown(ask.if_none_match, {}, page.etag)) {
    response = NotModified(page.etag, cache_control);
  } else {
    response.content_type = page.content_type;
    response.headers.emplace_back("ETag", Concat("W/\"", page.etag, "\""));
    response.headers.emplace_back("Cache-Control", cache_control);
    response.headers.emplace_back("Vary", "Accept-Encoding");
    if (auto smaller = Encode(page.body, ask.coding)) {
      response.headers.emplace_back("Content-Encoding", CodingName(ask.coding));
      response.shared_body = std::move(smaller);
    } else {
      response.body = std::move(page.body);
    }
  }
  std::string through;
  AppendVersionTag(ask.engine->epoch(), page.through, through);
  response.headers.emplace_back("Tallyd-Through", std::move(through));
  if (!page.next) return response;
  const std::string cursor = FormatCursor(*page.next);
  if (page.is_full) {
    response.headers.emplace_back(
        "Link", Concat("<", ask.path, "?", page.query, "&after=", cursor, ">; rel=\"next\""));
  }
  response.headers.emplace_back("Tallyd-Cursor", cursor);
  return response;
}

HttpResponse MakeBallotPage(const ExportAsk& ask, BallotFormat format, CsvDialect dialect) {
  if (auto refused = RefuseCursor(ask)) return *std::move(refused);
  const auto snapshot = AwaitCurrent(ask);
  if (snapshot == nullptr) return ask.Refuse(ProblemCode::kDraining);
  const PollView& poll = *snapshot->view;
  if (auto refused = RefuseNameless(ask, poll)) return *std::move(refused);
  Engine& engine = *ask.engine;
  const Position after = ask.after ? ask.after->first : engine.first_position() - 1;
  if (after > snapshot->position) {
    return ask.Refuse(ProblemCode::kParameterInvalid, "after lies ahead of the poll");
  }
  if (after + 1 < engine.first_position()) return ask.Refuse(ProblemCode::kVersionCompacted);
  const bool csv = format == BallotFormat::kCsv;
  const std::string_view form = !csv ? "n" : dialect == CsvDialect::kExcelDe ? "x" : "c";
  const std::string prefix =
      Concat("b", engine.epoch(), ".", after, ".", ask.limit, ".", form, ".");
  if (IsKnown(ask.if_none_match, prefix, {})) return NotModified(prefix + "f", kImmutable);

  ExportPage page;
  page.content_type = csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson";
  if (csv) AppendBallotCsvHeader(poll, dialect, page.body);
  BallotLogEnd end{.through = after};
  if (after < snapshot->position) {
    const auto cursor = engine.ReadJournal(after + 1);
    if (!cursor.ok()) return ask.Refuse(cursor.status());
    const auto walked = WalkBallotLog(
        cursor->get(), ask.poll, *poll.voter_key, after, snapshot->position,
        {.ballots_max = ask.limit, .scanned_bytes_max = kBallotScanBytes},
        [&](Position commit, absl::Span<const LoggedBallot> ballots) {
          for (const LoggedBallot& ballot : ballots) {
            if (csv) {
              AppendBallotCsvRows(poll, commit, ballot, dialect, page.body);
            } else {
              AppendBallotLine(poll, commit, ballot, page.body);
            }
          }
          return page.body.size() < kExportPageBytes;
        },
        [&] { return ask.thread->keep_on(); });
    if (!walked.ok()) return ask.Refuse(walked.status());
    end = *walked;
  }
  page.is_full = end.limited;
  page.etag = page.is_full ? prefix : prefix + std::to_string(end.through);
  page.through = end.through;
  page.next = ExportCursor{.kind = 'b', .epoch = engine.epoch(), .first = end.through};
  page.query = Concat("limit=", ask.limit);
  if (csv && dialect == CsvDialect::kExcelDe) page.query += "&dialect=excel-de";
  return FinishPage(ask, std::move(page));
}

HttpResponse MakeHistoryPage(const ExportAsk& ask, std::uint64_t step_seconds) {
  if (auto refused = RefuseCursor(ask)) return *std::move(refused);
  if (ask.after && ask.after->second != step_seconds) {
    return ask.Refuse(ProblemCode::kParameterInvalid, "after is of a history with another step");
  }
  const auto snapshot = AwaitCurrent(ask);
  if (snapshot == nullptr) return ask.Refuse(ProblemCode::kDraining);
  if (auto refused = RefuseWithheld(ask, *snapshot->view)) return *std::move(refused);
  Engine& engine = *ask.engine;
  const Position last = engine.last_position();
  const auto cursor = engine.ReadJournal(engine.first_position());
  if (!cursor.ok()) return ask.Refuse(cursor.status());
  const HistoryAsk walk{.step_us = static_cast<std::int64_t>(step_seconds) * 1'000'000,
                        .after_step = ask.after ? static_cast<std::int64_t>(ask.after->first) : 0,
                        .last = last,
                        .scanned_bytes_max = ask.history_bytes_max};
  ExportPage page;
  page.content_type = "application/x-ndjson";
  std::uint64_t lines = 0;
  std::int64_t reached = walk.after_step;  // the last step that is over
  Position through = 0;
  PollFold fold({.poll = ask.poll});
  const absl::Status walked = WalkHistory(
      cursor->get(), walk, &fold,
      [&](const HistoryStep& step) {
        AppendHistoryLine(engine.epoch(), step, walk.step_us, fold, page.body);
        ++lines;
        through = step.position;
        if (!step.over) return false;
        reached = step.number;
        page.is_full = lines >= ask.limit || page.body.size() >= kExportPageBytes;
        return !page.is_full;
      },
      [&] { return ask.thread->keep_on(); });
  if (!walked.ok()) return ask.Refuse(walked);
  const std::string prefix =
      Concat("h", engine.epoch(), ".", walk.after_step, ".", step_seconds, ".", ask.limit, ".");
  page.etag = page.is_full ? prefix : prefix + std::to_string(last);
  page.through = page.is_full ? through : last;
  page.next = ExportCursor{.kind = 'h',
                           .epoch = engine.epoch(),
                           .first = static_cast<std::uint64_t>(reached),
                           .second = step_seconds};
  page.query = Concat("step=", step_seconds, "&limit=", ask.limit);
  return FinishPage(ask, std::move(page));
}

}  // namespace tallyd
