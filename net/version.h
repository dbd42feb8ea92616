#pragma once

// Which tallyd this is; the build takes it from project(VERSION) in CMakeLists.txt.

#include <string_view>

namespace tallyd {

extern const std::string_view kVersion;

}  // namespace tallyd
