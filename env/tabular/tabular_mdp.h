#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// One way a step may turn out.
struct TabularOutcome {
  double probability = 0.0;
  std::int32_t next = -1;  // the state it leads to; -1: it is over
  double reward = 0.0;
};

/// A finite Markov decision process whose every number is known: what learners are measured against. Fill `outcome`,
/// then let tabulate() make P and R of it.
struct TabularMdp {
  std::size_t states = 0, actions = 0;
  double discount = 0.9;                  // in [0, 1)
  std::size_t branches = 0;               // outcomes of each pair; one of probability 0 stands where there are fewer
  std::vector<TabularOutcome> outcome{};  // [states, actions, branches]; probabilities of a pair sum to 1
  std::vector<double> start{};            // [states], where episodes begin; sums to 1
  std::vector<double> transition{};       // P [states, actions, states]; a row sums to 1 less that of its end
  std::vector<double> reward{};           // R [states, actions], expected

  std::size_t pairs() const noexcept { return states * actions; }
};

/// Fills P and R. Throws InputError when a size, a probability, a state or the discount makes no sense.
void tabulate(TabularMdp& mdp);

struct SolvedMdp {
  std::vector<double> q;  // Q* [states, actions]
  int iterations = 0;
  double bound = 0.0;  // no entry is further than this from Q*
};

/// Value iteration (Bellman 1957) until the contraction's bound, discount / (1 - discount) times the last change, is at
/// most `tolerance`.
SolvedMdp iterate_values(const TabularMdp& mdp, double tolerance = 1e-10);

/// The best action of each state; equal ones go to the lowest.
std::vector<std::int32_t> greedy_actions(const TabularMdp& mdp, std::span<const double> q);
/// V of a policy that takes action a in state s with probability [s, a], [states]: the solution of (I - discount P) V =
/// R under it, with no sampling and no iteration.
std::vector<double> evaluate_policy(const TabularMdp& mdp, std::span<const double> probability);
/// The same for a policy of one action a state.
std::vector<double> evaluate_actions(const TabularMdp& mdp, std::span<const std::int32_t> actions);
/// What an episode is worth when it begins where episodes begin.
double start_value(const TabularMdp& mdp, std::span<const double> values);

}  // namespace swipegym
