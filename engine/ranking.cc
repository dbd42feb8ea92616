#include "engine/ranking.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

#include "storage/check.h"

namespace tallyd {
namespace {

// Fewer options than this do not stay a block of their own.
constexpr std::size_t kBlockOptionsMin = 64;
// If more than one option in this many changed, there is hardly a block to share.
constexpr std::size_t kSharedFrom = 8;

}  // namespace

Ranking::Key Ranking::KeyOf(OptionIndex option) const {
  return {.question = question_of_.empty() ? 0 : question_of_[option],
          .score = scores_[option],
          .id_place = id_place_[option],
          .option = option};
}

void Ranking::Reset(absl::Span<const Name> names, ScoreOf score) {
  question_of_.clear();
  const bool survey =
      std::any_of(names.begin(), names.end(), [](const Name& name) { return name.question != 0; });
  if (survey) {
    for (const Name& name : names) question_of_.push_back(name.question);
  }
  std::vector<OptionIndex> order(names.size());
  std::iota(order.begin(), order.end(), OptionIndex{0});
  std::sort(order.begin(), order.end(),
            [names](OptionIndex a, OptionIndex b) { return names[a] < names[b]; });
  id_place_.resize(names.size());
  for (std::uint32_t place = 0; place < order.size(); ++place) id_place_[order[place]] = place;
  scores_.resize(names.size());
  for (OptionIndex option = 0; option < names.size(); ++option) scores_[option] = score(option);
  std::sort(order.begin(), order.end(),
            [this](OptionIndex a, OptionIndex b) { return KeyOf(a) < KeyOf(b); });
  SetOrder(order);
}

void Ranking::SetOrder(absl::Span<const OptionIndex> order) {
  order_ = SharedOrder(order);
  floors_.clear();
  for (const auto& block : order_.blocks()) floors_.push_back(KeyOf(block->front()));
}

std::vector<Ranking::Place> Ranking::FindMoved(absl::Span<const OptionIndex> changed,
                                               ScoreOf score) const {
  std::vector<Place> moved;
  for (const OptionIndex option : changed) {
    if (score(option) == scores_[option]) continue;
    const Key key = KeyOf(option);
    // The first block has no floor: it may hold what belongs before all others.
    const auto next = std::upper_bound(floors_.begin() + 1, floors_.end(), key);
    Place place{.block = static_cast<std::size_t>(next - floors_.begin()) - 1, .option = option};
    const SharedOrder::Block& block = *order_.blocks()[place.block];
    const auto found =
        std::lower_bound(block.begin(), block.end(), key,
                         [this](OptionIndex a, const Key& b) { return KeyOf(a) < b; });
    TALLYD_CHECK(found != block.end() && *found == option);
    place.offset = static_cast<std::size_t>(found - block.begin());
    moved.push_back(place);
  }
  std::sort(moved.begin(), moved.end());
  return moved;
}

void Ranking::UpdateMany(absl::Span<const OptionIndex> changed, ScoreOf score) {
  std::vector<bool> is_changed(scores_.size(), false);
  for (const OptionIndex option : changed) {
    is_changed[option] = true;
    scores_[option] = score(option);
  }
  const auto before = [this](OptionIndex a, OptionIndex b) { return KeyOf(a) < KeyOf(b); };
  std::vector<OptionIndex> moved(changed.begin(), changed.end());
  std::sort(moved.begin(), moved.end(), before);
  std::vector<OptionIndex> rest;
  rest.reserve(order_.size() - moved.size());
  std::copy_if(order_.begin(), order_.end(), std::back_inserter(rest),
               [&](OptionIndex option) { return !is_changed[option]; });
  std::vector<OptionIndex> order(order_.size());
  std::merge(rest.begin(), rest.end(), moved.begin(), moved.end(), order.begin(), before);
  SetOrder(order);
}

void Ranking::Update(absl::Span<const OptionIndex> changed, ScoreOf score) {
  TALLYD_CHECK(std::adjacent_find(changed.begin(), changed.end(), std::greater_equal<>()) ==
               changed.end());
  TALLYD_CHECK(changed.empty() || changed.back() < scores_.size());
  if (changed.size() > scores_.size() / kSharedFrom) return UpdateMany(changed, score);
  const std::vector<Place> removed = FindMoved(changed, score);
  if (removed.empty()) return;
  std::vector<Key> inserted;
  inserted.reserve(removed.size());
  for (const Place& place : removed) {
    scores_[place.option] = score(place.option);
    inserted.push_back(KeyOf(place.option));
  }
  std::sort(inserted.begin(), inserted.end());
  Rebuild(removed, inserted);
}

void Ranking::MergeBlock(const SharedOrder::Block& block, absl::Span<const Place> removed,
                         absl::Span<const Key> inserted, std::vector<OptionIndex>& out) const {
  std::vector<OptionIndex> rest;
  rest.reserve(block.size());
  auto from = block.begin();
  for (const Place& place : removed) {
    const auto at = block.begin() + static_cast<std::ptrdiff_t>(place.offset);
    rest.insert(rest.end(), from, at);
    from = at + 1;
  }
  rest.insert(rest.end(), from, block.end());
  auto begin = rest.begin();
  for (const Key& key : inserted) {
    const auto at = std::lower_bound(begin, rest.end(), key,
                                     [this](OptionIndex a, const Key& b) { return KeyOf(a) < b; });
    out.insert(out.end(), begin, at);
    out.push_back(key.option);
    begin = at;
  }
  out.insert(out.end(), begin, rest.end());
}

void Ranking::Rebuild(absl::Span<const Place> removed, absl::Span<const Key> inserted) {
  const SharedOrder before = std::exchange(order_, {});
  const std::vector<Key> floors_before = std::exchange(floors_, {});
  const std::size_t blocks = before.blocks().size();
  std::vector<OptionIndex> open;  // is being made; too small, it goes on with the next block
  Key open_floor;
  bool is_open = false;
  for (std::size_t i = 0; i < blocks; ++i) {
    const bool last = i + 1 == blocks;
    std::size_t out = 0;
    while (out < removed.size() && removed[out].block == i) ++out;
    std::size_t in = 0;
    while (in < inserted.size() && (last || inserted[in] < floors_before[i + 1])) ++in;
    if (!is_open && out == 0 && in == 0) {
      order_.Append(before.blocks()[i]);
      floors_.push_back(floors_before[i]);
      continue;
    }
    if (!is_open) open_floor = floors_before[i];
    MergeBlock(*before.blocks()[i], removed.first(out), inserted.first(in), open);
    removed.remove_prefix(out);
    inserted.remove_prefix(in);
    is_open = open.size() < kBlockOptionsMin && !last;
    if (is_open) continue;
    order_.Append(open);
    if (floors_.size() < order_.blocks().size()) floors_.push_back(open_floor);
    while (floors_.size() < order_.blocks().size()) {
      floors_.push_back(KeyOf(order_.blocks()[floors_.size()]->front()));
    }
    open.clear();
  }
  TALLYD_CHECK(order_.size() == before.size());
}

}  // namespace tallyd
