#pragma once

// The disk of a simulation: a journal whose appends take a while and may fail, with the record
// there or not, and a ballot store that a crash takes back to its last flush. No clock, no chance
// of their own: what happens is said from outside.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "storage/ballot_store.h"
#include "storage/data_directory.h"
#include "storage/journal.h"
#include "storage/journal_record.h"
#include "tests/sim/simulated_runtime.h"

namespace tallyd {

inline constexpr Epoch kSimulatedEpoch = 7;

enum class AppendFate : std::uint8_t { kDurable, kFailsButIsThere, kFailsAndIsGone };

class SimulatedJournal final : public Journal {
 public:
  std::function<AppendFate()> choose_fate;

  absl::StatusOr<JournalClaim> Claim() override {
    return JournalClaim{
        .term = ++term_, .epoch = kSimulatedEpoch, .last = last(), .last_hash = LastHash()};
  }
  absl::Status Append(Position expected_last, std::string_view record) override {
    if (expected_last != last()) return absl::AbortedError("built upon another position");
    Scheduler::Current().Point();  // others go on, or the power goes, before it is there
    const AppendFate fate = choose_fate();
    if (fate != AppendFate::kFailsAndIsGone) records_.emplace_back(record);
    Scheduler::Current().Point();  // ... or after, and nobody was told
    return fate == AppendFate::kDurable ? absl::OkStatus() : absl::InternalError("no sync");
  }
  absl::StatusOr<std::unique_ptr<JournalCursor>> Read(Position from) override {
    return std::make_unique<Cursor>(&records_, from - 1);
  }
  absl::Status CopyTo(const std::string& /*directory*/) override {
    return absl::UnimplementedError("simulated");
  }
  absl::Status Trim(Position /*below*/) override { return absl::UnimplementedError("simulated"); }
  Position first() const override { return 1; }
  Position last() const override { return records_.size(); }
  ChainHash LastHash() const {
    return records_.empty() ? ChainHash() : RecordView::Parse(records_.back())->Hash();
  }

 private:
  class Cursor final : public JournalCursor {
   public:
    Cursor(const std::vector<std::string>* records, std::size_t at)
        : records_(*records), at_(at), end_(records->size()) {}
    absl::StatusOr<std::string_view> Next() override {
      if (at_ == end_) return std::string_view();
      return std::string_view(records_[at_++]);
    }

   private:
    const std::vector<std::string>& records_;
    std::size_t at_;
    const std::size_t end_;
  };

  Term term_ = 0;
  std::vector<std::string> records_;
};

class SimulatedBallotStore final : public BallotStore {
 public:
  // What a crash leaves.
  void FallBack() { now_ = flushed_; }

  Position position() const override { return now_.position; }
  Position durable_position() const override { return flushed_.position; }
  absl::Status WriteGathered(absl::Span<const BallotVersion* const> versions,
                             Position through) override {
    for (const BallotVersion* version : versions) {
      now_.versions[{version->poll, version->tag, version->seq}] = *version;
      now_.tags[{version->poll, version->seq}] = version->tag;
    }
    now_.position = std::max(now_.position, through);
    return absl::OkStatus();
  }
  absl::Status Flush() override {
    flushed_ = now_;
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<BallotVersion>> Get(PollNumber poll, const VoterTag& tag,
                                                   Seq seq) const override {
    const auto found = now_.versions.find({poll, tag, seq});
    if (found == now_.versions.end()) return std::nullopt;
    return found->second;
  }
  absl::StatusOr<std::optional<BallotVersion>> GetNewest(PollNumber poll,
                                                         const VoterTag& tag) const override {
    auto after = now_.versions.upper_bound({poll, tag, kSeqMax});
    if (after == now_.versions.begin()) return std::nullopt;
    const BallotVersion& version = std::prev(after)->second;
    if (version.poll != poll || !(version.tag == tag)) return std::nullopt;
    return version;
  }
  absl::StatusOr<std::optional<VoterTag>> FindTag(PollNumber poll, Seq seq) const override {
    const auto found = now_.tags.find({poll, seq});
    if (found == now_.tags.end()) return std::nullopt;
    return found->second;
  }
  absl::Status ScanFrom(
      PollNumber /*poll*/, const VoterTag& /*begin*/,
      absl::FunctionRef<absl::Status(const BallotVersion&)> /*visit*/) const override {
    return absl::UnimplementedError("simulated");
  }

 private:
  struct Image {
    Position position = 0;
    std::map<std::tuple<PollNumber, VoterTag, Seq>, BallotVersion> versions;
    std::map<std::pair<PollNumber, Seq>, VoterTag> tags;
  };
  Image now_;
  Image flushed_;
};

class SimulatedDirectory final : public DataDirectory {
 public:
  bool created() const override { return false; }
  Epoch epoch() const override { return kSimulatedEpoch; }
  bool key_present() const override { return true; }
  const RootKeys& root_keys() const override { return keys_; }
  absl::StatusOr<bool> ReplaceRootKeys(const RootKeys& /*keys*/) override {
    return absl::UnimplementedError("simulated");
  }
  std::string journal_path() const override { return "simulated"; }
  std::string ballots_path() const override { return "simulated"; }
  std::string checkpoint_path() const override { return "/nonexistent/tally.checkpoint"; }
  std::string watermark_path() const override { return "simulated"; }
  absl::Status RemoveDerived() override { return absl::UnimplementedError("simulated"); }

 private:
  RootKeys keys_;
};

}  // namespace tallyd
