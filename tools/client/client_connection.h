#pragma once

// A blocking keep-alive HTTP/1.1 client: one connection, one thread at a time.
//
//   auto address = ParseServerUrl("http://127.0.0.1:8081");   // or https://host:port, unix:/path
//   ClientConnection connection(*address);
//   auto answer = connection.Send({.method = "GET", .target = "/v1/polls"});
//   if (answer.ok() && answer->status == 200) ...
//
// Connects when it must. Any HTTP status is an answer, not an error. Errors: Unavailable (refused,
// or the connection was lost: whether the server acted is unknown), DeadlineExceeded,
// InvalidArgument (not HTTP what came back), FailedPrecondition (TLS: not the server it should be;
// nothing was sent to it). A kept connection that the server closed in between is
// opened anew once, if not a byte of an answer has come; whoever sends must be able to live with
// its request arriving twice, as every request to tallyd can.
// Bounds: one answer is at most answer_bytes_max; every call at most timeout.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tallyd {

struct ServerAddress {
  std::string host;
  std::uint16_t port = 0;
  std::string unix_path = {};  // not empty: this Unix socket instead
  bool tls = false;
  // PEM: who may vouch for the server; "": whom this machine trusts.
  std::string ca_file = {};

  // "host:port", "[::1]:port", "unix:/path"
  std::string Text() const;
};
// "http://host:port" or "https://host:port" with an optional slash at the end, or "unix:/path";
// InvalidArgument for anything else.
absl::StatusOr<ServerAddress> ParseServerUrl(std::string_view url);

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers = {};  // Host, Content-Length are set
  std::string body = {};
};

struct ClientAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The first header of that name (case does not matter), "" if there is none.
  std::string_view Header(std::string_view name) const;
};

struct ClientLimits {
  std::chrono::milliseconds timeout{60'000};
  std::uint64_t answer_bytes_max = std::uint64_t{1} << 30;
};

class ClientConnection {
 public:
  explicit ClientConnection(ServerAddress address, ClientLimits limits = {});
  ~ClientConnection();
  ClientConnection(ClientConnection&&) noexcept;
  ClientConnection& operator=(ClientConnection&&) noexcept;

  absl::StatusOr<ClientAnswer> Send(const ClientRequest& request);
  // All requests in one write, answers in the same order. All or nothing: after an error it is
  // unknown which requests were acted on.
  absl::StatusOr<std::vector<ClientAnswer>> Pipeline(absl::Span<const ClientRequest> requests);

  bool connected() const;
  void Close();

 private:
  struct Socket;

  absl::Status Connect();
  absl::Status BeginTls();
  // Fills `answers`; after an error it holds those that came before it.
  absl::Status Exchange(absl::Span<const ClientRequest> requests,
                        std::vector<ClientAnswer>& answers);
  std::string Render(absl::Span<const ClientRequest> requests) const;

  ServerAddress address_;
  ClientLimits limits_;
  std::unique_ptr<Socket> socket_;
};

}  // namespace tallyd
