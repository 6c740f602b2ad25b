#include "agents/tabular/tabular_q_learning.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>

#include "core/error.h"
#include "core/random_words.h"

namespace swipegym {
namespace {

/// Draws outcomes of every pair by alias tables (Walker 1977, Vose 1991), one word a draw: its last bits name a column,
/// the others say whether the column's own outcome comes or the one that shares it. Probabilities are therefore kept to
/// about 2^-30; what that changes in Q is far below what sampling leaves.
class OutcomeSampler {
 public:
  OutcomeSampler(const TabularMdp& mdp, RandomKey key)
      : mdp_(mdp),
        key_(key),
        bits_(std::bit_width(mdp.branches - 1)),
        columns_(std::size_t{1} << bits_),
        share_(static_cast<std::uint32_t>((std::uint64_t{1} << (32 - bits_)) - 1)),
        cells_(mdp.pairs() * columns_),
        words_((mdp.pairs() / kWordsAtOnce + 1) * kWordsAtOnce) {
    for (std::size_t pair = 0; pair < mdp.pairs(); ++pair) fill(pair);
  }

  /// Draws the words of a sweep; true when its coin fell on heads.
  bool begin(std::int64_t sweep) {
    const RandomKey key = split(key_, static_cast<std::uint64_t>(sweep));
    for (std::size_t block = 0; block < words_.size() / kWordsAtOnce; ++block)
      random_words(key, 0, static_cast<std::uint32_t>(block),
                   std::span<std::uint32_t, kWordsAtOnce>(&words_[block * kWordsAtOnce], kWordsAtOnce));
    return (words_.back() >> 31) != 0;
  }
  const TabularOutcome& draw(std::size_t pair) const noexcept {
    const std::uint32_t word = words_[pair];
    const std::size_t column = word & (columns_ - 1);
    const Cell& cell = cells_[pair * columns_ + column];
    // Which of the two it is cannot be predicted, so no branch decides it.
    const std::size_t stays = -static_cast<std::size_t>((word >> bits_) < cell.keep);
    return mdp_.outcome[pair * mdp_.branches + ((column & stays) | (cell.other & ~stays))];
  }

 private:
  struct Cell {
    std::uint32_t keep = 0;   // of share_ + 1: how much of the column is its own outcome's
    std::uint32_t other = 0;  // whose the rest is
  };

  void fill(std::size_t pair) {
    std::vector<double> height(columns_, 0.0);  // what is left of each outcome, in columns
    std::vector<std::size_t> low, high;
    for (std::size_t k = 0; k < columns_; ++k) {
      if (k < mdp_.branches)
        height[k] = mdp_.outcome[pair * mdp_.branches + k].probability * static_cast<double>(columns_);
      (height[k] < 1.0 ? low : high).push_back(k);
    }
    Cell* cells = &cells_[pair * columns_];
    while (!low.empty()) {
      const std::size_t small = low.back();
      low.pop_back();
      cells[small] = {static_cast<std::uint32_t>(std::round(height[small] * share_)),
                      static_cast<std::uint32_t>(small)};
      if (high.empty()) {  // what rounding left fills its own column
        cells[small].keep = share_ + 1;
        continue;
      }
      const std::size_t large = high.back();
      cells[small].other = static_cast<std::uint32_t>(large);
      height[large] -= 1.0 - height[small];
      if (height[large] >= 1.0) continue;
      high.pop_back();
      low.push_back(large);
    }
    for (const std::size_t k : high) cells[k] = {share_ + 1, static_cast<std::uint32_t>(k)};
  }

  const TabularMdp& mdp_;
  RandomKey key_;
  int bits_;
  std::size_t columns_;               // 2^bits_, at least the outcomes of a pair
  std::uint32_t share_;               // 2^(32 - bits_) - 1
  std::vector<Cell> cells_;           // [pairs, columns_]
  std::vector<std::uint32_t> words_;  // one a pair, and one more at least; whole blocks
};

// One or two tables, and what a state is worth when they are believed.
struct Tables {
  Tables(const TabularMdp& mdp, bool is_double)
      : states(mdp.states), actions(mdp.actions), count(is_double ? 2 : 1), value(mdp.states + 1, 0.0) {
    for (std::size_t t = 0; t < count; ++t) q[t].assign(mdp.pairs(), 0.0);
  }

  // value[s] = Q'(s, argmax Q(s, .)), Q the table that chooses and Q' the one that values; value[states] stays 0, for
  // what is over.
  void value_states(std::size_t chooser) {
    const double *by = q[chooser].data(), *at = q[count - 1 - chooser].data();
    if (count == 1) {
      for (std::size_t s = 0; s < states; ++s, by += actions) {
        double best = by[0];
        for (std::size_t a = 1; a < actions; ++a) best = by[a] > best ? by[a] : best;
        value[s] = best;
      }
      return;
    }
    for (std::size_t s = 0; s < states; ++s, by += actions, at += actions)
      value[s] = at[std::max_element(by, by + actions) - by];
  }
  std::vector<double> mean() const {
    std::vector<double> out = q[0];
    if (count == 2)
      for (std::size_t pair = 0; pair < out.size(); ++pair) out[pair] = 0.5 * (out[pair] + q[1][pair]);
    return out;
  }

  std::size_t states, actions, count;
  std::array<std::vector<double>, 2> q;
  std::array<std::int64_t, 2> learned{};  // sweeps each has learned in
  std::vector<double> value;
};

TabularQPoint measure(Tables& tables, std::span<const double> optimal, std::int64_t sweeps) {
  TabularQPoint point{.sweeps = sweeps};
  const std::vector<double> q = tables.mean();
  for (std::size_t pair = 0; pair < q.size(); ++pair)
    point.error = std::max(point.error, std::abs(q[pair] - optimal[pair]));
  tables.value_states(0);
  for (std::size_t s = 0; s < tables.states; ++s) {
    const auto row = optimal.subspan(s * tables.actions, tables.actions);
    point.bias += (tables.value[s] - *std::max_element(row.begin(), row.end())) / static_cast<double>(tables.states);
  }
  return point;
}

}  // namespace

LearnedTable learn_tabular_q(const TabularMdp& mdp, std::span<const double> optimal, const TabularQLearning& settings,
                             std::uint64_t seed) {
  assert(optimal.size() == mdp.pairs());
  if (settings.sweeps < 1 || settings.points_per_decade < 1)
    throw InputError("tabular Q-learning needs at least 1 sweep and 1 point a decade");
  OutcomeSampler sampler(mdp, split(make_key(seed), Draw::kBatch));
  Tables tables(mdp, settings.double_q);
  LearnedTable learned;
  int points = 0;
  std::int64_t next_point = 1;
  for (std::int64_t sweep = 1; sweep <= settings.sweeps; ++sweep) {
    const bool heads = sampler.begin(sweep);
    const std::size_t learner = settings.double_q && heads ? 1 : 0;
    tables.value_states(learner);  // values stand still during a sweep
    std::vector<double>& q = tables.q[learner];
    const double step = 1.0 / (1.0 + (1.0 - mdp.discount) * static_cast<double>(++tables.learned[learner]));
    for (std::size_t pair = 0; pair < q.size(); ++pair) {
      const TabularOutcome& outcome = sampler.draw(pair);
      const double next = tables.value[outcome.next < 0 ? mdp.states : static_cast<std::size_t>(outcome.next)];
      q[pair] += step * (outcome.reward + mdp.discount * next - q[pair]);
    }
    if (sweep < next_point && sweep != settings.sweeps) continue;
    learned.curve.push_back(measure(tables, optimal, sweep));
    while (next_point <= sweep)
      next_point = std::llround(std::pow(10.0, static_cast<double>(++points) / settings.points_per_decade));
  }
  learned.q = tables.mean();
  return learned;
}

}  // namespace swipegym
