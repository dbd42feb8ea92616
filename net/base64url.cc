#include "net/base64url.h"

#include <array>
#include <cstdint>

namespace tallyd {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> MakeValues() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = kNone;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = MakeValues();

std::uint32_t ValueOf(char c) {
  return kValues[static_cast<unsigned char>(c)];
}

}  // namespace

bool DecodeBase64Url(std::string_view text, std::string& out) {
  const std::size_t rest = text.size() % 4;
  if (rest == 1) return false;
  out.resize(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1));
  char* to = out.data();
  std::uint32_t seen = 0;  // a value outside of the alphabet sets bits that no other does
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const std::uint32_t a = ValueOf(text[i]);
    const std::uint32_t b = ValueOf(text[i + 1]);
    const std::uint32_t c = ValueOf(text[i + 2]);
    const std::uint32_t d = ValueOf(text[i + 3]);
    seen |= a | b | c | d;
    const std::uint32_t word = a << 18 | b << 12 | c << 6 | d;
    *to++ = static_cast<char>(word >> 16);
    *to++ = static_cast<char>(word >> 8);
    *to++ = static_cast<char>(word);
  }
  if (rest >= 2) {
    const std::uint32_t a = ValueOf(text[i]);
    const std::uint32_t b = ValueOf(text[i + 1]);
    const std::uint32_t c = rest == 3 ? ValueOf(text[i + 2]) : 0;
    seen |= a | b | c;
    const std::uint32_t word = a << 18 | b << 12 | c << 6;
    *to++ = static_cast<char>(word >> 16);
    if (rest == 3) *to++ = static_cast<char>(word >> 8);
    const std::uint32_t left_over = rest == 3 ? word & 0xff : word & 0xffff;
    if (left_over != 0) return false;
  }
  return (seen & 0xc0) == 0;
}

std::string EncodeBase64Url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  const auto byte = [&](std::size_t at) {
    return at < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at]))
                             : 0;
  };
  for (; i < bytes.size(); i += 3) {
    const std::uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    const std::size_t characters = bytes.size() - i >= 3 ? 4 : bytes.size() - i + 1;
    for (std::size_t k = 0; k < characters; ++k) {
      out.push_back(kAlphabet[word >> (18 - 6 * k) & 63]);
    }
  }
  return out;
}

}  // namespace tallyd
