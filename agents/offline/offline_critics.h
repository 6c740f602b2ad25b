#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "agents/offline/offline_rows.h"
#include "agents/state_network.h"
#include "core/progress.h"

namespace swipegym {

/// One training seed of the offline methods.
struct OfflineRun {
  std::uint64_t seed = 1;
  int threads = 0;
  Progress progress{};
};

/// A network that was stopped by validation days.
struct StoppedNetwork {
  StateNetwork network;
  int epochs = 0;                // that were kept
  double validation_loss = 0.0;  // a row, of these
};

/// The behaviour model: -log p(logged action | s), fitted on training rows and stopped early by validation rows.
StoppedNetwork fit_behaviour(const OfflineRows& rows, const OfflineConfig& config, const OfflineRun& run);

/// log p(logged action | s) of every row, in all parts: what off-policy weights are made of.
std::vector<float> logged_log_probs(const StateNetwork& network, const OfflineRows& rows);

/// V(s) of one reward under the policy that logged, by fitted temporal differences over the training rows.
class LoggedValue {
 public:
  LoggedValue(const OfflineRows& rows, const OfflineConfig& config, const OfflineRun& run, RandomKey key);

  /// One pass over the training rows towards r + discount V(s'), V as it was before the pass; r is [all rows].
  void pass(std::span<const float> reward, RandomKey key);
  /// r + discount V(s') - V(s) of every row, in all parts.
  std::vector<float> advantages(std::span<const float> reward) const;

 private:
  std::vector<float> targets(std::span<const float> reward, std::vector<float>& value) const;

  const OfflineRows& rows_;
  const OfflineConfig& config_;
  StateNetwork critic_;
};

/// Each response in units of its training rows' deviation, with a minus for hate: what critics learn. [all rows] each;
/// all 0 for a response that never varies.
std::array<std::vector<float>, kOfflineResponses> scaled_responses(const OfflineRows& rows);

/// A response's one-step advantages A_i = r_i + discount V_i(s') - V_i(s) of the logging policy, each by a critic of
/// its own, in units of their deviation over the training rows; [all rows] each.
std::array<std::vector<float>, kOfflineResponses> logged_advantages(
    const OfflineRows& rows, const std::array<std::vector<float>, kOfflineResponses>& scaled,
    const OfflineConfig& config, const OfflineRun& run);

/// A(s, b) of all K actions, 0 at first: least squares of `advantage`, less its mean over the part, by what was shown,
/// stopped early by validation rows. Validation loss is a share of the variance there: 1 explains nothing.
StoppedNetwork fit_advantage(const OfflineRows& rows, std::span<const float> advantage, const OfflineConfig& config,
                             const OfflineRun& run);

}  // namespace swipegym
