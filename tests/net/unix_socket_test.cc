// Listening on Unix sockets, and on sockets that somebody else opened.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/net/http_fixture.h"
#include "tests/net/raw_client.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

class UnixSocketTest : public testing::Test {
 protected:
  std::unique_ptr<TestServer> Serve(unsigned mode = 0660) {
    return std::make_unique<TestServer>([&](ServerOptions& options) {
      options.public_listener.unix_path = path_;
      options.public_listener.unix_mode = mode;
      options.private_listener_enabled = false;
    });
  }
  std::string FaultOfStarting() {
    ServerOptions options;
    options.public_listener.unix_path = path_;
    options.private_listener_enabled = false;
    const Router router;
    return std::string(HttpServer(options, router).Start().message());
  }
  int StatusOf(const std::string& request = GetRequest("/hello")) {
    RawClient client(path_);
    client.Send(request);
    return client.Read().value_or(RawAnswer{}).status;
  }
  sockaddr_un Address() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    return address;
  }
  bool ConnectThere(int descriptor) const {
    const sockaddr_un address = Address();
    return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  // A socket of somebody else's at our path.
  int BindThere(bool listening) const {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = Address();
    EXPECT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    if (listening) {
      EXPECT_EQ(::listen(descriptor, 1), 0);
    }
    return descriptor;
  }

  TempDirectory directory_;
  std::string path_ = directory_.File("public.sock");
};

TEST_F(UnixSocketTest, ServesWithTheModeThatWasAskedForAndCleansUp) {
  for (const unsigned mode : {0600U, 0660U, 0666U}) {
    const auto server = Serve(mode);
    struct stat status = {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777U, mode);
    EXPECT_EQ(server->port(), 0);
    EXPECT_EQ(StatusOf(), 200);
    server->server().Stop(std::chrono::seconds(5));
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
}

TEST_F(UnixSocketTest, TheFileOfADeadServerIsRemoved) {
  ::close(BindThere(true));
  ASSERT_TRUE(std::filesystem::exists(path_));
  const auto server = Serve();
  EXPECT_EQ(StatusOf(), 200);
}

TEST_F(UnixSocketTest, TheFileOfALivingServerIsNot) {
  const auto server = Serve();
  EXPECT_NE(FaultOfStarting().find("another tallyd listens there"), std::string::npos);
  EXPECT_EQ(StatusOf(), 200);
}

TEST_F(UnixSocketTest, NorThatOfSomeOtherProgram) {
  const int other = BindThere(true);
  EXPECT_NE(FaultOfStarting().find("another server listens there"), std::string::npos);
  // Nor if it is too busy to take us.
  std::vector<int> waiting;
  while (true) {
    waiting.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!ConnectThere(waiting.back())) break;
  }
  EXPECT_NE(FaultOfStarting().find("another server listens there"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_));
  for (const int descriptor : waiting) ::close(descriptor);
  ::close(other);
}

// Between bind() and listen() it looks dead, but for the lock.
TEST_F(UnixSocketTest, NorThatOfOneThatBegins) {
  const int other = BindThere(false);
  const int lock = ::open((path_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
  EXPECT_NE(FaultOfStarting().find("another tallyd listens there"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_));
  ::close(lock);
  ::close(other);
  EXPECT_EQ(FaultOfStarting(), "");
}

TEST_F(UnixSocketTest, WhatIsNoSocketIsLeftAlone) {
  std::ofstream(path_) << "somebody's";
  EXPECT_NE(FaultOfStarting().find("is no socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(UnixSocketTest, ADirectoryThatIsMissingIsNamed) {
  path_ = directory_.File("nowhere/public.sock");
  EXPECT_NE(FaultOfStarting().find("nowhere"), std::string::npos);
}

TEST_F(UnixSocketTest, TheFileOfASuccessorStays) {
  auto server = Serve();
  std::filesystem::remove(path_);
  const int successor = BindThere(true);
  server.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
  ::close(successor);
}

TEST_F(UnixSocketTest, PeersAreOneClientUnlessTheyAreTrusted) {
  const auto serve = [&](bool trusted) {
    return std::make_unique<TestServer>([&](ServerOptions& options) {
      options.public_listener.unix_path = path_;
      options.public_listener.network_connections_max = 1;
      if (trusted) options.proxies.believed.push_back(*AddressRange::Parse("unix"));
    });
  };
  for (const bool trusted : {false, true}) {
    SCOPED_TRACE(trusted);
    const auto server = serve(trusted);
    RawClient first(path_);
    first.Send(GetRequest("/hello"));
    ASSERT_EQ(first.Read().value_or(RawAnswer{}).status, 200);
    RawClient second(path_);
    second.Send(GetRequest("/hello"));
    EXPECT_EQ(second.Read().value_or(RawAnswer{}).status, trusted ? 200 : 429);
  }
}

TEST_F(UnixSocketTest, LargeAnswersAndPipelines) {
  const auto server = Serve();
  RawClient client(path_);
  for (int i = 0; i < 3; ++i) {
    client.Send(GetRequest("/big") + PostRequest("/echo", std::string(16'384, 'e')));
    EXPECT_EQ(client.Read().value_or(RawAnswer{}).body.size(), std::size_t{4} << 20);
    EXPECT_EQ(client.Read().value_or(RawAnswer{}).body.size(), 16'384u);
  }
}

// What systemd does: the socket is there first, and clients may come before the server.
TEST(InheritedSocket, WhoCameBeforeTheServerIsServed) {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listening, 16), 0);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);
  RawClient early(ntohs(address.sin_port));
  ASSERT_TRUE(early.connected());
  TestServer test(
      [&](ServerOptions& options) { options.public_listener.inherited_descriptor = listening; });
  EXPECT_EQ(test.port(), ntohs(address.sin_port));
  early.Send(GetRequest("/hello"));
  EXPECT_EQ(early.Read().value_or(RawAnswer{}).status, 200);
}

TEST_F(UnixSocketTest, AnInheritedOneKeepsItsFile) {
  const int listening = BindThere(true);
  {
    TestServer test(
        [&](ServerOptions& options) { options.public_listener.inherited_descriptor = listening; });
    EXPECT_EQ(StatusOf(), 200);
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST(InheritedSocket, WhatDoesNotListenIsRefused) {
  const Router router;
  const auto fault = [&](int descriptor) {
    ServerOptions options;
    options.private_listener_enabled = false;
    options.public_listener.inherited_descriptor = descriptor;
    return std::string(HttpServer(options, router).Start().message());
  };
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (const int descriptor : {silent, datagrams, file, 9'999}) {
    EXPECT_NE(fault(descriptor).find("not a listening stream socket"), std::string::npos);
  }
  ::close(silent);
  ::close(datagrams);
  ::close(file);
}

}  // namespace
}  // namespace tallyd
