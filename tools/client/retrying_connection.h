#pragma once

// A ClientConnection that outlives restarts of the server.
//
// Send() tries again, with growing pauses, while the server cannot be reached, the connection is
// lost, or the answer is 503 or 429; it gives up (Unavailable) when nothing has succeeded for
// `give_up_after`. So a request may arrive more than once. One thread at a time.

#include <chrono>
#include <string>

#include "absl/status/statusor.h"

#include "tools/client/client_connection.h"

namespace tallyd {

class RetryingConnection {
 public:
  RetryingConnection(ServerAddress address, std::chrono::milliseconds give_up_after)
      : connection_(std::move(address)), give_up_after_(give_up_after) {}

  absl::StatusOr<ClientAnswer> Send(const ClientRequest& request);

 private:
  ClientConnection connection_;
  std::chrono::milliseconds give_up_after_;
};

}  // namespace tallyd
