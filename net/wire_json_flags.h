#pragma once

// Rules about bursts, groups of flagged ballots and decisions about them: from request bodies and
// into answers.
//
// How a group's ballots fall on the options is shown as sums over at least kFlagFiguresMin ballots,
// and not at all while the poll keeps such figures to itself (engine/visibility.h). Who is in a
// group is never shown. Decoders return the value or add every fault they find to `errors`. Any
// thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command.h"
#include "engine/flag_book.h"
#include "engine/poll_view.h"
#include "net/problem_response.h"

namespace tallyd {

inline constexpr std::uint64_t kFlagFiguresMin = 10;

// Without group and actor.
std::optional<DecideFlags> DecodeFlagDecision(std::string_view body,
                                              std::vector<BodyError>& errors);

// "network_burst", "quarantined"
std::string_view FlagRuleName(FlagRule rule);
std::string_view FlagStateName(FlagState state);
// {"network_burst":{"ballots":200,"window_s":60}}
void AppendFraud(const FraudDefinition& fraud, std::string& out);

void AppendFlagGroup(const PollView& poll, const FlagGroupView& view, Epoch epoch,
                     std::string& out);
// {"groups":[...],"next":...}; `next` empty: the last page.
void AppendFlagPage(const FlagPage& page, Epoch epoch, std::string_view next, std::string& out);

}  // namespace tallyd
