#pragma once

// The pages for people: GET / (citizens on the public listener, the town hall on the private one),
// their assets, and the ranking as a plain table for browsers without JavaScript.
//
//   /                          the page itself, asked for anew each time (ETag, 304)
//   /assets/{version}/{file}   kept for ever; another version is 404, so modules never mix
//   /table, /table/{poll}      made here, without scripts, subject to what the ranking may show
//
// Every answer has a Content-Security-Policy that allows this server only. Handlers run on the io
// threads; a table has at most kTableRowsMax rows and says how many it left out.

#include <cstddef>
#include <string_view>

#include "net/embedded_page.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class PageRoutes {
 public:
  static constexpr std::size_t kTableRowsMax = 1000;

  explicit PageRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  void GetAsset(const HttpRequest& request, Responder responder);
  void GetTables(const HttpRequest& request, Responder responder);
  void GetTable(const HttpRequest& request, Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
