#include "policy/bandit/slate.h"

#include <algorithm>
#include <cmath>

#include "core/validate.h"

namespace swipegym {
namespace {

void require_scores(std::span<const double> scores, std::size_t slots) {
  require_that("scores", !scores.empty(), "at least one");
  require_that("slate", slots > 0, "at least one slot");
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (std::isnan(scores[i])) detail::throw_invalid("scores", i, scores[i], "a number");
}

}  // namespace

std::size_t best_slate(std::span<const double> scores, std::optional<RandomKey> ties, SlateRoom& room,
                       std::span<std::uint32_t> slate) {
  require_scores(scores, slate.size());
  const auto count = static_cast<std::uint32_t>(scores.size());
  const auto taken = static_cast<std::uint32_t>(std::min(slate.size(), scores.size()));
  TieWords tie(ties);
  // Most of a long list is only compared with the last of the best.
  room.keys.resize(taken);
  for (std::uint32_t i = 0; i < taken; ++i) room.keys[i] = {scores[i], tie(i), i};
  std::make_heap(room.keys.begin(), room.keys.end(), comes_before);
  for (std::uint32_t i = taken; i < count; ++i) {
    if (scores[i] < room.keys.front().score) continue;
    replace_last(room.keys, {scores[i], tie(i), i});
  }
  std::sort_heap(room.keys.begin(), room.keys.end(), comes_before);
  for (std::uint32_t i = 0; i < taken; ++i) slate[i] = room.keys[i].place;
  return taken;
}

void replace_last(std::vector<SlateRoom::Key>& heap, const SlateRoom::Key& key) {
  if (!comes_before(key, heap.front())) return;
  std::pop_heap(heap.begin(), heap.end(), comes_before);
  heap.back() = key;
  std::push_heap(heap.begin(), heap.end(), comes_before);
}

std::size_t epsilon_slate(std::span<const double> scores, double epsilon, EpsilonShare share, RandomKey key,
                          SlateRoom& room, std::span<std::uint32_t> slate) {
  require_between("epsilon", epsilon, 0.0, 1.0);
  const std::size_t taken = std::min(slate.size(), scores.size());
  room.places.resize(taken);
  best_slate(scores, split(key, 0), room, slate.empty() ? slate : std::span(room.places));
  room.taken.assign(scores.size(), 0);
  const auto fixed = static_cast<std::size_t>(std::lround(epsilon * static_cast<double>(taken)));
  RandomStream random(split(key, 1));
  std::size_t next_best = 0;
  for (std::size_t slot = 0; slot < taken; ++slot) {
    const bool explores = share == EpsilonShare::kFixed ? slot >= taken - fixed : random.uniform_double() < epsilon;
    std::uint32_t place = 0;
    if (explores) {
      do place = random.below(static_cast<std::uint32_t>(scores.size()));
      while (room.taken[place] != 0);
    } else {
      while (room.taken[room.places[next_best]] != 0) ++next_best;
      place = room.places[next_best];
    }
    room.taken[place] = 1, slate[slot] = place;
  }
  return taken;
}

}  // namespace swipegym
