#include "tests/crash/memory_group.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "tests/support/tallyd_process.h"

namespace tallyd {
namespace {

struct Hierarchy {
  std::string own;  // directory of the group this process is in
  bool unified = false;
};

// Lines of /proc/self/cgroup: "4:memory:/path", or "0::/path" for version 2.
std::optional<Hierarchy> FindHierarchy() {
  std::istringstream lines(FileText("/proc/self/cgroup"));
  std::optional<Hierarchy> unified;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos) {
      return Hierarchy{"/sys/fs/cgroup/memory" + path, false};
    }
    if (controllers == ",,") unified = Hierarchy{"/sys/fs/cgroup" + path, true};
  }
  return unified;
}

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  return file.flush().good();
}

// The number after `name` in a file of lines "name number".
std::int64_t Line(const std::string& path, const std::string& name) {
  std::istringstream lines(FileText(path));
  std::string word;
  std::int64_t number = 0;
  while (lines >> word >> number) {
    if (word == name) return number;
  }
  return -1;
}

}  // namespace

std::unique_ptr<MemoryGroup> MemoryGroup::Make(std::uint64_t limit_bytes,
                                               const std::string& scratch, std::string* why) {
  const auto hierarchy = FindHierarchy();
  if (!hierarchy) {
    *why = "no memory cgroup in /proc/self/cgroup";
    return nullptr;
  }
  const std::string path = hierarchy->own + "/tallyd-test-" + std::to_string(getpid());
  std::error_code error;
  std::filesystem::create_directory(path, error);
  if (error) {
    *why = path + ": " + error.message();
    return nullptr;
  }
  std::unique_ptr<MemoryGroup> group(new MemoryGroup(path, scratch, hierarchy->unified));
  const std::string limit = hierarchy->unified ? "/memory.max" : "/memory.limit_in_bytes";
  // Without the controller in this subtree there is no such file.
  if (!std::filesystem::exists(path + limit) || !Write(path + limit, std::to_string(limit_bytes))) {
    *why = path + limit + ": cannot be written";
    return nullptr;
  }
  return group;
}

MemoryGroup::~MemoryGroup() {
  rmdir(path_.c_str());
}

std::string MemoryGroup::Wrap(const std::string& program) const {
  const std::string script = scratch_ + "/in-memory-group";
  Write(script, "#!/bin/sh\necho $$ > '" + path_ + "/cgroup.procs' || exit 71\nexec '" + program +
                    "' \"$@\"\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  return script;
}

std::int64_t MemoryGroup::oom_kills() const {
  return Line(path_ + (unified_ ? "/memory.events" : "/memory.oom_control"), "oom_kill");
}

std::int64_t MemoryGroup::anonymous_bytes() const {
  return Line(path_ + "/memory.stat", unified_ ? "anon" : "total_rss");
}

std::int64_t MemoryGroup::highest_bytes() const {
  const std::string text =
      FileText(path_ + (unified_ ? "/memory.peak" : "/memory.max_usage_in_bytes"));
  return text.empty() ? -1 : std::stoll(text);
}

}  // namespace tallyd
