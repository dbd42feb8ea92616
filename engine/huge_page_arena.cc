#include "engine/huge_page_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include <boost/interprocess/managed_external_buffer.hpp>

#include "storage/check.h"

namespace tallyd {
namespace {

namespace ipc = boost::interprocess;

constexpr std::size_t kChunkBytes = std::size_t{64} << 20;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// Unlike the usual one it takes no locks.
using Buffer =
    ipc::basic_managed_external_buffer<char, ipc::rbtree_best_fit<ipc::null_mutex_family>,
                                       ipc::iset_index>;

// Address space that begins at a huge page; null if there is none.
char* MapAligned() {
  constexpr std::size_t kMapped = kChunkBytes + kHugePageBytes;
  void* const mapped = mmap(nullptr, kMapped, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(mapped);
  const auto past = reinterpret_cast<std::uintptr_t>(mapped) % kHugePageBytes;
  const std::size_t skipped = past == 0 ? 0 : kHugePageBytes - past;
  if (skipped > 0) munmap(begin, skipped);
  munmap(begin + skipped + kChunkBytes, kHugePageBytes - skipped);
  madvise(begin + skipped, kChunkBytes, MADV_HUGEPAGE);  // without: slower, not wrong
  return begin + skipped;
}

}  // namespace

class HugePageArena::Chunk {
 public:
  explicit Chunk(char* begin)
      : begin_(begin), buffer_(ipc::create_only, begin, kChunkBytes), empty_bytes_(free_bytes()) {}
  ~Chunk() { munmap(begin_, kChunkBytes); }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  void* Allocate(std::size_t bytes) { return buffer_.allocate(bytes, std::nothrow); }
  void Free(void* memory) { buffer_.deallocate(memory); }
  bool Holds(const void* memory) const {
    return memory >= begin_ && memory < static_cast<const void*>(begin_ + kChunkBytes);
  }
  bool empty() const { return free_bytes() == empty_bytes_; }
  std::size_t used_bytes() const { return kChunkBytes - free_bytes(); }

 private:
  std::size_t free_bytes() const { return buffer_.get_free_memory(); }

  char* const begin_;
  Buffer buffer_;
  const std::size_t empty_bytes_;
};

HugePageArena::HugePageArena() = default;

HugePageArena::~HugePageArena() {
  TALLYD_CHECK(chunks_.empty());
}

void* HugePageArena::Allocate(std::size_t bytes) {
  if (bytes > kChunkBytes / 2) return ::operator new(bytes);
  for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk) {
    if (void* const memory = (*chunk)->Allocate(bytes)) return memory;
  }
  char* const begin = MapAligned();
  if (begin == nullptr) return ::operator new(bytes);
  chunks_.push_back(std::make_unique<Chunk>(begin));
  void* const memory = chunks_.back()->Allocate(bytes);
  TALLYD_CHECK(memory != nullptr);
  return memory;
}

void HugePageArena::Free(void* memory) {
  if (memory == nullptr) return;
  const auto holder = std::find_if(chunks_.begin(), chunks_.end(),
                                   [memory](const auto& chunk) { return chunk->Holds(memory); });
  if (holder == chunks_.end()) return ::operator delete(memory);
  (*holder)->Free(memory);
  if ((*holder)->empty()) chunks_.erase(holder);
}

std::size_t HugePageArena::used_bytes() const {
  std::size_t used = 0;
  for (const auto& chunk : chunks_) used += chunk->used_bytes();
  return used;
}

}  // namespace tallyd
