// Any bytes are refused as a journal record, or every entry in it can be read to the end or is
// called damage. The checksum is put right first: else nothing behind it would be looked at.

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <variant>

#include "storage/byte_codec.h"
#include "storage/check.h"
#include "storage/checksums.h"
#include "storage/journal_record.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

// docs/data_formats.md, "Journal record".
constexpr std::size_t kCrcAt = 4;
constexpr std::size_t kCoveredFrom = 8;

void Look(std::string_view bytes) {
  const auto record = RecordView::Parse(bytes);
  if (!record.ok()) return;
  TALLYD_CHECK(record->bytes().size() == bytes.size());
  PollNumber before = 0;
  for (const PollSpan& span : record->polls()) {
    TALLYD_CHECK(span.poll > before);
    before = span.poll;
  }
  std::size_t entries = 0;
  const absl::Status read = record->ForEach([&](const Entry&) {
    ++entries;
    return absl::OkStatus();
  });
  TALLYD_CHECK(!read.ok() || entries == record->entries_count());
  TALLYD_CHECK(read.ok() || !read.message().empty());
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  std::vector<std::string> seeds;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RandomEntries random(seed);
    RecordBuilder builder;
    for (std::uint64_t entries = 1 + random.Below(12); entries > 0; --entries) {
      AddEntry(random.Any(), &builder);
    }
    seeds.emplace_back(builder
                           .Seal({.epoch = 3,
                                  .term = 1,
                                  .position = seed,
                                  .time = 1'700'000'000'000'000,
                                  .previous_hash = {}})
                           .bytes);
  }
  return seeds;
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Look(bytes);
  if (bytes.size() < kCoveredFrom) return 0;
  EncodeFixed(bytes.data() + kCrcAt, Crc32c(std::string_view(bytes).substr(kCoveredFrom)));
  Look(bytes);
  return 0;
}
