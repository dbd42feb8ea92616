#pragma once

// Cards with codes, and the codes themselves. Private listener.
//
//   POST /v1/polls/{poll}/paper-batches/{batch}/cards   scope `paper`: all cards of a batch, as
//   NDJSON POST /v1/polls/{poll}/codes                         scope `admin`: makes one-time codes,
//   or takes
//                                                       a list of names, and puts them on the roll
//
// Codes are answered once and kept as tags only. Handlers run on the io threads.

#include <string>
#include <vector>

#include "net/admin_request.h"
#include "net/route_context.h"
#include "net/router.h"

namespace tallyd {

class CardRoutes {
 public:
  explicit CardRoutes(const RouteContext& context) : context_(context) {}
  void AddTo(Router& router);

 private:
  // What the query says of a batch that is not there yet.
  struct CardsRequest {
    AdminRequest admin;
    std::string box;
    std::string seal;
    std::uint32_t invalid = 0;
    std::uint32_t blank = 0;
  };

  std::unique_ptr<BodySink> BeginCards(const HttpRequest& request, Responder responder);
  std::optional<CardsRequest> ReadCardsRequest(const HttpRequest& request, Responder& responder);
  void PutCards(CardsRequest request, const std::string& body, Responder responder);
  std::unique_ptr<BodySink> BeginCodes(const HttpRequest& request, Responder responder);
  void PutCodes(AdminRequest request, const std::string& body, Responder responder);

  const RouteContext& context_;
};

}  // namespace tallyd
