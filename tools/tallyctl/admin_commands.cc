#include "tools/tallyctl/admin_commands.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "engine/engine.h"
#include "engine/tally_book.h"
#include "storage/rocks_journal.h"
#include "storage/tally_checkpoint.h"
#include "storage/watermark.h"
#include "tools/data_directory_exit.h"
#include "tools/recount/journal_recount.h"
#include "tools/tallyctl/audit_commands.h"
#include "tools/tallyctl/stop_on_storage_error.h"

namespace tallyd {
namespace {

namespace json = boost::json;

json::object ToJson(const CountedPoll& poll) {
  json::object options;
  for (const CountedOption& option : poll.options) {
    options[option.id] = json::object{{"score", option.score()},
                                      {"ballots", option.ballots},
                                      {"online", option.online},
                                      {"paper", option.paper}};
  }
  return {{"poll", poll.poll},
          {"totals", json::object{{"ballots", poll.ballots()},
                                  {"online", poll.online},
                                  {"paper", poll.paper},
                                  {"blank", poll.blank},
                                  {"quarantined", poll.quarantined},
                                  {"voided", poll.voided}}},
          {"options", std::move(options)}};
}

// The saved tally of one poll against its recount; what differs, for people.
void CompareTally(const CountedPoll& counted, const PollTally& saved,
                  std::vector<std::string>& differences) {
  const auto compare = [&](const std::string& what, std::int64_t recount, std::int64_t tally) {
    if (recount == tally) return;
    differences.push_back("poll " + counted.poll + ": " + what + ": recounted " +
                          std::to_string(recount) + ", saved " + std::to_string(tally));
  };
  compare("online ballots", counted.online, static_cast<std::int64_t>(saved.totals().online));
  compare("paper ballots", counted.paper, static_cast<std::int64_t>(saved.totals().paper));
  compare("quarantined ballots", counted.quarantined,
          static_cast<std::int64_t>(saved.totals().quarantined));
  compare("voided ballots", counted.voided, static_cast<std::int64_t>(saved.totals().voided));
  compare("blank ballots", counted.blank, static_cast<std::int64_t>(saved.totals().blank));
  for (std::size_t i = 0; i < counted.options.size(); ++i) {
    const CountedOption& option = counted.options[i];
    const OptionTally none;
    const OptionTally& tally = i < saved.options().size() ? saved.options()[i] : none;
    compare(option.id + " ballots", option.ballots, static_cast<std::int64_t>(tally.ballots));
    compare(option.id + " online", option.online, tally.online);
    compare(option.id + " paper", option.paper, tally.paper);
  }
}

// One stopped server's data under recount.
class DirectoryCheck {
 public:
  explicit DirectoryCheck(const DataDirectory& data) : data_(data) {}

  absl::Status Run() {
    auto journal = OpenRocksJournal(
        {.directory = data_.journal_path(), .on_background_error = StopOnStorageError});
    if (!journal.ok()) return journal.status();
    ReadSaved();
    absl::Status status = Walk(**journal);
    if (!status.ok()) return status;
    polls_ = recount_.Count();
    if (watermark_.has_value()) {
      Differ("the watermark names position " + std::to_string(watermark_->position) +
             ", the journal ends at " + std::to_string(recount_.position()));
    }
    if (checkpoint_.has_value()) {
      Differ("the saved tallies are of position " + std::to_string(checkpoint_->position) +
             ", the journal ends at " + std::to_string(recount_.position()));
    }
    for (const std::string& difference : recount_.differences()) Differ(difference);
    return absl::OkStatus();
  }

  const JournalRecount& recount() const { return recount_; }
  const std::vector<CountedPoll>& polls() const { return polls_; }
  const std::vector<std::string>& differences() const { return differences_; }
  const std::vector<std::string>& checked() const { return checked_; }

 private:
  void ReadSaved() {
    auto watermark = WatermarkFile::Open(data_.watermark_path());
    if (watermark.ok()) {
      watermark_ = (*watermark)->newest();
    } else {
      Differ("watermark " + data_.watermark_path() + ": " +
             std::string(watermark.status().message()));
    }
    auto checkpoint = ReadTallyCheckpoint(data_.checkpoint_path());
    if (checkpoint.ok()) {
      checkpoint_ = *std::move(checkpoint);
    } else if (!absl::IsNotFound(checkpoint.status())) {
      Differ("saved tallies " + data_.checkpoint_path() + ": " +
             std::string(checkpoint.status().message()));
    }
    // What speaks of position 0 is met before the first record.
    CompareHere();
  }

  absl::Status Walk(Journal& journal) {
    if (journal.last() == 0) return absl::OkStatus();
    auto cursor = journal.Read(journal.first());
    if (!cursor.ok()) return cursor.status();
    for (;;) {
      const auto record = (*cursor)->Next();
      if (!record.ok()) return record.status();
      if (record->empty()) return absl::OkStatus();
      absl::Status status = recount_.Add(*record);
      if (!status.ok()) return status;
      CompareHere();
    }
  }

  // Holds what was saved for this very position against the recount, and is done with it.
  void CompareHere() {
    if (watermark_.has_value() && watermark_->position == recount_.position()) {
      if (watermark_->hash != recount_.last_hash()) Differ("the watermark is of another history");
      checked_.push_back("watermark at " + std::to_string(watermark_->position));
      watermark_.reset();
    }
    if (!checkpoint_.has_value() || checkpoint_->position != recount_.position()) return;
    if (checkpoint_->hash != recount_.last_hash())
      Differ("the saved tallies are of another history");
    CompareCheckpoint();
    checked_.push_back("saved tallies at " + std::to_string(checkpoint_->position));
    checkpoint_.reset();
  }

  void CompareCheckpoint() {
    TallyBook saved;
    const absl::Status status = saved.Decode(checkpoint_->polls);
    if (!status.ok()) {
      Differ("saved tallies: " + std::string(status.message()));
      return;
    }
    for (const CountedPoll& counted : recount_.Count()) {
      if (saved.Contains(counted.number)) {
        CompareTally(counted, saved.tally(counted.number), differences_);
      } else {
        Differ("poll " + counted.poll + " is missing in the saved tallies");
      }
    }
  }

  void Differ(const std::string& what) { differences_.push_back(what); }

  const DataDirectory& data_;
  JournalRecount recount_;
  std::optional<Watermark> watermark_;
  std::optional<TallyCheckpoint> checkpoint_;
  std::vector<CountedPoll> polls_;
  std::vector<std::string> differences_;
  std::vector<std::string> checked_;
};

void PrintCheck(const ControlOptions& options, const DirectoryCheck& check) {
  for (const std::string& difference : check.differences()) {
    std::cerr << "tallyctl: " << difference << "\n";
  }
  const bool ok = check.differences().empty();
  if (options.json) {
    json::array polls;
    for (const CountedPoll& poll : check.polls()) polls.push_back(ToJson(poll));
    std::cout << json::serialize(json::object{
                     {"ok", ok},
                     {"epoch", check.recount().epoch()},
                     {"position", check.recount().position()},
                     {"checked", json::array(check.checked().begin(), check.checked().end())},
                     {"polls", std::move(polls)},
                     {"differences",
                      json::array(check.differences().begin(), check.differences().end())}})
              << "\n";
    return;
  }
  for (const CountedPoll& poll : check.polls()) {
    std::cout << poll.poll << ": " << poll.ballots() << " ballots (" << poll.online << " online, "
              << poll.paper << " paper, " << poll.blank << " blank)";
    if (poll.quarantined + poll.voided > 0) {
      std::cout << "; not counted: " << poll.quarantined << " in quarantine, " << poll.voided
                << " voided";
    }
    std::cout << "\n";
    for (const CountedOption& option : poll.options) {
      std::cout << "  " << option.id << "  " << option.score() << "  (" << option.ballots
                << " ballots; " << option.online << " online, " << option.paper << " paper)\n";
    }
  }
  std::cout << (ok ? "ok" : "DIFFERENT") << ": " << check.recount().position()
            << " records, chain unbroken";
  for (const std::string& checked : check.checked()) std::cout << ", " << checked;
  std::cout << "\n";
}

}  // namespace

ExitCode VerifyServer(const ControlOptions& options) {
  const auto answer = Call(options, MakeRequest(options, "POST", "/v1/admin/verify"));
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 200) return Fail("verify: " + DescribeProblem(*answer));
  const auto report = ParseJson(answer->body);
  const json::object* members = report.ok() ? report->if_object() : nullptr;
  const json::value* ok = members == nullptr ? nullptr : members->if_contains("ok");
  if (ok == nullptr || !ok->is_bool()) return Fail("verify: the answer cannot be read");
  const json::value* differences = members->if_contains("differences");
  if (differences != nullptr && differences->is_array()) {
    for (const json::value& difference : differences->as_array()) {
      Fail(difference.is_string() ? std::string(difference.as_string())
                                  : json::serialize(difference));
    }
  }
  json::array audits;
  const auto audited = CheckAudits(options, audits);
  if (!audited.ok()) return Fail(audited.status());
  const bool all_ok = ok->as_bool() && *audited;
  if (options.json) {
    json::object whole = *members;
    whole["ok"] = all_ok;
    whole["audits"] = std::move(audits);
    std::cout << json::serialize(whole) << "\n";
  } else {
    const auto text = [&](const json::object& object, const char* member) {
      const json::value* value = object.if_contains(member);
      if (value == nullptr) return std::string("?");
      return value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
    };
    const json::value* polls = members->if_contains("polls");
    for (const json::value& poll :
         polls != nullptr && polls->is_array() ? polls->as_array() : json::array()) {
      if (!poll.is_object()) continue;
      std::cout << text(poll.as_object(), "poll") << ": " << text(poll.as_object(), "ballots")
                << " ballots\n";
    }
    std::cout << (ok->as_bool() ? "ok" : "DIFFERENT") << ": recounted up to position "
              << text(*members, "position") << "\n";
    const auto projects = std::count_if(audits.begin(), audits.end(), [](const json::value& log) {
      return log.as_object().contains("project");
    });
    std::cout << (*audited ? "ok" : "BROKEN") << ": audit logs of "
              << static_cast<std::ptrdiff_t>(audits.size()) - projects << " polls and " << projects
              << " projects followed line by line\n";
  }
  return all_ok ? kExitOk : kExitBadData;
}

ExitCode VerifyDirectory(const ControlOptions& options, const DataDirectoryOptions& directory) {
  const auto data = DataDirectory::Open(directory);
  if (!data.ok()) return Fail(data.status(), ExitCodeOfOpen(data.status()));
  DirectoryCheck check(**data);
  const absl::Status status = check.Run();
  if (!status.ok()) return Fail(status, ExitCodeOfOpen(status));
  PrintCheck(options, check);
  return check.differences().empty() ? kExitOk : kExitBadData;
}

ExitCode RebuildDirectory(const ControlOptions& options, const DataDirectoryOptions& directory) {
  {
    const auto data = DataDirectory::Open(directory);
    if (!data.ok()) return Fail(data.status(), ExitCodeOfOpen(data.status()));
    const absl::Status status = (*data)->RemoveDerived();
    if (!status.ok()) return Fail(status, kExitIo);
  }
  EngineOptions engine_options;
  engine_options.data = directory;
  auto engine = Engine::Open(std::move(engine_options));
  if (!engine.ok()) return Fail(engine.status(), ExitCodeOfOpen(engine.status()));
  (*engine)->Drain();
  const Engine::RecoverySummary summary = (*engine)->recovered();
  engine->reset();  // saves the tallies and the ballot store
  if (options.json) {
    std::cout << json::serialize(json::object{{"ok", true},
                                              {"records", summary.records},
                                              {"ballots", summary.ballots},
                                              {"polls", summary.polls}})
              << "\n";
  } else {
    std::cout << "rebuilt from " << summary.records << " records: " << summary.polls << " polls, "
              << summary.ballots << " ballot versions\n";
  }
  return kExitOk;
}

}  // namespace tallyd
