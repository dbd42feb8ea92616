#include "engine/poll_directory.h"

#include "storage/absl_view.h"
#include "storage/check.h"

namespace tallyd {

std::shared_ptr<const PollView> PollDirectory::Find(std::string_view id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = hashed_.find(AbslView(id));
  return found == hashed_.end() ? nullptr : found->second;
}

std::shared_ptr<const PollView> PollDirectory::Find(PollNumber number) const {
  absl::ReaderMutexLock lock(&mutex_);
  return number < by_number_.size() ? by_number_[number] : nullptr;
}

std::shared_ptr<const ProjectView> PollDirectory::FindProject(std::string_view id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = projects_.find(id);
  return found == projects_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const PollView>> PollDirectory::List(std::string_view after,
                                                                 std::size_t limit) const {
  std::vector<std::shared_ptr<const PollView>> polls;
  absl::ReaderMutexLock lock(&mutex_);
  for (auto it = by_id_.upper_bound(after); it != by_id_.end() && polls.size() < limit; ++it) {
    polls.push_back(it->second);
  }
  return polls;
}

std::vector<std::shared_ptr<const PollView>> PollDirectory::All() const {
  std::vector<std::shared_ptr<const PollView>> polls;
  absl::ReaderMutexLock lock(&mutex_);
  polls.reserve(by_id_.size());
  for (const auto& [id, view] : by_id_) polls.push_back(view);
  return polls;
}

void PollDirectory::Publish(std::shared_ptr<const PollView> view) {
  TALLYD_CHECK(view != nullptr && view->number != 0);
  absl::MutexLock lock(&mutex_);
  if (by_number_.size() <= view->number) by_number_.resize(view->number + 1);
  by_number_[view->number] = view;
  by_id_.insert_or_assign(view->definition.id, view);
  hashed_.insert_or_assign(view->definition.id, std::move(view));
}

void PollDirectory::PublishProject(std::shared_ptr<const ProjectView> view) {
  absl::MutexLock lock(&mutex_);
  projects_.insert_or_assign(view->project.id, std::move(view));
}

}  // namespace tallyd
