#pragma once

// The entries of flagged ballots as bytes (docs/data_formats.md, kinds 25 to 28), and the rules of
// a poll's definition. Decoding trusts nothing.

#include "storage/byte_codec.h"
#include "storage/fraud_entries.h"

namespace tallyd {

void EncodeFraud(const FraudDefinition& fraud, ByteWriter* writer);
void DecodeFraud(ByteReader* reader, FraudDefinition* fraud);

bool DecodeFlagOpened(ByteReader* reader, FlagOpenedEntry* entry);
bool DecodeFlagJoined(ByteReader* reader, FlagJoinedEntry* entry);
bool DecodeFlagDecision(ByteReader* reader, FlagDecisionEntry* entry);
bool DecodeHeldBallot(ByteReader* reader, HeldBallotEntry* entry);

}  // namespace tallyd
