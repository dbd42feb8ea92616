#include "tools/tallyd/inherited_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "storage/durable_file.h"

namespace tallyd {
namespace {

constexpr int kFirstDescriptor = 3;  // SD_LISTEN_FDS_START
constexpr int kDescriptorsMax = 2;

// The environment belongs to the only thread there is: this runs before any other is started.
std::string Take(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return text;
}

// -1: no whole number.
int Number(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t colon = text.find(':');
    names.emplace_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return names;
    text.remove_prefix(colon + 1);
  }
}

absl::Status Faulty(const std::string& what) {
  return absl::InvalidArgumentError("socket activation: " + what);
}

}  // namespace

absl::StatusOr<InheritedSockets> TakeInheritedSockets() {
  InheritedSockets sockets;
  const char* const pid = std::getenv("LISTEN_PID");  // NOLINT(concurrency-mt-unsafe): one thread
  if (pid == nullptr || Number(pid) != getpid()) return sockets;
  Take("LISTEN_PID");
  const int count = Number(Take("LISTEN_FDS"));
  const std::vector<std::string> names = SplitNames(Take("LISTEN_FDNAMES"));
  if (count == 0) return sockets;
  if (count < 0 || count > kDescriptorsMax) {
    return Faulty("LISTEN_FDS must be a number from 0 to " + std::to_string(kDescriptorsMax));
  }
  if (names.size() != static_cast<std::size_t>(count)) {
    return Faulty("LISTEN_FDNAMES must name each socket (FileDescriptorName=public or admin)");
  }
  for (int i = 0; i < count; ++i) {
    const std::string& name = names[static_cast<std::size_t>(i)];
    int* const place = name == "public"  ? &sockets.public_descriptor
                       : name == "admin" ? &sockets.admin_descriptor
                                         : nullptr;
    if (place == nullptr) {
      return Faulty("a socket is called \"" + name +
                    "\"; FileDescriptorName= must be public or "
                    "admin");
    }
    if (*place >= 0) return Faulty("two sockets are called " + name);
    *place = kFirstDescriptor + i;
    if (fcntl(*place, F_SETFD, FD_CLOEXEC) != 0) return ErrnoStatus("take", name + " socket");
  }
  return sockets;
}

bool IsLocalSocket(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family == AF_UNIX) return true;
  if (address.ss_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof ipv4);
    return (ntohl(ipv4.sin_addr.s_addr) >> 24) == 127;
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &address, sizeof ipv6);
    return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr) != 0;
  }
  return false;
}

}  // namespace tallyd
