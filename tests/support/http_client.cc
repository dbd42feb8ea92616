#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>

#include "boost/json/parse.hpp"
#include "gtest/gtest.h"

#include "tests/support/traffic_log.h"

namespace tallyd {
namespace {

std::string ToLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Fills status and headers from the head of an answer; false if it is not one.
bool ParseHead(std::string_view head, HttpAnswer& answer) {
  if (head.size() < 12 || head.substr(0, 7) != "HTTP/1.") return false;
  answer.status = std::atoi(std::string(head.substr(9, 3)).c_str());
  std::size_t line = head.find("\r\n");
  while (line != std::string_view::npos && line + 2 < head.size()) {
    const std::size_t next = head.find("\r\n", line + 2);
    const std::string_view text = head.substr(line + 2, next - line - 2);
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    answer.headers.emplace(ToLower(text.substr(0, colon)), Trim(text.substr(colon + 1)));
    line = next;
  }
  return true;
}

}  // namespace

std::string HttpAnswer::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

boost::json::value HttpAnswer::Json() const {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(body, error);
  if (error) {
    ADD_FAILURE() << "not JSON (" << error.message() << "), status " << status << ": " << body;
  }
  return value;
}

std::string Render(const HttpCall& call) {
  std::string out = call.method + " " + call.target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  for (const auto& [name, value] : call.headers) out += name + ": " + value + "\r\n";
  if (call.body) out += "Content-Length: " + std::to_string(call.body->size()) + "\r\n";
  out += "\r\n";
  if (call.body) out += *call.body;
  return out;
}

HttpClient::HttpClient(HttpClient&& other) noexcept
    : port_(other.port_),
      record_(other.record_),
      socket_(std::exchange(other.socket_, -1)),
      tls_(std::move(other.tls_)),
      buffer_(std::move(other.buffer_)) {}

void HttpClient::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  tls_.reset();
  buffer_.clear();
}

bool HttpClient::EnsureConnected() {
  if (socket_ >= 0 && buffer_.empty()) {
    pollfd ready{socket_, POLLIN | POLLRDHUP, 0};
    // Nothing is outstanding here: readable means that the server has closed.
    if (poll(&ready, 1, 0) > 0) Close();
  }
  if (socket_ >= 0) return true;
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Close();
    return false;
  }
  const int one = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!TestsRunOverTls() || ShakeHands()) return true;
  Close();
  return false;
}

bool HttpClient::ShakeHands() {
  tls_ = std::make_unique<RawTls>(RawTlsOptions{});
  for (;;) {
    const RawTls::State state = tls_->Handshake();
    if (!SendWire(tls_->TakeOutgoing())) return false;
    if (state == RawTls::State::kOpen) return true;
    std::string wire;
    if (state == RawTls::State::kFailed || !ReadWire(wire)) return false;
    tls_->Received(wire);
  }
}

bool HttpClient::SendBytes(std::string_view bytes) {
  if (!EnsureConnected()) return false;
  if (tls_ == nullptr) return SendWire(bytes);
  return tls_->Encrypt(bytes) && SendWire(tls_->TakeOutgoing());
}

bool HttpClient::SendWire(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpClient::ReadMore() {
  if (tls_ == nullptr) return ReadWire(buffer_);
  std::string wire;
  if (!ReadWire(wire)) return false;
  tls_->Received(wire);
  const std::size_t before = buffer_.size();
  return tls_->Decrypt(buffer_) == RawTls::State::kOpen || buffer_.size() > before;
}

bool HttpClient::ReadWire(std::string& wire) {
  if (socket_ < 0) return false;
  pollfd ready{socket_, POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(silence_.count())) <= 0) return false;
  char chunk[65'536];
  const ssize_t got = recv(socket_, chunk, sizeof chunk, 0);
  if (got <= 0) return false;
  wire.append(chunk, static_cast<std::size_t>(got));
  return true;
}

HttpAnswer HttpClient::ReadAnswer(bool head) {
  for (;;) {
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadMore()) {
        Close();
        return {};
      }
    }
    HttpAnswer answer;
    if (!ParseHead(std::string_view(buffer_).substr(0, end), answer)) {
      ADD_FAILURE() << "not an HTTP answer: " << buffer_.substr(0, 200);
      Close();
      return {};
    }
    buffer_.erase(0, end + 4);
    if (answer.status < 200) continue;  // 100 Continue
    const bool bodiless = head || answer.status == 204 || answer.status == 304;
    const std::string length = answer.Header("content-length");
    const std::size_t size = bodiless || length.empty() ? 0 : std::stoul(length);
    while (buffer_.size() < size) {
      if (!ReadMore()) {
        Close();
        return {};
      }
    }
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return answer;
  }
}

bool HttpClient::ReadEnd() {
  if (socket_ < 0 || !buffer_.empty()) return false;
  pollfd ready{socket_, POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(silence_.count())) <= 0) return false;
  if (tls_ != nullptr) return !ReadMore() && buffer_.empty();
  char byte;
  return recv(socket_, &byte, 1, 0) <= 0;
}

HttpAnswer HttpClient::Send(const HttpCall& call) {
  if (!SendBytes(Render(call))) {
    Close();
    return {};
  }
  HttpAnswer answer = ReadAnswer(call.method == "HEAD");
  if (answer.Header("connection") == "close") Close();
  if (record_ && answer.status != 0) TrafficLog::Global().Record(port_, call, answer);
  return answer;
}

std::vector<HttpAnswer> HttpClient::Pipeline(const std::vector<HttpCall>& calls) {
  std::string bytes;
  for (const HttpCall& call : calls) bytes += Render(call);
  std::vector<HttpAnswer> answers;
  if (!SendBytes(bytes)) {
    Close();
    return answers;
  }
  for (const HttpCall& call : calls) {
    answers.push_back(ReadAnswer(call.method == "HEAD"));
    if (answers.back().status == 0) break;
    if (record_) TrafficLog::Global().Record(port_, call, answers.back());
  }
  return answers;
}

}  // namespace tallyd
