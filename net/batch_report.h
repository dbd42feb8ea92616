#pragma once

// What became of the lines of a batch, as it is told to the client.
//
// Outcomes come in any order; kept are the sums and the items with the lowest line numbers, at most
// kItemsMax. One thread.

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "net/problem_catalog.h"
#include "net/status_to_http.h"
#include "net/wire_json_answer.h"

namespace tallyd {

class BatchReport {
 public:
  static constexpr std::size_t kItemsMax = 1'000;
  enum class Results : std::uint8_t { kErrors, kAll, kNone };

  BatchReport(Results results, bool seqs_hidden) : results_(results) {
    totals_.seqs_hidden = seqs_hidden;
  }

  // The client's name for a line whose outcome comes later.
  void KeepRef(std::uint32_t line, std::string_view ref);
  void Refuse(std::uint32_t line, ProblemCode code);
  void Record(std::uint32_t line, const Outcome& outcome);

  // The answer's body; the report is used up.
  std::string Finish();

 private:
  void AddItem(BatchItem item);
  std::string TakeRef(std::uint32_t line);

  const Results results_;
  BatchTotals totals_;
  std::vector<BatchItem> items_;  // a heap, the highest line on top
  absl::flat_hash_map<std::uint32_t, std::string> refs_;
};

}  // namespace tallyd
