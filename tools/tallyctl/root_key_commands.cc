#include "tools/tallyctl/root_key_commands.h"

#include <iostream>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "storage/rocks_journal.h"
#include "tools/data_directory_exit.h"
#include "tools/tallyctl/stop_on_storage_error.h"

namespace tallyd {
namespace {

namespace json = boost::json;

json::array ToJson(const std::vector<std::string>& names) {
  return json::array(names.begin(), names.end());
}

std::string ListOf(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void PrintForPeople(const KeyRotationReport& report) {
  if (report.completed_earlier) std::cout << "completed the rotation that had been begun before\n";
  if (!report.destroyed.empty()) {
    std::cout << "destroyed the keys of " << ListOf(report.destroyed)
              << "; destroy the copies of the old key file too\n";
  }
  if (!report.destroyed_before.empty()) {
    std::cout << "destroyed before: " << ListOf(report.destroyed_before) << "\n";
  }
  if (!report.projects_redrawn.empty()) {
    std::cout << "new keys, for quotas and ideas, of the projects "
              << ListOf(report.projects_redrawn) << "\n";
  }
  if (report.completed_earlier || report.rotated) {
    std::cout << "the key file has a new root key; " << report.keys_sealed
              << " keys were carried over, up to record " << report.position << "\n";
  }
}

void Print(const ControlOptions& options, const KeyRotationReport& report) {
  if (options.json) {
    std::cout << json::serialize(
                     json::object{{"completed_earlier", report.completed_earlier},
                                  {"rotated", report.rotated},
                                  {"destroyed", ToJson(report.destroyed)},
                                  {"destroyed_before", ToJson(report.destroyed_before)},
                                  {"projects_redrawn", ToJson(report.projects_redrawn)},
                                  {"keys_sealed", report.keys_sealed},
                                  {"position", report.position},
                                  {"old_files_overwritten", report.old_files_overwritten}})
              << "\n";
  } else {
    PrintForPeople(report);
  }
  if (!report.old_files_overwritten) {
    std::cerr << "tallyctl: the old key file could not be overwritten: it has another name (a hard "
                 "link), or may only be read\n";
  }
}

ExitCode ExitCodeOfRotation(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) ? kExitFailure : ExitCodeOfOpen(status);
}

}  // namespace

ExitCode RotateRootKey(const ControlOptions& options, const DataDirectoryOptions& directory) {
  return DestroyKeys(options, directory, {});
}

ExitCode DestroyKeys(const ControlOptions& options, const DataDirectoryOptions& directory,
                     KeyDestruction destruction) {
  destruction.actor = options.actor;
  if (!destruction.polls.empty() && (destruction.reason.empty() || destruction.actor.empty())) {
    return Fail("say who does it (--actor) and why (--reason): it stands in the audit log",
                kExitUsage);
  }
  const auto data = DataDirectory::Open(directory);
  if (!data.ok()) return Fail(data.status(), ExitCodeOfOpen(data.status()));
  const auto journal = OpenRocksJournal(
      {.directory = (*data)->journal_path(), .on_background_error = StopOnStorageError});
  if (!journal.ok()) return Fail(journal.status(), ExitCodeOfOpen(journal.status()));
  const auto report = RotateKeys(destruction, *Clock::System(), data->get(), journal->get());
  if (!report.ok()) return Fail(report.status(), ExitCodeOfRotation(report.status()));
  Print(options, *report);
  return kExitOk;
}

}  // namespace tallyd
