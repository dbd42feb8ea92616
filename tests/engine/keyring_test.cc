#include "engine/keyring.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/engine/counting_key.h"

namespace tallyd {
namespace {

const RootKey kOld = CountingKey(0);
const RootKey kNew = CountingKey(100);

Keyring RingOf(const RootKey& newest, std::optional<RootKey> previous = std::nullopt) {
  return Keyring({.newest = newest, .previous = previous});
}

VoterKey SomeKey() {
  return VoterKey::Derive(kOld, "p", {});
}

PollEntry CreatedUnder(const RootKey& root) {
  PollEntry entry;
  entry.definition.id = "p";
  entry.key_check = VoterKey::Derive(root, "p", entry.key_salt).Check();
  return entry;
}

TEST(KeyringTest, AKeyIsItsMaterial) {
  const VoterKey again = VoterKey::FromMaterial(SomeKey().ToMaterial());
  EXPECT_EQ(again, SomeKey());
  EXPECT_EQ(again.Check(), SomeKey().Check());
  EXPECT_EQ(again.MakeTag("v"), SomeKey().MakeTag("v"));
  EXPECT_EQ(again.MakePseudonym(again.MakeTag("v")), SomeKey().MakePseudonym(again.MakeTag("v")));
  EXPECT_NE(VoterKey::Draw(), VoterKey::Draw());
}

TEST(KeyringTest, ASealIsOpenedByItsRootOnly) {
  const KeySealedEntry poll = SealPollKey(kNew, 7, "p", SomeKey());
  const KeySealedEntry project = SealProjectKey(kNew, "town", SomeKey());
  const KeySealedEntry receipts = SealReceiptKey(kNew, DeriveReceiptKey(kOld));
  EXPECT_EQ(poll.of_poll, 7u);
  EXPECT_EQ(project.of_project, "town");
  for (const Keyring& ring : {RingOf(kNew), RingOf(kNew, kOld), RingOf(kOld, kNew)}) {
    EXPECT_EQ(ring.OpenVoterKey(poll, "p"), SomeKey());
    EXPECT_EQ(ring.OpenVoterKey(project, "town"), SomeKey());
    EXPECT_EQ(ring.OpenReceiptKey(receipts), DeriveReceiptKey(kOld));
  }
  for (const Keyring& ring : {RingOf(kOld), Keyring()}) {
    EXPECT_EQ(ring.OpenVoterKey(poll, "p"), std::nullopt);
    EXPECT_EQ(ring.OpenVoterKey(project, "town"), std::nullopt);
    EXPECT_EQ(ring.OpenReceiptKey(receipts), std::nullopt);
  }
  EXPECT_NE(SealPollKey(kNew, 7, "p", SomeKey()).sealed, poll.sealed) << "the nonce is random";
}

TEST(KeyringTest, NoSealStandsInForAnother) {
  const Keyring ring = RingOf(kNew);
  const KeySealedEntry seal = SealPollKey(kNew, 7, "p", SomeKey());
  EXPECT_EQ(ring.OpenVoterKey(seal, "q"), std::nullopt) << "of another poll";
  KeySealedEntry changed = seal;
  changed.owner = KeyOwner::kProject;
  EXPECT_EQ(ring.OpenVoterKey(changed, "p"), std::nullopt) << "of a project of that name";
  for (std::size_t i = 0; i < seal.sealed.size(); ++i) {
    changed = seal;
    changed.sealed[i] ^= 1;
    EXPECT_EQ(ring.OpenVoterKey(changed, "p"), std::nullopt) << i;
  }
  changed = seal;
  changed.nonce[0] ^= 1;
  EXPECT_EQ(ring.OpenVoterKey(changed, "p"), std::nullopt);
  changed = seal;
  changed.sealed.pop_back();
  EXPECT_EQ(ring.OpenVoterKey(changed, "p"), std::nullopt);
}

// Until it is sealed, a poll's key comes from the root of its creation, which its check tells; what
// has no check comes from the root that was there before the rotation.
TEST(KeyringTest, InTheMiddleOfARotationBothRootsAreAsked) {
  const Keyring both = RingOf(kNew, kOld);
  EXPECT_EQ(both.newest(), kNew);
  EXPECT_EQ(both.DerivePollKey(CreatedUnder(kOld)), VoterKey::Derive(kOld, "p", {}));
  EXPECT_EQ(both.DerivePollKey(CreatedUnder(kNew)), VoterKey::Derive(kNew, "p", {}));
  EXPECT_EQ(RingOf(kNew).DerivePollKey(CreatedUnder(kOld)), std::nullopt);
  EXPECT_EQ(both.DeriveProjectKey("town"), VoterKey::DeriveForProject(kOld, "town"));
  EXPECT_EQ(both.DeriveReceiptKey(), DeriveReceiptKey(kOld));
  EXPECT_EQ(RingOf(kNew).DeriveProjectKey("town"), VoterKey::DeriveForProject(kNew, "town"));
  EXPECT_TRUE(Keyring().empty());
  EXPECT_EQ(Keyring().DerivePollKey(CreatedUnder(kOld)), std::nullopt);
  EXPECT_EQ(Keyring().DeriveProjectKey("town"), std::nullopt);
  EXPECT_EQ(Keyring().DeriveReceiptKey(), std::nullopt);
}

}  // namespace
}  // namespace tallyd
