#include "tools/tallyctl/key_commands.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <ctime>
#include <iostream>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "net/credential_file.h"
#include "net/wire_json_api_keys.h"
#include "net/wire_text.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr mode_t kSecretMode = 0600;
constexpr std::int64_t kDaySeconds = 86'400;

std::string TimeText(std::int64_t seconds) {
  return FormatTime(seconds * 1'000'000);
}

ExitCode ExitCodeOf(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? kExitBadData : kExitIo;
}

// The file while we change it.
class KeyFile {
 public:
  explicit KeyFile(std::string path) : path_(std::move(path)) {}

  // Unavailable: another tallyctl has it.
  absl::Status Lock() {
    const std::string lock_path = path_ + ".lock";
    auto lock = OpenFile(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, kSecretMode);
    if (!lock.ok()) return lock.status();
    lock_ = *std::move(lock);
    if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
    if (errno != EWOULDBLOCK) return ErrnoStatus("lock", lock_path);
    return absl::UnavailableError(path_ + ": another tallyctl is changing it");
  }

  absl::StatusOr<ApiKeys> Read() const {
    const auto text = ReadCredentialFile(path_, true);
    if (!text.ok()) return text.status();
    return ApiKeys::Parse(*text, path_);
  }

  absl::Status Write(const ApiKeys& keys) const {
    return ReplaceFile(path_, keys.ToJson(), kSecretMode);
  }

 private:
  const std::string path_;
  FileDescriptor lock_;
};

std::string ScopesOf(const ApiKey& key) {
  return ScopesText(key.scopes);
}

json::object ToJson(const ApiKey& key) {
  json::object object{{"id", key.id},
                      {"name", key.name},
                      {"scopes", ScopesOf(key)},
                      {"created", TimeText(key.created_s)}};
  if (key.expires_s) object["expires"] = TimeText(*key.expires_s);
  return object;
}

}  // namespace

ExitCode AddKey(const ControlOptions& control, const KeyOptions& options) {
  Scopes scopes = 0;
  for (const std::string& name : options.scopes) {
    const auto scope = FindScope(name);
    if (!scope || *scope == Scope::kVote) {
      return Fail("a key cannot have the scope " + name +
                      "; it can have vote:on-behalf, paper, admin, analyse, moderate",
                  kExitUsage);
    }
    scopes |= ScopeBits(*scope);
  }
  if (!IsVoter(options.name)) return Fail("NAME must be 1 to 128 bytes of text", kExitUsage);
  KeyFile file(options.file);
  if (const absl::Status locked = file.Lock(); !locked.ok()) {
    return Fail(locked, absl::IsUnavailable(locked) ? kExitLocked : kExitIo);
  }
  auto keys = file.Read();
  if (absl::IsNotFound(keys.status())) keys = ApiKeys();
  if (!keys.ok()) return Fail(keys.status(), ExitCodeOf(keys.status()));
  const std::int64_t now_s = std::time(nullptr);
  const auto expires_s =
      options.expires_days == 0
          ? std::nullopt
          : std::optional<std::int64_t>(now_s + options.expires_days * kDaySeconds);
  ApiKeys::Made made = ApiKeys::Make(options.name, scopes, now_s, expires_s);
  json::object answer = ToJson(made.key);
  if (!keys->Add(std::move(made.key))) {
    return Fail(options.file + ": holds " + std::to_string(ApiKeys::kKeysMax) +
                " keys already; revoke some");
  }
  if (const absl::Status written = file.Write(*keys); !written.ok()) return Fail(written, kExitIo);
  if (control.json) {
    answer["key"] = made.text;
    std::cout << json::serialize(answer) << "\n";
  } else {
    std::cout << made.text << "\n";
    std::cerr << "tallyctl: this is the only time the key is shown; tell the server with SIGHUP "
                 "(systemctl reload tallyd)\n";
  }
  return kExitOk;
}

ExitCode ListKeys(const ControlOptions& control, const KeyOptions& options) {
  const auto keys = KeyFile(options.file).Read();
  if (!keys.ok()) return Fail(keys.status(), ExitCodeOf(keys.status()));
  const std::int64_t now_s = std::time(nullptr);
  if (control.json) {
    json::array list;
    for (const ApiKey& key : keys->list()) {
      json::object object = ToJson(key);
      object["expired"] = key.ExpiredAt(now_s);
      list.push_back(std::move(object));
    }
    std::cout << json::serialize(json::object{{"keys", std::move(list)}}) << "\n";
    return kExitOk;
  }
  for (const ApiKey& key : keys->list()) {
    std::cout << key.id << "  " << key.name << "  [" << ScopesOf(key) << "]  made "
              << TimeText(key.created_s);
    if (key.expires_s) {
      std::cout << (key.ExpiredAt(now_s) ? "  EXPIRED " : "  until ") << TimeText(*key.expires_s);
    }
    std::cout << "\n";
  }
  return kExitOk;
}

ExitCode RevokeKey(const ControlOptions& control, const KeyOptions& options) {
  KeyFile file(options.file);
  if (const absl::Status locked = file.Lock(); !locked.ok()) {
    return Fail(locked, absl::IsUnavailable(locked) ? kExitLocked : kExitIo);
  }
  auto keys = file.Read();
  if (!keys.ok()) return Fail(keys.status(), ExitCodeOf(keys.status()));
  if (!keys->Remove(options.id)) return Fail(options.file + ": has no key " + options.id);
  if (const absl::Status written = file.Write(*keys); !written.ok()) return Fail(written, kExitIo);
  if (control.json) {
    std::cout << json::serialize(json::object{{"revoked", options.id}}) << "\n";
  } else {
    std::cout << "revoked " << options.id << "; in force after SIGHUP (systemctl reload tallyd)\n";
  }
  return kExitOk;
}

}  // namespace tallyd
