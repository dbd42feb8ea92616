// TLS of the listeners, seen by a client that cuts its bytes wherever it likes. That everything
// else holds over TLS too is tested by running the other tests of the transport over it.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/auth.h"
#include "net/client_budgets.h"
#include "net/client_gate.h"
#include "tests/net/http_fixture.h"
#include "tests/net/raw_client.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_certificate.h"

namespace tallyd {
namespace {

using std::chrono::milliseconds;

// The gate of the server under a clock that stands still until a test moves it. No proxies.
class StoppedClockGate final : public RequestGate {
 public:
  explicit StoppedClockGate(const Budget& handshake)
      : auth_(Everybody()), gate_(auth_, Proxies(), Budgets(handshake)) {}

  Pass Admit(HttpRequest& request, const ClientAddress& peer, IoThread::TimePoint) override {
    return gate_.Admit(request, peer, Now());
  }
  bool AdmitHandshake(const ClientAddress& peer, IoThread::TimePoint) override {
    return gate_.AdmitHandshake(peer, Now());
  }
  void PassOneSecond() { now_s_.fetch_add(1); }
  std::uint64_t refused() const { return gate_.budgets().refused(BudgetKind::kHandshake); }

 private:
  static AuthOptions Everybody() {
    AuthOptions options;
    options.insecure_no_auth = true;
    return options;
  }
  static ProxyOptions Proxies() {
    ProxyOptions options;
    options.believed.clear();
    return options;
  }
  static ClientBudgetOptions Budgets(const Budget& handshake) {
    ClientBudgetOptions options;
    options.handshake = handshake;
    return options;
  }
  IoThread::TimePoint Now() const {
    return IoThread::TimePoint() + std::chrono::seconds(now_s_.load());
  }

  const Authenticator auth_;
  ClientGate gate_;
  std::atomic<int> now_s_{1};
};

class TlsTest : public testing::Test {
 protected:
  using Adjust = std::function<void(ServerOptions&)>;

  TlsTest() { Write({.name = "first"}); }

  void Write(const TestCertificateOptions& options) {
    WriteTestCertificate(MakeTestCertificate(options), files_.certificate_file, files_.key_file);
  }
  void Serve(const Adjust& adjust = {}) {
    server_ = std::make_unique<TestServer>(
        [&](ServerOptions& options) {
          options.public_listener.tls = files_;
          if (gate_ != nullptr) options.proxies.believed.clear();
          if (adjust) adjust(options);
        },
        gate_.get());
  }
  RawClient Connect(const RawTlsOptions& options = {}, int receive_buffer_bytes = 0,
                    const char* source = nullptr) {
    RawClient client(server_->port(), receive_buffer_bytes, source);
    client.UseTls(options);
    return client;
  }
  int StatusOf(RawClient& client, const std::string& request = GetRequest("/hello")) {
    client.Send(request);
    return client.Read().value_or(RawAnswer{}).status;
  }
  std::uint64_t Sum(Counter HttpMetrics::*counter) { return server_->Sum(counter); }

  TempDirectory directory_;
  TlsFiles files_{directory_.File("cert.pem"), directory_.File("key.pem")};
  std::unique_ptr<StoppedClockGate> gate_;  // null: no budgets
  std::unique_ptr<TestServer> server_;
};

TEST_F(TlsTest, OnePointThreeAndNothingOlder) {
  Serve();
  RawClient good = Connect();
  EXPECT_EQ(StatusOf(good), 200);
  EXPECT_EQ(good.tls().version(), "TLSv1.3");
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_done), 1u);
  for (const int version : {0x0301, 0x0302, 0x0303}) {
    RawClient old = Connect({.version = version});
    EXPECT_FALSE(old.ShakeHands()) << std::hex << version;
  }
  // OpenSSL's client does not even begin with 1.0 and 1.1.
  EXPECT_TRUE(Eventually([&] { return Sum(&HttpMetrics::tls_handshakes_refused) >= 1; }));
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_done), 1u);
}

TEST_F(TlsTest, SpeaksHttp11AndSaysSo) {
  Serve();
  RawClient both = Connect({.protocols = {"h2", "http/1.1"}});
  EXPECT_EQ(StatusOf(both), 200);
  EXPECT_EQ(both.tls().protocol(), "http/1.1");
  RawClient silent = Connect();
  EXPECT_EQ(StatusOf(silent), 200);
  EXPECT_EQ(silent.tls().protocol(), "");
  RawClient other = Connect({.protocols = {"h2"}});
  EXPECT_FALSE(other.ShakeHands());
}

TEST_F(TlsTest, NobodyGetsATicket) {
  Serve();
  RawClient client = Connect();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(StatusOf(client), 200);
  EXPECT_FALSE(client.tls().tickets_came());
}

TEST_F(TlsTest, PlainHttpIsToldByAnAlertAndNotCutOff) {
  Serve();
  RawClient plain(server_->port());
  ASSERT_TRUE(plain.Send(PostRequest("/echo", std::string(8'000, 'x'))));
  EXPECT_TRUE(plain.WaitForClose());
  EXPECT_FALSE(plain.was_reset());
  EXPECT_EQ(plain.unread().find("HTTP/"), std::string::npos);
  EXPECT_EQ(server_->handled_count(), 0);
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_refused), 1u);
  RawClient next = Connect();
  EXPECT_EQ(StatusOf(next), 200);
}

TEST_F(TlsTest, AHandshakeThatNeverEndsMeetsTheHeaderDeadline) {
  Serve([](ServerOptions& options) {
    options.limits.header_ms_max = 300;
    options.limits.idle_ms_max = 60'000;
  });
  RawClient silent(server_->port());
  RawClient half(server_->port());
  RawTls machine({});
  machine.Handshake();
  const std::string hello = machine.TakeOutgoing();
  ASSERT_TRUE(half.Send(std::string_view(hello).substr(0, hello.size() - 1)));
  EXPECT_TRUE(Eventually([&] { return server_->server().connections_open() == 2; }));
  EXPECT_TRUE(silent.WaitForClose());
  EXPECT_TRUE(half.WaitForClose());
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_late), 2u);
  EXPECT_EQ(server_->server().connections_open(), 0u);
}

TEST_F(TlsTest, ADripOfBytesDoesNotExtendTheHandshake) {
  Serve([](ServerOptions& options) { options.limits.header_ms_max = 200; });
  RawClient client(server_->port());
  RawTls machine({});
  machine.Handshake();
  const std::string hello = machine.TakeOutgoing();
  for (std::size_t i = 0; i + 1 < hello.size(); ++i) {
    client.Send(hello.substr(i, 1));
    if (Sum(&HttpMetrics::tls_handshakes_late) > 0) break;
    std::this_thread::sleep_for(milliseconds(5));  // all of them take longer than the deadline
  }
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_late), 1u) << "the drip came to its end";
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_late), 1u);
}

TEST_F(TlsTest, AfterTheHandshakeTheIdleDeadlineHolds) {
  Serve([](ServerOptions& options) {
    options.limits.header_ms_max = 100;
    options.limits.idle_ms_max = 60'000;
  });
  RawClient client = Connect();
  ASSERT_TRUE(client.ShakeHands());
  EXPECT_TRUE(client.IsSilent(milliseconds(500)));
  EXPECT_EQ(StatusOf(client), 200);
}

TEST_F(TlsTest, WhoLeavesInTheMiddleIsCounted) {
  Serve();
  RawClient(server_->port()).ShutdownSend();
  EXPECT_TRUE(Eventually([&] { return Sum(&HttpMetrics::tls_handshakes_gone) == 1; }));
  EXPECT_TRUE(Eventually([&] { return server_->server().connections_open() == 0; }));
}

TEST_F(TlsTest, ByteByByte) {
  Serve();
  RawClient client = Connect();
  client.set_piece_bytes(1);
  EXPECT_EQ(StatusOf(client), 200);
  client.Send(PostRequest("/echo", "one byte after the other"));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "one byte after the other");
}

TEST_F(TlsTest, LargePipelinedBodies) {
  Serve();
  RawClient client = Connect();
  ASSERT_TRUE(client.ShakeHands());
  constexpr int kRequests = 300;
  const auto body = [](int i) {
    return std::string(static_cast<std::size_t>(16'384 - i), static_cast<char>('a' + i % 26));
  };
  // As much as sockets and buffers hold must not wait for the answers to be read.
  for (int sent = 0; sent < kRequests; sent += 20) {
    std::string requests;
    for (int i = sent; i < sent + 20; ++i) requests += PostRequest("/echo", body(i));
    ASSERT_TRUE(client.Send(requests));
    for (int i = sent; i < sent + 20; ++i) {
      ASSERT_EQ(client.Read().value_or(RawAnswer{}).body, body(i)) << i;
    }
  }
  EXPECT_EQ(server_->handled_count(), kRequests);
}

TEST_F(TlsTest, ALargeAnswerThroughASmallWindow) {
  Serve();
  RawClient client = Connect({}, 4'096);
  client.Send(GetRequest("/big") + GetRequest("/big"));
  for (int i = 0; i < 2; ++i) {
    const auto answer = client.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->body, std::string(4 << 20, 'b'));
  }
}

TEST_F(TlsTest, AStreamedBody) {
  Serve();
  RawClient client = Connect();
  const std::string body(8 << 20, 's');
  ASSERT_TRUE(client.Send(PostRequest("/stream", body)));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, std::to_string(body.size()));
}

TEST_F(TlsTest, WhoSaysGoodbyeStillGetsTheAnswer) {
  Serve();
  RawClient client = Connect();
  client.Send(PostRequest("/defer", ""));
  ASSERT_TRUE(server_->WaitForDeferred(1));
  client.ShutdownSend();
  EXPECT_TRUE(client.IsSilent(milliseconds(100)));
  server_->AnswerDeferred(0);
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body, "0");
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_TRUE(client.goodbye_came());
  EXPECT_FALSE(client.was_reset());
}

// Anybody on the way can end a TCP connection; only the client can say goodbye.
TEST_F(TlsTest, AnEndWithoutGoodbyeIsTheEnd) {
  Serve();
  RawClient client = Connect();
  client.Send(PostRequest("/defer", "") +
              "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(server_->WaitForDeferred(1));
  client.ShutdownWire();
  EXPECT_TRUE(client.WaitForClose());
  EXPECT_TRUE(Eventually([&] { return server_->server().connections_open() == 0; }));
  server_->AnswerDeferred(0);
  EXPECT_TRUE(Eventually([&] { return Sum(&HttpMetrics::answers_after_close) == 1; }));
  EXPECT_EQ(server_->handled_count(), 1) << "what was cut short is no request";
  EXPECT_EQ(Sum(&HttpMetrics::tls_connections), 0u);
}

TEST_F(TlsTest, TheServerSaysGoodbye) {
  Serve([](ServerOptions& options) { options.limits.idle_ms_max = 200; });
  RawClient closing = Connect();
  EXPECT_EQ(StatusOf(closing, GetRequest("/close")), 200);
  RawClient faulty = Connect();
  EXPECT_GE(StatusOf(faulty, "GET / HTTP/9.9\r\n\r\n"), 400);
  RawClient idle = Connect();
  ASSERT_TRUE(idle.ShakeHands());
  for (RawClient* client : {&closing, &faulty, &idle}) {
    EXPECT_TRUE(client->WaitForClose());
    EXPECT_TRUE(client->goodbye_came());
    EXPECT_FALSE(client->was_reset());
  }
}

TEST_F(TlsTest, NewKeysInTheMiddle) {
  Serve();
  RawClient client = Connect();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(StatusOf(client), 200);
    ASSERT_TRUE(client.tls().AskForNewKeys());
    ASSERT_TRUE(client.SendWire(client.tls().TakeOutgoing()));
  }
  client.Send(GetRequest("/big"));
  EXPECT_EQ(client.Read().value_or(RawAnswer{}).body.size(), std::size_t{4} << 20);
}

TEST_F(TlsTest, CapsHoldAndAreSaid) {
  Serve([](ServerOptions& options) { options.public_listener.connections_max = 1; });
  RawClient first = Connect();
  ASSERT_EQ(StatusOf(first), 200);
  RawClient second = Connect();
  const auto refused = second.Read();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 503);
  EXPECT_TRUE(second.WaitForClose());
  EXPECT_EQ(Sum(&HttpMetrics::rejected_connections), 1u);
}

TEST_F(TlsTest, OverItsBudgetAnAddressIsClosedBeforeTheHandshake) {
  gate_ = std::make_unique<StoppedClockGate>(Budget{1, 3});
  Serve();
  std::vector<RawClient> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(Connect());
    ASSERT_EQ(StatusOf(open.back()), 200) << i;
  }
  // By hand, so that whatever is said to a hello, an alert too, is seen.
  RawTls machine({});
  machine.Handshake();
  RawClient refused(server_->port());
  refused.SendWire(machine.TakeOutgoing());  // it may be closed already
  EXPECT_TRUE(refused.WaitForClose());
  EXPECT_EQ(refused.unread(), "");
  EXPECT_FALSE(Connect().ShakeHands());
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_over_budget), 2u);
  EXPECT_EQ(gate_->refused(), 2u);
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_done), 3u);
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_gone), 0u);
  EXPECT_EQ(server_->server().connections_open(), 3u);

  for (RawClient& client : open) EXPECT_EQ(StatusOf(client), 200) << "no handshake, no budget";
  RawClient neighbour = Connect({}, 0, "127.0.0.2");
  EXPECT_EQ(StatusOf(neighbour), 200);
  gate_->PassOneSecond();
  RawClient again = Connect();
  EXPECT_EQ(StatusOf(again), 200);
  EXPECT_FALSE(Connect().ShakeHands()) << "a second gives back one";
}

// What is closed for another reason, without a word, costs no handshake and none of the budget.
TEST_F(TlsTest, AConnectionTooManyIsChargedOnlyIfItIsTold) {
  gate_ = std::make_unique<StoppedClockGate>(Budget{1, 5});
  Serve([](ServerOptions& options) {
    options.public_listener.network_connections_max = 0;
    options.limits.linger_ms_max = 60'000;  // whoever was told stays
  });
  std::vector<RawClient> told;
  for (int i = 0; i < 4; ++i) {
    told.push_back(Connect());
    ASSERT_TRUE(told.back().ShakeHands()) << i;
  }
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(Connect().ShakeHands());
  EXPECT_EQ(Sum(&HttpMetrics::rejected_network_connections), 10u);
  EXPECT_EQ(Sum(&HttpMetrics::tls_handshakes_over_budget), 0u);
}

TEST_F(TlsTest, PlainAndPrivateConnectionsAreInNoHandshakeBudget) {
  gate_ = std::make_unique<StoppedClockGate>(Budget{1, 1});
  Serve([&](ServerOptions& options) {
    options.public_listener.tls = {};
    options.private_listener.tls = files_;
  });
  for (int i = 0; i < 5; ++i) {
    RawClient plain(server_->port());
    EXPECT_EQ(StatusOf(plain), 200);
    RawClient administrator = server_->ConnectPrivate();
    administrator.UseTls();
    EXPECT_EQ(StatusOf(administrator), 200);
  }
  EXPECT_EQ(gate_->refused(), 0u);
}

TEST_F(TlsTest, DrainingEndsIdleConnectionsAndHandshakes) {
  Serve();
  RawClient idle = Connect();
  ASSERT_EQ(StatusOf(idle), 200);
  RawClient handshaking(server_->port());
  ASSERT_TRUE(Eventually([&] { return server_->server().connections_open() == 2; }));
  EXPECT_TRUE(server_->server().Stop(std::chrono::seconds(5)));
  EXPECT_TRUE(idle.WaitForClose());
  EXPECT_TRUE(idle.goodbye_came());
  EXPECT_TRUE(handshaking.WaitForClose());
}

TEST_F(TlsTest, AnotherCertificateWhileConnectionsLive) {
  Serve();
  RawClient before = Connect();
  ASSERT_EQ(StatusOf(before), 200);
  EXPECT_EQ(before.tls().certificate(), "first");
  const auto served = [&] {
    RawClient client = Connect();
    return client.ShakeHands() ? client.tls().certificate() : "";
  };

  Write({.name = "second"});
  EXPECT_EQ(served(), "first") << "nothing is read until somebody says so";
  ASSERT_TRUE(server_->server().ReloadCertificates().ok());
  EXPECT_EQ(served(), "second");
  EXPECT_EQ(StatusOf(before), 200);

  // The key of another certificate: changes nothing.
  WriteTestCertificate(
      {MakeTestCertificate({.name = "third"}).certificate, MakeTestCertificate().key},
      files_.certificate_file, files_.key_file);
  const absl::Status refused = server_->server().ReloadCertificates();
  EXPECT_FALSE(refused.ok());
  EXPECT_NE(std::string(refused.message()).find(files_.key_file), std::string::npos) << refused;
  EXPECT_EQ(served(), "second");

  Write({.name = "fourth", .rsa_bits = 2'048});
  ASSERT_TRUE(server_->server().ReloadCertificates().ok());
  EXPECT_EQ(served(), "fourth");
  EXPECT_EQ(StatusOf(before), 200);
}

class TlsFilesTest : public testing::Test {
 protected:
  std::string FaultOf(const TestCertificate& made, mode_t certificate_mode = 0644,
                      mode_t key_mode = 0600) {
    WriteTestCertificate(made, files_.certificate_file, files_.key_file);
    std::filesystem::permissions(files_.certificate_file,
                                 static_cast<std::filesystem::perms>(certificate_mode));
    std::filesystem::permissions(files_.key_file, static_cast<std::filesystem::perms>(key_mode));
    return std::string(TlsAcceptor(files_).Reload().message());
  }

  TempDirectory directory_;
  TlsFiles files_{directory_.File("cert.pem"), directory_.File("key.pem")};
};

TEST_F(TlsFilesTest, WhatIsRefusedAndWhy) {
  const TestCertificate good = MakeTestCertificate();
  EXPECT_EQ(FaultOf(good), "");
  EXPECT_EQ(FaultOf({good.certificate + MakeTestCertificate().certificate, good.key}), "");
  EXPECT_NE(FaultOf(good, 0644, 0640).find("open to others"), std::string::npos);
  EXPECT_NE(FaultOf(good, 0666).find("others may write it"), std::string::npos);
  EXPECT_NE(FaultOf({"", good.key}).find("no certificate"), std::string::npos);
  EXPECT_NE(FaultOf({good.certificate, ""}).find("no private key"), std::string::npos);
  EXPECT_NE(FaultOf({good.certificate, MakeTestCertificate().key}).find("not the key of"),
            std::string::npos);
  EXPECT_NE(FaultOf({good.key, good.certificate}).find("no certificate"), std::string::npos);
  EXPECT_NE(FaultOf(MakeTestCertificate({.days = -1})).find("has ended"), std::string::npos);
  EXPECT_NE(FaultOf(MakeTestCertificate({.rsa_bits = 1'024})), "");
  std::string chain = good.certificate;
  for (int i = 0; i < 9; ++i) chain += good.certificate;
  EXPECT_NE(FaultOf({chain, good.key}).find("too many"), std::string::npos);
  std::string torn = good.certificate + good.certificate;
  torn[good.certificate.size() + 100] = '!';
  EXPECT_NE(FaultOf({torn, good.key}), "");
}

TEST_F(TlsFilesTest, FilesThatAreNotThereAreNamed) {
  const absl::Status status = TlsAcceptor(files_).Reload();
  EXPECT_NE(std::string(status.message()).find(files_.certificate_file), std::string::npos);
  EXPECT_EQ(TlsAcceptor(files_).Accept(0), nullptr);
}

}  // namespace
}  // namespace tallyd
