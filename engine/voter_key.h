#pragma once

// From a voter's id to the tag that is kept in its place.
//
// Each poll has a key of its own, derived from the root key (the key file) and the poll's salt with
// keyed BLAKE2b (RFC 7693); the tag is SipHash-2-4 with 128-bit output over the voter id under it
// (Aumasson, Bernstein 2012; libsodium's siphashx24), cheap enough for every vote. Tags of
// different polls cannot be joined, and whoever has only the database cannot test whether someone
// voted. The check value proves that a key file is the right one: with a wrong key everybody could
// vote again.
//
// Values; any thread. MakeTag costs about 50 ns.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/key_file.h"
#include "storage/records.h"

namespace tallyd {

class VoterKey {
 public:
  static VoterKey Derive(const RootKey& root, std::string_view poll_id,
                         const std::array<std::uint8_t, 16>& salt);
  // Of a project: for what its polls share, ideas and quotas. No poll has it.
  static VoterKey DeriveForProject(const RootKey& root, std::string_view project_id);
  // Random; drawn once, when the poll is created.
  static std::array<std::uint8_t, 16> NewSalt();
  // Of no root: only a seal keeps it.
  static VoterKey Draw();

  // The whole key, as a rotation seals it (engine/keyring.h): tag, print, pseudonym, check.
  using Material = std::array<std::uint8_t, 56>;
  static VoterKey FromMaterial(const Material& material);
  Material ToMaterial() const;

  // `ballot_no` keeps several ballots of one voter apart; 1 where a voter has one. `day` (since
  // 1970-01-01) does where ballots are per day.
  VoterTag MakeTag(std::string_view voter, std::uint32_t ballot_no = 1,
                   std::optional<std::int32_t> day = std::nullopt) const;
  // Print of an Idempotency-Key, scoped to poll and voter; never 0.
  std::uint64_t MakeIdempotencyPrint(const VoterTag& tag, std::string_view key) const;
  // What stands for a voter in an export of this poll: not the tag, not the same in another poll,
  // and only the key file leads from the one to the other.
  VoterTag MakePseudonym(const VoterTag& tag) const;
  // What the poll's creation entry stores.
  std::array<std::uint8_t, 8> Check() const;
  friend bool operator==(const VoterKey&, const VoterKey&) = default;

 private:
  std::array<std::uint8_t, 16> tag_key_{};
  std::array<std::uint8_t, 16> print_key_{};
  std::array<std::uint8_t, 16> pseudonym_key_{};
  std::array<std::uint8_t, 8> check_{};
};

}  // namespace tallyd
