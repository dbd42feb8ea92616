#pragma once

// The file of a Unix socket that we listen on, from before bind() until nobody is accepted any
// more.
//
//   auto file = UnixSocketFile::Claim("/run/tallyd/public.sock");  // the path is free now
//   bind();
//   file->Bound(0660);  // mode set; the file is ours, and removed at the end
//   listen();
//
// The file of a server that died is in the way of the next one, and so is removed; never that of
// one that lives. Two things must hold for that: PATH.lock is not locked by another tallyd (the
// kernel lets go of it with the process), and nobody takes connections at PATH. Whatever is no
// socket is left alone. PATH.lock stays behind, empty. Refused (FailedPrecondition): somebody lives
// there, or something else is there. One thread.

#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "storage/durable_file.h"

namespace tallyd {

class UnixSocketFile {
 public:
  static absl::StatusOr<UnixSocketFile> Claim(const std::string& path);

  UnixSocketFile(UnixSocketFile&& other) noexcept
      : path_(std::exchange(other.path_, {})),
        lock_(std::move(other.lock_)),
        device_(other.device_),
        inode_(std::exchange(other.inode_, 0)) {}
  UnixSocketFile& operator=(UnixSocketFile&&) = delete;
  // Removes the file, unless it is another by now.
  ~UnixSocketFile();

  absl::Status Bound(unsigned mode);

 private:
  UnixSocketFile(std::string path, FileDescriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  FileDescriptor lock_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: not bound
};

}  // namespace tallyd
