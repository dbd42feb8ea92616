#include "net/page_routes.h"

#include <string>
#include <thread>
#include <utility>

#include "net/concat.h"
#include "net/content_coding.h"
#include "net/ranking_cache.h"
#include "net/ranking_table.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors ";
constexpr std::string_view kNobody = "'none'";
constexpr std::string_view kTablePolicy =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";
constexpr std::size_t kTablesMax = 100;

const EmbeddedPage* FindPage(std::string_view name) {
  for (const EmbeddedPage& page : EmbeddedPages()) {
    if (page.name == name) return &page;
  }
  return nullptr;
}

bool NamesTag(std::string_view if_none_match, std::string_view tag) {
  if (if_none_match == "*") return true;
  EntityTags tags(if_none_match);
  while (const auto found = tags.Next()) {
    if (found->opaque == tag) return true;
  }
  return false;
}

// Origins are settings, checked to be nothing but origins.
std::string Ancestors(const std::vector<std::string>& origins) {
  std::string list(origins.empty() ? kNobody : "");
  for (const std::string& origin : origins) AppendTo(&list, list.empty() ? "" : " ", origin);
  return list;
}

void SendFile(const HttpRequest& request, Responder responder, const EmbeddedPage& page,
              std::string_view cache_control, std::string_view frame_ancestors) {
  const bool gzip = ChooseCoding(request.accept_encoding, kPageCodings) == Coding::kGzip;
  const std::string tag = Concat(page.tag, gzip ? "-gzip" : "");
  HttpResponse response;
  response.headers.emplace_back("ETag", Concat("\"", tag, "\""));
  response.headers.emplace_back("Cache-Control", cache_control);
  response.headers.emplace_back("Vary", "Accept-Encoding");
  response.headers.emplace_back("Content-Security-Policy", Concat(kPolicy, frame_ancestors));
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  if (NamesTag(request.if_none_match, tag)) {
    response.status = 304;
  } else {
    response.content_type = page.content_type;
    if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = std::string(gzip ? page.gzip : page.plain);
  }
  std::move(responder).Send(std::move(response));
}

void SendTable(Responder responder, std::string body, bool german) {
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers.emplace_back("Cache-Control", "public, max-age=1");
  response.headers.emplace_back("Vary", "Accept-Language");
  response.headers.emplace_back("Content-Language", german ? "de" : "en");
  response.headers.emplace_back("Content-Security-Policy", kTablePolicy);
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.body = std::move(body);
  std::move(responder).Send(std::move(response));
}

}  // namespace

PageRoutes::PageRoutes(const RouteContext& context, const PageOptions& options)
    : context_(context), frame_ancestors_(Ancestors(options.frame_ancestors)) {}

void PageRoutes::AddTo(Router& router) {
  const auto add = [&](std::string_view pattern, std::uint8_t listeners, Handler handler) {
    router.Add(Method::kGet, pattern, listeners, BodyPolicy::None(), std::move(handler));
  };
  add("/", kPublicListener, [this](const HttpRequest& request, Responder responder) {
    if (!RequireQueries(request, {}, responder)) return;
    SendFile(request, std::move(responder), *FindPage("citizens.html"), "no-cache",
             frame_ancestors_);
  });
  add("/", kPrivateListener, [](const HttpRequest& request, Responder responder) {
    if (!RequireQueries(request, {}, responder)) return;
    SendFile(request, std::move(responder), *FindPage("town_hall.html"), "no-cache", kNobody);
  });
  // Sites like to put a ?ver=... behind the address of a script.
  add("/widget.js", kPublicListener, [](const HttpRequest& request, Responder responder) {
    SendFile(request, std::move(responder), *FindPage("widget.js"), "no-cache", kNobody);
  });
  add("/assets/{version}/{file}", kBothListeners,
      [this](const HttpRequest& request, Responder responder) {
        GetAsset(request, std::move(responder));
      });
  add("/table", kPublicListener, [this](const HttpRequest& request, Responder responder) {
    GetTables(request, std::move(responder));
  });
  add("/table/{poll}", kPublicListener, [this](const HttpRequest& request, Responder responder) {
    GetTable(request, std::move(responder));
  });
}

void PageRoutes::GetAsset(const HttpRequest& request, Responder responder) {
  const EmbeddedPage* page = FindPage(request.Param("file"));
  if (page == nullptr || request.Param("version") != EmbeddedPagesVersion() ||
      request.Param("file").ends_with(".html")) {
    SendProblem(std::move(responder), request, ProblemCode::kNotFound);
    return;
  }
  if (!RequireQueries(request, {}, responder)) return;
  SendFile(request, std::move(responder), *page, "public, max-age=31536000, immutable", kNobody);
}

void PageRoutes::GetTables(const HttpRequest& request, Responder responder) {
  if (!RequireQueries(request, {}, responder)) return;
  const bool german = PrefersGerman(request.accept_language);
  SendTable(std::move(responder), RankingTableList(context_.engine.polls(), kTablesMax, german),
            german);
}

void PageRoutes::GetTable(const HttpRequest& request, Responder responder) {
  if (!RequireQueries(request, {}, responder)) return;
  const auto poll = FindPoll(context_, request, responder, false);
  if (poll == nullptr) return;
  const bool german = PrefersGerman(request.accept_language);
  IoThread& io_thread = responder.io_thread();
  context_.engine.board().WhenCurrent(
      poll->number,
      [&io_thread, german, asked_on = std::this_thread::get_id(),
       responder = std::move(responder)](SnapshotBoard::SnapshotPtr snapshot) mutable {
        auto answer = [german, responder = std::move(responder),
                       snapshot = std::move(snapshot)]() mutable {
          if (snapshot == nullptr) {
            std::move(responder).Send(
                ProblemResponse(ProblemCode::kDraining, {}, {}, german ? "de" : "en"));
            return;
          }
          // From the JSON everyone may read, so that what it hides is hidden here too.
          const auto json = RankingCache::Render(*snapshot, RankingFormat::kJson, kTableRowsMax);
          SendTable(std::move(responder),
                    RankingTable(*snapshot->view, *json, kTableRowsMax, german), german);
        };
        if (std::this_thread::get_id() == asked_on) {
          answer();
        } else {
          io_thread.Post(std::move(answer));
        }
      });
}

}  // namespace tallyd
