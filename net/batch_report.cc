#include "net/batch_report.h"

#include <algorithm>
#include <utility>

namespace tallyd {
namespace {

bool LowerLine(const BatchItem& a, const BatchItem& b) {
  return a.line < b.line;
}

}  // namespace

void BatchReport::KeepRef(std::uint32_t line, std::string_view ref) {
  if (!ref.empty() && results_ != Results::kNone) refs_.emplace(line, ref);
}

std::string BatchReport::TakeRef(std::uint32_t line) {
  const auto found = refs_.find(line);
  if (found == refs_.end()) return {};
  std::string ref = std::move(found->second);
  refs_.erase(found);
  return ref;
}

void BatchReport::Refuse(std::uint32_t line, ProblemCode code) {
  ++totals_.rejected;
  const Problem& problem = Describe(code);
  AddItem({.line = line,
           .status = problem.status,
           .code = problem.name,
           .retryable = problem.retryable,
           .result = {},
           .seq = 0,
           .ref = TakeRef(line)});
}

void BatchReport::Record(std::uint32_t line, const Outcome& outcome) {
  const HttpMapping mapping = MapOutcome(outcome.code, outcome.ballot_error);
  if (mapping.problem) {
    Refuse(line, *mapping.problem);
    return;
  }
  const Seq seq = totals_.seqs_hidden ? 0 : outcome.seq;
  totals_.last_seq = std::max(totals_.last_seq, seq);
  if (outcome.code == OutcomeCode::kCounted) ++totals_.counted;
  if (outcome.code == OutcomeCode::kDuplicate) ++totals_.duplicate;
  if (outcome.code == OutcomeCode::kReplaced) ++totals_.replaced;
  std::string ref = TakeRef(line);
  if (results_ != Results::kAll) return;
  AddItem({.line = line,
           .status = mapping.status,
           .code = {},
           .retryable = false,
           .result = mapping.word,
           .seq = seq,
           .ref = std::move(ref)});
}

void BatchReport::AddItem(BatchItem item) {
  if (results_ == Results::kNone) return;
  items_.push_back(std::move(item));
  std::push_heap(items_.begin(), items_.end(), LowerLine);
  if (items_.size() <= kItemsMax) return;
  std::pop_heap(items_.begin(), items_.end(), LowerLine);
  items_.pop_back();
  totals_.truncated = true;
}

std::string BatchReport::Finish() {
  std::sort_heap(items_.begin(), items_.end(), LowerLine);
  std::string body;
  AppendBatchAnswer(totals_, items_, body);
  return body;
}

}  // namespace tallyd
