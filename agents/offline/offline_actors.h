#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/offline/offline_critics.h"

namespace swipegym {

/// What an actor of a log learns from: first-order importance weighted policy gradient. The loss of a row is
///   -min(p(a | s) / p_b(a | s), limit) A log p(a | s),
/// the factor before the logarithm held constant; where nothing is cut its gradient is that of -E_b[(p / p_b) A].
struct LoggedGradient {
  std::span<const float> behaviour_log;  // [all rows] log p_b of the logged action
  std::span<const float> advantage;      // [all rows]
  double ratio_limit = 10.0;
};

/// A pass over the training rows, order and dropped units drawn from `key`.
void gradient_epoch(StateNetwork& actor, const OfflineRows& rows, const LoggedGradient& gradient, std::size_t batch,
                    RandomKey key);
/// The same for reward-weighted regression: -min(exp(A / temperature), 20) log p(a | s).
void regression_epoch(StateNetwork& actor, const OfflineRows& rows, std::span<const float> advantage,
                      double temperature, std::size_t batch, RandomKey key);

/// The second stage of TSCAC where it is exact: all that its target needs, for the training rows.
struct SecondStage {
  Matrix auxiliary_log;    // [training rows, K] mean over the auxiliary actors of log p_i
  Matrix advantage;        // [training rows, K] A of the main reward, centred under the behaviour model, over deviation
  double deviation = 0.0;  // of the centred advantage under the behaviour model
  double auxiliaries = 0;  // how many
};
SecondStage second_stage(const OfflineRows& rows, const StateNetwork& behaviour,
                         std::span<const StateNetwork> auxiliaries, const StateNetwork& advantage);
/// A pass of cross-entropy towards tscac_target() with this lambda for every auxiliary; returns the mean KL(target, p)
/// of the pass, which tells how far the actor still is.
double target_epoch(StateNetwork& actor, const OfflineRows& rows, const SecondStage& stage, double lambda,
                    std::size_t batch, RandomKey key);

/// A trained policy that validation days may choose, as what judges need of it.
struct OfflineChoice {
  std::string_view method;
  std::string setting;                // in words, the same for every training seed
  std::vector<float> log_prob;        // [all rows] log p of the logged action
  std::vector<double> multipliers{};  // RCPO: of each auxiliary, as the policy was trained with them
  double distance = 0.0;              // TSCAC: KL(target, p) of the last pass
};

/// Relative gains over the logged rate of each response on validation days, a fall in hate being a gain; given log p
/// and the behaviour model's log p_b of the logged action of all rows.
using OfflineJudge = std::function<std::array<double, kOfflineResponses>(std::span<const float> log_prob,
                                                                         std::span<const float> behaviour_log)>;

struct OfflineTraining {
  std::vector<OfflineChoice> choices;  // each method's one after the other; first bc, the behaviour model itself
  int behaviour_epochs = 0, advantage_epochs = 0;
  double behaviour_loss = 0.0;  // -log p(a | s) on validation rows
  double advantage_loss = 0.0;  // share of the variance that is left on validation rows
};

/// Trains every method for one seed: behaviour cloning, reward-weighted regression, weighted sums, RCPO with one critic
/// and with many (multipliers follow `judge`; the bound is that no response gets worse), and TSCAC.
OfflineTraining train_offline(const OfflineRows& rows, const OfflineConfig& config, const OfflineRun& run,
                              const OfflineJudge& judge);

}  // namespace swipegym
