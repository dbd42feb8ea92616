#include "net/log.h"

#include <atomic>
#include <memory>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "net/problem_response.h"

namespace tallyd {
namespace {

std::atomic<bool> g_json{false};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& Logger() {
  static const std::unique_ptr<spdlog::logger> logger = [] {
    auto made = std::make_unique<spdlog::logger>("tallyd",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::warn);
    return made;
  }();
  return *logger;
}

bool IsPlain(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return !text.empty();
}

}  // namespace

void StartLog(const LogOptions& options) {
  g_json = options.json;
  spdlog::logger& logger = Logger();
  logger.set_level(ToSpdlog(options.level));
  logger.set_pattern(options.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                  : "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                     spdlog::pattern_time_type::utc);
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = Logger();
  const auto severity = ToSpdlog(level);
  if (!logger.should_log(severity)) return;
  std::string line;
  const bool json = g_json;
  const auto append = [&](std::string_view name, std::string_view value, bool quoted) {
    if (json) {
      if (!line.empty()) line += ',';
      AppendJsonString(name, line);
      line += ':';
    } else {
      if (!line.empty()) line += ' ';
      line += name;
      line += '=';
    }
    if (quoted && (json || !IsPlain(value))) {
      AppendJsonString(value, line);
    } else {
      line += value;
    }
  };
  append("event", event, true);
  for (const LogField& field : fields) append(field.name, field.value, field.quoted);
  logger.log(severity, spdlog::string_view_t(line.data(), line.size()));
}

void FlushLog() {
  Logger().flush();
}

}  // namespace tallyd
