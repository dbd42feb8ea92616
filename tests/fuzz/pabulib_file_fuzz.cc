// Any bytes are either refused with a message that names the file, or read.

#include <string>
#include <string_view>

#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tools/pabulib/pabulib_file.h"

namespace tallyd {

std::vector<std::string> FuzzSeeds() {
  return {};
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  const auto file = tallyd::ParsePabulib(content, "fuzz.pb");
  TALLYD_CHECK(file.ok() || file.status().message().find("fuzz.pb") != std::string_view::npos);
  return 0;
}
