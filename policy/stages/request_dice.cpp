#include "policy/stages/request_dice.h"

#include <array>
#include <cassert>
#include <numeric>

namespace swipegym {
namespace {

constexpr std::uint64_t kPicks = std::uint64_t{1} << 32;  // beyond the numbers of streams

constexpr std::uint32_t chance_bit(Chance chance) noexcept {
  return 1U << static_cast<unsigned>(chance);
}

}  // namespace

std::string_view chance_name(Chance chance) noexcept {
  constexpr std::array<std::string_view, kNumChances> kNames = {"flow", "thompson", "query", "filler", "bring-back"};
  return kNames[static_cast<std::size_t>(chance)];
}

RandomKey RequestDice::base(Chance chance) const noexcept {
  return split((frozen_ & chance_bit(chance)) != 0 ? frozen_key_ : key_, static_cast<std::uint64_t>(chance) + 1);
}

void RequestDice::freeze(Chance chance, RandomKey key) noexcept {
  frozen_ |= chance_bit(chance);
  frozen_key_ = key;
}

RandomKey RequestDice::key(Chance chance, std::uint32_t number) {
  drawn_ |= chance_bit(chance);
  endless_ |= (frozen_ & chance_bit(chance)) == 0;
  return split(base(chance), number);
}

std::size_t RequestDice::pick(Chance chance, std::span<const double> weights) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  assert(total > 0.0);
  drawn_ |= chance_bit(chance);
  if (turns_ != nullptr && (frozen_ & chance_bit(chance)) == 0) {
    if (next_turn_ == turns_->size()) {
      Turn& turn = turns_->emplace_back();
      for (const double weight : weights) turn.probability.push_back(weight / total);
      while (turn.probability[turn.side] <= 0.0) ++turn.side;
    }
    return (*turns_)[next_turn_++].side;
  }
  RandomStream random(split(base(chance), kPicks + picks_++));
  double left = random.uniform_double() * total;
  std::size_t last = 0;
  for (std::size_t side = 0; side < weights.size(); ++side) {
    if (weights[side] <= 0.0) continue;
    last = side;
    if (left < weights[side]) break;
    left -= weights[side];
  }
  return last;  // rounding may leave a little over behind the last side
}

/// A walk over all sides of all dice, depth first: the turns taken are kept, and the last one with a side left goes on
/// to it.
class DiceTree {
 public:
  RequestDice start(const RequestDice& like) {
    RequestDice dice = like;
    dice.turns_ = &turns_;
    return dice;
  }
  static bool endless(const RequestDice& dice) noexcept { return dice.endless_; }
  double probability() const noexcept {
    double product = 1.0;
    for (const RequestDice::Turn& turn : turns_) product *= turn.probability[turn.side];
    return product;
  }
  // False when every side was seen.
  bool advance() {
    for (; !turns_.empty(); turns_.pop_back()) {
      RequestDice::Turn& turn = turns_.back();
      do ++turn.side;
      while (turn.side < turn.probability.size() && turn.probability[turn.side] <= 0.0);
      if (turn.side < turn.probability.size()) return true;
    }
    return false;
  }

 private:
  std::vector<RequestDice::Turn> turns_;
};

Outcomes outcomes_of(const RequestDice& like, RandomKey key, std::size_t most, std::size_t draws,
                     const std::function<std::int32_t(RequestDice&)>& run) {
  Outcomes outcomes{.all = {}, .exact = true};
  DiceTree tree;
  do {
    RequestDice dice = tree.start(like);
    const std::int32_t result = run(dice);
    if (DiceTree::endless(dice) || outcomes.all.size() == most) {
      outcomes = {};
      break;
    }
    outcomes.all.push_back({result, tree.probability()});
  } while (tree.advance());
  if (outcomes.exact) return outcomes;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    RequestDice dice = like.with_key(split(key, draw));
    outcomes.all.push_back({run(dice), 1.0 / static_cast<double>(draws)});
  }
  return outcomes;
}

}  // namespace swipegym
