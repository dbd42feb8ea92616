#pragma once

// The log: one event a line on stderr, structured, never with voter data or header values.
//
//   StartLog({.json = false, .level = LogLevel::kInfo});         // once, in main
//   Log(LogLevel::kInfo, "listening", {{"listener", "public"}, {"port", port}});
//   FlushLog();                                                   // before _exit()
//
// Lines are logfmt (time level event key=value) or JSON. Any thread; a line is written whole.
// Levels below the one set cost one compare.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tallyd {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct LogOptions {
  bool json = false;
  LogLevel level = LogLevel::kInfo;
};

struct LogField {
  LogField(std::string_view key, std::string_view text) : name(key), value(text), quoted(true) {}
  LogField(std::string_view key, const char* text) : LogField(key, std::string_view(text)) {}
  LogField(std::string_view key, const std::string& text) : LogField(key, std::string_view(text)) {}
  template <std::integral Number>
  LogField(std::string_view key, Number number)
      : name(key), value(std::to_string(number)), quoted(false) {}

  std::string_view name;
  std::string value;
  bool quoted;
};

void StartLog(const LogOptions& options);
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
void FlushLog();

}  // namespace tallyd
