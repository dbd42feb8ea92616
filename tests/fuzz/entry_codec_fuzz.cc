// Any bytes are either refused or decoded to an entry that encodes and decodes to itself.

#include <string>
#include <string_view>
#include <variant>

#include "storage/byte_codec.h"
#include "storage/check.h"
#include "storage/entry_codec.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/storage/random_entries.h"

namespace {

std::string Encoded(const tallyd::Entry& entry) {
  std::string bytes;
  std::visit([&](const auto& kind) { tallyd::EncodeEntry(kind, &bytes); }, entry);
  return bytes;
}

}  // namespace

namespace tallyd {

std::vector<std::string> FuzzSeeds() {
  RandomEntries random(1);
  std::vector<std::string> seeds;
  for (int i = 0; i < 64; ++i) {
    std::string bytes;
    for (std::uint64_t entries = 1 + random.Below(3); entries > 0; --entries) {
      bytes += Encoded(random.Any());
    }
    seeds.push_back(std::move(bytes));
  }
  return seeds;
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tallyd::ByteReader reader(std::string_view(reinterpret_cast<const char*>(data), size));
  tallyd::Entry entry;
  while (reader.remaining() > 0 && tallyd::DecodeEntry(&reader, &entry)) {
    const std::string again = Encoded(entry);
    tallyd::ByteReader second(again);
    tallyd::Entry same;
    TALLYD_CHECK(tallyd::DecodeEntry(&second, &same));
    TALLYD_CHECK(second.finished());
    TALLYD_CHECK(Encoded(same) == again);
  }
  return 0;
}
