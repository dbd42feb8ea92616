#pragma once

// The order of a poll's options: by question (in a survey), then by score, higher first; equal
// scores by option id.
//
// Kept incrementally: Update() takes the changed options out of the order, sorts only them and
// merges. Equal scores share a rank (competition ranking: 1, 1, 3); each question ranks its own.
//
// One thread. Update costs one pass over the order plus k log k for k changed options.

#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

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
  // `changed` (each once) may have other scores than before.
  void Update(absl::Span<const OptionIndex> changed, ScoreOf score);

  const std::vector<OptionIndex>& order() const { return order_; }
  // Rank of each option, by option index.
  std::vector<std::uint32_t> Ranks(ScoreOf score) const;

 private:
  bool Before(OptionIndex a, OptionIndex b, ScoreOf score) const;

  std::vector<std::uint32_t> id_place_;     // place of the option's name among all names, ordered
  std::vector<QuestionIndex> question_of_;  // empty: one question
  std::vector<OptionIndex> order_;
};

}  // namespace tallyd
