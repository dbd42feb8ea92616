#pragma once

// A directory of a test's own under TMPDIR (default /tmp), removed with everything in it at the
// end, also what lies beside a data directory in it (key file).

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tallyd {

class TempDirectory {
 public:
  TempDirectory() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/tallyd_test_XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempDirectory() {
    std::error_code ignored;  // what cannot be removed is left to the system's own clean-up
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tallyd
