#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/random.h"
#include "core/random_words.h"

namespace swipegym {

/// Room that a caller keeps between calls, so that choosing allocates nothing once it has grown.
struct SlateRoom {
  struct Key {
    double score;
    std::uint32_t tie, place;
  };
  std::vector<Key> keys;
  std::vector<std::vector<Key>> heaps;  // of each bucket of a flow
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
/// A heap of the best so far whose front is the last of them: takes `key` in the front's stead if it comes before it.
void replace_last(std::vector<SlateRoom::Key>& heap, const SlateRoom::Key& key);

/// The words by which places' ties are decided, asked for in ascending order; all 0 without a key.
class TieWords {
 public:
  explicit TieWords(std::optional<RandomKey> key) : key_(key) {}
  std::uint32_t operator()(std::uint32_t place) {
    if (!key_) return 0;
    const auto block = static_cast<std::uint32_t>(place / kWordsAtOnce);
    if (block != block_) random_words(*key_, 0, block_ = block, words_);
    return words_[place % kWordsAtOnce];
  }

 private:
  std::optional<RandomKey> key_;
  std::uint32_t block_ = 0xFFFFFFFFU;
  alignas(64) std::array<std::uint32_t, kWordsAtOnce> words_{};
};

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
