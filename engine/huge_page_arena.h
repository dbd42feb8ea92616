#pragma once

// Memory in huge pages, for what is looked up at random places: with pages of 4 KiB nearly every
// look-up in a large table also misses the address translation, which costs more than the data
// (two thirds of it in a virtual machine).
//
// It takes 64 MiB of address space at a time and asks the kernel to back them by pages of 2 MiB
// (`madvise`, transparent_hugepage(7)); where the kernel has none they are ordinary memory. Within
// such a chunk Boost.Interprocess allocates (best fit, neighbours joined), which keeps what is lost
// between allocations to some per cent. A chunk in which nothing is left goes back to the kernel.
//
// One thread. An allocation costs some hundred nanoseconds.

#include <cstddef>
#include <memory>
#include <vector>

namespace tallyd {

class HugePageArena {
 public:
  HugePageArena();
  ~HugePageArena();  // everything was freed
  HugePageArena(const HugePageArena&) = delete;
  HugePageArena& operator=(const HugePageArena&) = delete;

  // Aligned to 16 bytes, never null; not cleared. More than fits a chunk comes from the heap.
  void* Allocate(std::size_t bytes);
  void Free(void* memory);

  // Taken from the chunks, the allocator's own overhead included.
  std::size_t used_bytes() const;
  std::size_t chunks_count() const { return chunks_.size(); }

 private:
  class Chunk;
  std::vector<std::unique_ptr<Chunk>> chunks_;  // the newest last: it has most room
};

}  // namespace tallyd
