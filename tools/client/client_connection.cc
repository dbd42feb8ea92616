#include "tools/client/client_connection.h"

#include <charconv>
#include <functional>
#include <optional>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace tallyd {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

struct ClientConnection::Socket {
  asio::io_context context{1};
  beast::tcp_stream stream{context};
  beast::flat_buffer received;
  bool open = false;
  bool used = false;  // an answer has come on this connection
};

namespace {

using AnswerParser = http::response_parser<http::string_body>;

absl::Status ToStatus(const boost::system::error_code& error, const std::string& doing,
                      const ServerAddress& address) {
  const std::string text =
      doing + " " + address.host + ":" + std::to_string(address.port) + ": " + error.message();
  if (error == beast::error::timeout) return absl::DeadlineExceededError(text);
  if (error.category() == make_error_code(http::error::bad_version).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return absl::InvalidArgumentError(text);
  }
  return absl::UnavailableError(text);
}

ClientAnswer ToAnswer(AnswerParser& parser) {
  http::response<http::string_body> message = parser.release();
  ClientAnswer answer;
  answer.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    answer.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  answer.body = std::move(message.body());
  return answer;
}

}  // namespace

absl::StatusOr<ServerAddress> ParseServerUrl(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = url;
  const auto refused = [&] {
    return absl::InvalidArgumentError("not a server URL: \"" + std::string(url) +
                                      "\"; it looks like http://127.0.0.1:8081");
  };
  if (!rest.starts_with(kScheme)) return refused();
  rest.remove_prefix(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refused();
  ServerAddress address;
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || port.empty()) return refused();
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.find('/') != std::string_view::npos || host.empty()) return refused();
  address.host = std::string(host);
  return address;
}

std::string_view ClientAnswer::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (beast::iequals(key, beast::string_view(name.data(), name.size()))) return value;
  }
  return {};
}

ClientConnection::ClientConnection(ServerAddress address, ClientLimits limits)
    : address_(std::move(address)), limits_(limits), socket_(std::make_unique<Socket>()) {}
ClientConnection::~ClientConnection() = default;
ClientConnection::ClientConnection(ClientConnection&&) noexcept = default;
ClientConnection& ClientConnection::operator=(ClientConnection&&) noexcept = default;

bool ClientConnection::connected() const {
  return socket_->open;
}

void ClientConnection::Close() {
  socket_ = std::make_unique<Socket>();
}

absl::Status ClientConnection::Connect() {
  Close();
  boost::system::error_code error;
  asio::ip::tcp::resolver resolver(socket_->context);
  const auto endpoints = resolver.resolve(address_.host, std::to_string(address_.port), error);
  if (error) return ToStatus(error, "cannot find", address_);
  socket_->stream.expires_after(limits_.timeout);
  socket_->stream.async_connect(endpoints,
                                [&error](const boost::system::error_code& outcome,
                                         const asio::ip::tcp::endpoint&) { error = outcome; });
  socket_->context.restart();
  socket_->context.run();
  if (error) return ToStatus(error, "cannot connect to", address_);
  socket_->stream.socket().set_option(asio::ip::tcp::no_delay(true), error);
  socket_->open = true;
  return absl::OkStatus();
}

std::string ClientConnection::Render(absl::Span<const ClientRequest> requests) const {
  const bool ipv6 = address_.host.find(':') != std::string::npos;
  const std::string host =
      (ipv6 ? "[" + address_.host + "]" : address_.host) + ":" + std::to_string(address_.port);
  std::string bytes;
  for (const ClientRequest& request : requests) {
    bytes += request.method + " " + request.target + " HTTP/1.1\r\nHost: " + host + "\r\n";
    for (const auto& [name, value] : request.headers) bytes += name + ": " + value + "\r\n";
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
      bytes += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    }
    bytes += "\r\n";
    bytes += request.body;
  }
  return bytes;
}

// Writing and reading run at the same time: a server that answers while it is still being written
// to must not wait for us, nor we for it.
absl::Status ClientConnection::Exchange(absl::Span<const ClientRequest> requests,
                                        std::vector<ClientAnswer>& answers) {
  Socket& socket = *socket_;
  const std::string bytes = Render(requests);
  boost::system::error_code read_error;
  bool written = false;
  bool closing = false;

  std::optional<AnswerParser> parser;
  std::function<void()> read_next = [&] {
    parser.emplace();
    parser->body_limit(limits_.answer_bytes_max);
    if (requests[answers.size()].method == "HEAD") parser->skip(true);
    http::async_read(socket.stream, socket.received, *parser,
                     [&](const boost::system::error_code& error, std::size_t) {
                       read_error = error;
                       if (error) return;
                       closing = !parser->get().keep_alive();
                       answers.push_back(ToAnswer(*parser));
                       socket.used = true;
                       if (answers.size() < requests.size()) read_next();
                     });
  };
  socket.stream.expires_after(limits_.timeout);
  // The outcome of the write does not matter: what was not sent is not answered, and a server that
  // refuses a body early answers although it was not.
  asio::async_write(socket.stream, asio::buffer(bytes),
                    [&](const boost::system::error_code& error, std::size_t) { written = !error; });
  read_next();
  socket.context.restart();
  while (answers.size() < requests.size() && !read_error) {
    if (socket.context.run_one() == 0) break;
  }
  socket.context.poll();
  if (answers.size() < requests.size() || closing || !written) Close();  // drops what is pending
  if (answers.size() == requests.size()) return absl::OkStatus();
  return ToStatus(read_error, "connection lost to", address_);
}

absl::StatusOr<std::vector<ClientAnswer>> ClientConnection::Pipeline(
    absl::Span<const ClientRequest> requests) {
  std::vector<ClientAnswer> answers;
  if (requests.empty()) return answers;
  const bool kept = socket_->open && socket_->used;
  absl::Status status = socket_->open ? absl::OkStatus() : Connect();
  if (status.ok()) status = Exchange(requests, answers);
  if (kept && answers.empty() && absl::IsUnavailable(status)) {
    status = Connect();
    if (status.ok()) status = Exchange(requests, answers);
  }
  if (!status.ok()) return status;
  return answers;
}

absl::StatusOr<ClientAnswer> ClientConnection::Send(const ClientRequest& request) {
  auto answers = Pipeline(absl::MakeConstSpan(&request, 1));
  if (!answers.ok()) return answers.status();
  return std::move(answers->front());
}

}  // namespace tallyd
