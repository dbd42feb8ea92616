#pragma once

// The pages for people: GET / (citizens on the public listener, the town hall on the private one),
// their assets, and the ranking as a plain table for browsers without JavaScript.
//
//   /                          the page itself, asked for anew each time (ETag, 304)
//   /widget.js                 <tally-ranking> for other sites; at an address that stays
//   /assets/{version}/{file}   kept for ever; another version is 404, so modules never mix
//   /table, /table/{poll}      made here, without scripts, subject to what the ranking may show
//
// Every answer has a Content-Security-Policy that allows this server only; only the citizens' page
// may stand in a frame, and only in pages of the origins that the options name. Handlers run on the
// io threads; a table has at most kTableRowsMax rows and says how many it left out.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "net/embedded_page.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

struct PageOptions {
  std::vector<std::string> frame_ancestors;  // origins; none: no page may stand in a frame
};

class PageRoutes {
 public:
  static constexpr std::size_t kTableRowsMax = 1000;

  PageRoutes(const RouteContext& context, const PageOptions& options);
  void AddTo(Router& router);

 private:
  void GetAsset(const HttpRequest& request, Responder responder);
  void GetTables(const HttpRequest& request, Responder responder);
  void GetTable(const HttpRequest& request, Responder responder);

  const RouteContext& context_;
  const std::string frame_ancestors_;
};

}  // namespace tallyd
