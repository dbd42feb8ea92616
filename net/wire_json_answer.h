#pragma once

// The JSON of answers to votes, receipts, batches and operations. Appends to `out`; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/poll_view.h"
#include "net/problem_catalog.h"

namespace tallyd {

struct VoteAnswer {
  std::string_view word;     // counted, duplicate, replaced, withdrawn
  std::string_view poll;     // an id: needs no escaping
  Seq seq = 0;               // 0 = not told
  std::string_view receipt;  // "" = none
  Seq replaces = 0;          // 0 = none
  bool in_force = true;
};

void AppendVoteAnswer(const VoteAnswer& answer, std::string& out);
// The seq as far as it may be told: 0 where the poll hides its turnout.
Seq ShownSeq(const PollView& poll, Seq seq);
// GET votes/me: the ballot itself.
void AppendOwnBallot(const PollView& poll, const Outcome& found, std::string_view receipt,
                     std::string& out);
void AppendReceiptAnswer(std::string_view receipt, std::string_view word, std::string_view poll,
                         Seq seq, std::string& out);  // seq 0: not told

// One line of a batch in the answer.
struct BatchItem {
  std::uint32_t line = 0;
  int status = 0;
  std::string_view code;  // the problem; "" for an accepted line
  bool retryable = false;
  std::string_view result;  // counted, duplicate, replaced; "" for a refused line
  Seq seq = 0;
  std::string ref;
};

struct BatchTotals {
  std::uint64_t counted = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t replaced = 0;
  std::uint64_t rejected = 0;
  Seq last_seq = 0;  // 0 with seqs_hidden
  bool seqs_hidden = false;
  bool truncated = false;
};

void AppendBatchAnswer(const BatchTotals& totals, const std::vector<BatchItem>& items,
                       std::string& out);

void AppendBackupReport(const BackupReport& report, std::string& out);
// Without the number of ballots where a poll hides its turnout.
void AppendVerifyReport(const Engine::VerifyReport& report, const PollDirectory& polls,
                        std::string& out);
void AppendProblemExplanation(const Problem& problem, bool german, std::string& out);
void AppendVersion(std::string_view version, std::string& out);

}  // namespace tallyd
