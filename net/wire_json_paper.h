#pragma once

// Paper batches: from request bodies and into answers.
//
// Decoders resolve box and options to the numbers of `poll`, which must have opened (then they
// stay); they return the value or add every fault they find (at most
// DocumentErrors::kErrorsMax) to `errors`. An option counted as 0 is an option left out. A batch
// whose figures cannot be true is refused as sum_mismatch; a second entry is only read, since it is
// compared with figures that add up. A batch without counts is one whose cards are entered one by
// one. The counts of a survey are by question. Encoders append. Any thread.
//
// In a blind poll the second person must not see what the first entered: until a batch counts or is
// taken back, only who entered it is shown its figures (HidesFigures).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command.h"
#include "engine/paper_ledger.h"
#include "engine/poll_view.h"
#include "net/problem_response.h"

namespace tallyd {

std::optional<PaperBatch> DecodePaperBatch(std::string_view body, const PollView& poll,
                                           std::string_view batch_id,
                                           std::vector<BodyError>& errors);
std::optional<ConfirmPaperBatch::SecondEntry> DecodeSecondEntry(std::string_view body,
                                                                const PollView& poll,
                                                                std::vector<BodyError>& errors);
// The reason of a void.
std::optional<std::string> DecodeVoid(std::string_view body, std::vector<BodyError>& errors);

// The cells in which the two entries of a batch differ, the first kErrorsMax of them.
std::vector<BodyError> CompareEntries(const PollView& poll, const PaperRecord& entered,
                                      const ConfirmPaperBatch::SecondEntry& second);

// Whether the figures of the batch are kept from this actor for now.
bool HidesFigures(const PollView& poll, const PaperRecord& record, std::string_view reader);
void AppendPaperBatch(const PollView& poll, const PaperRecord& record, std::string_view reader,
                      std::string& out);
// Who reads a page, and the cursor of the next one; empty: this is the last.
struct PaperReader {
  std::string_view actor;
  std::string_view next;
};
// {"batches":[...],"next":...} without the counts.
void AppendPaperPage(const PollView& poll, const PaperPage& page, const PaperReader& reader,
                     std::string& out);

}  // namespace tallyd
