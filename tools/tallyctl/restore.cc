#include "tools/tallyctl/restore.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <map>
#include <system_error>
#include <variant>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "engine/backup.h"
#include "engine/key_history.h"
#include "storage/durable_file.h"
#include "storage/journal_record.h"
#include "storage/key_file.h"
#include "storage/rocks_journal.h"
#include "storage/watermark.h"
#include "tools/data_directory_exit.h"

namespace tallyd {
namespace {

namespace json = boost::json;

absl::Status FromError(const std::error_code& error, const std::string& what) {
  if (!error) return absl::OkStatus();
  return absl::InternalError(what + ": " + error.message());
}

// Copies the files of one folder and syncs each.
absl::Status CopyFolder(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::create_directories(to, error);
  if (error) return FromError(error, to);
  for (std::filesystem::directory_iterator at(from, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename() == "LOCK") continue;
    const std::string copy = to + "/" + at->path().filename().string();
    std::filesystem::copy_file(at->path(), copy, error);
    if (error) break;
    const auto file = OpenFile(copy, 0);
    if (!file.ok()) return file.status();
    if (absl::Status synced = SyncData(*file, copy); !synced.ok()) return synced;
  }
  if (error) return FromError(error, from);
  return SyncDirectory(to);
}

struct PollSeq {
  std::string poll;
  Seq seq = 0;
};

std::optional<PollSeq> ParsePollSeq(const std::string& text) {
  PollSeq asked;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  asked.poll = text.substr(0, colon);
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, asked.seq);
  if (error != std::errc() || rest != end || asked.seq == 0) return std::nullopt;
  return asked;
}

// The record that holds that ballot version.
absl::StatusOr<Position> FindSeq(Journal& journal, const PollSeq& asked) {
  auto cursor = journal.Read(journal.first());
  if (!cursor.ok()) return cursor.status();
  PollNumber number = 0;
  for (;;) {
    const auto bytes = (*cursor)->Next();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) break;
    const auto record = RecordView::Parse(*bytes);
    if (!record.ok()) return record.status();
    bool found = false;
    const absl::Status read = record->ForEach([&](const Entry& entry) {
      if (const auto* poll = std::get_if<PollEntry>(&entry)) {
        if (poll->definition.id == asked.poll) number = poll->number;
      } else if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
        found = found || (ballot->poll == number && ballot->seq == asked.seq);
      } else if (const auto* withdrawal = std::get_if<WithdrawalEntry>(&entry)) {
        found = found || (withdrawal->poll == number && withdrawal->seq == asked.seq);
      }
      return absl::OkStatus();
    });
    if (!read.ok()) return read;
    if (found) return record->header().position;
  }
  return absl::NotFoundError("poll " + asked.poll + " has no seq " + std::to_string(asked.seq) +
                             " in this backup");
}

struct History {
  Epoch epoch = 0;
  Position position = 0;
};

// What was durable, as the watermark of the lost machine tells, where it survived.
absl::StatusOr<History> KnownHistory(const std::string& watermark) {
  const auto file = WatermarkFile::Open(watermark);
  if (absl::IsNotFound(file.status())) return History{};
  if (!file.ok()) return file.status();
  return History{(*file)->newest().epoch, (*file)->newest().position};
}

absl::StatusOr<BackupReport> Restore(const RestoreOptions& restore, const std::string& partial) {
  const std::string& watermark = restore.directory.watermark_file;
  History known;
  if (!watermark.empty()) {
    const auto found = KnownHistory(watermark);
    if (!found.ok()) return found.status();
    known = *found;
  }
  if (absl::Status copied = CopyFolder(restore.backup + "/journal", partial + "/journal");
      !copied.ok()) {
    return copied;
  }
  RocksJournalOptions options;
  options.directory = partial + "/journal";
  absl::Status background;
  options.on_background_error = [&background](const absl::Status& status) { background = status; };
  Epoch old_epoch = 0;
  {
    auto journal = OpenRocksJournal(options);
    if (!journal.ok()) return journal.status();
    const auto claim = (*journal)->Claim();
    if (!claim.ok()) return claim.status();
    old_epoch = claim->epoch;
    options.fork.emplace();
    options.fork->through = restore.to_position.value_or(claim->last);
    if (const auto asked = ParsePollSeq(restore.to_seq)) {
      const auto position = FindSeq(**journal, *asked);
      if (!position.ok()) return position.status();
      options.fork->through = *position;
    }
  }
  if (known.position > options.fork->through && !restore.accept_loss) {
    return absl::DataLossError(
        "the watermark " + watermark + " tells of " + std::to_string(known.position) +
        " records, this would keep " + std::to_string(options.fork->through) +
        ": votes that were acknowledged would be lost. If that is meant: --accept-loss");
  }
  options.fork->epoch =
      std::max({old_epoch + 1, known.epoch + 1, static_cast<Epoch>(std::time(nullptr))});
  {
    const auto journal = OpenRocksJournal(options);
    if (!journal.ok()) return journal.status();
  }
  if (!background.ok()) return background;
  return SealCopy(partial, options.fork->epoch);
}

// The watermark to where the settings want it, and the directory to its name.
absl::Status PutInPlace(const RestoreOptions& restore, const std::string& partial) {
  std::error_code error;
  if (!restore.directory.watermark_file.empty()) {
    const auto bytes = ReadWholeFile(partial + "/watermark");
    if (!bytes.ok()) return bytes.status();
    absl::Status written = ReplaceFile(restore.directory.watermark_file, *bytes, 0644);
    if (!written.ok()) return written;
    std::filesystem::remove(partial + "/watermark", error);
    if (error) return FromError(error, partial);
  }
  if (absl::Status synced = SyncDirectory(partial); !synced.ok()) return synced;
  std::filesystem::rename(partial, restore.directory.directory, error);
  if (error) return FromError(error, restore.directory.directory);
  return SyncDirectory(DirectoryOf(restore.directory.directory));
}

// What is wrong with the key file beside data that was restored: a rotation may lie between them.
std::optional<std::string> FindKeyless(const std::string& directory, const std::string& key_file) {
  const auto roots = ReadKeyFile(key_file);
  if (!roots.ok()) return std::string(roots.status().message());
  absl::Status background;
  const auto journal = OpenRocksJournal(
      {.directory = directory + "/journal",
       .on_background_error = [&background](const absl::Status& status) { background = status; }});
  if (!journal.ok()) return std::string(journal.status().message());
  const auto history = ReadKeyHistory(*roots, journal->get(), nullptr);
  if (!history.ok()) return std::string(history.status().message());
  if (!background.ok()) return std::string(background.message());
  const std::optional<std::string> missing = (*history)->FindMissing();
  if (!missing) return std::nullopt;
  return "does not have the key of " + *missing;
}

}  // namespace

ExitCode BackUpServer(const ControlOptions& options) {
  const auto answer = Call(options, MakeRequest(options, "POST", "/v1/admin/backups"));
  if (!answer.ok()) return Fail(answer.status());
  if (answer->status != 201) return Fail("backup: " + DescribeProblem(*answer));
  const auto report = ParseJson(answer->body);
  const json::object* members = report.ok() ? report->if_object() : nullptr;
  const json::value* path = members == nullptr ? nullptr : members->if_contains("path");
  if (path == nullptr || !path->is_string()) return Fail("backup: the answer cannot be read");
  if (options.json) {
    std::cout << json::serialize(*report) << "\n";
  } else {
    std::cout << std::string(path->as_string()) << ": read again, " << report->at("position")
              << " records, " << report->at("ballots") << " ballots\n";
  }
  return kExitOk;
}

ExitCode RestoreDirectory(const ControlOptions& options, const RestoreOptions& restore) {
  if (!restore.to_seq.empty() && !ParsePollSeq(restore.to_seq)) {
    return Fail("--to-seq: POLL:SEQ expected, such as summer:4711", kExitUsage);
  }
  const std::string& directory = restore.directory.directory;
  if (FileExists(directory)) {
    return Fail(directory + ": exists; a backup is restored into a new directory only",
                kExitBadConfig);
  }
  const std::string partial = directory + ".restoring";
  std::error_code error;
  std::filesystem::remove_all(partial, error);  // of a restore that was cut short
  if (error) return Fail(partial + ": " + error.message(), kExitIo);
  const auto report = Restore(restore, partial);
  absl::Status status = report.status();
  if (status.ok()) status = PutInPlace(restore, partial);
  if (!status.ok()) {
    std::filesystem::remove_all(partial, error);
    return Fail(status, ExitCodeOfOpen(status));
  }
  const std::string key =
      restore.directory.key_file.empty() ? directory + ".key" : restore.directory.key_file;
  const bool key_present = FileExists(key);
  const auto keyless = key_present ? FindKeyless(directory, key) : std::nullopt;
  if (options.json) {
    std::cout << json::serialize(json::object{{"directory", directory},
                                              {"epoch", report->epoch},
                                              {"position", report->position},
                                              {"ballots", report->ballots},
                                              {"key_present", key_present}})
              << "\n";
  } else {
    std::cout << directory << ": " << report->position << " records, " << report->ballots
              << " ballots, read again; epoch " << report->epoch << "\n";
  }
  if (!key_present) {
    std::cerr << "tallyctl: bring the old key file to " << key
              << ": without it votes are answered 503 key_missing\n";
  }
  if (keyless) {
    std::cerr << "tallyctl: " << key << ": " << *keyless
              << ". Votes are answered 503 key_missing until the key file of the backup's time is "
                 "there\n";
  }
  return kExitOk;
}

}  // namespace tallyd
