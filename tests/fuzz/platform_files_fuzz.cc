// Files of other platforms: any bytes are read, or refused with a message that names the file.

#include <string>
#include <string_view>

#include "absl/strings/match.h"

#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tools/platforms/consul_sheet.h"
#include "tools/platforms/decidim_csv.h"

namespace tallyd {

// The first byte chooses the platform.
std::vector<std::string> FuzzSeeds() {
  return {"c4,5,6;7,8\n;;\n12,12,13",
          "did;title/de;budget_amount;paper_ballots_to_import\n7;\"A;b\";100;3\n",
          "dproject_id,paper_ballots_to_import\n1,2\n1,-1\n"};
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] & 1) {
    const auto sheet = ParseConsulSheet(content, "fuzz.txt");
    TALLYD_CHECK(sheet.ok() || absl::StrContains(sheet.status().message(), "fuzz.txt"));
    if (sheet.ok()) TALLYD_CHECK(!sheet->empty());
  } else {
    const auto projects = ParseDecidimCsv(content, "fuzz.csv");
    TALLYD_CHECK(projects.ok() || absl::StrContains(projects.status().message(), "fuzz.csv"));
  }
  return 0;
}
