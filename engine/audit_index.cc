#include "engine/audit_index.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "storage/absl_view.h"

namespace tallyd {
namespace {

// The poll whose log an entry belongs to; 0 = to none.
PollNumber LogOf(const Entry& entry) {
  if (std::holds_alternative<BallotEntry>(entry) ||
      std::holds_alternative<WithdrawalEntry>(entry) ||
      std::holds_alternative<FlagJoinedEntry>(entry) ||
      std::holds_alternative<HeldBallotEntry>(entry)) {
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

}  // namespace

AuditLog AuditIndex::LogOfProject(const std::string& project) const {
  const auto found = projects_.find(project);
  return found == projects_.end() ? 0 : kProjectLog | found->second;
}

std::array<AuditLog, 2> AuditIndex::LogsOf(const Entry& entry) const {
  AuditLog project = 0;
  if (const auto* made = std::get_if<ProjectEntry>(&entry)) project = LogOfProject(made->id);
  if (const auto* quota = std::get_if<ProjectQuotaEntry>(&entry)) {
    project = LogOfProject(quota->project);
  }
  if (const auto* destroyed = std::get_if<KeyDestroyedEntry>(&entry)) {
    project = LogOfProject(destroyed->project);
  }
  if (const auto* decided = std::get_if<IdeaDecisionEntry>(&entry)) {
    const std::size_t place = decided->number - 1;
    if (place < project_of_idea_.size()) project = kProjectLog | project_of_idea_[place];
  }
  return {LogOf(entry), project};
}

bool AuditIndex::Learn(const Entry& entry) {
  if (const auto* project = std::get_if<ProjectEntry>(&entry)) {
    projects_.try_emplace(project->id, static_cast<std::uint32_t>(projects_.size()));
  } else if (const auto* idea = std::get_if<IdeaEntry>(&entry)) {
    const auto found = projects_.find(idea->project);
    if (found == projects_.end()) return false;
    project_of_idea_.push_back(found->second);
  }
  return true;
}

absl::Status AuditIndex::Apply(const RecordView& record) {
  std::uint64_t ballots = 0;
  for (const PollSpan& span : record.polls()) ballots += span.ballots;
  if (ballots == record.entries_count()) return absl::OkStatus();  // nearly all records
  absl::MutexLock lock(&mutex_);
  return record.ForEach([&](const Entry& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (!Learn(entry)) {
      return absl::DataLossError(absl::StrCat("journal record ", record.header().position,
                                              ": an idea of a project that was never made"));
    }
    const auto logs = LogsOf(entry);
    for (const AuditLog log : logs) {
      if (log != 0) positions_[log].push_back(record.header().position);
    }
    if (logs[0] != 0 || logs[1] != 0) ++acts_count_;
    return absl::OkStatus();
  });
}

std::optional<AuditLog> AuditIndex::FindProject(std::string_view project) const {
  absl::MutexLock lock(&mutex_);
  const auto found = projects_.find(AbslView(project));
  if (found == projects_.end()) return std::nullopt;
  return kProjectLog | found->second;
}

bool AuditIndex::IsActOf(AuditLog log, const Entry& entry) const {
  absl::MutexLock lock(&mutex_);
  const auto logs = LogsOf(entry);
  return log != 0 && (logs[0] == log || logs[1] == log);
}

std::uint64_t AuditIndex::acts_count(AuditLog log) const {
  absl::MutexLock lock(&mutex_);
  const auto found = positions_.find(log);
  return found == positions_.end() ? 0 : found->second.size();
}

std::uint64_t AuditIndex::acts_count() const {
  absl::MutexLock lock(&mutex_);
  return acts_count_;
}

std::vector<AuditIndex::Span> AuditIndex::Find(AuditLog log, std::uint64_t after,
                                               std::size_t limit) const {
  std::vector<Span> spans;
  absl::MutexLock lock(&mutex_);
  const auto found = positions_.find(log);
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
