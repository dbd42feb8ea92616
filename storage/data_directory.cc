#include "storage/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include <sodium.h>

#include "storage/check.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

constexpr std::string_view kFormatWord = "tallyd-data ";
constexpr std::uint64_t kDirectoryFormat = 1;

template <typename Integer>
bool ParseNumber(std::string_view text, Integer* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string FormatText(Epoch epoch) {
  return absl::StrCat(std::string(kFormatWord), kDirectoryFormat, "\nepoch ", epoch, "\n");
}

absl::StatusOr<Epoch> ParseFormat(const std::string& path, std::string_view text) {
  const absl::Status damage = absl::DataLossError(absl::StrCat(path, ": is no FORMAT file"));
  if (!text.starts_with(kFormatWord)) return damage;
  text.remove_prefix(kFormatWord.size());
  const std::size_t line_end = text.find('\n');
  std::uint64_t format = 0;
  if (line_end == std::string_view::npos || !ParseNumber(text.substr(0, line_end), &format)) {
    return damage;
  }
  if (format > kDirectoryFormat) {
    return absl::UnimplementedError(absl::StrCat(path, ": data format ", format,
                                                 ", this tallyd reads up to ", kDirectoryFormat,
                                                 ": use the newer tallyd that wrote it"));
  }
  text.remove_prefix(line_end + 1);
  Epoch epoch = 0;
  constexpr std::string_view kEpochWord = "epoch ";
  if (format != kDirectoryFormat || !text.starts_with(kEpochWord) || !text.ends_with('\n'))
    return damage;
  text.remove_prefix(kEpochWord.size());
  text.remove_suffix(1);
  if (!ParseNumber(text, &epoch) || epoch == 0) return damage;
  return epoch;
}

absl::StatusOr<FileDescriptor> Lock(const std::string& path) {
  absl::StatusOr<FileDescriptor> file = OpenFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file.ok()) return file.status();
  if (flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus("lock", path);
    const absl::StatusOr<std::string> holder = ReadWholeFile(path);
    const std::string pid = holder.ok() ? holder->substr(0, holder->find('\n')) : "";
    return absl::UnavailableError(absl::StrCat(path, ": the data directory is in use by process ",
                                               pid.empty() ? "(unknown)" : pid));
  }
  // Only for the message above: whoever holds the lock is whoever flock() says.
  if (ftruncate(file->get(), 0) != 0) return ErrnoStatus("truncate", path);
  if (absl::Status status = WriteAll(*file, path, 0, absl::StrCat(getpid(), "\n")); !status.ok()) {
    return status;
  }
  return file;
}

// Only a directory with nothing of anyone's in it becomes a data directory: data without a FORMAT
// is the remains of something, and a new key beside it would let everyone vote again.
absl::Status CheckEmpty(const std::string& directory, const std::string& key_file) {
  std::error_code error;
  std::filesystem::directory_iterator files(directory, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    const std::string name = files->path().filename().string();
    if (files->path() == key_file || files->path() == key_file + ".new") continue;
    if (name == "LOCK" || name == "FORMAT.new" || name == "lost+found") continue;
    return absl::FailedPreconditionError(absl::StrCat(directory, ": has ", name,
                                                      " but no FORMAT: neither empty nor a data "
                                                      "directory"));
  }
  if (error) return absl::InternalError(absl::StrCat(directory, ": list: ", error.message()));
  return absl::OkStatus();
}

class LockedDirectory final : public DataDirectory {
 public:
  explicit LockedDirectory(DataDirectoryOptions options) : options_(std::move(options)) {
    while (options_.directory.size() > 1 && options_.directory.ends_with('/')) {
      options_.directory.pop_back();
    }
    if (options_.key_file.empty()) options_.key_file = options_.directory + ".key";
    if (options_.watermark_file.empty()) options_.watermark_file = Path("watermark");
  }

  absl::Status Start() {
    if (sodium_init() < 0) return absl::InternalError("libsodium does not start");
    if (absl::Status status = MakeDirectory(); !status.ok()) return status;
    absl::StatusOr<FileDescriptor> lock = Lock(Path("LOCK"));
    if (!lock.ok()) return lock.status();
    lock_ = *std::move(lock);
    const absl::StatusOr<std::string> format = ReadWholeFile(Path("FORMAT"));
    if (absl::IsNotFound(format.status())) return Create();
    if (!format.ok()) return format.status();
    return Load(*format);
  }

  bool created() const override { return created_; }
  Epoch epoch() const override { return epoch_; }
  bool key_present() const override { return key_present_; }
  const RootKeys& root_keys() const override {
    TALLYD_CHECK(key_present_);
    return root_keys_;
  }
  absl::StatusOr<bool> ReplaceRootKeys(const RootKeys& keys) override {
    TALLYD_CHECK(key_present_);
    absl::StatusOr<bool> replaced = ReplaceKeyFile(options_.key_file, keys);
    if (replaced.ok()) root_keys_ = keys;
    return replaced;
  }
  std::string journal_path() const override { return Path("journal"); }
  std::string ballots_path() const override { return Path("ballots"); }
  std::string checkpoint_path() const override { return Path("tally.checkpoint"); }
  std::string watermark_path() const override { return options_.watermark_file; }

  absl::Status RemoveDerived() override {
    // Renamed first: a crash in the middle of removing must not leave half a database.
    if (absl::Status status = RemoveRemains(); !status.ok()) return status;
    if (rename(ballots_path().c_str(), Path("ballots.removed").c_str()) != 0 && errno != ENOENT) {
      return ErrnoStatus("rename", ballots_path());
    }
    if (unlink(checkpoint_path().c_str()) != 0 && errno != ENOENT) {
      return ErrnoStatus("remove", checkpoint_path());
    }
    if (absl::Status status = SyncDirectory(options_.directory); !status.ok()) return status;
    return RemoveRemains();
  }

 private:
  std::string Path(const char* name) const { return options_.directory + "/" + name; }

  absl::Status MakeDirectory() {
    if (FileExists(options_.directory)) return absl::OkStatus();
    if (!options_.create_if_missing) {
      return absl::NotFoundError(absl::StrCat(options_.directory, ": does not exist"));
    }
    if (mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return ErrnoStatus("make directory", options_.directory);
    }
    return SyncDirectory(DirectoryOf(options_.directory));
  }

  // The key is durable before FORMAT is, and FORMAT before anything else exists. So after a crash
  // there is either no FORMAT and no data (the next start goes on with the key it finds), or a
  // FORMAT, beside which no key is ever made.
  absl::Status Create() {
    if (!options_.create_if_missing) {
      return absl::NotFoundError(
          absl::StrCat(options_.directory, ": is no data directory (no FORMAT)"));
    }
    if (absl::Status status = CheckEmpty(options_.directory, options_.key_file); !status.ok())
      return status;
    if (FileExists(options_.watermark_file)) {
      return absl::FailedPreconditionError(
          absl::StrCat(options_.watermark_file, ": a watermark exists, but ", options_.directory,
                       " is empty: is its disk mounted?"));
    }
    absl::StatusOr<RootKeys> keys = ReadKeyFile(options_.key_file);
    if (absl::IsNotFound(keys.status())) keys = CreateKeyFile(options_.key_file);
    if (!keys.ok()) return keys.status();
    epoch_ = static_cast<Epoch>(std::time(nullptr));
    if (absl::Status status = ReplaceFile(Path("FORMAT"), FormatText(epoch_), 0644); !status.ok()) {
      return status;
    }
    root_keys_ = *keys;
    key_present_ = true;
    created_ = true;
    return absl::OkStatus();
  }

  absl::Status Load(const std::string& format) {
    const absl::StatusOr<Epoch> epoch = ParseFormat(Path("FORMAT"), format);
    if (!epoch.ok()) return epoch.status();
    epoch_ = *epoch;
    const absl::StatusOr<RootKeys> keys = ReadKeyFile(options_.key_file);
    if (!keys.ok() && !absl::IsNotFound(keys.status())) return keys.status();
    key_present_ = keys.ok();
    if (key_present_) root_keys_ = *keys;
    created_ = !FileExists(journal_path() + "/CURRENT") && !FileExists(ballots_path()) &&
               !FileExists(checkpoint_path()) && !FileExists(watermark_path());
    return RemoveRemains();
  }

  absl::Status RemoveRemains() const {
    std::error_code error;
    std::filesystem::remove_all(Path("ballots.removed"), error);
    if (!error) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(Path("ballots.removed"), ": ", error.message()));
  }

  DataDirectoryOptions options_;
  FileDescriptor lock_;
  bool created_ = false;
  Epoch epoch_ = 0;
  bool key_present_ = false;
  RootKeys root_keys_;
};

}  // namespace

absl::Status WriteDataFormat(const std::string& directory, Epoch epoch) {
  return ReplaceFile(directory + "/FORMAT", FormatText(epoch), 0644);
}

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(DataDirectoryOptions options) {
  auto directory = std::make_unique<LockedDirectory>(std::move(options));
  if (absl::Status status = directory->Start(); !status.ok()) return status;
  return directory;
}

}  // namespace tallyd
