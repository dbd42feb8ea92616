#include "engine/change_log.h"

#include <algorithm>
#include <utility>

#include "storage/check.h"

namespace tallyd {

void ChangeLog::Add(Position position, std::vector<OptionIndex> changed) {
  if (std::exchange(empty_, false)) {
    floor_ = position;
    newest_ = position;
    return;
  }
  TALLYD_CHECK(position > newest_);
  newest_ = position;
  changes_ += changed.size();
  versions_.push_back({position, std::move(changed)});
  while (versions_.size() > kVersionsMax || changes_ > kChangesMax) DropOldest();
}

void ChangeLog::DropOldest() {
  floor_ = versions_.front().position;
  changes_ -= versions_.front().changed.size();
  versions_.pop_front();
}

std::optional<std::vector<OptionIndex>> ChangeLog::Since(Position since) const {
  if (empty_ || since < floor_ || since > newest_) return std::nullopt;
  std::vector<OptionIndex> options;
  for (auto version = versions_.rbegin(); version != versions_.rend(); ++version) {
    if (version->position <= since) break;
    options.insert(options.end(), version->changed.begin(), version->changed.end());
  }
  return options;
}

void ChangeLog::SortOnce(std::vector<OptionIndex>& options) {
  std::sort(options.begin(), options.end());
  options.erase(std::unique(options.begin(), options.end()), options.end());
}

}  // namespace tallyd
