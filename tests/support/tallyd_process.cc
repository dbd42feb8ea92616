#include "tests/support/tallyd_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "boost/json/parse.hpp"
#include "gtest/gtest.h"

#include "tests/support/traffic_log.h"

namespace tallyd {
namespace {

using Clock = std::chrono::steady_clock;

std::string FreshName(const std::string& base) {
  static std::atomic<int> next{0};
  return base + "." + std::to_string(getpid()) + "." + std::to_string(next++);
}

// Starts `program`; stdout and stderr go to the given files ("" = thrown away).
pid_t Spawn(const std::string& program, const std::vector<std::string>& arguments,
            const std::vector<std::pair<std::string, std::string>>& environment,
            const std::string& out_path, const std::string& err_path) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    // The test's own environment must not configure the server.
    if (std::string_view(*entry).substr(0, 7) != "TALLYD_") variables.emplace_back(*entry);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  const auto open_for = [](const std::string& path) {
    return open(path.empty() ? "/dev/null" : path.c_str(),
                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  };
  const int out = open_for(out_path);
  const int err = open_for(err_path);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(out);
  close(err);
  return pid;
}

int ExitOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Waits for `pid` until `deadline`; -1000 and SIGKILL after it.
int WaitUntil(pid_t pid, Clock::time_point deadline) {
  for (;;) {
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) return ExitOf(status);
    if (Clock::now() > deadline) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return -1000;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TallydProcess::TallydProcess(const TallydOptions& options) {
  log_path_ =
      FreshName(options.log_file.empty() ? options.data_directory + ".log" : options.log_file);
  ready_path_ = FreshName(options.data_directory + ".ready");
  std::vector<std::string> arguments = {
      "serve",
      "--listen=" + (options.listen.empty() ? options.address + ":" + std::to_string(options.port)
                                            : options.listen),
      "--admin-listen=" + (options.admin_listen.empty()
                               ? "127.0.0.1:" + std::to_string(options.admin_port)
                               : options.admin_listen),
      "--data-dir=" + options.data_directory, "--ready-file=" + ready_path_};
  if (options.insecure_no_auth) arguments.push_back("--insecure-no-auth");
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  pid_ = Spawn(options.program.empty() ? TALLYD_PROGRAM : options.program, arguments,
               options.environment, log_path_, log_path_);
}

TallydProcess::~TallydProcess() {
  if (!reaped_ && pid_ > 0) {
    kill(pid_, SIGKILL);
    Reap(true);
  }
}

bool TallydProcess::Reap(bool block) {
  if (reaped_) return true;
  int status = 0;
  if (waitpid(pid_, &status, block ? 0 : WNOHANG) != pid_) return false;
  reaped_ = true;
  exit_ = ExitOf(status);
  return true;
}

bool TallydProcess::WaitReady(std::chrono::seconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!std::filesystem::exists(ready_path_)) {
    if (Reap(false) || Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  // The file appears complete (it is renamed into place).
  const std::string text = FileText(ready_path_);
  boost::system::error_code error;
  const boost::json::value ready = boost::json::parse(text, error);
  if (error || !ready.is_object()) {
    ADD_FAILURE() << "ready file: " << text;
    return false;
  }
  public_port_ = ready.at("public_port").to_number<std::uint16_t>();
  admin_port_ = ready.at("admin_port").to_number<std::uint16_t>();
  TrafficLog::Global().NamePort(public_port_, "public");
  TrafficLog::Global().NamePort(admin_port_, "private");
  return true;
}

void TallydProcess::Kill() {
  if (!reaped_) kill(pid_, SIGKILL);
  Reap(true);
}

void TallydProcess::Reload() {
  kill(pid_, SIGHUP);
}

void TallydProcess::Terminate() {
  if (!reaped_) kill(pid_, SIGTERM);
}

bool TallydProcess::Running() {
  return !Reap(false);
}

int TallydProcess::Wait(std::chrono::seconds timeout) {
  if (!reaped_) {
    exit_ = WaitUntil(pid_, Clock::now() + timeout);
    reaped_ = true;
  }
  return exit_;
}

std::string TallydProcess::Log() const {
  return FileText(log_path_);
}

ToolResult RunTool(const std::string& program, const std::vector<std::string>& arguments,
                   std::chrono::seconds timeout) {
  const std::string base = FreshName(std::filesystem::temp_directory_path() / "tallyd_tool");
  const pid_t pid = Spawn(program, arguments, {}, base + ".out", base + ".err");
  ToolResult result;
  result.exit = WaitUntil(pid, Clock::now() + timeout);
  result.out = FileText(base + ".out");
  result.err = FileText(base + ".err");
  std::filesystem::remove(base + ".out");
  std::filesystem::remove(base + ".err");
  return result;
}

std::string TallydProgram() {
  return TALLYD_PROGRAM;
}

ToolResult RunTallyd(const std::vector<std::string>& arguments) {
  return RunTool(TALLYD_PROGRAM, arguments);
}

ToolResult RunTallyctl(const std::vector<std::string>& arguments) {
  return RunTool(TALLYCTL_PROGRAM, arguments);
}

pid_t StartTallyctl(const std::vector<std::string>& arguments) {
  return Spawn(TALLYCTL_PROGRAM, arguments, {}, "", "");
}

int WaitForChild(pid_t pid) {
  return WaitUntil(pid, Clock::now() + std::chrono::seconds(300));
}

}  // namespace tallyd
