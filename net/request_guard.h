#pragma once

// The rules a request must keep before anything else looks at it, and the views taken from it.
//
// Beast's parser accepts requests that two programs can read differently (unknown transfer codings,
// several Hosts, Content-Length lists, folded lines); this is where they end. Fed with the events
// of one header in order, it either names the problem or has filled the HttpRequest. Every problem
// found here leaves the framing of the connection in doubt, so the session answers and closes.
//
//   RequestGuard guard(limits, request);
//   problem = guard.OnRequestLine("POST", "/v1/polls/p/votes", 11);
//   problem = guard.OnField("Host", "example.org");      // for each line
//   problem = guard.OnHeaderEnd();                        // nullopt three times: it may pass
//
// No sockets, no allocation, no state beyond one header. Any transfer coding is refused with 411 on
// every route: bodies have one Content-Length.

#include <cstdint>
#include <optional>
#include <string_view>

#include "net/http_request.h"
#include "net/problem_catalog.h"
#include "net/server_options.h"

namespace tallyd {

// A Content-Length above this is not a length but an attack.
inline constexpr std::uint64_t kContentLengthMax = std::uint64_t{1} << 40;

class RequestGuard {
 public:
  RequestGuard(const SessionLimits& limits, HttpRequest& request)
      : limits_(limits), request_(request) {}

  std::optional<ProblemCode> OnRequestLine(std::string_view method, std::string_view target,
                                           int version);
  std::optional<ProblemCode> OnField(std::string_view name, std::string_view value);
  std::optional<ProblemCode> OnHeaderEnd();

  // After OnHeaderEnd: whether the client wants the connection to stay, waits for "100 Continue".
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  std::optional<ProblemCode> OnContentLength(std::string_view value);
  void OnConnection(std::string_view value);

  const SessionLimits& limits_;
  HttpRequest& request_;
  int fields_ = 0;
  bool has_content_length_ = false;
  bool keep_alive_ = true;
  bool connection_close_ = false;
  bool connection_keep_alive_ = false;
  bool expects_continue_ = false;
};

// The three character rules, also for others to use.
bool IsValidHost(std::string_view host);
// Origin-form, printable ASCII without '#', whole escapes only, none of them a control character.
bool IsValidTarget(std::string_view target);
// [A-Za-z0-9._-]{1,64}
bool IsSaneRequestId(std::string_view id);

}  // namespace tallyd
