#include "engine/voter_key.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "sodium.h"

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::string_view kTagLabel = "tallyd/voter-tag/v1";
constexpr std::string_view kPrintLabel = "tallyd/idempotency-print/v1";
constexpr std::string_view kPseudonymLabel = "tallyd/export-pseudonym/v1";
constexpr std::string_view kCheckLabel = "tallyd/key-check/v1";

// Keyed BLAKE2b over label, poll id and salt, each preceded by its length so that no two inputs of
// different parts run into each other.
template <std::size_t N>
std::array<std::uint8_t, N> DerivePart(const RootKey& root, std::string_view label,
                                       std::string_view poll_id,
                                       const std::array<std::uint8_t, 16>& salt) {
  crypto_generichash_state state;
  TALLYD_CHECK(crypto_generichash_init(&state, root.data(), root.size(), 32) == 0);
  const auto absorb = [&state](std::string_view part) {
    const auto size = static_cast<std::uint8_t>(part.size());  // labels and ids are < 80 bytes
    crypto_generichash_update(&state, &size, 1);
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                              part.size());
  };
  absorb(label);
  absorb(poll_id);
  crypto_generichash_update(&state, salt.data(), salt.size());
  std::array<std::uint8_t, 32> whole;
  TALLYD_CHECK(crypto_generichash_final(&state, whole.data(), whole.size()) == 0);
  std::array<std::uint8_t, N> part;
  std::memcpy(part.data(), whole.data(), N);
  return part;
}

}  // namespace

VoterKey VoterKey::Derive(const RootKey& root, std::string_view poll_id,
                          const std::array<std::uint8_t, 16>& salt) {
  TALLYD_CHECK(sodium_init() >= 0);
  VoterKey key;
  key.tag_key_ = DerivePart<16>(root, kTagLabel, poll_id, salt);
  key.print_key_ = DerivePart<16>(root, kPrintLabel, poll_id, salt);
  key.pseudonym_key_ = DerivePart<16>(root, kPseudonymLabel, poll_id, salt);
  key.check_ = DerivePart<8>(root, kCheckLabel, poll_id, salt);
  return key;
}

VoterKey VoterKey::DeriveForProject(const RootKey& root, std::string_view project_id) {
  // No poll's id has a slash in it.
  return Derive(root, "project/" + std::string(project_id), {});
}

std::array<std::uint8_t, 16> VoterKey::NewSalt() {
  TALLYD_CHECK(sodium_init() >= 0);
  std::array<std::uint8_t, 16> salt;
  randombytes_buf(salt.data(), salt.size());
  return salt;
}

VoterKey VoterKey::Draw() {
  TALLYD_CHECK(sodium_init() >= 0);
  Material material;
  randombytes_buf(material.data(), material.size());
  return FromMaterial(material);
}

VoterKey VoterKey::FromMaterial(const Material& material) {
  VoterKey key;
  const std::uint8_t* from = material.data();
  const auto take = [&from](auto& part) {
    std::memcpy(part.data(), from, part.size());
    from += part.size();
  };
  take(key.tag_key_);
  take(key.print_key_);
  take(key.pseudonym_key_);
  take(key.check_);
  return key;
}

VoterKey::Material VoterKey::ToMaterial() const {
  Material material;
  std::uint8_t* to = material.data();
  for (const auto* part : {&tag_key_, &print_key_, &pseudonym_key_}) {
    to = std::copy(part->begin(), part->end(), to);
  }
  std::copy(check_.begin(), check_.end(), to);
  return material;
}

VoterTag VoterKey::MakeTag(std::string_view voter, std::uint32_t ballot_no,
                           std::optional<std::int32_t> day) const {
  // The first ballot of a voter is hashed without its number: most polls have one ballot a voter.
  std::array<std::uint8_t, 256> message;
  const auto* data = reinterpret_cast<const unsigned char*>(voter.data());
  std::size_t size = voter.size();
  if (ballot_no != 1 || day) {
    TALLYD_CHECK(size + 9 <= message.size());
    std::memcpy(message.data(), voter.data(), size);
    message[size] = 0;  // voters hold no control characters, so this separates
    std::memcpy(message.data() + size + 1, &ballot_no, sizeof ballot_no);
    data = message.data();
    size += 5;
    if (day) {
      std::memcpy(message.data() + size, &*day, sizeof *day);
      size += sizeof *day;
    }
  }
  VoterTag tag;
  crypto_shorthash_siphashx24(tag.bytes.data(), data, size, tag_key_.data());
  return tag;
}

std::uint64_t VoterKey::MakeIdempotencyPrint(const VoterTag& tag, std::string_view key) const {
  std::array<std::uint8_t, 16 + 128> message;
  TALLYD_CHECK(key.size() <= 128);
  std::memcpy(message.data(), tag.bytes.data(), 16);
  std::memcpy(message.data() + 16, key.data(), key.size());
  std::array<std::uint8_t, 16> hash;
  crypto_shorthash_siphashx24(hash.data(), message.data(), 16 + key.size(), print_key_.data());
  std::uint64_t print;
  std::memcpy(&print, hash.data(), sizeof print);
  return print == 0 ? 1 : print;
}

VoterTag VoterKey::MakePseudonym(const VoterTag& tag) const {
  VoterTag pseudonym;
  crypto_shorthash_siphashx24(pseudonym.bytes.data(), tag.bytes.data(), tag.bytes.size(),
                              pseudonym_key_.data());
  return pseudonym;
}

std::array<std::uint8_t, 8> VoterKey::Check() const {
  return check_;
}

}  // namespace tallyd
