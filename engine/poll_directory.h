#pragma once

// Finds polls and projects by id. Written by the committing thread, read by any.
//
// A look-up costs one hash, a shared lock held for some ten nanoseconds and a reference count.
// Bounded by limits.h: polls_max, projects_max.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

#include "engine/poll_view.h"

namespace tallyd {

class PollDirectory {
 public:
  std::shared_ptr<const PollView> Find(std::string_view id) const;
  std::shared_ptr<const PollView> Find(PollNumber number) const;
  std::shared_ptr<const ProjectView> FindProject(std::string_view id) const;

  // Up to `limit` polls whose id is greater than `after`, by id; drafts too.
  std::vector<std::shared_ptr<const PollView>> List(std::string_view after,
                                                    std::size_t limit) const;
  std::vector<std::shared_ptr<const PollView>> All() const;

  void Publish(std::shared_ptr<const PollView> view);
  void PublishProject(std::shared_ptr<const ProjectView> view);

 private:
  mutable absl::Mutex mutex_;
  absl::btree_map<std::string, std::shared_ptr<const PollView>, std::less<>> by_id_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<const PollView>> hashed_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const PollView>> by_number_ ABSL_GUARDED_BY(mutex_);
  absl::btree_map<std::string, std::shared_ptr<const ProjectView>, std::less<>> projects_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace tallyd
