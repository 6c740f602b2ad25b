#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/random.h"

namespace swipegym {

/// What of a recommendation is left to chance.
enum class Chance : std::uint8_t { kFlow, kThompson, kQuery, kFiller, kBringBack };
inline constexpr std::size_t kNumChances = 5;
std::string_view chance_name(Chance chance) noexcept;  // "flow", "thompson", ...

/// All that the stages of one request draw. By the request's key the same numbers come on any thread. outcomes_of()
/// lets every side of a die come up once, so that a probability is a sum and no estimate: a stage takes each finite
/// choice from pick(), and from stream() only what has no few outcomes.
class RequestDice {
 public:
  RequestDice() = default;
  explicit RequestDice(RandomKey key) noexcept : key_(key) {}

  /// One of `weights` (>= 0, some above 0), each with probability weight / sum.
  std::size_t pick(Chance chance, std::span<const double> weights);
  /// For a Thompson draw, a normal query and the like; `number` tells apart what one chance draws for a request.
  RandomKey key(Chance chance, std::uint32_t number = 0);
  RandomStream stream(Chance chance, std::uint32_t number = 0) { return RandomStream(key(chance, number)); }

  /// From here on this chance comes out as `key` has it, whatever the request's key is.
  void freeze(Chance chance, RandomKey key) noexcept;
  /// The same dice, frozen chances included, by another key.
  RequestDice with_key(RandomKey key) const noexcept {
    RequestDice dice = *this;
    dice.key_ = key;
    return dice;
  }
  bool drew(Chance chance) const noexcept { return (drawn_ >> static_cast<unsigned>(chance) & 1U) != 0; }

 private:
  friend class DiceTree;
  struct Turn {
    std::vector<double> probability;
    std::size_t side = 0;
  };
  RandomKey base(Chance chance) const noexcept;

  std::vector<Turn>* turns_ = nullptr;  // of the way through the tree that is walked; null: drawn
  std::size_t next_turn_ = 0;
  bool endless_ = false;  // the walk met what has no few outcomes
  RandomKey key_, frozen_key_;
  std::uint32_t picks_ = 0, drawn_ = 0, frozen_ = 0;  // bit c of the two last: chance c
};

/// What may come of a request, and how likely each is.
struct Outcomes {
  struct One {
    std::int32_t result = -1;
    double probability = 0.0;
  };
  std::vector<One> all;
  bool exact = false;  // every outcome, not so many draws
};

/// Calls `run` once for every outcome of its dice; when there are more than `most`, or one draws from a stream, with
/// `draws` dice of keys split from `key` instead, each with probability 1 / draws.
Outcomes outcomes_of(const RequestDice& dice, RandomKey key, std::size_t most, std::size_t draws,
                     const std::function<std::int32_t(RequestDice&)>& run);

}  // namespace swipegym
