#pragma once

#include <array>
#include <string>
#include <vector>

#include "agents/offline/offline_actors.h"
#include "core/config.h"
#include "evaluation/metrics/bootstrap.h"
#include "evaluation/off_policy/logged_choices.h"

namespace swipegym {

/// Logged rows of one part as NCIS sees them for one response: weights p / p_b, from log probabilities of all rows.
std::vector<OffPolicyRow> ncis_rows(const OfflineRows& rows, const std::vector<std::uint32_t>& part,
                                    std::size_t response, std::span<const float> log_prob,
                                    std::span<const float> behaviour_log);

/// A method as the setting that validation days chose for it is worth on the test days.
struct OfflineLine {
  std::string method, setting;
  std::array<double, kOfflineResponses> validation_gain{};  // relative, mean over seeds; less hate is a gain
  std::array<Interval, kOfflineResponses> value;            // NCIS, mean over training seeds
  std::array<Interval, kOfflineResponses> change;           // relative to bc; more hate is positive
  std::array<double, kOfflineResponses> other_change{};     // the same judged by another behaviour model
  double effective_rows = 0.0;                   // ESS of the weights, cut as NCIS cuts them: mean over seeds
  double largest_weight = 0.0;                   // before the cut, of any seed
  double cut_rows = 0.0;                         // share of rows whose weight was cut
  std::vector<std::vector<double>> multipliers;  // RCPO: of each auxiliary, a seed each
  double distance = 0.0;                         // TSCAC: KL(target, p), mean over seeds
};

struct OfflineStudyResult {
  std::size_t train_rows = 0, validation_rows = 0, test_rows = 0, test_users = 0;
  std::array<double, kOfflineResponses> logged{};      // means of the test rows
  std::array<double, kOfflineResponses> test_sum{};    // clicks, likes, ... and seconds of the test rows
  double behaviour_loss = 0.0, popularity_loss = 0.0;  // -log p_b on test rows, mean over seeds; shares of exposures
  std::vector<double> advantage_loss;                  // of each seed: share of the variance left on validation rows
  std::vector<OfflineLine> lines;                      // most watch time first
};

struct OfflineStudySettings {
  OfflineConfig config;
  std::size_t seeds = 5;
  std::size_t resamples = 1000;
};

/// Trains every offline method for seeds task.seed, task.seed + 1, ..., lets validation days choose one setting a
/// method for all seeds, and judges it on test days by NCIS. A policy of a seed is weighed by that seed's behaviour
/// model, from which it was trained, so that bc is the logged mean; and once more by a model of another seed, which is
/// as good a fit: what differs between the two is what the figures owe to the model. All models are fitted on training
/// days.
///
/// Chosen is, among the settings whose weights are worth config.least_effective of the validation rows, the most watch
/// time where no auxiliary loses more than config.tolerance, else the one that loses least. Intervals are a studentised
/// bootstrap over users of the mean over seeds: they tell of the rows, not of the seeds nor of the behaviour model.
OfflineStudyResult run_offline_study(const OfflineRows& rows, const OfflineStudySettings& settings, std::uint64_t seed,
                                     int threads, const Progress& progress = {});

Json to_json(const OfflineStudyResult& result);

}  // namespace swipegym
