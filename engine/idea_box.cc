#include "engine/idea_box.h"

#include <cstring>

#include "engine/limits.h"
#include "storage/checksums.h"

namespace tallyd {
namespace {

std::pair<std::uint64_t, std::uint64_t> Words(const VoterTag& tag) {
  return {tag.high(), tag.low()};
}

template <class Counts, class Key>
void CountDown(Counts& counts, const Key& key) {
  const auto found = counts.find(key);
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

std::uint64_t IdeaBox::ContentPrint(const IdeaEntry& idea) {
  std::string content = idea.display;
  content += '\0';  // JSON texts hold none
  content += idea.text;
  const ChainHash hash = Sha256(content);
  std::uint64_t print;
  std::memcpy(&print, hash.bytes.data(), sizeof print);
  return print;
}

const IdeaRecord* IdeaBox::Find(IdeaNumber number) const {
  return number == 0 || number > ideas_.size() ? nullptr : &ideas_[number - 1];
}

const IdeaRecord* IdeaBox::FindByKey(const VoterTag& submitter,
                                     std::uint64_t idempotency_print) const {
  const auto found = by_key_.find(KeyWords{Words(submitter), idempotency_print});
  return found == by_key_.end() ? nullptr : Find(found->second);
}

IdeaPage IdeaBox::List(IdeaState state, std::string_view project, IdeaNumber after,
                       std::size_t limit) const {
  IdeaPage page;
  const auto& numbers = by_state_[static_cast<std::size_t>(state)];
  for (auto it = numbers.upper_bound(after); it != numbers.end(); ++it) {
    const IdeaRecord& record = ideas_[*it - 1];
    if (!project.empty() && record.idea.project != project) continue;
    if (page.ideas.size() == limit) {
      page.is_last = false;
      break;
    }
    page.ideas.push_back(record);
  }
  return page;
}

std::optional<std::string_view> IdeaBox::FindLimit(const IdeaEntry& idea) const {
  if (ideas_.size() >= kIdeasMax) return "the server holds as many ideas as it may";
  const auto in_project = pending_by_project_.find(idea.project);
  if (in_project != pending_by_project_.end() && in_project->second >= kIdeasPendingPerProjectMax) {
    return "as many ideas of the project wait for a moderator as may";
  }
  const auto of_submitter = pending_by_submitter_.find(Words(idea.submitter));
  if (of_submitter != pending_by_submitter_.end() &&
      of_submitter->second >= kIdeasPendingPerVoterMax) {
    return "as many ideas of this person wait for a moderator as may";
  }
  return std::nullopt;
}

bool IdeaBox::Apply(const IdeaEntry& entry, Position position, TimeUs time) {
  if (entry.number != next_number()) return false;
  const KeyWords key{Words(entry.submitter), entry.idempotency_print};
  if (!by_key_.emplace(key, entry.number).second) return false;
  IdeaRecord& record = ideas_.emplace_back();
  record.idea = entry;
  record.content_print = ContentPrint(entry);
  record.submitted = time;
  record.revision = position;
  by_state_[0].insert(entry.number);
  ++pending_by_project_[entry.project];
  ++pending_by_submitter_[Words(entry.submitter)];
  return true;
}

bool IdeaBox::Apply(const IdeaDecisionEntry& entry, Position position, TimeUs time) {
  if (entry.number == 0 || entry.number > ideas_.size()) return false;
  IdeaRecord& record = ideas_[entry.number - 1];
  if (record.state != IdeaState::kPending) return false;
  by_state_[0].erase(entry.number);
  record.state = static_cast<IdeaState>(entry.decision);
  by_state_[static_cast<std::size_t>(record.state)].insert(entry.number);
  CountDown(pending_by_project_, record.idea.project);
  CountDown(pending_by_submitter_, Words(record.idea.submitter));
  record.idea.text = std::string();
  record.decided = time;
  record.revision = position;
  record.poll = entry.poll;
  record.option = entry.option;
  record.reason_code = entry.reason_code;
  record.moderator = entry.actor;
  return true;
}

}  // namespace tallyd
