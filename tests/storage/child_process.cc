#include "tests/storage/child_process.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <map>

#include "storage/check.h"

namespace tallyd {
namespace {

std::map<std::string, ChildFunction>& Registry() {
  static std::map<std::string, ChildFunction> registry;
  return registry;
}

}  // namespace

bool RegisterChild(const std::string& name, ChildFunction function) {
  return Registry().emplace(name, function).second;
}

int RunChild(const std::string& name, const std::string& directory) {
  std::string arguments[] = {"storage_test", "--child", name, directory};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                  arguments[3].data(), nullptr};
  pid_t child = 0;
  TALLYD_CHECK(posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv, environ) == 0);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) TALLYD_CHECK(errno == EINTR);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int RunAsChild(int argc, char** argv) {
  if (argc != 4 || std::string(argv[1]) != "--child") return -1;
  const auto found = Registry().find(argv[2]);
  if (found == Registry().end()) {
    std::fprintf(stderr, "no child is called %s\n", argv[2]);
    return 99;
  }
  return found->second(argv[3]);
}

}  // namespace tallyd
