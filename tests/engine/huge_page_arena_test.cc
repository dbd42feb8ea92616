#include "engine/huge_page_arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

#include "tests/engine/random_ballots.h"
#include "tests/storage/random_entries.h"

namespace tallyd {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

struct Piece {
  unsigned char* begin;
  std::size_t size;
  unsigned char mark;
};

bool Intact(const Piece& piece) {
  return std::all_of(piece.begin, piece.begin + piece.size,
                     [&](unsigned char byte) { return byte == piece.mark; });
}

TEST(HugePageArenaTest, PiecesDoNotOverlapAndAreGivenBack) {
  Random random(TestSeed());
  HugePageArena arena;
  std::vector<Piece> pieces;
  std::size_t asked = 0;
  for (int act = 0; act < 4'000; ++act) {
    if (pieces.empty() || Below(&random, 5) < 3) {
      const std::size_t size = 1 + Below(&random, 100'000);
      auto* const begin = static_cast<unsigned char*>(arena.Allocate(size));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % 16, 0U);
      pieces.push_back({begin, size, static_cast<unsigned char>(act)});
      std::memset(begin, pieces.back().mark, size);
      asked += size;
    } else {
      std::swap(pieces[Below(&random, pieces.size())], pieces.back());
      ASSERT_TRUE(Intact(pieces.back()));
      asked -= pieces.back().size;
      arena.Free(pieces.back().begin);
      pieces.pop_back();
    }
    ASSERT_GE(arena.used_bytes(), asked);
  }
  EXPECT_LE(arena.used_bytes(), asked + asked / 50 + arena.chunks_count() * 4096);
  for (const Piece& piece : pieces) {
    ASSERT_TRUE(Intact(piece));
    arena.Free(piece.begin);
  }
  EXPECT_EQ(arena.chunks_count(), 0U);  // back to the kernel
}

TEST(HugePageArenaTest, WhatFitsNoChunkComesFromTheHeap) {
  HugePageArena arena;
  auto* const large = static_cast<char*>(arena.Allocate(100 * kMebibyte));
  large[0] = large[100 * kMebibyte - 1] = 1;
  EXPECT_EQ(arena.chunks_count(), 0U);
  arena.Free(large);
  arena.Free(nullptr);
}

TEST(HugePageArenaTest, ManyPiecesNeedManyChunks) {
  HugePageArena arena;
  std::vector<void*> pieces;
  for (int i = 0; i < 10; ++i) pieces.push_back(arena.Allocate(30 * kMebibyte));
  EXPECT_EQ(arena.chunks_count(), 5U);
  for (void* const piece : pieces) arena.Free(piece);
  EXPECT_EQ(arena.chunks_count(), 0U);
}

}  // namespace
}  // namespace tallyd
