#pragma once

// Cards with codes, the sums of boxes, and rolls: from request bodies and into answers.
//
// Decoders add every fault they find (at most DocumentErrors::kErrorsMax) to `errors`, each with
// the line it is in: "/2/choices" is the member of the third line. Any thread; the decoder belongs
// to one.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command.h"
#include "engine/paper_ledger.h"
#include "engine/poll_view.h"
#include "net/problem_response.h"
#include "net/wire_json_vote.h"

namespace tallyd {

// NDJSON, a line for each card: {"card":"K7QX-3M9P-2TRV","choices":["a"]}. Empty lines are skipped.
// `poll` has its voter key.
std::optional<std::vector<PaperCard>> DecodePaperCards(std::string_view body, const PollView& poll,
                                                       VoteDecoder& decoder,
                                                       std::vector<BodyError>& errors);

// ,"card_lines":{...}: how many cards have which outcome, and the lines that do not count, the
// first 1,000 of them.
void AppendCardOutcomes(const PaperRecord& record, std::string& out);

// What was handed out, counted and entered, box by box.
void AppendReconciliation(const PollView& poll, const std::vector<PaperBoxSummary>& boxes,
                          std::string& out);

// {"count":100,"batch":"letters-1"} or {"codes":["..."],"batch":"..."}.
struct CodesOrder {
  std::string batch;  // "" = none named
  std::size_t count = 0;
  std::vector<std::string> codes;  // given by the caller; else `count` are made
};
std::optional<CodesOrder> DecodeCodesOrder(std::string_view body, std::vector<BodyError>& errors);
// With `codes` the answer shows them, once.
void AppendCodes(std::string_view poll, std::string_view batch, std::size_t count,
                 const std::vector<std::string>& codes, std::string& out);

}  // namespace tallyd
