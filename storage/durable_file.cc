#include "storage/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace tallyd {
namespace {

absl::StatusCode CodeOfErrno(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kInternal;
  }
}

// A synced file under a name that nobody looks for.
absl::StatusOr<std::string> WriteBeside(const std::string& path, std::string_view bytes,
                                        mode_t mode) {
  const std::string beside = path + ".new";
  // Made anew, so that neither old bytes nor old permissions stay.
  if (unlink(beside.c_str()) != 0 && errno != ENOENT) return ErrnoStatus("remove", beside);
  absl::StatusOr<FileDescriptor> file =
      OpenFile(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  if (!file.ok()) return file.status();
  if (absl::Status status = WriteAll(*file, beside, 0, bytes); !status.ok()) return status;
  if (absl::Status status = SyncData(*file, beside); !status.ok()) return status;
  if (absl::Status status = file->Close(beside); !status.ok()) return status;
  return beside;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (valid()) close(descriptor_);
}

absl::Status FileDescriptor::Close(const std::string& path) {
  if (close(std::exchange(descriptor_, -1)) != 0) return ErrnoStatus("close", path);
  return absl::OkStatus();
}

absl::Status ErrnoStatus(std::string_view what, const std::string& path) {
  const int error = errno;
  return absl::Status(CodeOfErrno(error), absl::StrCat(path, ": ", std::string(what), ": ",
                                                       std::generic_category().message(error)));
}

bool FileExists(const std::string& path) {
  struct stat found {};
  // What cannot be looked at counts as there: callers ask before they create something.
  return stat(path.c_str(), &found) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

absl::StatusOr<std::uint64_t> FreeBytes(const std::string& path) {
  struct statvfs about {};
  if (statvfs(path.c_str(), &about) != 0) return ErrnoStatus("free space of", path);
  return std::uint64_t{about.f_bavail} * about.f_frsize;
}

absl::StatusOr<FileDescriptor> OpenFile(const std::string& path, int flags, mode_t mode) {
  FileDescriptor file(open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!file.valid()) return ErrnoStatus("open", path);
  return file;
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  absl::StatusOr<FileDescriptor> file = OpenFile(path, O_RDONLY);
  if (!file.ok()) return file.status();
  struct stat about {};
  if (fstat(file->get(), &about) != 0) return ErrnoStatus("stat", path);
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t count =
        pread(file->get(), bytes.data() + got, bytes.size() - got, static_cast<off_t>(got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus("read", path);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

absl::Status WriteAll(const FileDescriptor& file, const std::string& path, std::size_t offset,
                      std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::size_t>(count);
  }
  return absl::OkStatus();
}

absl::Status SyncData(const FileDescriptor& file, const std::string& path) {
  if (fdatasync(file.get()) != 0) return ErrnoStatus("fdatasync", path);
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& directory) {
  absl::StatusOr<FileDescriptor> file = OpenFile(directory, O_RDONLY | O_DIRECTORY);
  if (!file.ok()) return file.status();
  if (fsync(file->get()) != 0) return ErrnoStatus("fsync", directory);
  return absl::OkStatus();
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status ReplaceFile(const std::string& path, std::string_view bytes, mode_t mode) {
  const absl::StatusOr<std::string> beside = WriteBeside(path, bytes, mode);
  if (!beside.ok()) return beside.status();
  if (rename(beside->c_str(), path.c_str()) != 0) return ErrnoStatus("rename to", path);
  return SyncDirectory(DirectoryOf(path));
}

absl::Status CreateFile(const std::string& path, std::string_view bytes, mode_t mode) {
  const absl::StatusOr<std::string> beside = WriteBeside(path, bytes, mode);
  if (!beside.ok()) return beside.status();
  if (renameat2(AT_FDCWD, beside->c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    return ErrnoStatus("rename to", path);
  }
  return SyncDirectory(DirectoryOf(path));
}

}  // namespace tallyd
