#pragma once

// A paper batch as a table, as a spreadsheet saves it.
//
//   box;rathaus                 Urne;rathaus
//   seal;0412                   Siegel;0412
//   cards;131                   Karten;131
//   invalid;4                   ungültig;4
//   option;count                Idee;Stimmen         <- from here on one option a line
//   open-air-kino;77            open-air-kino;77
//   stadtlauf;50                stadtlauf;50
//
// The words are English or German, in any case; `opened_at` (geöffnet), `counted_by` (gezählt von,
// once for each person) and `blank` (leer) may be given too. Where ballots have scores the options
// have three columns: option, cards that name it, their score. A survey's lines begin with the
// question, below "question" (Frage): question, option, cards, perhaps score. Separated by
// semicolon, comma or tab (whichever comes first), quoted as Excel does, UTF-8 with or without a
// byte order mark, or Windows-1252, as Excel saves CSV in Germany. Empty lines and lines of empty
// cells are skipped.
//
// Each fault names its line: pointer "/7", detail "line 7: ...". Callable on any bytes; any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command.h"
#include "engine/poll_view.h"
#include "net/problem_response.h"
#include "storage/paper_entries.h"

namespace tallyd {

std::optional<PaperBatch> DecodePaperCsv(std::string_view body, const PollView& poll,
                                         std::string_view batch_id, std::vector<BodyError>& errors);
// The same table as a second entry, which is compared and need not add up.
std::optional<ConfirmPaperBatch::SecondEntry> DecodeSecondCsv(std::string_view body,
                                                              const PollView& poll,
                                                              std::vector<BodyError>& errors);

}  // namespace tallyd
