#include "engine/audit_index.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace tallyd {

PollNumber AuditedPoll(const Entry& entry) {
  if (std::holds_alternative<BallotEntry>(entry) ||
      std::holds_alternative<WithdrawalEntry>(entry)) {
    return 0;
  }
  if (const auto* poll = std::get_if<PollEntry>(&entry)) return poll->number;
  return std::visit(
      [](const auto& act) -> PollNumber {
        if constexpr (requires { act.poll; }) {
          return act.poll;
        } else {
          return 0;
        }
      },
      entry);
}

absl::Status AuditIndex::Apply(const RecordView& record) {
  std::uint64_t ballots = 0;
  for (const PollSpan& span : record.polls()) ballots += span.ballots;
  if (ballots == record.entries_count()) return absl::OkStatus();  // nearly all records
  absl::MutexLock lock(&mutex_);
  return record.ForEach([&](const Entry& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const PollNumber poll = AuditedPoll(entry);
    if (poll != 0) {
      positions_[poll].push_back(record.header().position);
      ++acts_count_;
    }
    return absl::OkStatus();
  });
}

std::uint64_t AuditIndex::acts_count(PollNumber poll) const {
  absl::MutexLock lock(&mutex_);
  const auto found = positions_.find(poll);
  return found == positions_.end() ? 0 : found->second.size();
}

std::uint64_t AuditIndex::acts_count() const {
  absl::MutexLock lock(&mutex_);
  return acts_count_;
}

std::vector<AuditIndex::Span> AuditIndex::Find(PollNumber poll, std::uint64_t after,
                                               std::size_t limit) const {
  std::vector<Span> spans;
  absl::MutexLock lock(&mutex_);
  const auto found = positions_.find(poll);
  if (found == positions_.end() || after >= found->second.size()) return spans;
  const std::vector<Position>& all = found->second;
  const std::size_t end = after + std::min<std::size_t>(limit, all.size() - after);
  for (std::size_t i = after; i < end; ++i) {
    if (spans.empty() || spans.back().position != all[i]) {
      const auto first = std::lower_bound(all.begin(), all.end(), all[i]);
      spans.push_back({.position = all[i],
                       .skip = i - static_cast<std::size_t>(first - all.begin()),
                       .count = 0});
    }
    ++spans.back().count;
  }
  return spans;
}

}  // namespace tallyd
