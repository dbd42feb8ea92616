// Whatever table a clerk uploads is refused line by line, or is a batch within the poll's own
// options and boxes.

#include <string>
#include <string_view>

#include "net/wire_csv_paper.h"
#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/net/poll_view_fixture.h"

namespace tallyd {
namespace {

const PollView& Choose() {
  static const PollView poll = MakePollView({.type = BallotType::kChoose, .max = 2},
                                            {"open-air-kino", "stadtlauf"}, {"rathaus", "bad"});
  return poll;
}

const PollView& Survey() {
  static const PollView poll = [] {
    PollView view = MakeSurveyView(
        {{.type = BallotType::kChoose, .max = 2}, {.type = BallotType::kRank, .min = 1, .max = 3}});
    view.definition.boxes.push_back({.id = "rathaus", .display = "{}"});
    view.IndexIds();
    return view;
  }();
  return poll;
}

void CheckFirst(std::string_view body, const PollView& poll) {
  std::vector<BodyError> errors;
  const auto batch = DecodePaperCsv(body, poll, "b-1", errors);
  TALLYD_CHECK(batch.has_value() == errors.empty());
  for (const BodyError& error : errors) TALLYD_CHECK(!error.detail.empty());
  if (batch) TALLYD_CHECK(batch->box >= 1 && batch->box <= poll.definition.boxes.size());
}

void CheckSecond(std::string_view body, const PollView& poll) {
  std::vector<BodyError> errors;
  TALLYD_CHECK(DecodeSecondCsv(body, poll, errors).has_value() == errors.empty());
}

}  // namespace

// The first byte chooses the poll and the entry, so that one input is looked at once.
std::vector<std::string> FuzzSeeds() {
  const std::string bodies[] = {
      "box;rathaus\nseal;0412\ncards;131\ninvalid;4\noption;count\nopen-air-kino;77\nstadtlauf;"
      "50\n",
      "\xef\xbb\xbfUrne;rathaus\r\nSiegel;\"04;12\"\r\nKarten;131\r\nung\xc3\xbcltig;4\r\n"
      "Idee;Stimmen\r\nopen-air-kino;77\r\n",
      "Urne,bad\nKarten,3\nung\xfcltig,0\nge\xf6"
      "ffnet,2026-06-03T12:00:00Z\nIdee,Stimmen\n",
      "box\trathaus\ncards\t9\nquestion\toption\tcount\nq1\ta\t3\nq2\tb\t2\n",
      "box;bad\ncards;3\noption;count\nstadtlauf;3\n",  // its last box
      "box;rathaus\ncards;0\nquestion;option;count\n",
      "option;cards;score\na;1;-1\n"};
  std::vector<std::string> seeds;
  for (const char choice : {0, 1, 2, 3}) {
    for (const std::string& body : bodies) seeds.push_back(choice + body);
  }
  return seeds;
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const PollView& poll = data[0] & 1 ? Survey() : Choose();
  data[0] & 2 ? CheckSecond(body, poll) : CheckFirst(body, poll);
  return 0;
}
