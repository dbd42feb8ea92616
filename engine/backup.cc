#include "engine/backup.h"

#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"

#include "engine/recount.h"
#include "storage/durable_file.h"
#include "storage/rocks_journal.h"
#include "storage/watermark.h"

namespace tallyd {
namespace {

absl::Status FromError(const std::error_code& error, const std::string& what) {
  if (!error) return absl::OkStatus();
  return error == std::errc::no_space_on_device
             ? absl::ResourceExhaustedError(absl::StrCat(what, ": ", error.message()))
             : absl::InternalError(absl::StrCat(what, ": ", error.message()));
}

absl::Status MakeEmpty(const std::string& base, const std::string& partial) {
  std::error_code error;
  std::filesystem::remove_all(partial, error);
  if (!error) std::filesystem::create_directories(partial, error);
  if (error) return FromError(error, partial);
  return SyncDirectory(base);
}

}  // namespace

absl::StatusOr<BackupReport> SealCopy(const std::string& directory, Epoch epoch) {
  absl::Status background;  // a background error of the copy is an error of the backup, no more
  BackupReport report{.path = directory, .epoch = epoch};
  ChainHash hash;
  {
    auto copy = OpenRocksJournal({.directory = directory + "/journal",
                                  .on_background_error = [&background](const absl::Status& status) {
                                    background = status;
                                  }});
    if (!copy.ok()) return copy.status();
    const auto claim = (*copy)->Claim();
    if (!claim.ok()) return claim.status();
    report.position = claim->last;
    hash = claim->last_hash;
    if (claim->epoch != epoch) {
      return absl::DataLossError(
          absl::StrCat("the copy of the journal is of epoch ", claim->epoch, ", not ", epoch));
    }
    const auto recount = RecountJournal(copy->get(), claim->last);
    if (!recount.ok()) return recount.status();
    for (const auto& [number, poll] : recount->polls) {
      report.ballots += poll.online_ballots + poll.paper_ballots;
    }
  }
  if (!background.ok()) return background;
  const std::string watermark = directory + "/watermark";
  std::error_code error;
  std::filesystem::remove(watermark, error);
  if (error) return FromError(error, watermark);
  const auto mark =
      WatermarkFile::Create(watermark, {.epoch = epoch, .position = report.position, .hash = hash});
  if (!mark.ok()) return mark.status();
  if (absl::Status format = WriteDataFormat(directory, epoch); !format.ok()) return format;
  return report;
}

absl::StatusOr<BackupReport> MakeBackup(Journal* journal, Epoch epoch, const std::string& base) {
  const std::string partial = base + "/.partial";
  if (absl::Status made = MakeEmpty(base, partial); !made.ok()) return made;
  const Position acknowledged = journal->last();
  if (absl::Status copied = journal->CopyTo(partial + "/journal"); !copied.ok()) return copied;
  absl::StatusOr<BackupReport> report = SealCopy(partial, epoch);
  if (!report.ok()) return report.status();
  if (report->position < acknowledged) {
    return absl::DataLossError(absl::StrCat("the copy ends at record ", report->position,
                                            ", the journal had ", acknowledged));
  }
  report->path = absl::StrCat(base, "/e", epoch, "-", report->position);
  std::error_code error;
  if (std::filesystem::exists(report->path, error)) {
    // The same history up to the same record: nothing new to keep.
    std::filesystem::remove_all(partial, error);
    if (error) return FromError(error, partial);
    return SealCopy(report->path, epoch);
  }
  std::filesystem::rename(partial, report->path, error);
  if (error) return FromError(error, report->path);
  if (absl::Status synced = SyncDirectory(base); !synced.ok()) return synced;
  return report;
}

}  // namespace tallyd
