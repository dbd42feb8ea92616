#include "storage/checksums.h"

#include <memory>

#include <isa-l/crc.h>
#include <openssl/evp.h>

#include "storage/check.h"

namespace tallyd {
namespace {

struct DigestDeleter {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};
struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Fetching a digest and making a context cost more than hashing a small record.
class Sha256Context {
 public:
  Sha256Context() : digest_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    TALLYD_CHECK(digest_ != nullptr && context_ != nullptr);
  }

  ChainHash Hash(std::string_view bytes) {
    ChainHash hash;
    unsigned size = 0;
    TALLYD_CHECK(EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) == 1);
    TALLYD_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    TALLYD_CHECK(EVP_DigestFinal_ex(context_.get(), hash.bytes.data(), &size) == 1);
    TALLYD_CHECK(size == hash.bytes.size());
    return hash;
  }

 private:
  std::unique_ptr<EVP_MD, DigestDeleter> digest_;
  std::unique_ptr<EVP_MD_CTX, ContextDeleter> context_;
};

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  // isa-l takes an int and, though it only reads, a pointer to non-const. It leaves both inversions
  // of the standard to the caller.
  constexpr std::size_t kChunkBytes = 1 << 30;
  std::uint32_t crc = ~0u;
  do {
    const std::string_view chunk = bytes.substr(0, kChunkBytes);
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(chunk.data()));
    crc = crc32_iscsi(data, static_cast<int>(chunk.size()), crc);
    bytes.remove_prefix(chunk.size());
  } while (!bytes.empty());
  return ~crc;
}

ChainHash Sha256(std::string_view bytes) {
  thread_local Sha256Context context;
  return context.Hash(bytes);
}

}  // namespace tallyd
