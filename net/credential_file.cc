#include "net/credential_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/concat.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

constexpr off_t kFileBytesMax = 1 << 20;

}  // namespace

absl::StatusOr<std::string> ReadCredentialFile(const std::string& path, bool secret) {
  auto file = OpenFile(path, O_RDONLY | O_CLOEXEC);
  if (!file.ok()) return file.status();
  struct stat status = {};
  if (fstat(file->get(), &status) != 0) return ErrnoStatus("stat", path);
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError(Concat(path, ": not a file"));
  const mode_t forbidden = secret ? 077 : 022;
  if ((status.st_mode & forbidden) != 0) {
    return absl::PermissionDeniedError(
        Concat(path, secret ? ": holds secrets and is open to others; chmod 0600 it"
                            : ": others may write it; chmod 0644 it"));
  }
  if (status.st_size > kFileBytesMax) {
    return absl::InvalidArgumentError(Concat(path, ": larger than 1 MiB"));
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t bytes = read(file->get(), text.data() + size, text.size() - size);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return ErrnoStatus("read", path);
    if (bytes == 0) break;
    size += static_cast<std::size_t>(bytes);
  }
  text.resize(size);
  return text;
}

}  // namespace tallyd
