#pragma once

// The entries of quotas as bytes (docs/data_formats.md, kinds 18 and 19). Decoding trusts nothing.

#include "storage/byte_codec.h"
#include "storage/quota_entries.h"

namespace tallyd {

bool DecodeProjectQuota(ByteReader* reader, ProjectQuotaEntry* entry);
bool DecodeQuotaUse(ByteReader* reader, QuotaUseEntry* entry);

}  // namespace tallyd
