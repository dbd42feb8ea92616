#pragma once

// Whether the figures of a paper batch can be true: what a box full of ballots of that kind may add
// up to.
//
// Single choice must add up exactly: one mark on every card that is neither invalid nor blank.
// Where a card may name several options there is a least and a most. Pure; any thread.

#include <optional>
#include <string>

#include "storage/entries.h"

namespace tallyd {

struct PaperFault {
  std::optional<OptionIndex> option;  // whose count; nullopt: the figures together
  std::string text;                   // names both numbers
};

// Of a survey each question's counts must be possible; a card that is neither invalid nor blank
// answers at least one question, and each that asks for an answer.
std::optional<PaperFault> CheckPaperFigures(const PollDefinition& poll,
                                            const PaperFigures& figures);

}  // namespace tallyd
