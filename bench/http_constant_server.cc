// A server whose one handler answers a constant: what the HTTP layer costs without an engine.
//
//   http_constant_server [PORT]     then: wrk -t1 -c64 -d3s -s post.lua
//   http://127.0.0.1:PORT/v1/polls/p/votes
//
// Stops on SIGINT or SIGTERM and prints what the io thread counted.

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "net/http_server.h"

int main(int argc, char** argv) {
  using namespace tallyd;
  // Blocked in every thread; sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Router router;
  router.Add(Method::kPost, "/v1/polls/{poll}/votes", kPublicListener, BodyPolicy::Small(),
             [](const HttpRequest&, Responder responder) {
               std::move(responder).SendRaw(
                   201, "Content-Type: application/json\r\n",
                   "{\"status\":\"counted\",\"poll\":\"p\",\"seq\":48211}");
             });
  ServerOptions options;
  options.public_listener.port =
      static_cast<std::uint16_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 18080);
  options.private_listener_enabled = false;
  HttpServer server(options, router);
  if (const absl::Status status = server.Start(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return EXIT_FAILURE;
  }
  std::printf("listening on 127.0.0.1:%d\n", server.port(ListenerKind::kPublic));
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server.Stop(std::chrono::milliseconds(1000));
  const HttpMetrics& metrics = server.io_threads().front()->metrics();
  std::printf("answers 2xx %llu, bytes in %llu, out %llu\n",
              static_cast<unsigned long long>(metrics.routes[0].by_status_class[2].value()),
              static_cast<unsigned long long>(metrics.bytes_received.value()),
              static_cast<unsigned long long>(metrics.bytes_sent.value()));
  return EXIT_SUCCESS;
}
