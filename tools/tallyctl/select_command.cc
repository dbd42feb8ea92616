#include "tools/tallyctl/select_command.h"

#include <iostream>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "storage/rocks_journal.h"
#include "tools/data_directory_exit.h"
#include "tools/recount/journal_recount.h"
#include "tools/selection/equal_shares.h"
#include "tools/tallyctl/stop_on_storage_error.h"

namespace tallyd {
namespace {

namespace json = boost::json;

absl::Status ReadAll(const DataDirectory& data, JournalRecount* recount) {
  auto journal = OpenRocksJournal(
      {.directory = data.journal_path(), .on_background_error = StopOnStorageError});
  if (!journal.ok()) return journal.status();
  if ((*journal)->last() == 0) return absl::OkStatus();
  auto cursor = (*journal)->Read((*journal)->first());
  if (!cursor.ok()) return cursor.status();
  for (;;) {
    const auto record = (*cursor)->Next();
    if (!record.ok()) return record.status();
    if (record->empty()) return absl::OkStatus();
    absl::Status added = recount->Add(*record);
    if (!added.ok()) return added;
  }
}

// Options that were withdrawn cannot be selected.
std::vector<EqualSharesOption> OptionsOf(const PollBallots& poll) {
  std::vector<EqualSharesOption> options;
  for (const OptionDefinition& option : poll.definition.options) {
    options.push_back({.id = option.id, .cost = option.cost, .supporters = {}});
  }
  for (std::uint32_t ballot = 0; ballot < poll.named.size(); ++ballot) {
    for (const OptionIndex option : poll.named[ballot]) {
      if (!poll.definition.options[option].withdrawn) options[option].supporters.push_back(ballot);
    }
  }
  return options;
}

void Print(const ControlOptions& options, const SelectOptions& select,
           const std::vector<EqualSharesOption>& candidates, const EqualSharesResult& result) {
  if (options.json) {
    json::array selected;
    for (const EqualSharesResult::Bought& bought : result.bought) {
      const EqualSharesOption& option = candidates[bought.option];
      selected.push_back(json::object{{"option", option.id},
                                      {"cost", option.cost},
                                      {"supporters", bought.supporters},
                                      {"paying", bought.paying},
                                      {"price", bought.price}});
    }
    std::cout << json::serialize(json::object{{"poll", select.poll},
                                              {"rule", "equal-shares"},
                                              {"completion", select.add1 ? "add1" : "none"},
                                              {"budget", select.budget},
                                              {"share", result.share},
                                              {"spent", result.spent},
                                              {"tie_rule", "option_id"},
                                              {"selected", std::move(selected)}})
              << "\n";
    return;
  }
  std::cout << select.poll << ": each ballot has " << result.share << "\n";
  for (const EqualSharesResult::Bought& bought : result.bought) {
    const EqualSharesOption& option = candidates[bought.option];
    std::cout << "  " << option.id << "  costs " << option.cost << ", named by "
              << bought.supporters << ", paid by " << bought.paying << " with " << bought.price
              << " at most\n";
  }
  std::cout << result.bought.size() << " selected, " << result.spent << " of " << select.budget
            << " spent\n";
}

}  // namespace

ExitCode SelectFromDirectory(const ControlOptions& options, const DataDirectoryOptions& directory,
                             const SelectOptions& select) {
  const auto data = DataDirectory::Open(directory);
  if (!data.ok()) return Fail(data.status(), ExitCodeOfOpen(data.status()));
  JournalRecount recount;
  const absl::Status read = ReadAll(**data, &recount);
  if (!read.ok()) return Fail(read, ExitCodeOfOpen(read));
  const auto poll = recount.BallotsOf(select.poll);
  if (!poll.ok()) return Fail(poll.status(), kExitBadData);
  if (poll->definition.ballot.type != BallotType::kChoose) {
    return Fail("equal shares needs a poll with ballots of the type choose", kExitBadData);
  }
  const std::vector<EqualSharesOption> candidates = OptionsOf(*poll);
  const auto result =
      SelectEqualShares(candidates, static_cast<std::int64_t>(poll->named.size()), select.budget,
                        select.add1 ? EqualSharesCompletion::kAdd1 : EqualSharesCompletion::kNone);
  if (!result.ok()) return Fail(result.status(), kExitBadData);
  Print(options, select, candidates, *result);
  return kExitOk;
}

}  // namespace tallyd
