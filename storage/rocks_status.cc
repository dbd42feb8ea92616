#include "storage/rocks_status.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>

namespace tallyd {
namespace {

absl::StatusCode CodeOf(const rocksdb::Status& status) {
  switch (status.code()) {
    case rocksdb::Status::kOk:
      return absl::StatusCode::kOk;
    case rocksdb::Status::kNotFound:
      return absl::StatusCode::kNotFound;
    case rocksdb::Status::kCorruption:
      return absl::StatusCode::kDataLoss;
    case rocksdb::Status::kNotSupported:
      return absl::StatusCode::kUnimplemented;
    case rocksdb::Status::kInvalidArgument:
      return absl::StatusCode::kInvalidArgument;
    case rocksdb::Status::kIncomplete:
      return absl::StatusCode::kResourceExhausted;
    case rocksdb::Status::kTimedOut:
    case rocksdb::Status::kBusy:
    case rocksdb::Status::kTryAgain:
      return absl::StatusCode::kUnavailable;
    case rocksdb::Status::kIOError:
      return status.subcode() == rocksdb::Status::kNoSpace ? absl::StatusCode::kResourceExhausted
                                                           : absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kInternal;
  }
}

class BackgroundErrorListener final : public rocksdb::EventListener {
 public:
  BackgroundErrorListener(std::string_view what, std::function<void(const absl::Status&)> on_error)
      : what_(what), on_error_(std::move(on_error)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* error) override {
    if (error == nullptr || error->ok() || called_.exchange(true)) return;
    if (on_error_) on_error_(FromRocks(*error, what_));
  }

 private:
  const std::string what_;
  const std::function<void(const absl::Status&)> on_error_;
  std::atomic<bool> called_{false};
};

class StderrLogger final : public rocksdb::Logger {
 public:
  explicit StderrLogger(std::string_view what)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), what_(what) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char text[1024];  // a longer line is cut
    std::vsnprintf(text, sizeof text, format, arguments);
    for (char& c : text) {
      if (c == '\0') break;
      if (static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    std::fprintf(stderr, "tallyd: %s: %s\n", what_.c_str(), text);
  }
  void LogHeader(const char* /*format*/, va_list /*arguments*/) override {}  // settings, versions

 private:
  const std::string what_;
};

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(CodeOf(status), absl::StrCat(std::string(what), ": ", status.ToString()));
}

std::shared_ptr<rocksdb::EventListener> ListenForBackgroundError(
    std::string_view what, std::function<void(const absl::Status&)> on_error) {
  return std::make_shared<BackgroundErrorListener>(what, std::move(on_error));
}

std::shared_ptr<rocksdb::Logger> LogToStderr(std::string_view what) {
  return std::make_shared<StderrLogger>(what);
}

rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

std::string_view View(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace tallyd
