#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agents/policy_gradient/rollout.h"
#include "agents/policy_gradient/running_ridge.h"
#include "agents/state_network.h"
#include "core/range.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// How an agent learns from whether users come back.
struct RetentionConfig {
  float weight = 1000.0F;       // what one unit of a return's worth counts beside the world's reward, in its unit
  std::string reward = "day";   // worth of a return. day: 1 within 24 hours, else 0; gap: minus the days until then, at
                                // most a week
  float discount = 0.95F;       // between sessions; within one nothing is discounted
  bool normalise = true;        // from a worth is taken what the user's features foretell of it
  float gae_lambda = 0.9F;      // of the advantages of returns within a session
  double penalty = 3000.0;      // sessions that say that nothing shown matters to returns, before any was seen
  double learning_rate = 1e-3;  // of the values of later sessions
  std::vector<std::size_t> hidden = {32};
};

template <class Visitor>
void visit_fields(Visitor& visit, RetentionConfig& config) {
  visit("weight", config.weight, ranges::kWeight);
  visit("reward", config.reward, one_of({"day", "gap"}));
  visit("discount", config.discount, below(0, 1));
  visit("normalise", config.normalise);
  visit("gae_lambda", config.gae_lambda, between(0, 1));
  visit("penalty", config.penalty, between(1e-3, 1e9));
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("hidden", config.hidden, ranges::kUnits, ranges::kLayersOrNone);
}

/// Sums over the sessions that ended in a rollout.
struct ReturnSums {
  double sessions = 0.0, worth = 0.0, square = 0.0;  // of the returns
  double residual = 0.0;                             // square of what user features had not foretold

  ReturnSums& operator+=(const ReturnSums& other) noexcept;
  double mean() const noexcept;       // worth of a session's return
  double explained() const noexcept;  // share of the variance that user features foretold
};

/// Values of coming back, of a policy whose users do so (Rollout::Shape::returns). With y the worth of a return and s_0
/// the state in which the next session begins,
///   U(s) = R(s) - b(u) + discount N(s)           of a session that ended in s,  R(s) = E[y | s],  N(s) = E[V(s_0) | s]
///   V(s) = E[(1 - stays) U(s') + stays V(s')]    of one that goes on in s, s' being the state behind the next video
/// and advantages are generalised over
///   d_t = (1 - stays_t) U(s_{t+1}) + stays_t V(s_{t+1}) - V(s_t).
/// So a drawn return is never looked at by itself: what R makes of the state behind a video takes its place, as if the
/// video were the last one, for the probability that it is. A return is 0 or 1, and a video moves its chance by a
/// hundredth. R holds for any policy, as far as the state tells what users listen to, so it is a regression on all
/// sessions that ever ended; N and V are networks that follow the policy.
///
/// b(u), the habit, is what the user's features foretell of y. No policy changes it, so that taking it off moves the
/// value of all policies alike. Without it the values of two users differ by what habit makes of all their later
/// sessions, and the networks learn that instead of what videos do.
class ReturnCritics {
 public:
  /// R looks at the first `return_columns` columns of a state; V learns from at most `rows` rows a step.
  ReturnCritics(const RetentionConfig& config, std::size_t state_size, std::size_t return_columns, std::size_t rows,
                RandomKey key, int threads);

  /// Of a full rollout: advantages of returns, [rows], in units of a return's worth.
  void value(const Rollout& rollout, std::span<float> advantage);
  /// After value(), of that rollout: a step of V in the states of these rows; R, b and `passes` over the ended sessions
  /// for N.
  void learn_values(const Rollout& rollout, std::span<const std::uint32_t> rows);
  void learn_returns(const Rollout& rollout, int passes, RandomKey key);
  /// Of the rollout that was valued last.
  const ReturnSums& sums() const noexcept { return sums_; }

  /// Of each row of `states`: the worth of the return of a user who leaves in it, R; less the habit b, which is fitted
  /// first and taken off, unless `normalise` is false.
  void foretell(ConstMatrixRef<float> states, std::span<float> out) const { returns_.foretell(states, out); }

  void save(Hdf5Writer& file, const std::string& name) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  void value_leaving(ConstMatrixRef<float> states, std::span<float> out);
  void note_returns(const Rollout& rollout);
  void fit_returns();

  RetentionConfig config_;
  RunningRidge returns_, habit_;  // R, b
  StateNetwork staying_, next_;   // V, N

  // Of the rollout under update.
  ReturnSums sums_;
  std::vector<float> value_, left_value_;        // [state rows] V and U
  std::vector<float> next_value_, next_left_;    // [rows] of the state behind the row's video
  std::vector<float> response_, target_;         // [rows]
  std::vector<float> ended_value_, ended_left_;  // [ended sessions] V and U of the states they ended in
  std::vector<float> worth_, next_target_;       // [ended sessions] y, and what N is of
  std::vector<float> part_;                      // of U
  std::vector<std::uint32_t> returned_;          // sessions whose user left by themselves
};

}  // namespace swipegym
