#pragma once

// Parts of a poll's document that more than one decoder reads: titles, option lists, ballots,
// selection.
//
// Included by wire_json_*.cc only. Each adds what it finds wrong to `errors` and leaves the rest at
// its default. Any thread.

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "net/wire_json_document.h"
#include "storage/entries.h"

namespace tallyd {

inline constexpr std::size_t kLanguagesMax = 20;

template <typename Enum, std::size_t kCount>
using NameTable = std::array<std::pair<std::string_view, Enum>, kCount>;

inline constexpr NameTable<Visibility, 3> kVisibilities = {{{"live", Visibility::kLive},
                                                            {"coarse", Visibility::kCoarse},
                                                            {"sealed", Visibility::kSealed}}};
inline constexpr NameTable<VisibleFrom, 3> kVisibleFroms = {{{"open", VisibleFrom::kOpen},
                                                             {"closed", VisibleFrom::kClosed},
                                                             {"final", VisibleFrom::kFinal}}};

inline constexpr NameTable<SelectionRule, 4> kSelectionRules = {
    {{"top", SelectionRule::kTop},
     {"greedy", SelectionRule::kGreedy},
     {"greedy-no-skip", SelectionRule::kGreedyNoSkip},
     {"greedy-threshold", SelectionRule::kGreedyThreshold}}};

inline constexpr NameTable<OptionFate, 3> kOptionFates = {{{"kept", OptionFate::kKept},
                                                           {"moved", OptionFate::kMoved},
                                                           {"released", OptionFate::kReleased}}};

// Appends "title":{...} to the canonical JSON text in `display`.
void ReadTitle(ObjectReader& reader, bool required, DocumentErrors& errors, std::string& display);
// Appends the member `name`, one text per language, as canonical JSON; nothing if it is absent.
void ReadTextsOf(ObjectReader& reader, std::string_view name, std::size_t characters_max,
                 DocumentErrors& errors, std::string& out);
// The member "cost"; 0 if it is absent.
std::int64_t ReadCost(ObjectReader& reader);
// The members of an option beside its id.
void ReadOptionMembers(ObjectReader& reader, DocumentErrors& errors, OptionDefinition& option);
// The elements of the array `name`; nullptr if it is absent or faulty.
const boost::json::array* ReadArray(ObjectReader& reader, std::string_view name, bool required,
                                    std::size_t size_max);
// The member "options" of `reader`, whose place is `pointer`, appended to the poll's.
void ReadOptions(ObjectReader& reader, std::string_view pointer, QuestionIndex question,
                 DocumentErrors& errors, PollDefinition& definition);

// The member "ballot"; a survey's questions and their options besides.
void ReadBallot(const boost::json::value& value, DocumentErrors& errors,
                PollDefinition& definition);
void ReadBallotsPerVoter(ObjectReader& reader, std::string_view time_zone,
                         PollDefinition& definition);
// After the ballot: it bounds what one voter can give.
void ReadWeight(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition);
// visibility, visible_from, turnout, coarse.
void ReadVisibility(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition);
// What makes a burst of ballots.
void ReadFraud(ObjectReader& reader, DocumentErrors& errors, PollDefinition& definition);
void ReadSelection(const boost::json::value& value, DocumentErrors& errors,
                   PollDefinition& definition);

}  // namespace tallyd
