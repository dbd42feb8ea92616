#include "tools/client/client_connection.h"

#include <charconv>
#include <functional>
#include <optional>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace tallyd {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

using AnswerParser = http::response_parser<http::string_body>;

absl::Status ToStatus(const boost::system::error_code& error, const std::string& doing,
                      const ServerAddress& address) {
  const std::string text = doing + " " + address.Text() + ": " + error.message();
  if (error == beast::error::timeout) return absl::DeadlineExceededError(text);
  if (error.category() == asio::error::get_ssl_category()) {
    return absl::FailedPreconditionError(text);
  }
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

// The file of an authority, or whom the machine trusts.
boost::system::error_code TrustWhom(const ServerAddress& address, asio::ssl::context& context) {
  boost::system::error_code error;
  if (address.ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(address.ca_file, error);
  }
  return error;
}

std::optional<ServerAddress> ParseHostAndPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  ServerAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || port.empty()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.find('/') != std::string_view::npos || host.empty()) return std::nullopt;
  address.host = std::string(host);
  return address;
}

}  // namespace

struct ClientConnection::Socket {
  using Bytes = beast::basic_stream<asio::generic::stream_protocol>;

  // All of `bytes` out, answers in until there is one for each request; the error that ended it.
  template <typename Stream>
  boost::system::error_code Exchange(Stream& stream, const std::string& bytes,
                                     absl::Span<const ClientRequest> requests,
                                     std::uint64_t answer_bytes_max,
                                     std::vector<ClientAnswer>& answers);

  asio::io_context context{1};
  Bytes stream{context};
  std::optional<asio::ssl::context> tls_context;
  std::optional<asio::ssl::stream<Bytes&>> tls;
  beast::flat_buffer received;
  bool open = false;
  bool used = false;      // an answer has come on this connection
  bool reusable = false;  // the last exchange left it fit for another
};

std::string ServerAddress::Text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

absl::StatusOr<ServerAddress> ParseServerUrl(std::string_view url) {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kTls = "https://";
  constexpr std::string_view kUnix = "unix:";
  std::optional<ServerAddress> address;
  if (url.starts_with(kUnix) && url.substr(kUnix.size()).starts_with('/')) {
    address.emplace();
    address->host = "localhost";
    address->unix_path = std::string(url.substr(kUnix.size()));
    return *address;
  }
  const bool tls = url.starts_with(kTls);
  if (tls || url.starts_with(kPlain)) {
    std::string_view rest = url.substr(tls ? kTls.size() : kPlain.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    address = ParseHostAndPort(rest);
  }
  if (!address) {
    return absl::InvalidArgumentError("not a server URL: \"" + std::string(url) +
                                      "\"; it looks like http://127.0.0.1:8081, "
                                      "https://town.example:8443 or unix:/run/tallyd/admin.sock");
  }
  address->tls = tls;
  return *address;
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
  using Endpoint = asio::generic::stream_protocol::endpoint;
  Close();
  boost::system::error_code error;
  std::vector<Endpoint> endpoints;
  if (!address_.unix_path.empty()) {
    endpoints.emplace_back(asio::local::stream_protocol::endpoint(address_.unix_path));
  } else {
    asio::ip::tcp::resolver resolver(socket_->context);
    for (const auto& found :
         resolver.resolve(address_.host, std::to_string(address_.port), error)) {
      endpoints.emplace_back(found.endpoint());
    }
    if (error) return ToStatus(error, "cannot find", address_);
  }
  socket_->stream.expires_after(limits_.timeout);
  socket_->stream.async_connect(endpoints, [&error](const boost::system::error_code& outcome,
                                                    const Endpoint&) { error = outcome; });
  socket_->context.restart();
  socket_->context.run();
  if (error) return ToStatus(error, "cannot connect to", address_);
  // A Unix socket has no such option, and does not wait either.
  socket_->stream.socket().set_option(asio::ip::tcp::no_delay(true), error);
  if (address_.tls) {
    if (absl::Status begun = BeginTls(); !begun.ok()) return begun;
  }
  socket_->open = true;
  return absl::OkStatus();
}

absl::Status ClientConnection::BeginTls() {
  Socket& socket = *socket_;
  socket.tls_context.emplace(asio::ssl::context::tls_client);
  socket.tls_context->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  socket.tls_context->set_verify_mode(asio::ssl::verify_peer);
  if (const auto error = TrustWhom(address_, *socket.tls_context)) {
    return absl::FailedPreconditionError("cannot read authorities from " + address_.ca_file + ": " +
                                         error.message());
  }
  socket.tls.emplace(socket.stream, *socket.tls_context);
  socket.tls->set_verify_callback(asio::ssl::host_name_verification(address_.host));
  boost::system::error_code error;
  asio::ip::make_address(address_.host, error);
  const bool is_name = static_cast<bool>(error);  // an address is no server name (RFC 6066, 3)
  std::string name = address_.host;
  if (is_name) {
    // SSL_set_tlsext_host_name() without its cast.
    SSL_ctrl(socket.tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             name.data());
  }
  socket.tls->async_handshake(
      asio::ssl::stream_base::client,
      [&error](const boost::system::error_code& outcome) { error = outcome; });
  socket.context.restart();
  socket.context.run();
  return error ? ToStatus(error, "no TLS with", address_) : absl::OkStatus();
}

std::string ClientConnection::Render(absl::Span<const ClientRequest> requests) const {
  const std::string host = address_.unix_path.empty() ? address_.Text() : address_.host;
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
template <typename Stream>
boost::system::error_code ClientConnection::Socket::Exchange(
    Stream& over, const std::string& bytes, absl::Span<const ClientRequest> requests,
    std::uint64_t answer_bytes_max, std::vector<ClientAnswer>& answers) {
  boost::system::error_code read_error;
  bool written = false;
  bool closing = false;

  std::optional<AnswerParser> parser;
  std::function<void()> read_next = [&] {
    parser.emplace();
    parser->body_limit(answer_bytes_max);
    if (requests[answers.size()].method == "HEAD") parser->skip(true);
    http::async_read(over, received, *parser,
                     [&](const boost::system::error_code& error, std::size_t) {
                       read_error = error;
                       if (error) return;
                       closing = !parser->get().keep_alive();
                       answers.push_back(ToAnswer(*parser));
                       used = true;
                       if (answers.size() < requests.size()) read_next();
                     });
  };
  // The outcome of the write does not matter: what was not sent is not answered, and a server that
  // refuses a body early answers although it was not.
  asio::async_write(over, asio::buffer(bytes),
                    [&](const boost::system::error_code& error, std::size_t) { written = !error; });
  read_next();
  context.restart();
  while (answers.size() < requests.size() && !read_error) {
    if (context.run_one() == 0) break;
  }
  context.poll();
  reusable = answers.size() == requests.size() && !closing && written;
  return read_error;
}

absl::Status ClientConnection::Exchange(absl::Span<const ClientRequest> requests,
                                        std::vector<ClientAnswer>& answers) {
  Socket& socket = *socket_;
  const std::string bytes = Render(requests);
  socket.stream.expires_after(limits_.timeout);
  const std::uint64_t most = limits_.answer_bytes_max;
  const auto error = socket.tls ? socket.Exchange(*socket.tls, bytes, requests, most, answers)
                                : socket.Exchange(socket.stream, bytes, requests, most, answers);
  if (!socket.reusable) Close();  // drops what is pending
  if (answers.size() == requests.size()) return absl::OkStatus();
  return ToStatus(error, "connection lost to", address_);
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
