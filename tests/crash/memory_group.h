#pragma once

// A memory cgroup of a test's own (version 1 or 2, whatever the machine has), so that a program can
// be held to a limit as a container or a service manager would hold it.
//
//   std::string why;
//   auto group = MemoryGroup::Make(512 << 20, dir.path(), &why);   // null: `why` not here
//   TallydProcess server({.program = group->Wrap(TALLYD_PROGRAM), ...});
//   EXPECT_EQ(group->oom_kills(), 0);
//
// It lies below the group this process is in, so that limits from outside go on to hold, and goes
// with the object. Needs the right to make one (root, or a delegated subtree).

#include <cstdint>
#include <memory>
#include <string>

namespace tallyd {

class MemoryGroup {
 public:
  // `scratch` is a directory for the wrapper script.
  static std::unique_ptr<MemoryGroup> Make(std::uint64_t limit_bytes, const std::string& scratch,
                                           std::string* why);
  ~MemoryGroup();
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  // A program that joins the group and then becomes `program`: every byte of it is counted.
  std::string Wrap(const std::string& program) const;

  std::int64_t oom_kills() const;
  // Now: what the processes hold themselves, without the page cache, which the kernel takes back.
  std::int64_t anonymous_bytes() const;
  // At most so far, page cache included; -1 where the kernel does not say.
  std::int64_t highest_bytes() const;

 private:
  MemoryGroup(std::string path, std::string scratch, bool unified)
      : path_(std::move(path)), scratch_(std::move(scratch)), unified_(unified) {}

  const std::string path_;
  const std::string scratch_;
  const bool unified_;
};

}  // namespace tallyd
