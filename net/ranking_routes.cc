#include "net/ranking_routes.h"

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "net/concat.h"
#include "net/content_coding.h"
#include "net/export_routes.h"
#include "net/wire_json_ranking.h"
#include "net/wire_json_selection.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr std::uint64_t kTopMax = 100'000;
constexpr std::uint64_t kWaitSecondsMax = 30;
constexpr std::string_view kCacheControl = "public, max-age=1, stale-while-revalidate=5";
// A draft is shown to administrators only: no cache that others share may keep it.
constexpr std::string_view kDraftCacheControl = "private, no-store";
constexpr std::string_view kVary = "Accept-Encoding, Origin";

// What is needed of a request that waits for its snapshot.
struct Ask {
  Responder responder;
  RankingFormat format = RankingFormat::kJson;
  std::uint32_t top = kAllRanks;
  bool explain_selection = false;
  Coding coding = Coding::kIdentity;
  bool german = false;
};

bool NamesVersion(std::string_view if_none_match, std::string_view version) {
  if (if_none_match == "*") return true;
  EntityTags tags(if_none_match);
  while (const auto tag = tags.Next()) {
    if (tag->opaque == version) return true;  // weak comparison, RFC 9110 8.8.3.2
  }
  return false;
}

std::string_view ContentType(RankingFormat format) {
  switch (format) {
    case RankingFormat::kJson:
    case RankingFormat::kLive:
      return "application/json";
    case RankingFormat::kCsv:
      return "text/csv; charset=utf-8; header=present";
    case RankingFormat::kNdjson:
      return "application/x-ndjson";
  }
  return "application/json";
}

std::string_view CacheControlOf(const RankingSnapshot& snapshot) {
  return snapshot.state == PollState::kDraft ? kDraftCacheControl : kCacheControl;
}

// "ETag: W/\"e3-18234\"" and what every ranking has besides, as header lines.
std::string HeaderLines(std::string_view version, std::string_view cache_control) {
  std::string lines;
  lines.reserve(cache_control.size() + kVary.size() + version.size() + 64);
  AppendTo(&lines, "ETag: W/\"", version, "\"\r\nCache-Control: ", cache_control,
           "\r\nVary: ", kVary, "\r\n");
  return lines;
}

void Answer(RankingCache& cache, Ask&& ask, std::string_view if_none_match,
            const RankingSnapshot& snapshot) {
  std::string version;
  AppendVersionTag(snapshot.epoch, snapshot.position, version);
  if (!if_none_match.empty() && NamesVersion(if_none_match, version)) {
    std::move(ask.responder).SendRaw(304, HeaderLines(version, CacheControlOf(snapshot)), {});
    return;
  }
  HttpResponse response;
  response.headers.emplace_back("ETag", Concat("W/\"", version, "\""));
  response.headers.emplace_back("Cache-Control", CacheControlOf(snapshot));
  response.headers.emplace_back("Vary", kVary);
  response.content_type = ContentType(ask.format);
  if (ask.explain_selection) {
    // Not cached: asked for by few, and one pass over the options.
    response.body = *RankingCache::Render(snapshot, ask.format, ask.top);
    response.body.resize(response.body.rfind('}'));
    response.body += ",\"selection\":";
    AppendSelection(snapshot, response.body);
    response.body += "}\n";
  } else if (ask.top == kAllRanks) {
    RankingCache::Rendered rendered = cache.Get(snapshot, ask.format, ask.coding);
    if (rendered.coding != Coding::kIdentity) {
      response.headers.emplace_back("Content-Encoding", CodingName(rendered.coding));
    }
    response.shared_body = std::move(rendered.bytes);
  } else {
    response.shared_body = RankingCache::Render(snapshot, ask.format, ask.top);
  }
  std::move(ask.responder).Send(std::move(response));
}

}  // namespace

void RankingRoutes::AddTo(Router& router) {
  const auto add = [&](std::string_view pattern, RankingFormat format) {
    router.Add(Method::kGet, pattern, kBothListeners, BodyPolicy::None(),
               [this, format](const HttpRequest& request, Responder responder) {
                 Get(request, std::move(responder), format);
               });
  };
  add("/v1/polls/{poll}/ranking", RankingFormat::kJson);
  add("/v1/polls/{poll}/ranking.csv", RankingFormat::kCsv);
  add("/v1/polls/{poll}/ranking.ndjson", RankingFormat::kNdjson);
  router.Add(Method::kGet, "/v1/polls/{poll}/ranking/changes", kBothListeners, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               GetChanges(request, std::move(responder));
             });
}

namespace {

// False: 400 was answered.
bool ReadForm(const HttpRequest& request, Responder& responder, Ask& ask) {
  constexpr std::array<std::string_view, 3> kQueries = {"top", "explain", "form"};
  const bool json = ask.format == RankingFormat::kJson;
  const auto queries = absl::MakeConstSpan(kQueries).first(json ? kQueries.size() : 1);
  if (!RequireQueries(request, queries, responder)) return false;
  if (const auto explain = request.Query("explain")) {
    if (*explain != "selection") {
      SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                  "explain must be selection");
      return false;
    }
    ask.explain_selection = true;
  }
  if (const auto top = request.Query("top")) {
    const auto number = ParseDecimal(*top);
    if (!number || *number == 0 || *number > kTopMax) {
      SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                  "top must be from 1 to 100000");
      return false;
    }
    ask.top = static_cast<std::uint32_t>(*number);
  }
  const auto form = request.Query("form");
  if (!form) return true;
  if (*form != "live") {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                "form can only be live");
    return false;
  }
  if (ask.top != kAllRanks) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                "the live form has no ranks, so no top");
    return false;
  }
  ask.format = RankingFormat::kLive;
  return true;
}

// Calls `answer(snapshot)` on the io thread with a snapshot that holds all that was acknowledged
// before; null if the server is going down.
template <typename Answer>
void WithCurrent(SnapshotBoard& board, IoThread& io_thread, PollNumber poll, Answer answer) {
  board.WhenCurrent(poll, [&io_thread, asked_on = std::this_thread::get_id(),
                           answer = std::move(answer)](SnapshotBoard::SnapshotPtr newest) mutable {
    auto finish = [answer = std::move(answer), newest = std::move(newest)]() mutable {
      answer(std::move(newest));
    };
    // Inline if the newest snapshot is current, else from the committing thread.
    if (std::this_thread::get_id() == asked_on) {
      finish();
    } else {
      io_thread.Post(std::move(finish));
    }
  });
}

// The board knows every published poll; without a snapshot the server is going down.
void SendDraining(Responder responder, bool german) {
  std::move(responder).Send(ProblemResponse(ProblemCode::kDraining, {}, {}, german ? "de" : "en"));
}

}  // namespace

void RankingRoutes::Get(const HttpRequest& request, Responder responder, RankingFormat format) {
  if (AsksForPastRanking(request)) {
    return GetPastRanking(context_, request, std::move(responder), format);
  }
  Ask ask;
  ask.format = format;
  if (!ReadForm(request, responder, ask)) return;
  const auto poll = FindPoll(context_, request, responder, false);
  if (poll == nullptr) return;
  ask.coding = ChooseCoding(request.accept_encoding, kRankingCodings);
  SnapshotBoard& board = context_.engine.board();
  IoThread& io_thread = responder.io_thread();
  ask.responder = std::move(responder);
  // Nearly always: nothing to wait for, nothing to keep of the request.
  if (const auto current = board.NewestIfCurrent(poll->number)) {
    return Answer(*context_.rankings, std::move(ask), request.if_none_match, *current);
  }
  ask.german = PrefersGerman(request.accept_language);
  WithCurrent(board, io_thread, poll->number,
              [this, ask = std::move(ask), if_none_match = std::string(request.if_none_match)](
                  SnapshotBoard::SnapshotPtr snapshot) mutable {
                if (snapshot != nullptr) {
                  Answer(*context_.rankings, std::move(ask), if_none_match, *snapshot);
                } else {
                  SendDraining(std::move(ask.responder), ask.german);
                }
              });
}

struct RankingRoutes::ChangesAsk {
  Responder responder;
  PollNumber poll = 0;
  VersionTag since;
  std::chrono::seconds wait{0};
  bool german = false;

  void Refuse(ProblemCode code) {
    std::move(responder).Send(ProblemResponse(code, {}, {}, german ? "de" : "en"));
  }
};

void RankingRoutes::GetChanges(const HttpRequest& request, Responder responder) {
  constexpr std::array<std::string_view, 2> kQueries = {"since", "wait"};
  if (!RequireQueries(request, kQueries, responder)) return;
  ChangesAsk ask;
  const auto since = ParseVersionTag(request.Query("since").value_or(""));
  if (!since) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                "since must be a version of this ranking, like e3-18200");
    return;
  }
  ask.since = *since;
  const auto wait = ParseDecimal(request.Query("wait").value_or("0"));
  if (!wait || *wait > kWaitSecondsMax) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                "wait must be from 0 to 30 seconds");
    return;
  }
  ask.wait = std::chrono::seconds(*wait);
  const auto poll = FindPoll(context_, request, responder, false);
  if (poll == nullptr) return;
  ask.poll = poll->number;
  ask.german = PrefersGerman(request.accept_language);
  IoThread& io_thread = responder.io_thread();
  ask.responder = std::move(responder);
  WithCurrent(context_.engine.board(), io_thread, poll->number,
              [this, ask = std::move(ask)](SnapshotBoard::SnapshotPtr snapshot) mutable {
                if (snapshot == nullptr) return SendDraining(std::move(ask.responder), ask.german);
                AnswerChanges(std::move(ask), *snapshot);
              });
}

void RankingRoutes::AnswerChanges(ChangesAsk&& ask, const RankingSnapshot& newest) {
  SnapshotBoard& board = context_.engine.board();
  if (newest.epoch != ask.since.epoch) return ask.Refuse(ProblemCode::kEpochChanged);
  if (newest.position == ask.since.position) {
    if (ask.wait.count() == 0) {
      HttpResponse nothing_new;
      nothing_new.status = 204;
      std::move(ask.responder).Send(std::move(nothing_new));
      return;
    }
    RankingFeed& feed = context_.Feed(ask.responder.io_thread());
    if (!feed.HasRoom()) return ask.Refuse(ProblemCode::kOverloaded);
    const std::chrono::seconds longest = std::exchange(ask.wait, std::chrono::seconds(0));
    const PollNumber poll = ask.poll;
    const Position since = ask.since.position;
    // Whatever ended the wait, the answer is the same as without one. Who is woken with the others
    // has the snapshot, and the patch is made once for all.
    feed.Wait(poll, since, longest,
              [this, &board, ask = std::move(ask)](SnapshotBoard::SnapshotPtr newer) mutable {
                if (newer == nullptr) newer = board.Newest(ask.poll);
                AnswerChanges(std::move(ask), *newer);
              });
    return;
  }
  HttpResponse response;
  response.shared_body = context_.rankings->PatchSince(board, newest, ask.since.position);
  if (response.shared_body == nullptr) return ask.Refuse(ProblemCode::kVersionCompacted);
  response.content_type = "application/merge-patch+json";
  std::string version;
  AppendVersionTag(newest.epoch, newest.position, version);
  response.headers.emplace_back("ETag", "W/\"" + version + "\"");
  std::move(ask.responder).Send(std::move(response));
}

}  // namespace tallyd
