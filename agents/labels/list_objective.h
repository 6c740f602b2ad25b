#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "nn/attention_pooling.h"
#include "nn/soft_top_k.h"

namespace swipegym {

/// What a platform wants of the lists it shows: seconds watched, explicit feedback, durations that are spread.
enum PlatformObjective : std::size_t { kWatchObjective, kFeedbackObjective, kDurationObjective, kPlatformObjectives };

struct ListObjectiveConfig {
  SoftTopKConfig top{};
  std::array<bool, kPlatformObjectives> used = {true, true, true};
  double balance = 0.5;  // tau: weights are softmax(-tau M_i), so the objective that is behind gets more; 0: equal
};

/// The rows of some users, a value of each objective a row: what its watch time and its feedback are worth, and its
/// duration.
struct ListRows {
  std::vector<RowRange> users;                    // rows of a user lie together; more than k of them
  std::vector<double> watch, feedback, duration;  // [rows]
};

/// LabelCraft's platform objective of the top-k lists that scores make: for each user
///   M1 = sum_i a_i / k * watch_i,  M2 = sum_i a_i / k * feedback_i,  M3 = sqrt(sum_i a_i / k * (duration_i - E)^2)
/// with E = sum_i a_i / k * duration_i and a the soft top-k indicator; averaged over users and joined as
/// M = sum_j weight_j M_j. The published exponent of M3 is -1/2; since a wider spread is wanted and M is maximised it
/// must be +1/2.
class ListObjective {
 public:
  struct Value {
    std::array<double, kPlatformObjectives> parts{};    // means over users
    std::array<double, kPlatformObjectives> weights{};  // sum to 1 over the objectives used
    double total = 0.0;
  };
  explicit ListObjective(const ListObjectiveConfig& config) : config_(config) {}

  /// Of scores [rows]; d_scores, unless empty, receives dM / d scores with the weights held constant. `weights`, unless
  /// null, are used instead of the balanced ones.
  Value evaluate(const ListRows& rows, std::span<const double> scores, std::span<double> d_scores, int threads,
                 const std::array<double, kPlatformObjectives>* weights = nullptr) const;

  /// softmax(-tau M_i) over the objectives used; while the smallest positive M_i is below 1, all are multiplied by 10
  /// first, as the published code does, at most 6 times, and an objective of 0 is not waited for.
  std::array<double, kPlatformObjectives> balanced(const std::array<double, kPlatformObjectives>& parts) const;

 private:
  ListObjectiveConfig config_;
};

}  // namespace swipegym
