#pragma once

// Whose request it is, as far as the network can say, and which proxies are believed about it.
//
//   proxies.believed = {*AddressRange::Parse("10.0.0.0/8")};
//   ClientAddress client = FindClient(peer, proxies, request.x_forwarded_for);
//
// A header about the client counts only if the connection comes from a believed proxy, and in it
// only what believed proxies wrote: the list is read from its end, up to the first address that is
// not one of them. A believed proxy that names nobody speaks for itself: the client is unknown, and
// who is unknown has no budget. Values; any thread; no allocation.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"

namespace tallyd {

class ClientAddress {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  ClientAddress() = default;  // unknown
  // Whoever comes by a Unix socket: all of them are one.
  static ClientAddress Unix();
  static ClientAddress V4(const std::array<std::uint8_t, 4>& bytes);
  // An address that only wraps an IPv4 one (::ffff:192.0.2.1) is that one.
  static ClientAddress V6(const Bytes& bytes);
  // "192.0.2.1", "2001:db8::1", also "192.0.2.1:4711" and "[2001:db8::1]:4711".
  static std::optional<ClientAddress> Parse(std::string_view text);

  bool known() const { return family_ != Family::kUnknown; }
  bool SameKindAs(const ClientAddress& other) const { return family_ == other.family_; }
  // Of an address in bits: 32, 128; 0 where there is none.
  int bits() const;
  const Bytes& bytes() const { return bytes_; }  // IPv4 in the first four

  // What stands for the client where addresses are counted: an IPv4 address, or the /64 of an IPv6
  // address, for whoever has one has all of it. Points into this object; of three different
  // lengths, so that no two kinds are ever the same.
  std::string_view Network() const;

  friend bool operator==(const ClientAddress&, const ClientAddress&) = default;

 private:
  enum class Family : std::uint8_t { kUnknown, kUnix, kV4, kV6 };

  Family family_ = Family::kUnknown;
  Bytes bytes_{};
};

// "10.0.0.0/8", "fd00::/8", one address, or "unix": whoever comes by a Unix socket.
class AddressRange {
 public:
  static std::optional<AddressRange> Parse(std::string_view text);
  bool Contains(const ClientAddress& address) const;

 private:
  ClientAddress first_;
  int bits_ = 0;
};

// 127.0.0.0/8 and ::1: a proxy on the same machine is the usual one.
std::vector<AddressRange> LoopbackRanges();

// Header lines of one name, in order: proxies append to the last one or add another.
using ForwardedLines = absl::InlinedVector<std::string_view, 2>;

struct ProxyOptions {
  enum class Header : std::uint8_t { kXForwardedFor, kForwarded };

  bool Believes(const ClientAddress& address) const;

  std::vector<AddressRange> believed = LoopbackRanges();
  // The one header the proxies write; the other is the client's own word and never read.
  Header header = Header::kXForwardedFor;
};

// Unknown: a believed proxy's own request.
ClientAddress FindClient(const ClientAddress& peer, const ProxyOptions& proxies,
                         const ForwardedLines& lines);

}  // namespace tallyd
