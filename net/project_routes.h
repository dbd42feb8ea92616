#pragma once

// GET and PUT /v1/projects/{project}, on the private listener. Handlers run on the io threads.

#include "net/admin_request.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class ProjectRoutes {
 public:
  explicit ProjectRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  void Get(const HttpRequest& request, Responder responder);
  void Put(const HttpRequest& request, Responder responder);
  void SendProject(const AdminRequest& request, int status, Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
