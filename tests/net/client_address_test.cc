// Whose request it is: literals, ranges, and what proxies and clients write about it.

#include "net/client_address.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

ClientAddress Address(std::string_view text) {
  const auto address = ClientAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(ClientAddress());
}

TEST(ClientAddressTest, LiteralsWithAndWithoutPorts) {
  const ClientAddress v4 = ClientAddress::V4({192, 0, 2, 1});
  EXPECT_EQ(Address("192.0.2.1"), v4);
  EXPECT_EQ(Address("192.0.2.1:4711"), v4);
  EXPECT_EQ(Address("::ffff:192.0.2.1"), v4);
  EXPECT_EQ(Address("[2001:db8::1]:4711"), Address("2001:db8::1"));
  EXPECT_EQ(Address("[2001:db8::1]"), Address("2001:db8:0:0::1"));
  for (const char* bad : {"", "unknown", "_hidden", "192.0.2", "192.0.2.256",
                          "2001:db8::1::", "[2001:db8::1", "[2001:db8::1]x", "192.0.2.1 ", "0x7f.1",
                          "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"}) {
    EXPECT_FALSE(ClientAddress::Parse(bad).has_value()) << bad;
  }
}

TEST(ClientAddressTest, ANetworkIsAnIpv4AddressOrAnIpv6Slash64) {
  EXPECT_EQ(Address("192.0.2.1").Network(), std::string_view("\xc0\x00\x02\x01", 4));
  EXPECT_EQ(Address("2001:db8:1:2::1").Network(), Address("2001:db8:1:2:ffff::2").Network());
  EXPECT_NE(Address("2001:db8:1:2::1").Network(), Address("2001:db8:1:3::1").Network());
  EXPECT_TRUE(ClientAddress().Network().empty());
}

TEST(ClientAddressTest, RangesHoldWhatTheirBitsSay) {
  const auto contains = [](const char* range, const char* address) {
    return AddressRange::Parse(range)->Contains(Address(address));
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(contains("10.1.2.128/25", "10.1.2.129"));
  EXPECT_FALSE(contains("10.1.2.128/25", "10.1.2.127"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("fd00::/8", "fdff::1"));
  EXPECT_TRUE(contains("::1", "::1"));
  EXPECT_FALSE(contains("::1", "::2"));
  for (const char* bad : {"", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::1/129",
                          "10.0.0.1:80", "[::1]", "example.org"}) {
    EXPECT_FALSE(AddressRange::Parse(bad).has_value()) << bad;
  }
}

struct Chain {
  const char* name;
  const char* peer;
  std::vector<std::string_view> lines;
  const char* client;  // "" = unknown
};

void ExpectClients(const ProxyOptions& proxies, const std::vector<Chain>& chains) {
  for (const Chain& chain : chains) {
    SCOPED_TRACE(chain.name);
    const ForwardedLines lines(chain.lines.begin(), chain.lines.end());
    const ClientAddress expected = *chain.client == '\0' ? ClientAddress() : Address(chain.client);
    EXPECT_EQ(FindClient(Address(chain.peer), proxies, lines), expected);
  }
}

TEST(ClientAddressTest, OnlyBelievedProxiesNameTheClient) {
  ProxyOptions proxies;
  proxies.believed = {*AddressRange::Parse("10.0.0.0/8"), *AddressRange::Parse("127.0.0.1")};
  ExpectClients(
      proxies,
      {{"no proxy, a lie", "203.0.113.9", {"198.51.100.1"}, "203.0.113.9"},
       {"no proxy", "203.0.113.9", {}, "203.0.113.9"},
       {"one proxy", "127.0.0.1", {"203.0.113.9"}, "203.0.113.9"},
       {"a lie before it", "127.0.0.1", {"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
       {"a lie in a line of its own", "127.0.0.1", {"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
       {"two proxies", "127.0.0.1", {"203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
       {"two proxies, two lines", "127.0.0.1", {"203.0.113.9", "10.1.1.1"}, "203.0.113.9"},
       {"a believed address as a lie", "127.0.0.1", {"10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
       {"only proxies", "127.0.0.1", {"10.1.1.2, 10.1.1.1"}, "10.1.1.2"},
       {"the proxy's own", "127.0.0.1", {}, ""},
       {"an empty line", "127.0.0.1", {""}, ""},
       {"rubbish from the proxy", "127.0.0.1", {"unknown"}, "127.0.0.1"},
       {"rubbish before a proxy", "127.0.0.1", {"unknown, 10.1.1.1"}, "10.1.1.1"},
       {"rubbish before the client", "127.0.0.1", {"<script>, 203.0.113.9"}, "203.0.113.9"},
       {"an empty item", "127.0.0.1", {"203.0.113.9,"}, "127.0.0.1"},
       {"with a port", "127.0.0.1", {"203.0.113.9:1234"}, "203.0.113.9"},
       {"IPv6", "127.0.0.1", {"2001:db8::7"}, "2001:db8::7"},
       {"tabs", "127.0.0.1", {"x,\t203.0.113.9 \t"}, "203.0.113.9"}});
}

TEST(ClientAddressTest, TheForwardedHeader) {
  ProxyOptions proxies;
  proxies.header = ProxyOptions::Header::kForwarded;
  ExpectClients(
      proxies,
      {{"plain", "127.0.0.1", {"for=203.0.113.9"}, "203.0.113.9"},
       {"case and order", "127.0.0.1", {"proto=https; For=203.0.113.9 ;by=x"}, "203.0.113.9"},
       {"quoted IPv6", "127.0.0.1", {"for=\"[2001:db8::7]:4711\""}, "2001:db8::7"},
       {"two elements", "127.0.0.1", {"for=198.51.100.1, for=203.0.113.9"}, "203.0.113.9"},
       {"no node", "127.0.0.1", {"proto=https"}, "127.0.0.1"},
       {"hidden", "127.0.0.1", {"for=_hidden"}, "127.0.0.1"},
       {"a quote with a comma", "127.0.0.1", {"for=\"203.0.113.9, x\""}, "127.0.0.1"},
       {"the other header's form", "127.0.0.1", {"203.0.113.9"}, "127.0.0.1"}});
}

TEST(ClientAddressTest, WhoComesByAUnixSocketIsAProxyIfTheListSaysSo) {
  ProxyOptions proxies;
  const ClientAddress unix = ClientAddress::Unix();
  EXPECT_EQ(FindClient(unix, proxies, {"203.0.113.9"}), unix) << "by default a client like any";
  EXPECT_EQ(FindClient(unix, proxies, {}), unix);
  proxies.believed.push_back(*AddressRange::Parse("unix"));
  EXPECT_EQ(FindClient(unix, proxies, {"203.0.113.9"}), Address("203.0.113.9"));
  EXPECT_FALSE(FindClient(unix, proxies, {}).known());
  EXPECT_EQ(FindClient(unix, proxies, {"unix"}), unix) << "nobody can claim to be one";
  EXPECT_EQ(FindClient(Address("203.0.113.9"), proxies, {"unix"}), Address("203.0.113.9"));
}

TEST(ClientAddressTest, WhoComesByAUnixSocketIsCountedApart) {
  const ClientAddress unix = ClientAddress::Unix();
  EXPECT_TRUE(unix.known());
  EXPECT_EQ(unix, ClientAddress::Unix());
  EXPECT_FALSE(unix.Network().empty());
  EXPECT_NE(unix.Network(), Address("0.0.0.0").Network());
  EXPECT_NE(unix.Network(), Address("::").Network());
  EXPECT_FALSE(AddressRange::Parse("0.0.0.0/0")->Contains(unix));
  EXPECT_FALSE(AddressRange::Parse("::/0")->Contains(unix));
  EXPECT_FALSE(AddressRange::Parse("unix")->Contains(Address("127.0.0.1")));
  for (const char* bad : {"unix/0", "unix:", "UNIX", "unix "}) {
    EXPECT_FALSE(AddressRange::Parse(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace tallyd
