#include "tests/crash/power_cut.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/support/tallyd_process.h"

namespace tallyd {
namespace {

// linux/fs.h of kernels since 6.x; ext4 and XFS have had it much longer.
constexpr std::uint64_t kShutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kFlushNothing = 2;  // neither the log nor data

}  // namespace

std::unique_ptr<CuttableDisk> CuttableDisk::Make(const std::string& base, int megabytes,
                                                 std::string* why) {
  if (geteuid() != 0) {
    *why = "needs root";
    return nullptr;
  }
  std::unique_ptr<CuttableDisk> disk(new CuttableDisk(base + ".img", base));
  std::filesystem::create_directories(disk->path_);
  const ToolResult made =
      RunTool("/sbin/mkfs.ext4", {"-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0",
                                  disk->image_, std::to_string(megabytes) + "M"});
  if (made.exit != 0) {
    *why = "mkfs.ext4: " + made.err;
    return nullptr;
  }
  return disk->Mount(why) ? std::move(disk) : nullptr;
}

CuttableDisk::~CuttableDisk() {
  Unmount();
}

bool CuttableDisk::Mount(std::string* why) {
  const ToolResult mounted = RunTool("/bin/mount", {"-o", "loop", image_, path_});
  mounted_ = mounted.exit == 0;
  if (!mounted_) *why = "no loop device here: " + mounted.err;
  return mounted_;
}

void CuttableDisk::Unmount() {
  if (!mounted_) return;
  // The last holder of a file may be a process that has just been killed.
  for (int i = 0; i < 200 && umount(path_.c_str()) != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  mounted_ = false;
}

bool CuttableDisk::Cut() {
  const int directory = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool cut = ioctl(directory, kShutdown, &kFlushNothing) == 0;
  close(directory);
  return cut;
}

bool CuttableDisk::Restore() {
  Unmount();
  std::string why;
  return Mount(&why);
}

}  // namespace tallyd
