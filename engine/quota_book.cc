#include "engine/quota_book.h"

namespace tallyd {

std::uint32_t QuotaBook::Spent(const VoterTag& project_tag) const {
  const auto found = spent_.find(Words(project_tag));
  return found == spent_.end() ? 0 : found->second;
}

bool QuotaBook::HasRoomFor(const VoterTag& project_tag) const {
  return spent_.size() < voters_max_ || spent_.contains(Words(project_tag));
}

bool QuotaBook::Apply(const QuotaUseEntry& entry) {
  if (!entry.given_back) {
    ++spent_[Words(entry.project_tag)];
    return true;
  }
  const auto found = spent_.find(Words(entry.project_tag));
  if (found == spent_.end()) return false;
  if (--found->second == 0) spent_.erase(found);
  return true;
}

}  // namespace tallyd
