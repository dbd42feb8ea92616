// What JSON costs on an io thread: one vote body in, one ranking out. No sockets, no engine.

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "net/wire_json_ranking.h"
#include "net/wire_json_vote.h"
#include "storage/check.h"
#include "tests/net/poll_view_fixture.h"

namespace tallyd {
namespace {

std::vector<std::string> OptionIds(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back("neighbourhood-option-" + std::to_string(1000 + i));
  return ids;
}

// 116 bytes: a voter and three of a hundred options.
void BM_DecodeVote(benchmark::State& state) {
  const PollView poll =
      MakePollView({.type = BallotType::kChoose, .min = 1, .max = 3}, OptionIds(100));
  const std::string body = R"({"voter":"f:100123","choices":["neighbourhood-option-1017",)"
                           R"("neighbourhood-option-1003","neighbourhood-option-1099"]})";
  TALLYD_CHECK(body.size() == 116);
  VoteDecoder decoder;
  DecodedVote vote;
  BodyError error;
  for (auto _ : state) {
    TALLYD_CHECK(decoder.Decode(body, poll, VoteDecoder::Form::kSingle, vote, error));
    benchmark::DoNotOptimize(vote.ballot);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(BM_DecodeVote);

void BM_RenderRanking(benchmark::State& state) {
  const auto options = static_cast<OptionIndex>(state.range(0));
  RankingSnapshot snapshot;
  snapshot.poll = 1;
  snapshot.epoch = 3;
  snapshot.position = 18'234;
  snapshot.as_of = 1'780'488'000'250'000;
  std::vector<OptionIndex> order(options);
  std::iota(order.begin(), order.end(), OptionIndex{0});
  snapshot.order = SharedOrder(order);
  snapshot.rows = SharedRows::Make(options, [](OptionIndex i) {
    return RankedOption{
        .score = 100'000 - i, .ballots = 100'000 - i, .online = 90'000 - i, .paper = 10'000};
  });
  snapshot.view =
      std::make_shared<PollView>(MakePollView({}, OptionIds(static_cast<int>(options))));
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendRankingJson(snapshot, kAllRanks, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(BM_RenderRanking)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace tallyd
