#pragma once

// Small files that must survive a power cut: whole or not at all. Every return value is looked at;
// a failed sync is an error that the caller must not retry (the kernel has forgotten the pages).
// Any thread; blocking.

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tallyd {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }
  // For files that were written: some file systems tell of errors only here.
  absl::Status Close(const std::string& path);

 private:
  int descriptor_ = -1;
};

// errno as a status: NotFound, AlreadyExists, PermissionDenied, ResourceExhausted or Internal.
absl::Status ErrnoStatus(std::string_view what, const std::string& path);

bool FileExists(const std::string& path);
// What a process without privileges may still write to the file system that holds `path`.
absl::StatusOr<std::uint64_t> FreeBytes(const std::string& path);
absl::StatusOr<FileDescriptor> OpenFile(const std::string& path, int flags, mode_t mode = 0);
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

absl::Status WriteAll(const FileDescriptor& file, const std::string& path, std::size_t offset,
                      std::string_view bytes);
absl::Status SyncData(const FileDescriptor& file, const std::string& path);
absl::Status SyncDirectory(const std::string& directory);
std::string DirectoryOf(const std::string& path);

// Writes `path`.new, syncs it, renames it over `path`, syncs the directory. After a crash `path` is
// the old file or the new one; a left `path`.new is overwritten by the next call.
absl::Status ReplaceFile(const std::string& path, std::string_view bytes, mode_t mode);

// The same, but never over an existing file: AlreadyExists.
absl::Status CreateFile(const std::string& path, std::string_view bytes, mode_t mode);

}  // namespace tallyd
