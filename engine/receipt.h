#pragma once

// Receipts: 26 characters that name (epoch, poll, seq) under a key, so there is no table of
// receipts, nobody can guess one, and every ballot version has exactly one.
//
// One AES-128 block over epoch (32 bits), poll (28), seq (40) and 28 zero bits that are checked on
// the way back; base32 in Crockford's alphabet, lower case. A receipt says that a ballot counted,
// never what was in it.
//
// A ReceiptCodec belongs to one thread (it keeps a cipher context); making one receipt costs ~100
// ns.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/key_file.h"
#include "storage/records.h"

namespace tallyd {

struct ReceiptName {
  Epoch epoch = 0;
  PollNumber poll = 0;
  Seq seq = 0;
  friend bool operator==(const ReceiptName&, const ReceiptName&) = default;
};

inline constexpr std::size_t kReceiptLength = 26;

using ReceiptKey = std::array<std::uint8_t, 16>;
ReceiptKey DeriveReceiptKey(const RootKey& root);

class ReceiptCodec {
 public:
  explicit ReceiptCodec(const ReceiptKey& key);
  ~ReceiptCodec();
  ReceiptCodec(const ReceiptCodec&) = delete;
  ReceiptCodec& operator=(const ReceiptCodec&) = delete;

  // Writes kReceiptLength characters to `out`.
  void Encode(const ReceiptName& name, char* out);
  std::string Encode(const ReceiptName& name);
  // nullopt: not a receipt of ours.
  std::optional<ReceiptName> Decode(std::string_view receipt);

 private:
  struct Ciphers;
  std::unique_ptr<Ciphers> ciphers_;
};

}  // namespace tallyd
