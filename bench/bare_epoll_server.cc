// The anchor A of DESIGN.md section 6: a bare epoll server that answers a constant to every request
// and parses nothing but where a request ends. What it reaches is the limit of loopback, kernel and
// generator; nothing that does work can be faster.
//
//   bare_epoll_server PORT [ANSWER_BODY_BYTES]
//
// One thread. A request ends with its header and the bytes its "Content-Length: " names, if any.
// The answer has tallyd's headers and a body as long as a receipt (or as asked for), so that as
// many bytes travel. Ends with SIGTERM. No limits and no checks: not to be used for anything else.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kReceiveBytes = 64 * 1024;

struct Connection {
  std::string rest;  // the begin of a request whose end has not come
};

std::string MakeAnswer(std::size_t body_bytes) {
  const std::string head =
      "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
      "Location: /v1/receipts/q4m2v6w7y3k5d8q4m2v6w7y3k5\r\nContent-Length: " +
      std::to_string(body_bytes) +
      "\r\nX-Content-Type-Options: nosniff\r\nRequest-Id: 7a1b2c3d0-1x4k9\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
  std::string body = R"({"status":"counted","poll":"load","seq":48211,"receipt":"q4m2v6w7y3k5d8"})";
  body.resize(body_bytes, ' ');
  return head + body;
}

// How many whole requests `bytes` holds; takes them off its front.
std::size_t TakeRequests(std::string_view* bytes) {
  static constexpr std::string_view kLength = "\r\nContent-Length: ";
  std::size_t count = 0;
  for (;;) {
    const std::size_t end = bytes->find("\r\n\r\n");
    if (end == std::string_view::npos) return count;
    std::size_t size = end + 4;
    const std::size_t length = bytes->substr(0, end).find(kLength);
    if (length != std::string_view::npos) {
      size += std::strtoul(bytes->data() + length + kLength.size(), nullptr, 10);
    }
    if (bytes->size() < size) return count;
    bytes->remove_prefix(size);
    ++count;
  }
}

int Listen(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 4096) != 0) {
    std::perror("bare_epoll_server: listen");
    std::exit(1);
  }
  return fd;
}

class Server {
 public:
  Server(std::uint16_t port, std::size_t body_bytes)
      : answer_(MakeAnswer(body_bytes)), listener_(Listen(port)), epoll_(epoll_create1(0)) {
    Watch(listener_);
  }

  [[noreturn]] void Run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          Accept();
        } else {
          Serve(fd);
        }
      }
    }
  }

 private:
  void Watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void Accept() {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connections_.size() <= static_cast<std::size_t>(fd)) connections_.resize(2UL * fd + 16);
    connections_[static_cast<std::size_t>(fd)] = std::make_unique<Connection>();
    Watch(fd);
  }

  void Serve(int fd) {
    Connection& connection = *connections_[static_cast<std::size_t>(fd)];
    const ssize_t received = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (received <= 0) {
      close(fd);
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(received));
    if (!connection.rest.empty()) {
      connection.rest += bytes;
      bytes = connection.rest;
    }
    const std::size_t count = TakeRequests(&bytes);
    std::string rest(bytes);
    connection.rest.swap(rest);
    answers_.clear();
    for (std::size_t i = 0; i < count; ++i) answers_ += answer_;
    // Blocking: the generator reads what it asked for.
    for (std::size_t sent = 0; sent < answers_.size();) {
      const ssize_t now = send(fd, answers_.data() + sent, answers_.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) break;
      sent += static_cast<std::size_t>(now);
    }
  }

  const std::string answer_;
  const int listener_;
  const int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<char> buffer_ = std::vector<char>(kReceiveBytes);
  std::string answers_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bare_epoll_server PORT [ANSWER_BODY_BYTES]\n");
    return 2;
  }
  const std::size_t body_bytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 93;
  Server server(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)), body_bytes);
  server.Run();
}
