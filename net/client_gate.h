#pragma once

// Which budget a request is taken from: the person's or program's that shows a good token, else
// its address's.
//
// A token that is believed counts for its own subject wherever it comes from, so that a school or
// a town hall with one address is not locked out; its address pays nothing for it. Who shows none
// pays with the address. A token that is not believed costs the address twice: as a request, and
// out of a smaller budget of its own. Once that is spent, no more signatures are checked for this
// address but those that cost next to nothing (HMAC, API keys, tokens seen before); whatever else
// comes is told 429 until the budget has recovered a little.
//
// A TLS handshake is taken from its address before anybody can show a token. Proxies and whoever
// comes by a Unix socket have no such budget: the one brings everybody, the others are all one.
//
// Any io thread; costs the look-up of one or two budgets, and the token's verification, whose
// result the handler finds in the request. Refuses with 429 too_many_requests and Retry-After; a
// handshake without a word.

#include <cstdint>
#include <string_view>
#include <utility>

#include "net/auth.h"
#include "net/client_address.h"
#include "net/client_budgets.h"
#include "net/request_gate.h"

namespace tallyd {

class ClientGate final : public RequestGate {
 public:
  ClientGate(const Authenticator& auth, ProxyOptions proxies, const ClientBudgetOptions& budgets)
      : auth_(auth), proxies_(std::move(proxies)), budgets_(budgets) {}

  Pass Admit(HttpRequest& request, const ClientAddress& peer, IoThread::TimePoint now) override;
  bool AdmitHandshake(const ClientAddress& peer, IoThread::TimePoint now) override;

  const ClientBudgets& budgets() const { return budgets_; }

 private:
  Pass Charge(BudgetKind kind, std::string_view client, std::int64_t now_us,
              const HttpRequest& request);

  const Authenticator& auth_;
  const ProxyOptions proxies_;
  ClientBudgets budgets_;
};

}  // namespace tallyd
