#include "net/unix_socket_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/concat.h"

namespace tallyd {
namespace {

constexpr mode_t kLockMode = 0600;

// Whether a server takes connections there: one with a full queue does, too.
bool SomebodyListens(const std::string& path) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // What cannot be asked is taken for living.
  if (!probe.valid() || path.size() >= sizeof address.sun_path) return true;
  std::memcpy(address.sun_path, path.data(), path.size());
  sockaddr* const generic = reinterpret_cast<sockaddr*>(&address);
  return connect(probe.get(), generic, sizeof address) == 0 ||
         (errno != ECONNREFUSED && errno != ENOENT);
}

absl::Status RemoveStale(const std::string& path) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus("look at", path);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return absl::FailedPreconditionError(Concat(path, ": is there already and is no socket"));
  }
  if (SomebodyListens(path)) {
    return absl::FailedPreconditionError(Concat(path, ": another server listens there"));
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus("remove", path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UnixSocketFile> UnixSocketFile::Claim(const std::string& path) {
  const std::string lock_path = path + ".lock";
  auto lock = OpenFile(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode);
  if (!lock.ok()) return lock.status();
  if (flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(Concat(path, ": another tallyd listens there"));
  }
  if (absl::Status removed = RemoveStale(path); !removed.ok()) return removed;
  return UnixSocketFile(path, *std::move(lock));
}

absl::Status UnixSocketFile::Bound(unsigned mode) {
  struct stat status = {};
  if (chmod(path_.c_str(), mode) != 0) return ErrnoStatus("set the mode of", path_);
  if (lstat(path_.c_str(), &status) != 0) return ErrnoStatus("look at", path_);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  return absl::OkStatus();
}

UnixSocketFile::~UnixSocketFile() {
  struct stat status = {};
  if (inode_ == 0 || lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace tallyd
