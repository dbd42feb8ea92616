#pragma once

// Which options of a poll changed between its published versions, for readers who have an older
// one.
//
// One entry per published version, oldest out first; who asks for changes since a version that has
// gone is told so and takes a whole ranking. What is kept are numbers of options, not figures: a
// reader's patch is made of the newest figures of all options that changed since. So any position
// from the floor on can be asked for, also one between two published versions.
//
// Bounded by kVersionsMax entries and kChangesMax option numbers. Adding costs nothing but the
// entry, asking one copy of what changed; SortOnce() puts that in order and needs no lock. One
// thread, or a lock around it.

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "storage/records.h"

namespace tallyd {

class ChangeLog {
 public:
  static constexpr std::size_t kVersionsMax = 256;
  static constexpr std::size_t kChangesMax = 65'536;

  // `changed` is all that differs from the version added before; positions grow. The first version
  // is the floor.
  void Add(Position position, std::vector<OptionIndex> changed);
  // The options that may differ between `since` and the newest version, in no order, also more than
  // once; nothing if that is not known any more, or `since` is newer than the newest.
  std::optional<std::vector<OptionIndex>> Since(Position since) const;
  // Ascending, each once.
  static void SortOnce(std::vector<OptionIndex>& options);

 private:
  struct Version {
    Position position = 0;
    std::vector<OptionIndex> changed;
  };
  void DropOldest();

  bool empty_ = true;
  Position floor_ = 0;  // changes after this are in versions_
  Position newest_ = 0;
  std::deque<Version> versions_;
  std::size_t changes_ = 0;
};

}  // namespace tallyd
