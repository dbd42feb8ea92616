// The server over TLS, over Unix sockets and on sockets that systemd opened, as other people's
// programs find it: curl, openssl, sslscan, and tallyctl.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/support/poll_fixtures.h"
#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_certificate.h"

namespace tallyd {
namespace {

constexpr int kExitBadConfig = 78;

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t Count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

class Transports : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return directory_.File(name); }

  void WriteCertificate(const TestCertificateOptions& options = {}) {
    WriteTestCertificate(MakeTestCertificate(options), Path("cert.pem"), Path("key.pem"));
  }
  std::vector<std::string> TlsArguments() const {
    return {"--tls-certificate-file=" + Path("cert.pem"), "--tls-key-file=" + Path("key.pem"),
            "--admin-tls-certificate-file=" + Path("cert.pem"),
            "--admin-tls-key-file=" + Path("key.pem")};
  }
  void Start(TallydOptions options) {
    options.data_directory = Path("data");
    server_ = std::make_unique<TallydProcess>(options);
    ASSERT_TRUE(server_->WaitReady()) << server_->Log();
  }
  void StartTls() {
    WriteCertificate({.name = "first"});
    Start({.data_directory = {}, .arguments = TlsArguments()});
  }
  std::string Url(const std::string& target) const {
    return "https://localhost:" + std::to_string(server_->public_port()) + target;
  }
  std::string AdminUrl() const {
    return "https://localhost:" + std::to_string(server_->admin_port());
  }
  // Body and, in the last line, the status; "000" if there was no answer.
  std::string Curl(std::vector<std::string> arguments) const {
    for (const char* word : {"--silent", "--show-error", "--max-time", "20", "--cacert"}) {
      arguments.emplace_back(word);
    }
    arguments.push_back(Path("cert.pem"));
    arguments.emplace_back("--write-out");
    arguments.emplace_back("\n%{http_code}");
    const ToolResult result = RunTool("/usr/bin/curl", arguments);
    return result.out + (result.exit == 0 ? "" : result.err);
  }
  std::string VoteArguments(const std::string& voter) const {
    return R"({"voter":")" + voter + R"(","choices":["alpha"]})";
  }
  std::string WritePoll() const {
    boost::json::object poll = PollBody();
    poll["state"] = "open";
    std::ofstream(Path("town.json")) << boost::json::serialize(poll);
    return Path("town.json");
  }
  bool AwaitLog(const std::string& text) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!Holds(server_->Log(), text)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  TempDirectory directory_;
  std::unique_ptr<TallydProcess> server_;
};

TEST_F(Transports, VotesOverTlsWithCurlAndTallyctl) {
  StartTls();
  EXPECT_TRUE(Holds(server_->Log(), "https://127.0.0.1")) << server_->Log();
  const ToolResult made = RunTallyctl(
      {"--server", AdminUrl(), "--ca-file", Path("cert.pem"), "poll", "create", WritePoll()});
  ASSERT_EQ(made.exit, 0) << made.out << made.err;
  for (int i = 0; i < 3; ++i) {
    const std::string voted =
        Curl({"--json", VoteArguments("v" + std::to_string(i)), Url("/v1/polls/town/votes")});
    EXPECT_TRUE(Holds(voted, "\n201")) << voted;
  }
  EXPECT_TRUE(Holds(Curl({Url("/v1/polls/town/ranking")}), R"("ballots":3)"));
  // Also with HTTP/2 on offer, and a body that comes after leave was given.
  EXPECT_TRUE(Holds(Curl({"--http2", Url("/livez")}), "\n200"));
  EXPECT_TRUE(Holds(Curl({"-H", "Expect: 100-continue", "--json", VoteArguments("late"),
                          Url("/v1/polls/town/votes")}),
                    "\n201"));
  EXPECT_TRUE(
      Holds(Curl({AdminUrl() + "/metrics"}), "tallyd_tls_handshakes_total{result=\"done\"}"));
}

TEST_F(Transports, TallyctlBelievesNoServerThatNobodyVouchesFor) {
  StartTls();
  const ToolResult unknown = RunTallyctl({"--server", AdminUrl(), "poll", "list"});
  EXPECT_EQ(unknown.exit, 1);
  EXPECT_TRUE(Holds(unknown.err, "no TLS with localhost")) << unknown.err;
  const ToolResult missing =
      RunTallyctl({"--server", AdminUrl(), "--ca-file", Path("nowhere.pem"), "poll", "list"});
  EXPECT_EQ(missing.exit, 1);
  EXPECT_TRUE(Holds(missing.err, "nowhere.pem")) << missing.err;
  const ToolResult by_address =
      RunTallyctl({"--server", "https://127.0.0.1:" + std::to_string(server_->admin_port()),
                   "--ca-file", Path("cert.pem"), "poll", "list"});
  EXPECT_EQ(by_address.exit, 0) << by_address.err;
}

TEST_F(Transports, StreamsOverTls) {
  StartTls();
  ASSERT_EQ(RunTallyctl({"--server", AdminUrl(), "--ca-file", Path("cert.pem"), "poll", "create",
                         WritePoll()})
                .exit,
            0);
  std::string events;
  std::thread reader([&] { events = Curl({"--no-buffer", Url("/v1/polls/town/ranking/stream")}); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!Holds(Curl({AdminUrl() + "/metrics"}), "tallyd_live_readers{kind=\"sse\"} 1")) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
  EXPECT_TRUE(Holds(Curl({"--json", VoteArguments("v"), Url("/v1/polls/town/votes")}), "\n201"));
  server_->Terminate();
  reader.join();
  EXPECT_EQ(server_->Wait(), 0) << server_->Log();
  EXPECT_TRUE(Holds(events, "event: snapshot")) << events;
  EXPECT_TRUE(Holds(events, "event: bye")) << events;
  EXPECT_TRUE(Holds(events, "\n200")) << "curl must see the stream end with a goodbye: " << events;
}

TEST_F(Transports, OpensslAgreesOnlyOnTls13AndHttp11) {
  StartTls();
  const std::string target = "localhost:" + std::to_string(server_->public_port());
  const auto ask = [&](const std::vector<std::string>& options) {
    std::string command =
        "printf 'GET /livez HTTP/1.1\\r\\nHost: t\\r\\nConnection: close\\r\\n\\r\\n' | "
        "timeout 20 openssl s_client -connect " +
        target + " -CAfile " + Path("cert.pem") + " -ign_eof";
    for (const std::string& option : options) command += " " + option;
    return RunTool("/bin/sh", {"-c", command + " 2>&1"}).out;
  };
  const std::string good = ask({"-alpn", "h2,http/1.1", "-verify_return_error"});
  EXPECT_TRUE(Holds(good, "New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256")) << good;
  EXPECT_TRUE(Holds(good, "ALPN protocol: http/1.1")) << good;
  EXPECT_TRUE(Holds(good, "Verify return code: 0 (ok)")) << good;
  EXPECT_TRUE(Holds(good, "HTTP/1.1 200 OK")) << good;
  EXPECT_TRUE(Holds(good, "Compression: NONE")) << good;
  EXPECT_FALSE(Holds(good, "New Session Ticket")) << good;
  EXPECT_TRUE(Holds(ask({"-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}), "HTTP/1.1 200 OK"));
  for (const std::string option : {"-tls1_2", "-tls1_1 -cipher ALL:@SECLEVEL=0"}) {
    const std::string refused = ask({option});
    EXPECT_FALSE(Holds(refused, "HTTP/1.1")) << refused;
    EXPECT_TRUE(Holds(refused, "Cipher is (NONE)")) << refused;
  }
  EXPECT_FALSE(Holds(ask({"-ciphersuites", "TLS_AES_128_CCM_8_SHA256"}), "HTTP/1.1"));
}

TEST_F(Transports, SslscanFindsNothingToSay) {
  if (RunTool("/usr/bin/env", {"which", "sslscan"}).exit != 0) {
    GTEST_SKIP() << "sslscan is not installed (tools/install-packages test)";
  }
  StartTls();
  const ToolResult scan = RunTool(
      "/usr/bin/sslscan", {"--no-colour", "localhost:" + std::to_string(server_->public_port())});
  ASSERT_EQ(scan.exit, 0) << scan.out << scan.err;
  const std::string& report = scan.out;
  for (const char* old : {"SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled",
                          "TLSv1.1   disabled", "TLSv1.2   disabled"}) {
    EXPECT_TRUE(Holds(report, old)) << report;
  }
  EXPECT_TRUE(Holds(report, "TLSv1.3   enabled")) << report;
  EXPECT_EQ(Count(report, "vulnerable to heartbleed"),
            Count(report, "not vulnerable to heartbleed"))
      << report;
  // Nothing but the three suites of TLS 1.3.
  std::istringstream lines(report);
  int suites = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("Preferred ") && !line.starts_with("Accepted ")) continue;
    ++suites;
    EXPECT_TRUE(Holds(line, "TLSv1.3") &&
                (Holds(line, "TLS_AES_128_GCM_SHA256") || Holds(line, "TLS_AES_256_GCM_SHA384") ||
                 Holds(line, "TLS_CHACHA20_POLY1305_SHA256")))
        << line;
  }
  EXPECT_EQ(suites, 3) << report;
  EXPECT_FALSE(Holds(report, "Compression enabled")) << report;
  EXPECT_FALSE(Holds(report, "Insecure session renegotiation supported")) << report;
}

TEST_F(Transports, AnotherCertificateOnSighup) {
  StartTls();
  const auto subject = [&] {
    return RunTool("/bin/sh", {"-c", "timeout 20 openssl s_client -connect localhost:" +
                                         std::to_string(server_->public_port()) +
                                         " </dev/null 2>/dev/null | grep subject="})
        .out;
  };
  EXPECT_TRUE(Holds(subject(), "first"));
  WriteCertificate({.name = "second"});
  server_->Reload();
  ASSERT_TRUE(AwaitLog("certificates were read again")) << server_->Log();
  EXPECT_TRUE(Holds(subject(), "second"));

  std::filesystem::permissions(Path("key.pem"), static_cast<std::filesystem::perms>(0644));
  server_->Reload();
  ASSERT_TRUE(AwaitLog("an old certificate stays in force")) << server_->Log();
  EXPECT_TRUE(Holds(server_->Log(), Path("key.pem"))) << server_->Log();
  EXPECT_TRUE(Holds(subject(), "second"));
}

TEST_F(Transports, ABadPairIsFoundBeforeItServes) {
  WriteCertificate();
  const std::string config = Path("tallyd.toml");
  std::ofstream(config) << "insecure_no_auth = true\ntls_certificate_file = \"" << Path("cert.pem")
                        << "\"\ntls_key_file = \"" << Path("key.pem") << "\"\n";
  EXPECT_EQ(RunTallyd({"check-config", "--config=" + config}).exit, 0);
  std::filesystem::permissions(Path("key.pem"), static_cast<std::filesystem::perms>(0640));
  const ToolResult check = RunTallyd({"check-config", "--config=" + config});
  EXPECT_EQ(check.exit, kExitBadConfig);
  EXPECT_TRUE(Holds(check.err, Path("key.pem"))) << check.err;
  TallydProcess server({.data_directory = Path("data"), .arguments = {"--config=" + config}});
  EXPECT_EQ(server.Wait(), kExitBadConfig);
  EXPECT_FALSE(std::filesystem::exists(Path("data"))) << "nothing was touched";
  const ToolResult half = RunTallyd({"check-config", "--tls-key-file=" + Path("key.pem")});
  EXPECT_EQ(half.exit, kExitBadConfig);
  EXPECT_TRUE(Holds(half.err, "needs tls_certificate_file too")) << half.err;
}

TEST_F(Transports, VotesOverUnixSocketsAlsoAfterACrash) {
  const TallydOptions options{.data_directory = {},
                              .listen = "unix:" + Path("public.sock"),
                              .admin_listen = "unix:" + Path("admin.sock"),
                              .arguments = {"--listen-mode=0666", "--admin-listen-mode=0600"}};
  Start(options);
  struct stat status = {};
  ASSERT_EQ(stat(Path("public.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0666U);
  ASSERT_EQ(stat(Path("admin.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const std::string admin = "unix:" + Path("admin.sock");
  const ToolResult made = RunTallyctl({"--server", admin, "poll", "create", WritePoll()});
  ASSERT_EQ(made.exit, 0) << made.err;
  const auto vote = [&](const std::string& voter) {
    return Curl({"--unix-socket", Path("public.sock"), "--json", VoteArguments(voter),
                 "http://localhost/v1/polls/town/votes"});
  };
  EXPECT_TRUE(Holds(vote("a"), "\n201"));

  server_->Kill();
  ASSERT_TRUE(std::filesystem::exists(Path("public.sock"))) << "a crash cleans nothing up";
  Start(options);
  EXPECT_TRUE(Holds(vote("b"), "\n201"));
  const ToolResult listed = RunTallyctl({"--server", admin, "poll", "list"});
  EXPECT_TRUE(Holds(listed.out, "town")) << listed.out << listed.err;

  // A second server on other data, but the same socket.
  TallydOptions second = options;
  second.data_directory = Path("other");
  TallydProcess other(second);
  EXPECT_EQ(other.Wait(), 1);
  EXPECT_TRUE(Holds(other.Log(), "another tallyd listens there")) << other.Log();
  EXPECT_TRUE(Holds(vote("c"), "\n201"));

  server_->Terminate();
  EXPECT_EQ(server_->Wait(), 0) << server_->Log();
  EXPECT_FALSE(std::filesystem::exists(Path("public.sock")));
}

// A listening socket as systemd would pass it; it goes to the child as descriptor 3 or 4.
class Activation : public Transports {
 protected:
  static int ListenTcp(const char* address, std::uint16_t& port) {
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    inet_pton(AF_INET, address, &where.sin_addr);
    socklen_t size = sizeof where;
    EXPECT_EQ(bind(descriptor, reinterpret_cast<const sockaddr*>(&where), size), 0);
    EXPECT_EQ(listen(descriptor, 64), 0);
    EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr*>(&where), &size), 0);
    port = ntohs(where.sin_port);
    return descriptor;
  }
  static int ListenUnix(const std::string& path) {
    const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, path.data(), path.size());
    EXPECT_EQ(bind(descriptor, reinterpret_cast<const sockaddr*>(&where), sizeof where), 0);
    EXPECT_EQ(listen(descriptor, 64), 0);
    return descriptor;
  }
  // A program that is tallyd with these descriptors from 3 on. LISTEN_PID is its own.
  TallydOptions With(const std::vector<int>& descriptors, const std::string& names,
                     const std::string& pid = "$$") const {
    const std::string script = Path("activate");
    std::ofstream file(script);
    file << "#!/bin/bash\n";
    // Out of the way first: 3 and 4 may be among them.
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      file << "exec " << 200 + i << "<&" << descriptors[i] << "\n";
    }
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      file << "exec " << 3 + i << "<&" << 200 + i << "\n";
    }
    file << "export LISTEN_PID=" << pid << " LISTEN_FDS=" << descriptors.size()
         << " LISTEN_FDNAMES=" << names << "\nexec " << TallydProgram() << " \"$@\"\n";
    file.close();
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return {.program = script, .data_directory = Path("data")};
  }
};

TEST_F(Activation, ServesOnWhatItWasPassed) {
  std::uint16_t port = 0;
  const int tcp = ListenTcp("127.0.0.1", port);
  const int local = ListenUnix(Path("admin.sock"));
  Start(With({tcp, local}, "public:admin"));
  EXPECT_EQ(server_->public_port(), port);
  EXPECT_EQ(server_->admin_port(), 0);
  const std::string admin = "unix:" + Path("admin.sock");
  const ToolResult made = RunTallyctl({"--server", admin, "poll", "create", WritePoll()});
  ASSERT_EQ(made.exit, 0) << made.err;
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/v1/polls/town/votes";
  EXPECT_TRUE(Holds(Curl({"--json", VoteArguments("a"), url}), "\n201"));

  // Between two servers nobody is refused: who comes meanwhile waits.
  server_->Terminate();
  EXPECT_EQ(server_->Wait(), 0) << server_->Log();
  EXPECT_TRUE(std::filesystem::exists(Path("admin.sock"))) << "it is not ours";
  std::string waited;
  std::thread early([&] { waited = Curl({"--json", VoteArguments("b"), url}); });
  Start(With({tcp, local}, "public:admin"));
  early.join();
  EXPECT_TRUE(Holds(waited, "\n201")) << waited;
  close(tcp);
  close(local);
}

TEST_F(Activation, WhatIsNotForUsIsLeftAlone) {
  std::uint16_t port = 0;
  const int tcp = ListenTcp("127.0.0.1", port);
  Start(With({tcp}, "public", "1"));
  EXPECT_NE(server_->public_port(), port);
  close(tcp);
}

TEST_F(Activation, WhatWasMeantMustBeSaid) {
  std::uint16_t port = 0;
  const int tcp = ListenTcp("127.0.0.1", port);
  const int open_net = ListenTcp("0.0.0.0", port);
  const struct {
    std::vector<int> descriptors;
    std::string names;
    std::vector<std::string> arguments;
    const char* fault;
  } cases[] = {{{tcp}, "tallyd.socket", {}, "must be public or admin"},
               {{tcp, tcp}, "public:public", {}, "two sockets are called public"},
               {{tcp, tcp}, "public", {}, "must name each socket"},
               {{tcp}, "''", {}, "must be public or admin"},
               {{tcp, tcp, tcp}, "public:admin:x", {}, "from 0 to 2"},
               {{open_net}, "public", {}, "is not loopback"}};
  for (const auto& one : cases) {
    TallydOptions options = With(one.descriptors, one.names);
    options.arguments = one.arguments;
    TallydProcess server(options);
    EXPECT_EQ(server.Wait(), kExitBadConfig) << server.Log();
    EXPECT_TRUE(Holds(server.Log(), one.fault)) << one.fault << "\n" << server.Log();
  }
  TallydOptions off = With({tcp}, "admin");
  off.admin_listen = "off";
  TallydProcess server(off);
  EXPECT_EQ(server.Wait(), kExitBadConfig);
  EXPECT_TRUE(Holds(server.Log(), "admin_listen")) << server.Log();
  close(tcp);
  close(open_net);
}

TEST_F(Activation, OverTlsToo) {
  WriteCertificate();
  std::uint16_t port = 0;
  const int tcp = ListenTcp("127.0.0.1", port);
  TallydOptions options = With({tcp}, "public");
  options.arguments = TlsArguments();
  Start(options);
  EXPECT_TRUE(Holds(Curl({Url("/livez")}), "\n200"));
  close(tcp);
}

}  // namespace
}  // namespace tallyd
