// A disk that fails on request: preloaded (LD_PRELOAD) into the real tallyd, below RocksDB and
// below our own files alike, so that the program under test is the one that ships.
//
//   TALLYD_FAULT=ACTION:OPERATION:NUMBER   at the NUMBER-th OPERATION (1, 2 ...), and with
//                                          `-from` after the action at every one from there on
//   TALLYD_FAULT_DIR=DIR                   only files below DIR count
//   TALLYD_FAULT_PATH=TEXT                 only files whose path contains TEXT (default: all)
//   TALLYD_FAULT_MARK=FILE                 a line is appended when the fault fires
//   TALLYD_FAULT_HOLD_MS=MS                how long `kill`, `cut` and `slow` hold the operation
//   first
//
// OPERATION: write, sync, create, rename, remove. ACTION: eio, enospc (the operation fails, nothing
// is done); late (it is done, then reported as EIO); kill (SIGKILL instead of doing it); after
// (SIGKILL once it is done); torn (SIGKILL with half of a write done); cut (SIGKILL, and every file
// is cut back to what had been synced); slow (it takes TALLYD_FAULT_HOLD_MS longer). Holding gives
// the rest of the process time to do what it should not do before the operation has returned.
// RocksDB's own text log and lock files are left alone: nothing depends on them.

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace {

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

std::string Setting(const char* name) {
  const char* text = getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets any
  return text == nullptr ? "" : text;
}

struct Plan {
  std::string action;
  std::string operation;
  std::int64_t number = 0;
  bool onwards = false;
  std::string directory = Setting("TALLYD_FAULT_DIR");
  std::string path = Setting("TALLYD_FAULT_PATH");
  std::string mark = Setting("TALLYD_FAULT_MARK");
  std::int64_t hold_ms = std::atol(Setting("TALLYD_FAULT_HOLD_MS").c_str());

  Plan() {
    const std::string text = Setting("TALLYD_FAULT");
    const std::size_t first = text.find(':');
    const std::size_t second = text.find(':', first + 1);
    if (second == std::string::npos) return;
    action = text.substr(0, first);
    operation = text.substr(first + 1, second - first - 1);
    number = std::atol(text.c_str() + second + 1);
    constexpr std::string_view kOnwards = "-from";
    if (action.size() > kOnwards.size() &&
        action.compare(action.size() - kOnwards.size(), kOnwards.size(), kOnwards) == 0) {
      action.resize(action.size() - kOnwards.size());
      onwards = true;
    }
  }
};

// Made at the first call and never destroyed: threads write until the very end.
const Plan& ThePlan() {
  static const Plan* const plan = new Plan();
  return *plan;
}

std::mutex& SizesMutex() {
  static auto* const mutex = new std::mutex();
  return *mutex;
}

// By path: how much of the file would survive a power cut. Files we have not seen are not cut.
std::map<std::string, off_t>& SyncedSizes() {
  static auto* const sizes = new std::map<std::string, off_t>();
  return *sizes;
}

std::atomic<std::int64_t> operations_count{0};
std::atomic<bool> dying{false};

std::string PathOf(int descriptor) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  char path[4096];
  const ssize_t size = readlink(link, path, sizeof path);
  return size <= 0 ? "" : std::string(path, static_cast<std::size_t>(size));
}

bool Counts(const std::string& path) {
  const Plan& plan = ThePlan();
  if (plan.directory.empty() || path.compare(0, plan.directory.size(), plan.directory) != 0) {
    return false;
  }
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.compare(0, 3, "LOG") == 0 || name.compare(0, 4, "LOCK") == 0) return false;
  return path.find(plan.path) != std::string::npos;
}

void Mark(const char* operation, const std::string& path) {
  const Plan& plan = ThePlan();
  if (plan.mark.empty()) return;
  const std::string line = plan.action + " " + operation + " " + path + "\n";
  const int file = open(plan.mark.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return;
  static const auto write_it = Next<ssize_t (*)(int, const void*, std::size_t)>("write");
  // If the mark is lost the test sees a fault that never fired, and says so.
  if (write_it(file, line.data(), line.size()) < 0) std::perror("fault_disk: mark");
  close(file);
}

[[noreturn]] void Die(bool cut) {
  const Plan& plan = ThePlan();
  if (plan.hold_ms > 0) usleep(static_cast<useconds_t>(plan.hold_ms) * 1000);
  if (cut) {
    dying = true;  // from here on no other thread reaches the disk
    usleep(1000);
    const std::lock_guard<std::mutex> lock(SizesMutex());
    for (const auto& [path, size] : SyncedSizes()) {
      struct stat about {};
      if (stat(path.c_str(), &about) == 0 && about.st_size > size) {
        if (truncate(path.c_str(), size) != 0) std::perror("fault_disk: cut");
      }
    }
  }
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

enum class Verdict { kGoOn, kFail, kFailAfter, kKillAfter, kTear };

Verdict Judge(const char* operation, const std::string& path) {
  const Plan& plan = ThePlan();
  while (dying && Counts(path)) pause();
  if (plan.operation != operation || !Counts(path)) return Verdict::kGoOn;
  const std::int64_t number = ++operations_count;
  if (number != plan.number && !(plan.onwards && number > plan.number)) return Verdict::kGoOn;
  if (plan.action == "slow") {
    usleep(static_cast<useconds_t>(plan.hold_ms) * 1000);
    return Verdict::kGoOn;
  }
  Mark(operation, path);
  if (plan.action == "kill") Die(false);
  if (plan.action == "cut") Die(true);
  if (plan.action == "after") return Verdict::kKillAfter;
  if (plan.action == "torn") return Verdict::kTear;
  if (plan.action == "late") return Verdict::kFailAfter;
  errno = plan.action == "enospc" ? ENOSPC : EIO;
  return Verdict::kFail;
}

// Does an operation as the plan says; `half` does half of it (writes only).
template <class Whole, class Half>
auto Perform(const char* operation, const std::string& path, Whole whole, Half half)
    -> decltype(whole()) {
  const Verdict verdict = Judge(operation, path);
  if (verdict == Verdict::kFail) return -1;
  if (verdict == Verdict::kTear) {
    half();
    Die(false);
  }
  const auto result = whole();
  if (verdict == Verdict::kKillAfter) Die(false);
  if (verdict == Verdict::kFailAfter) {
    errno = EIO;
    return -1;
  }
  return result;
}

template <class Whole>
auto Perform(const char* operation, const std::string& path, Whole whole) -> decltype(whole()) {
  return Perform(operation, path, whole, [] {});
}

void NoteSynced(const std::string& path, int descriptor) {
  if (!Counts(path)) return;
  struct stat about {};
  if (fstat(descriptor, &about) != 0) return;
  const std::lock_guard<std::mutex> lock(SizesMutex());
  SyncedSizes()[path] = about.st_size;
}

void NoteWritten(const std::string& path) {
  if (!Counts(path)) return;
  const std::lock_guard<std::mutex> lock(SizesMutex());
  SyncedSizes().emplace(path, 0);
}

int SyncAs(const char* name, int descriptor) {
  const auto sync = Next<int (*)(int)>(name);
  const std::string path = PathOf(descriptor);
  const int result = Perform("sync", path, [&] { return sync(descriptor); });
  if (result == 0) NoteSynced(path, descriptor);
  return result;
}

int OpenAs(const char* name, int directory, const char* path, int flags, mode_t mode) {
  struct stat about {};
  const bool creates = (flags & O_CREAT) != 0 && stat(path, &about) != 0;
  const auto whole = [&] {
    return Next<int (*)(int, const char*, int, mode_t)>(name)(directory, path, flags, mode);
  };
  return creates ? Perform("create", path, whole) : whole();
}

}  // namespace

// The interposed functions of libc.
extern "C" {

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  static const auto next = Next<ssize_t (*)(int, const void*, std::size_t)>("write");
  if (ThePlan().directory.empty()) return next(descriptor, bytes, size);
  const std::string path = PathOf(descriptor);
  NoteWritten(path);
  return Perform(
      "write", path, [&] { return next(descriptor, bytes, size); },
      [&] { return next(descriptor, bytes, size / 2); });
}

ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  static const auto next = Next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite");
  const std::string path = PathOf(descriptor);
  return Perform(
      "write", path, [&] { return next(descriptor, bytes, size, offset); },
      [&] { return next(descriptor, bytes, size / 2, offset); });
}

ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return pwrite(descriptor, bytes, size, offset);
}

int fsync(int descriptor) {
  return SyncAs("fsync", descriptor);
}

int fdatasync(int descriptor) {
  return SyncAs("fdatasync", descriptor);
}

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, flags);
    mode = __builtin_va_arg(arguments, mode_t);
    __builtin_va_end(arguments);
  }
  return OpenAs("openat", AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, flags);
    mode = __builtin_va_arg(arguments, mode_t);
    __builtin_va_end(arguments);
  }
  return OpenAs("openat", AT_FDCWD, path, flags, mode);
}

int rename(const char* from, const char* to) {
  static const auto next = Next<int (*)(const char*, const char*)>("rename");
  return Perform("rename", to, [&] { return next(from, to); });
}

int renameat2(int from_directory, const char* from, int to_directory, const char* to,
              unsigned int flags) {
  static const auto next =
      Next<int (*)(int, const char*, int, const char*, unsigned int)>("renameat2");
  return Perform("rename", to, [&] { return next(from_directory, from, to_directory, to, flags); });
}

int unlink(const char* path) {
  static const auto next = Next<int (*)(const char*)>("unlink");
  struct stat about {};
  if (stat(path, &about) != 0) return next(path);  // nothing there: not an operation of the disk
  return Perform("remove", path, [&] { return next(path); });
}

}  // extern "C"
