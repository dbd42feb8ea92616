#include "net/wire_history.h"

#include "net/concat.h"
#include "net/problem_response.h"
#include "net/wire_json_poll.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

void AppendChanged(const HistoryStep& step, PollFold& fold, QuestionIndex question,
                   std::string& out) {
  out += "\"options\":{";
  bool first = true;
  for (const OptionIndex index : step.changed) {
    const OptionDefinition& option = fold.definition().options[index];
    if (option.question != question) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(option.id, out);
    const OptionTally& tally = fold.tally().options()[index];
    AppendTo(&out, ":{\"score\":", tally.score(), ",\"ballots\":", tally.ballots,
             ",\"online\":", tally.online, ",\"paper\":", tally.paper, "}");
  }
  out += '}';
}

}  // namespace

void AppendHistoryLine(Epoch epoch, const HistoryStep& step, std::int64_t step_us, PollFold& fold,
                       std::string& out) {
  const PollTotals& totals = fold.tally().totals();
  AppendTo(&out, "{\"at\":\"", FormatTime((step.number + 1) * step_us),
           "\",\"over\":", step.over ? "true" : "false", ",\"version\":\"");
  AppendVersionTag(epoch, step.position, out);
  AppendTo(&out, "\",\"state\":\"", PollStateName(fold.state()),
           "\",\"totals\":{\"ballots\":", totals.ballots(), ",\"online\":", totals.online,
           ",\"paper\":", totals.paper, ",\"blank\":", totals.blank,
           ",\"invalid\":", totals.invalid);
  if (totals.decisions != 0) {
    AppendTo(&out, ",\"quarantined\":", totals.quarantined, ",\"voided\":", totals.voided);
  }
  out += "},";
  const auto& questions = fold.definition().questions;
  if (questions.empty()) {
    AppendChanged(step, fold, 0, out);
  } else {
    out += "\"questions\":{";
    for (QuestionIndex i = 0; i < questions.size(); ++i) {
      if (i != 0) out += ',';
      AppendJsonString(questions[i].id, out);
      out += ":{";
      AppendChanged(step, fold, i, out);
      out += '}';
    }
    out += '}';
  }
  out += "}\n";
}

}  // namespace tallyd
