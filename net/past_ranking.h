#pragma once

// The ranking as it was (?as_of_seq=N) and as it would be (?without_batch=ID), counted again from
// the journal. For analysts, on the analysis thread.

#include <optional>
#include <string>

#include "net/export_pages.h"
#include "net/ranking_cache.h"

namespace tallyd {

struct PastRankingAsk {
  ExportAsk base;
  RankingFormat format = RankingFormat::kJson;
  std::optional<Seq> as_of_seq;
  std::string without_batch;
};

HttpResponse MakePastRanking(const PastRankingAsk& ask);

}  // namespace tallyd
