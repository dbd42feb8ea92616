#include "tests/support/traffic_log.h"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"

namespace tallyd {
namespace {

// Well-formed UTF-8 as far as a JSON reader cares: lead bytes followed by the right number of
// continuation bytes.
bool IsText(const std::string& bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    int more = 0;
    if (byte < 0x80) continue;
    if (byte >= 0xc2 && byte < 0xe0)
      more = 1;
    else if (byte >= 0xe0 && byte < 0xf0)
      more = 2;
    else if (byte >= 0xf0 && byte < 0xf5)
      more = 3;
    else
      return false;
    while (more-- > 0) {
      if (++i >= bytes.size() || (static_cast<unsigned char>(bytes[i]) & 0xc0) != 0x80)
        return false;
    }
  }
  return true;
}

std::string LogPath() {
  if (const char* path = std::getenv("TALLYD_TRAFFIC_FILE")) return path;
  return std::string(TALLYD_TRAFFIC_DIRECTORY) + "/" + program_invocation_short_name + ".ndjson";
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

TrafficLog& TrafficLog::Global() {
  static TrafficLog* const log = new TrafficLog;  // outlives every static that may still talk
  return *log;
}

TrafficLog::TrafficLog() {
  const std::filesystem::path path = LogPath();
  std::filesystem::create_directories(path.parent_path());
  file_.open(path, std::ios::trunc);
  if (!file_) std::abort();
}

void TrafficLog::NamePort(std::uint16_t port, const std::string& listener) {
  const std::lock_guard lock(mutex_);
  listeners_[port] = listener;
}

void TrafficLog::Record(std::uint16_t port, const HttpCall& call, const HttpAnswer& answer,
                        bool raw) {
  boost::json::object request_headers;
  request_headers["host"] = "127.0.0.1";
  for (const auto& [name, value] : call.headers) request_headers[Lower(name)] = value;
  boost::json::object answer_headers;
  for (const auto& [name, value] : answer.headers) {
    // Several lines of one name are one list.
    boost::json::value& text = answer_headers[name];
    text = text.is_string() ? std::string(text.as_string()) + ", " + value : value;
  }

  boost::json::object line;
  line["method"] = call.method;
  line["target"] = call.target;
  line["request_headers"] = std::move(request_headers);
  line["request_body"] = nullptr;
  if (call.body && IsText(*call.body)) line["request_body"] = *call.body;
  line["status"] = answer.status;
  line["response_headers"] = std::move(answer_headers);
  line["response_body"] = nullptr;
  if (IsText(answer.body)) line["response_body"] = answer.body;
  if (raw) line["raw"] = true;
  const std::lock_guard lock(mutex_);
  if (const auto named = listeners_.find(port); named != listeners_.end()) {
    line["listener"] = named->second;
  }
  const std::string text = boost::json::serialize(line);
  file_ << text << '\n' << std::flush;
}

}  // namespace tallyd
