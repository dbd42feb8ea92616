#pragma once

// The two sums storage/ knows: CRC32C against accidents, SHA-256 for the chain of records.
// Any thread. CRC32C runs at memory speed; SHA-256 at about 1 to 2 GB/s where the processor helps.

#include <cstdint>
#include <string_view>

#include "storage/records.h"

namespace tallyd {

// The CRC-32C of iSCSI and ext4: of "123456789" it is 0xE3069283.
std::uint32_t Crc32c(std::string_view bytes);

ChainHash Sha256(std::string_view bytes);

}  // namespace tallyd
