#pragma once

// The real programs as child processes: tallyd with a life of its own, the tools run to their end.
//
//   TallydProcess server({.data_directory = dir.File("data")});
//   ASSERT_TRUE(server.WaitReady()) << server.Log();
//   HttpClient client(server.public_port());
//   server.Kill();                  // SIGKILL, as a crash would
//   server.Terminate();             // SIGTERM
//   EXPECT_EQ(server.Wait(), 0);    // exit code, or -signal
//
// The child dies with the test program. Start from a thread that lives on (the main thread).

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tallyd {

struct TallydOptions {
  std::string program = {};  // "" = tallyd
  std::string data_directory;
  std::string log_file = {};          // "" = beside the data directory
  std::string address = "127.0.0.1";  // of the public listener
  std::uint16_t port = 0;             // 0: any free one
  std::uint16_t admin_port = 0;
  std::string listen = {};  // "" = address and port; else as they are
  std::string admin_listen = {};
  bool insecure_no_auth = true;
  std::vector<std::string> arguments = {};  // further ones
  std::vector<std::pair<std::string, std::string>> environment = {};
};

class TallydProcess {
 public:
  explicit TallydProcess(const TallydOptions& options);
  ~TallydProcess();
  TallydProcess(const TallydProcess&) = delete;
  TallydProcess& operator=(const TallydProcess&) = delete;

  // True once it serves; false if it ended before, or after the time-out.
  bool WaitReady(std::chrono::seconds timeout = std::chrono::seconds(30));
  // 0 of a Unix socket.
  std::uint16_t public_port() const { return public_port_; }
  std::uint16_t admin_port() const { return admin_port_; }

  void Kill();
  void Terminate();
  void Reload();  // SIGHUP
  bool Running();
  // Exit code, or -signal; after the time-out it is killed and -1000 comes back.
  int Wait(std::chrono::seconds timeout = std::chrono::seconds(30));
  // What it wrote to stderr and stdout so far.
  std::string Log() const;

 private:
  bool Reap(bool block);

  pid_t pid_ = -1;
  bool reaped_ = false;
  int exit_ = 0;
  std::string log_path_;
  std::string ready_path_;
  std::uint16_t public_port_ = 0;
  std::uint16_t admin_port_ = 0;
};

struct ToolResult {
  int exit = -1;
  std::string out;
  std::string err;
};

// Runs a program to its end, at most `timeout` (then it is killed).
ToolResult RunTool(const std::string& program, const std::vector<std::string>& arguments,
                   std::chrono::seconds timeout = std::chrono::seconds(300));
// Where the server is.
std::string TallydProgram();
ToolResult RunTallyd(const std::vector<std::string>& arguments);
ToolResult RunTallyctl(const std::vector<std::string>& arguments);

// Starts a program without waiting; its output is thrown away. For what a test kills half-way.
pid_t StartTallyctl(const std::vector<std::string>& arguments);
// Waits for such a child; exit code, or -signal.
int WaitForChild(pid_t pid);

std::string FileText(const std::string& path);

}  // namespace tallyd
