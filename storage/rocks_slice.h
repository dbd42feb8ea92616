#pragma once

// RocksDB's view of bytes and ours, one as the other; nothing is copied. For the .cc files that
// speak to RocksDB.

#include <string_view>

#include "rocksdb/slice.h"

namespace tallyd {

inline rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

inline std::string_view View(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace tallyd
