#pragma once

// The order of a poll's options: by question (in a survey), then by score, higher first; equal
// scores by option id.
//
// Kept incrementally, in blocks that published versions share: Update() takes the options that
// moved out of their blocks and puts them into others; a block without a move stays as it is. So an
// order that was given out never changes. Decision: docs/decisions/0018-publish-what-changed.md.
//
// One thread. Update costs k log k for k moved options, a copy of the blocks they leave and enter,
// and a look at each block (256 options at most).

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

#include "engine/shared_order.h"
#include "storage/records.h"

namespace tallyd {

class Ranking {
 public:
  using ScoreOf = absl::FunctionRef<std::int64_t(OptionIndex)>;

  struct Name {
    QuestionIndex question = 0;
    std::string_view id;
    friend bool operator<(const Name& a, const Name& b) {
      return std::tie(a.question, a.id) < std::tie(b.question, b.id);
    }
  };
  // Orders everything anew: options 0 ... names.size() - 1.
  void Reset(absl::Span<const Name> names, ScoreOf score);
  // `changed` (ascending, each once) may have other scores than before.
  void Update(absl::Span<const OptionIndex> changed, ScoreOf score);

  const SharedOrder& order() const { return order_; }

 private:
  // Where an option belongs.
  struct Key {
    QuestionIndex question = 0;
    std::int64_t score = 0;
    std::uint32_t id_place = 0;
    OptionIndex option = 0;
    friend bool operator<(const Key& a, const Key& b) {
      return std::tie(a.question, b.score, a.id_place) < std::tie(b.question, a.score, b.id_place);
    }
  };
  // Where a moved option was.
  struct Place {
    std::size_t block = 0;
    std::size_t offset = 0;
    OptionIndex option = 0;
    friend bool operator<(const Place& a, const Place& b) {
      return std::tie(a.block, a.offset) < std::tie(b.block, b.offset);
    }
  };
  Key KeyOf(OptionIndex option) const;
  void SetOrder(absl::Span<const OptionIndex> order);
  void UpdateMany(absl::Span<const OptionIndex> changed, ScoreOf score);
  std::vector<Place> FindMoved(absl::Span<const OptionIndex> changed, ScoreOf score) const;
  void Rebuild(absl::Span<const Place> removed, absl::Span<const Key> inserted);
  // `out` gets what `block` holds but `removed`, and `inserted`.
  void MergeBlock(const SharedOrder::Block& block, absl::Span<const Place> removed,
                  absl::Span<const Key> inserted, std::vector<OptionIndex>& out) const;

  std::vector<std::uint32_t> id_place_;     // place of the option's name among all names, ordered
  std::vector<QuestionIndex> question_of_;  // empty: one question
  std::vector<std::int64_t> scores_;        // by which order_ is ordered
  SharedOrder order_;
  std::vector<Key> floors_;  // by block: nothing in it belongs before this, nor behind the next
};

}  // namespace tallyd
