#pragma once

// Logged ballots as lines of NDJSON, rows of CSV and rows of a PabuLib file.
//
// NDJSON has one line a ballot version. CSV has one row for each option a ballot names, with what
// it was given (choose: 1, rank: its place from 1), and one row with empty cells where it names
// none. Appends; any thread.

#include <string>
#include <string_view>

#include "engine/ballot_log.h"
#include "engine/poll_view.h"
#include "net/wire_csv.h"

namespace tallyd {

// 26 characters; begins with a letter or digit, so that it is never a formula.
void AppendPseudonym(const VoterTag& pseudonym, std::string& out);

void AppendBallotLine(const PollView& poll, Position commit, const LoggedBallot& ballot,
                      std::string& out);
void AppendBallotCsvHeader(const PollView& poll, CsvDialect dialect, std::string& out);
void AppendBallotCsvRows(const PollView& poll, Position commit, const LoggedBallot& ballot,
                         CsvDialect dialect, std::string& out);

}  // namespace tallyd
