#include "engine/voting_code.h"

#include <array>
#include <cstdint>
#include <string_view>

#include <sodium.h>

namespace tallyd {

std::string NewVotingCode() {
  constexpr std::string_view kCodeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  static_assert(kCodeAlphabet.size() == 32);
  std::array<std::uint8_t, 12> random;
  randombytes_buf(random.data(), random.size());
  std::string code;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i != 0 && i % 4 == 0) code += '-';
    code += kCodeAlphabet[random[i] & 31];
  }
  return code;
}

}  // namespace tallyd
