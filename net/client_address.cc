#include "net/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "net/http_text.h"

namespace tallyd {
namespace {

constexpr ClientAddress::Bytes kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kMappedPrefixBytes = 12;

// Cuts the last item of a list at commas off `list`.
std::string_view PopLast(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  const std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  return TrimBlanks(last);
}

bool BeginsWithFor(std::string_view pair) {
  constexpr std::string_view kFor = "for=";
  return pair.size() >= kFor.size() &&
         std::equal(kFor.begin(), kFor.end(), pair.begin(), [](char lower, char c) {
           return (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) == lower;
         });
}

// The node of "for=" in one element of Forwarded (RFC 7239), without quotes; empty: there is none.
std::string_view ForNode(std::string_view element) {
  while (!element.empty()) {
    const std::size_t semicolon = element.find(';');
    const std::string_view pair = TrimBlanks(element.substr(0, semicolon));
    element =
        semicolon == std::string_view::npos ? std::string_view() : element.substr(semicolon + 1);
    if (!BeginsWithFor(pair)) continue;
    std::string_view node = pair.substr(4);
    if (node.size() >= 2 && node.front() == '"' && node.back() == '"') {
      node = node.substr(1, node.size() - 2);
    }
    return node;
  }
  return {};
}

}  // namespace

ClientAddress ClientAddress::Unix() {
  ClientAddress address;
  address.family_ = Family::kUnix;
  return address;
}

ClientAddress ClientAddress::V4(const std::array<std::uint8_t, 4>& bytes) {
  ClientAddress address;
  address.family_ = Family::kV4;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

ClientAddress ClientAddress::V6(const Bytes& bytes) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.begin() + kMappedPrefixBytes,
                 bytes.begin())) {
    return V4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  ClientAddress address;
  address.family_ = Family::kV6;
  address.bytes_ = bytes;
  return address;
}

std::optional<ClientAddress> ClientAddress::Parse(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  char literal[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof literal) return std::nullopt;
  std::memcpy(literal, text.data(), text.size());
  literal[text.size()] = '\0';
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, literal, v4.data()) == 1) return V4(v4);
  Bytes v6{};
  if (inet_pton(AF_INET6, literal, v6.data()) == 1) return V6(v6);
  return std::nullopt;
}

int ClientAddress::bits() const {
  switch (family_) {
    case Family::kUnknown:
    case Family::kUnix:
      return 0;
    case Family::kV4:
      return 32;
    case Family::kV6:
      break;
  }
  return 128;
}

std::string_view ClientAddress::Network() const {
  const auto first = [this](std::size_t bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes);
  };
  switch (family_) {
    case Family::kUnknown:
      return {};
    case Family::kUnix:
      return first(1);
    case Family::kV4:
      return first(4);
    case Family::kV6:
      break;
  }
  return first(8);
}

std::optional<AddressRange> AddressRange::Parse(std::string_view text) {
  if (text == "unix") {
    AddressRange all;
    all.first_ = ClientAddress::Unix();
    return all;
  }
  const std::size_t slash = text.find('/');
  const std::string_view literal = text.substr(0, slash);
  // A port would be a mistake here.
  if (literal.starts_with('[') || std::count(literal.begin(), literal.end(), ':') == 1) {
    return std::nullopt;
  }
  const auto first = ClientAddress::Parse(literal);
  if (!first) return std::nullopt;
  AddressRange range;
  range.first_ = *first;
  const int bits_max = first->bits();
  range.bits_ = bits_max;
  if (slash == std::string_view::npos) return range;
  const std::string_view bits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), range.bits_);
  if (error != std::errc() || end != bits.data() + bits.size()) return std::nullopt;
  if (range.bits_ < 0 || range.bits_ > bits_max) return std::nullopt;
  return range;
}

bool AddressRange::Contains(const ClientAddress& address) const {
  if (!address.known() || !address.SameKindAs(first_)) return false;
  for (int bit = 0; bit < bits_; bit += 8) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const int used = std::min(8, bits_ - bit);
    const int mask = (0xff << (8 - used)) & 0xff;
    if (((address.bytes()[byte] ^ first_.bytes()[byte]) & mask) != 0) return false;
  }
  return true;
}

std::vector<AddressRange> LoopbackRanges() {
  return {*AddressRange::Parse("127.0.0.0/8"), *AddressRange::Parse("::1")};
}

bool ProxyOptions::Believes(const ClientAddress& address) const {
  return std::any_of(believed.begin(), believed.end(),
                     [&](const AddressRange& range) { return range.Contains(address); });
}

ClientAddress FindClient(const ClientAddress& peer, const ProxyOptions& proxies,
                         const ForwardedLines& lines) {
  if (!proxies.Believes(peer)) return peer;
  ClientAddress client;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    std::string_view list = *line;
    while (!list.empty()) {
      std::string_view node = PopLast(list);
      if (proxies.header == ProxyOptions::Header::kForwarded) node = ForNode(node);
      const auto address = ClientAddress::Parse(node);
      // "unknown", a hidden name, rubbish: whoever wrote it is the last one we can name.
      if (!address) return client.known() ? client : peer;
      client = *address;
      if (!proxies.Believes(client)) return client;
    }
  }
  return client;
}

}  // namespace tallyd
