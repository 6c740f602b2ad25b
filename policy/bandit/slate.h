#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/random.h"

namespace swipegym {

/// Room that a caller keeps between calls, so that choosing allocates nothing once it has grown.
struct SlateRoom {
  struct Key {
    double score;
    std::uint32_t tie, place;
  };
  std::vector<Key> keys;
  std::vector<std::uint32_t> places;
  std::vector<std::uint8_t> taken;
};

/// The places of the best min(slate.size(), scores.size()) scores, best first, none twice, into `slate`; how many.
/// Equal scores come in the order of a keyed random word for each place, or in the list's order without a key. Scores
/// may be infinite. InputError for an empty list, an empty slate, or a score that is NaN.
std::size_t best_slate(std::span<const double> scores, std::optional<RandomKey> ties, SlateRoom& room,
                       std::span<std::uint32_t> slate);

/// Who of two comes first in a slate.
inline bool comes_before(const SlateRoom::Key& a, const SlateRoom::Key& b) noexcept {
  if (a.score != b.score) return a.score > b.score;
  return a.tie != b.tie ? a.tie < b.tie : a.place < b.place;
}
/// The word by which each place's ties are decided; all 0 without a key.
void tie_words(std::optional<RandomKey> ties, std::span<std::uint32_t> out);

/// How many slots explore.
enum class EpsilonShare : std::uint8_t {
  kDrawn,  // each with probability epsilon by itself; with one slot this is the textbook's rule
  kFixed,  // round(epsilon K), the last ones
};

/// Epsilon-greedy: slots that explore take a uniform draw among places not yet taken, the others the best of them.
/// Sizes, ties (by `key`) and errors as best_slate(), and InputError for an epsilon outside [0, 1].
std::size_t epsilon_slate(std::span<const double> scores, double epsilon, EpsilonShare share, RandomKey key,
                          SlateRoom& room, std::span<std::uint32_t> slate);

}  // namespace swipegym
