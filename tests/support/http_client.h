#pragma once

// A blocking HTTP/1.1 client of the tests: one connection, no cleverness, nothing shared with net/.
//
//   HttpClient client(port);
//   HttpAnswer answer = client.Send({"GET", "/livez"});
//   std::vector<HttpAnswer> answers = client.Pipeline(calls);   // all out first, then all in
//
// An answer with status 0 is no answer: refused, reset, closed or silent for 20 s. Nothing is sent
// twice; a connection that the server has closed meanwhile is opened anew before the next request.
// Over TLS, without a look at the certificate, if TestsRunOverTls().
// Every exchange goes to the TrafficLog unless recording is off. One thread at a time.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boost/json/value.hpp"

#include "tests/support/raw_tls.h"

namespace tallyd {

struct HttpCall {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;  // besides Host and Content-Length
  std::optional<std::string> body;
};

inline HttpCall GetCall(std::string target) {
  return {.method = "GET", .target = std::move(target), .headers = {}, .body = std::nullopt};
}

struct HttpAnswer {
  int status = 0;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;

  // The first header of that (lower-case) name; "" if there is none.
  std::string Header(const std::string& name) const;
  // The body as JSON; null (and a test failure) if it is not.
  boost::json::value Json() const;
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port, bool record = true) : port_(port), record_(record) {}
  ~HttpClient() { Close(); }
  HttpClient(HttpClient&& other) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;

  HttpAnswer Send(const HttpCall& call);
  std::vector<HttpAnswer> Pipeline(const std::vector<HttpCall>& calls);

  // Below HTTP: bytes as they are. ReadAnswer(true) expects an answer without body (to HEAD).
  bool SendBytes(std::string_view bytes);
  HttpAnswer ReadAnswer(bool head = false);
  // True if the server closes the connection without another byte.
  bool ReadEnd();
  void Close();

  // For what takes long, such as a recount: silence is an answer that does not come after so long.
  void WaitUpTo(std::chrono::seconds silence) { silence_ = silence; }

  std::uint16_t port() const { return port_; }

 private:
  bool EnsureConnected();
  bool SendWire(std::string_view bytes);
  bool ReadWire(std::string& wire);
  bool ShakeHands();
  bool ReadMore();

  std::uint16_t port_;
  bool record_;
  std::chrono::milliseconds silence_ = std::chrono::seconds(20);
  int socket_ = -1;
  std::unique_ptr<RawTls> tls_;
  std::string buffer_;  // received, not yet consumed
};

std::string Render(const HttpCall& call);

}  // namespace tallyd
