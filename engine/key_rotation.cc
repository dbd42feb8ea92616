#include "engine/key_rotation.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "engine/key_history.h"
#include "engine/keyring.h"
#include "engine/limits.h"
#include "engine/recovery.h"
#include "storage/check.h"
#include "storage/journal_record.h"

namespace tallyd {
namespace {

absl::Status NotAllowed(std::string_view what) {
  return absl::FailedPreconditionError(std::string(what));
}

class Rotation {
 public:
  Rotation(const KeyDestruction& asked, const Clock& clock, DataDirectory* data, Journal* journal)
      : asked_(asked), clock_(clock), data_(*data), journal_(*journal) {}

  absl::StatusOr<KeyRotationReport> Run() {
    if (!data_.key_present()) return NotAllowed("the key file is missing");
    if (asked_.polls.size() > kKeysDestroyedAtOnceMax) {
      return NotAllowed(absl::StrCat("at most ", kKeysDestroyedAtOnceMax, " polls at once"));
    }
    if (asked_.reason.size() > kReasonBytesMax || asked_.actor.size() > kActorBytesMax) {
      return NotAllowed("reason or actor is too long");
    }
    if (absl::Status claimed = Claim(); !claimed.ok()) return claimed;
    report_.completed_earlier = data_.root_keys().previous.has_value();
    if (report_.completed_earlier) {
      absl::Status completed = ReadWithBoth(data_.root_keys());
      if (completed.ok()) completed = Complete({});
      if (!completed.ok()) return completed;
    }
    if (!report_.completed_earlier || !asked_.polls.empty()) {
      if (absl::Status rotated = RotateAnew(); !rotated.ok()) return rotated;
    }
    report_.position = last_;
    return std::move(report_);
  }

 private:
  absl::Status Claim() {
    const auto claim = journal_.Claim();
    if (!claim.ok()) return claim.status();
    if (claim->epoch != data_.epoch()) {
      return absl::DataLossError(absl::StrCat("the journal is of epoch ", claim->epoch,
                                              ", the data directory of epoch ", data_.epoch()));
    }
    term_ = claim->term;
    last_ = claim->last;
    auto watermark = OpenWatermark(data_, *claim);
    if (!watermark.ok()) return watermark.status();
    watermark_ = *std::move(watermark);
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<KeyHistory>> Read(const RootKeys& roots) {
    return ReadKeyHistory(roots, &journal_, &watermark_->newest());
  }

  absl::Status RotateAnew() {
    const RootKeys roots{.newest = DrawRootKey(), .previous = data_.root_keys().newest};
    if (absl::Status read = ReadWithBoth(roots); !read.ok()) return read;
    const auto ends = PlanDestruction(*both_);
    if (!ends.ok()) return ends.status();
    // All of them were destroyed before.
    if (ends->empty() && !asked_.polls.empty()) return absl::OkStatus();
    if (absl::Status all = CheckNoneMissing(*both_, *ends); !all.ok()) return all;
    if (absl::Status replaced = ReplaceRoots(roots); !replaced.ok()) return replaced;
    report_.rotated = true;
    return Complete(*ends);
  }

  absl::Status ReadWithBoth(const RootKeys& roots) {
    auto history = Read(roots);
    if (!history.ok()) return history.status();
    both_ = *std::move(history);
    last_hash_ = both_->last_hash;
    last_time_ = both_->last_time;
    return absl::OkStatus();
  }

  // The entries that end keys, those of projects too; FailedPrecondition if that is not allowed.
  absl::StatusOr<std::vector<KeyDestroyedEntry>> PlanDestruction(const KeyHistory& history) {
    std::vector<KeyDestroyedEntry> ends;
    std::set<PollNumber> chosen;
    std::set<std::string> projects;
    for (const std::string& id : asked_.polls) {
      const PollRecord* poll = history.registry.Find(id);
      if (poll == nullptr) return NotAllowed(absl::StrCat("there is no poll ", id));
      if (poll->key_destroyed_at) {
        report_.destroyed_before.push_back(id);
        continue;
      }
      if (poll->state != PollState::kFinal) {
        return NotAllowed(absl::StrCat("poll ", id,
                                       " is not final: until then its voters must be "
                                       "told apart"));
      }
      if (!chosen.insert(poll->number).second) continue;
      if (history.linked_by_quota.contains(poll->number)) {
        projects.insert(poll->definition.project);
      }
      ends.push_back({.poll = poll->number, .reason = asked_.reason, .actor = asked_.actor});
      report_.destroyed.push_back(id);
    }
    for (const std::string& project : projects) {
      absl::Status whole = CheckWholeProject(history, project, chosen);
      if (!whole.ok()) return whole;
      ends.push_back({.project = project, .reason = asked_.reason, .actor = asked_.actor});
      report_.projects_redrawn.push_back(project);
    }
    return ends;
  }

  // Ballots under a quota have a second tag, under the key of the project: as long as one of its
  // polls needs that, it tells who took part in all of them.
  static absl::Status CheckWholeProject(const KeyHistory& history, const std::string& project,
                                        const std::set<PollNumber>& chosen) {
    std::vector<std::string> left;
    for (const PollNumber number : history.registry.PollsOf(project)) {
      const PollRecord& poll = *history.registry.Find(number);
      const bool ends = poll.key_destroyed_at || chosen.contains(number);
      if (!ends && history.linked_by_quota.contains(number)) left.push_back(poll.definition.id);
    }
    if (left.empty()) return absl::OkStatus();
    return NotAllowed(absl::StrCat(
        "the quota of project ", project, " links its polls by a key they share: destroy ",
        absl::StrJoin(left, ", "), " together with what you named, or wait until they are final"));
  }

  // A key that is not there would not be carried over, although another key file may have it.
  static absl::Status CheckNoneMissing(const KeyHistory& history,
                                       const std::vector<KeyDestroyedEntry>& ends) {
    std::set<PollNumber> ending;
    for (const KeyDestroyedEntry& end : ends) ending.insert(end.poll);
    const std::optional<std::string> missing = history.FindMissing(ending);
    if (!missing) return absl::OkStatus();
    return NotAllowed(absl::StrCat(
        "the key file does not have the key of ", *missing,
        ": it is not the one that belongs to this data, and a rotation would lose that key"));
  }

  // Steps 2 to 5, with both roots in the key file.
  absl::Status Complete(const std::vector<KeyDestroyedEntry>& ends) {
    const RootKeys newest{.newest = data_.root_keys().newest, .previous = std::nullopt};
    auto alone = Read(newest);
    if (!alone.ok()) return alone.status();
    alone_ = *std::move(alone);
    if (absl::Status journaled = JournalKeys(newest.newest, ends); !journaled.ok()) {
      return journaled;
    }
    absl::Status marked =
        watermark_->Write({.epoch = data_.epoch(), .position = last_, .hash = last_hash_});
    if (!marked.ok()) return marked;
    const auto proof = Read(newest);
    if (!proof.ok()) return proof.status();
    if (!GiveTheSame((*proof)->registry, both_->registry)) {
      return absl::InternalError(
          "the new root key does not give every key that the old one gave; the old one is kept");
    }
    return ReplaceRoots(newest);
  }

  absl::Status JournalKeys(const RootKey& root, const std::vector<KeyDestroyedEntry>& ends) {
    for (const KeyDestroyedEntry& end : ends) {
      absl::Status added = Add(end);
      // A project goes on with another key; the bounds of `ends` keep both in one record.
      if (added.ok() && end.poll == 0) {
        added = Add(SealProjectKey(root, end.project, VoterKey::Draw()));
      }
      if (!added.ok()) return added;
    }
    if (absl::Status sealed = SealRest(root); !sealed.ok()) return sealed;
    return Append();
  }

  // What the new root alone does not give as both do.
  absl::Status SealRest(const RootKey& root) {
    const PollRegistry& all = both_->registry;
    const PollRegistry& alone = alone_->registry;
    absl::Status added;
    if (alone.receipt_key() != all.receipt_key()) {
      added = Add(SealReceiptKey(root, *all.receipt_key()));
    }
    for (const auto& project : all.MakeAllProjectViews()) {
      const std::string& id = project->project.id;
      if (!added.ok() || alone.FindProject(id)->voter_key == project->voter_key) continue;
      added = Add(SealProjectKey(root, id, *project->voter_key));
    }
    for (PollNumber number = 1; added.ok() && number < all.next_number(); ++number) {
      const PollRecord& poll = *all.Find(number);
      if (alone.Find(number)->voter_key == poll.voter_key) continue;
      added = Add(SealPollKey(root, number, poll.definition.id, *poll.voter_key));
    }
    return added;
  }

  static bool GiveTheSame(const PollRegistry& now, const PollRegistry& before) {
    if (now.receipt_key() != before.receipt_key()) return false;
    for (const auto& project : before.MakeAllProjectViews()) {
      if (now.FindProject(project->project.id)->voter_key != project->voter_key) return false;
    }
    for (PollNumber number = 1; number < before.next_number(); ++number) {
      const PollRecord& poll = *before.Find(number);
      const PollRecord* again = now.Find(poll.definition.id);
      if (again->key_destroyed_at.has_value() != poll.key_destroyed_at.has_value()) return false;
      if (again->voter_key != poll.voter_key) return false;
    }
    return true;
  }

  absl::Status Add(const KeyDestroyedEntry& entry) {
    // Only that the key ended is asked of them: position and time come with the record.
    ApplyToBoth(entry, last_ + 1, last_time_);
    if (absl::Status room = MakeRoom(EncodedSizeMax(entry)); !room.ok()) return room;
    builder_.AddKeyDestroyed(entry);
    return absl::OkStatus();
  }

  absl::Status Add(const KeySealedEntry& entry) {
    ApplyToBoth(entry);
    if (absl::Status room = MakeRoom(EncodedSizeMax(entry)); !room.ok()) return room;
    builder_.AddKeySealed(entry);
    ++report_.keys_sealed;
    return absl::OkStatus();
  }

  template <class KeyEntry, class... At>
  void ApplyToBoth(const KeyEntry& entry, At... at) {
    TALLYD_CHECK(both_->registry.Apply(entry, at...));
    TALLYD_CHECK(alone_->registry.Apply(entry, at...));
  }

  absl::Status MakeRoom(std::size_t entry_bytes) {
    return builder_.Fits(entry_bytes) ? absl::OkStatus() : Append();
  }

  absl::Status Append() {
    if (builder_.empty()) return absl::OkStatus();
    last_time_ = std::max(clock_.WallUs(), last_time_ + 1);
    const SealedRecord record = builder_.Seal({.epoch = data_.epoch(),
                                               .term = term_,
                                               .position = last_ + 1,
                                               .time = last_time_,
                                               .previous_hash = last_hash_});
    if (absl::Status appended = journal_.Append(last_, record.bytes); !appended.ok()) {
      return appended;
    }
    last_hash_ = record.hash;
    ++last_;
    builder_.Clear();
    return absl::OkStatus();
  }

  absl::Status ReplaceRoots(const RootKeys& roots) {
    const auto replaced = data_.ReplaceRootKeys(roots);
    if (!replaced.ok()) return replaced.status();
    report_.old_files_overwritten = report_.old_files_overwritten && *replaced;
    return absl::OkStatus();
  }

  const KeyDestruction& asked_;
  const Clock& clock_;
  DataDirectory& data_;
  Journal& journal_;
  std::unique_ptr<WatermarkFile> watermark_;
  Term term_ = 0;
  Position last_ = 0;
  ChainHash last_hash_;
  TimeUs last_time_ = 0;
  RecordBuilder builder_;
  std::unique_ptr<KeyHistory> both_;   // what the roots give together
  std::unique_ptr<KeyHistory> alone_;  // what the new one does
  KeyRotationReport report_;
};

}  // namespace

absl::StatusOr<KeyRotationReport> RotateKeys(const KeyDestruction& destruction, const Clock& clock,
                                             DataDirectory* data, Journal* journal) {
  return Rotation(destruction, clock, data, journal).Run();
}

}  // namespace tallyd
