#include "net/past_ranking.h"

#include <utility>

#include "engine/poll_history.h"
#include "net/concat.h"
#include "net/wire_json_ranking.h"
#include "net/wire_text.h"

namespace tallyd {

HttpResponse MakePastRanking(const PastRankingAsk& ask) {
  const ExportAsk& base = ask.base;
  const auto newest = AwaitCurrent(base);
  if (newest == nullptr) return base.Refuse(ProblemCode::kDraining);
  if (auto refused = RefuseWithheld(base, *newest->view)) return *std::move(refused);
  const auto cursor = base.engine->ReadJournal(base.engine->first_position());
  if (!cursor.ok()) return base.Refuse(cursor.status());
  PollFold fold({.poll = base.poll,
                 .through_seq = ask.as_of_seq.value_or(kSeqMax),
                 .without_batch = ask.without_batch});
  const absl::Status folded = FoldThrough(cursor->get(), newest->position, base.history_bytes_max,
                                          &fold, [&] { return base.thread->keep_on(); });
  if (!folded.ok()) return base.Refuse(folded);
  if (ask.as_of_seq && !fold.reached()) {
    return base.Refuse(ProblemCode::kParameterInvalid, "as_of_seq lies ahead of the poll");
  }
  if (!ask.without_batch.empty() && !fold.batch_seen()) {
    return base.Refuse(ProblemCode::kBatchNotFound);
  }
  if (fold.batch_has_cards()) {
    return base.Refuse(ProblemCode::kNotSupported,
                       "the cards of this batch are ballots, which took the place of others");
  }
  const auto snapshot = fold.MakeSnapshot(base.engine->epoch());
  HttpResponse response;
  std::string version;
  AppendVersionTag(snapshot->epoch, snapshot->position, version);
  response.headers.emplace_back("Tallyd-Through", std::move(version));
  response.headers.emplace_back("Cache-Control", "private, no-store");
  response.body = *RankingCache::Render(*snapshot, ask.format, kAllRanks);
  switch (ask.format) {
    case RankingFormat::kCsv:
      response.content_type = "text/csv; charset=utf-8; header=present";
      return response;
    case RankingFormat::kNdjson:
      response.content_type = "application/x-ndjson";
      return response;
    case RankingFormat::kJson:
    case RankingFormat::kLive:
      break;
  }
  response.content_type = "application/json";
  // What sets it apart from the version of the same name.
  response.body.resize(response.body.rfind('}'));
  if (ask.as_of_seq) AppendTo(&response.body, ",\"as_of_seq\":", *ask.as_of_seq);
  if (!ask.without_batch.empty()) {
    AppendTo(&response.body, ",\"without_batch\":\"", ask.without_batch, "\"");
  }
  response.body += "}\n";
  return response;
}

}  // namespace tallyd
