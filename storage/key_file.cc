#include "storage/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include <sodium.h>

#include "storage/check.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

constexpr std::string_view kTwoRootsLine = "tallyd-keys 2\n";
constexpr std::size_t kHexDigits = 2 * std::tuple_size_v<RootKey>;
constexpr std::size_t kRootLineBytes = kHexDigits + 1;

absl::Status CheckPrivate(const FileDescriptor& file, const std::string& path) {
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return ErrnoStatus("stat", path);
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(path, ": the key file is open to others; chmod 600 it"));
}

bool DecodeRoot(std::string_view hex, RootKey* root) {
  std::size_t decoded = 0;
  return hex.size() == kHexDigits &&
         sodium_hex2bin(root->data(), root->size(), hex.data(), hex.size(), nullptr, &decoded,
                        nullptr) == 0 &&
         decoded == root->size();
}

std::optional<RootKeys> Decode(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  RootKeys keys;
  if (!text.starts_with(kTwoRootsLine)) {
    return DecodeRoot(text, &keys.newest) ? std::optional(keys) : std::nullopt;
  }
  text.remove_prefix(kTwoRootsLine.size());
  if (text.size() != kRootLineBytes + kHexDigits || text[kHexDigits] != '\n') return std::nullopt;
  const bool both = DecodeRoot(text.substr(0, kHexDigits), &keys.newest) &&
                    DecodeRoot(text.substr(kRootLineBytes), &keys.previous.emplace());
  if (!both || keys.newest == *keys.previous) return std::nullopt;
  return keys;
}

void AppendRoot(const RootKey& root, std::string* text) {
  char hex[kRootLineBytes];
  sodium_bin2hex(hex, sizeof hex, root.data(), root.size());
  hex[kHexDigits] = '\n';
  text->append(hex, sizeof hex);
  sodium_memzero(hex, sizeof hex);
}

// Wiped by the caller.
std::string Encode(const RootKeys& keys) {
  std::string text;
  text.reserve(kTwoRootsLine.size() + 2 * kRootLineBytes);
  if (keys.previous) text += kTwoRootsLine;
  AppendRoot(keys.newest, &text);
  if (keys.previous) AppendRoot(*keys.previous, &text);
  return text;
}

// Zeros over a file that has no name any more. False: they are not known to be on the disk, or a
// name is left, and whoever made it wants to keep the file.
bool Overwrite(const FileDescriptor& file, const std::string& path) {
  struct stat about {};
  if (fstat(file.get(), &about) != 0 || about.st_nlink != 0) return false;
  const std::string zeros(static_cast<std::size_t>(about.st_size), '\0');
  return WriteAll(file, path, 0, zeros).ok() && SyncData(file, path).ok();
}

}  // namespace

RootKey DrawRootKey() {
  TALLYD_CHECK(sodium_init() >= 0);
  RootKey root;
  randombytes_buf(root.data(), root.size());
  return root;
}

absl::StatusOr<RootKeys> ReadKeyFile(const std::string& path) {
  absl::StatusOr<FileDescriptor> file = OpenFile(path, O_RDONLY);
  if (!file.ok()) return file.status();
  if (absl::Status is_private = CheckPrivate(*file, path); !is_private.ok()) return is_private;
  absl::StatusOr<std::string> text = ReadWholeFile(path);
  if (!text.ok()) return text.status();
  const std::optional<RootKeys> keys = Decode(*text);
  sodium_memzero(text->data(), text->size());
  if (keys) return *keys;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": not a key file (", kHexDigits, " hex digits and a newline)"));
}

absl::StatusOr<RootKeys> CreateKeyFile(const std::string& path) {
  const RootKeys keys{.newest = DrawRootKey(), .previous = std::nullopt};
  std::string text = Encode(keys);
  const absl::Status created = CreateFile(path, text, 0600);
  sodium_memzero(text.data(), text.size());
  if (!created.ok()) return created;
  return keys;
}

absl::StatusOr<bool> ReplaceKeyFile(const std::string& path, const RootKeys& keys) {
  std::error_code error;
  const std::string file = std::filesystem::canonical(path, error).string();
  if (error) return absl::NotFoundError(absl::StrCat(path, ": ", error.message()));
  struct stat about {};
  if (stat(file.c_str(), &about) != 0) return ErrnoStatus("stat", file);
  if (about.st_uid != geteuid()) {
    return absl::PermissionDeniedError(absl::StrCat(file, ": belongs to user ", about.st_uid,
                                                    ", so it must be changed by that user"));
  }
  // Of a file that its owner may only read no old bytes are overwritten.
  const absl::StatusOr<FileDescriptor> old = OpenFile(file, O_RDWR | O_NOFOLLOW);
  std::string text = Encode(keys);
  const absl::Status replaced = ReplaceFile(file, text, about.st_mode & 0600);
  sodium_memzero(text.data(), text.size());
  if (!replaced.ok()) return replaced;
  return old.ok() && Overwrite(*old, file);
}

}  // namespace tallyd
