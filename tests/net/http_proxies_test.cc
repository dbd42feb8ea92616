// The corpus of crooked requests through nginx and HAProxy, as citizens' requests come: however the
// proxy reads a request, we never see more of them than were sent, and nobody else gets the answer.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/net/http_fixture.h"
#include "tests/net/smuggling_corpus.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

// A proxy as a child process, listening on a Unix socket in a directory of the test's.
class Proxy {
 public:
  explicit Proxy(std::vector<std::string> command) {
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (::getppid() != parent || nowhere < 0) ::_exit(127);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ~Proxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

 private:
  pid_t pid_ = -1;
};

class HttpProxies : public testing::Test {
 protected:
  // Whatever a client sends, its neighbour's request is answered with its own bytes.
  void ExpectTheNeighbourIsServed(int number) {
    RawClient neighbour(socket_);
    const std::string body = "neighbour " + std::to_string(number);
    ASSERT_TRUE(neighbour.Send(PostRequest("/echo", body)));
    const auto answer = neighbour.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, body);
  }

  void RunTheCorpus() {
    ASSERT_TRUE(Eventually([&] { return RawClient(socket_).connected(); }))
        << "the proxy does not listen";
    int sent_in_all = 0;
    int number = 0;
    int reached = 0;
    for (const RawCase& raw : SmugglingCorpus()) {
      SCOPED_TRACE(raw.name);
      const int before = test_.handled_count();
      {
        RawClient client(socket_);
        client.set_timeout(std::chrono::milliseconds(3'000));
        client.Send(raw.bytes);  // may fail: refused already
        client.ShutdownSend();
        client.WaitForClose();
      }
      ASSERT_NO_FATAL_FAILURE(ExpectTheNeighbourIsServed(++number));
      EXPECT_LE(test_.handled_count() - before, raw.RequestsSent() + 1);
      reached += test_.handled_count() - before - 1;
      sent_in_all += raw.RequestsSent() + 1;
    }
    // Also what came late.
    EXPECT_LE(test_.handled_count(), sent_in_all);
    EXPECT_GT(reached, 20) << "the proxy lets nothing through, so this shows nothing";
    for (const std::string& handled : test_.Handled()) {
      EXPECT_EQ(handled.find("smuggled"), std::string::npos) << handled;
    }
  }

  std::string Port() { return std::to_string(test_.port()); }

  TestServer test_;
  TempDirectory directory_;
  const std::string socket_ = directory_.File("proxy.sock");
};

TEST_F(HttpProxies, Nginx) {
  const std::string program = "/usr/sbin/nginx";
  if (::access(program.c_str(), X_OK) != 0) GTEST_SKIP() << "nginx is not installed";
  std::ofstream(directory_.File("nginx.conf"))
      << "daemon off; master_process off; pid nginx.pid; error_log stderr crit;\n"
         "events { worker_connections 128; }\n"
         "http {\n"
         "  access_log off;\n"
         "  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
         "  uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
         "  client_header_timeout 1s; client_body_timeout 1s; lingering_close off;\n"
         "  upstream tallyd { server 127.0.0.1:"
      << Port()
      << "; keepalive 4; }\n"
         "  server {\n"
         "    listen unix:"
      << socket_
      << ";\n"
         "    location / {\n"
         "      proxy_pass http://tallyd; proxy_http_version 1.1;\n"
         "      proxy_set_header Connection \"\"; proxy_ignore_client_abort on;\n"
         "      proxy_next_upstream off;\n"
         "    }\n  }\n}\n";
  const Proxy proxy({program, "-p", directory_.path(), "-e", "stderr", "-c", "nginx.conf"});
  RunTheCorpus();
}

TEST_F(HttpProxies, HaProxy) {
  const std::string program = "/usr/sbin/haproxy";
  if (::access(program.c_str(), X_OK) != 0) GTEST_SKIP() << "haproxy is not installed";
  std::ofstream(directory_.File("haproxy.cfg"))
      << "defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n"
         "  timeout http-request 1s\n  retries 0\n  http-reuse always\n"
         "frontend f\n  bind unix@"
      << socket_ << "\n  default_backend b\nbackend b\n  server s 127.0.0.1:" << Port() << "\n";
  const Proxy proxy({program, "-db", "-q", "-f", directory_.File("haproxy.cfg")});
  RunTheCorpus();
}

}  // namespace
}  // namespace tallyd
