#include "engine/receipt.h"

#include <array>
#include <cstring>

#include "openssl/evp.h"
#include "sodium.h"

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::string_view kLabel = "tallyd/receipt-key/v1";
constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford, lower case

using Block = std::array<std::uint8_t, 16>;

// Value of each alphabet character, -1 for all others.
constexpr std::array<std::int8_t, 256> MakeValues() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (int i = 0; i < 32; ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr std::array<std::int8_t, 256> kValues = MakeValues();

void PutBigEndian(std::uint64_t value, int bytes, std::uint8_t* out) {
  for (int i = bytes - 1; i >= 0; --i) {
    out[i] = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

std::uint64_t GetBigEndian(const std::uint8_t* in, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | in[i];
  return value;
}

// 128 bits as 26 characters of 5 bits, most significant first; the last carries 3 bits and 2 zeros.
void ToText(const Block& block, char* out) {
  std::uint32_t window = 0;
  int bits = 0;
  std::size_t at = 0;
  for (const std::uint8_t byte : block) {
    window = window << 8 | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out[at++] = kAlphabet[window >> bits & 31];
    }
  }
  out[at] = kAlphabet[window << (5 - bits) & 31];
}

bool FromText(std::string_view text, Block* block) {
  if (text.size() != kReceiptLength) return false;
  std::uint32_t window = 0;
  int bits = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    window = window << 5 | static_cast<std::uint32_t>(value);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      (*block)[at++] = static_cast<std::uint8_t>(window >> bits);
    }
  }
  return (window & 3) == 0;  // the two padding bits: every receipt has exactly one spelling
}

}  // namespace

struct ReceiptCodec::Ciphers {
  Ciphers() : encrypt(EVP_CIPHER_CTX_new()), decrypt(EVP_CIPHER_CTX_new()) {}
  ~Ciphers() {
    EVP_CIPHER_CTX_free(encrypt);
    EVP_CIPHER_CTX_free(decrypt);
  }
  EVP_CIPHER_CTX* encrypt;
  EVP_CIPHER_CTX* decrypt;
};

ReceiptKey DeriveReceiptKey(const RootKey& root) {
  TALLYD_CHECK(sodium_init() >= 0);
  ReceiptKey key;
  TALLYD_CHECK(crypto_generichash(key.data(), key.size(),
                                  reinterpret_cast<const unsigned char*>(kLabel.data()),
                                  kLabel.size(), root.data(), root.size()) == 0);
  return key;
}

ReceiptCodec::ReceiptCodec(const ReceiptKey& key) : ciphers_(std::make_unique<Ciphers>()) {
  // One block under a key of its own is a pseudo-random permutation; no mode is involved.
  TALLYD_CHECK(
      EVP_EncryptInit_ex(ciphers_->encrypt, EVP_aes_128_ecb(), nullptr, key.data(), nullptr) == 1);
  TALLYD_CHECK(
      EVP_DecryptInit_ex(ciphers_->decrypt, EVP_aes_128_ecb(), nullptr, key.data(), nullptr) == 1);
  EVP_CIPHER_CTX_set_padding(ciphers_->encrypt, 0);
  EVP_CIPHER_CTX_set_padding(ciphers_->decrypt, 0);
}

ReceiptCodec::~ReceiptCodec() = default;

void ReceiptCodec::Encode(const ReceiptName& name, char* out) {
  TALLYD_DCHECK(name.epoch < (Epoch{1} << 32) && name.poll <= kPollNumberMax &&
                name.seq <= kSeqMax);
  Block plain{};
  PutBigEndian(name.epoch, 4, plain.data());
  // poll (28 bits) and the upper half byte of zeros share four bytes; seq takes five; three are
  // zero.
  PutBigEndian(name.poll, 4, plain.data() + 4);
  PutBigEndian(name.seq, 5, plain.data() + 8);
  Block sealed;
  int written = 0;
  TALLYD_CHECK(EVP_EncryptUpdate(ciphers_->encrypt, sealed.data(), &written, plain.data(), 16) ==
               1);
  TALLYD_CHECK(written == 16);
  ToText(sealed, out);
}

std::string ReceiptCodec::Encode(const ReceiptName& name) {
  std::string text(kReceiptLength, '\0');
  Encode(name, text.data());
  return text;
}

std::optional<ReceiptName> ReceiptCodec::Decode(std::string_view receipt) {
  Block sealed{};
  if (!FromText(receipt, &sealed)) return std::nullopt;
  Block plain;
  int written = 0;
  TALLYD_CHECK(EVP_DecryptUpdate(ciphers_->decrypt, plain.data(), &written, sealed.data(), 16) ==
               1);
  const std::uint64_t poll = GetBigEndian(plain.data() + 4, 4);
  const bool zeros = plain[13] == 0 && plain[14] == 0 && plain[15] == 0;
  if (!zeros || poll > kPollNumberMax) return std::nullopt;
  return ReceiptName{.epoch = GetBigEndian(plain.data(), 4),
                     .poll = static_cast<PollNumber>(poll),
                     .seq = GetBigEndian(plain.data() + 8, 5)};
}

}  // namespace tallyd
