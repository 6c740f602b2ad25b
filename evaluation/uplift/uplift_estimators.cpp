#include "evaluation/uplift/uplift_estimators.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/validate.h"
#include "evaluation/uplift/outcome_model.h"

namespace swipegym {
namespace {

// What models of the other folds say of a fold's rows.
struct RowModels {
  std::vector<double> tau, mean;  // [rows of the fold]; `mean`: of the outcome under the row's own chance of heads
};

struct Training {
  const UpliftRows& rows;
  const UpliftSettings& settings;
  FeatureTable table;                      // X
  std::vector<std::uint32_t> learn, told;  // rows that models are fitted on and asked about
  RandomKey key;

  std::vector<std::uint32_t> arm(std::uint8_t treated) const {
    std::vector<std::uint32_t> out;
    for (const std::uint32_t row : learn)
      if (rows.treated[row] == treated) out.push_back(row);
    return out;
  }
  OutcomeModel model(const FeatureTable& of, std::span<const double> target, std::vector<std::uint32_t> on,
                     std::uint64_t number) const {
    return {OutcomeRows{.table = &of, .target = target, .creator = rows.creator, .rows = std::move(on)}, settings,
            split(key, number)};
  }
};

// Lets `learner` tell tau and the mean of each fold, and averages.
template <class Learner>
UpliftEstimate cross_fitted(std::string_view name, const UpliftRows& rows, const UpliftSettings& settings,
                            RandomKey key, const Learner& learner) {
  rows.validate();
  check_ranges(settings);
  UpliftEstimate out{
      .name = name, .tau = std::vector<double>(rows.size()), .influence = std::vector<double>(rows.size())};
  const auto folds = static_cast<std::uint32_t>(settings.folds);
  const std::vector<std::uint32_t> fold = creator_folds(rows.creator, folds, split(key, Draw::kBatch));
  double sum = 0.0;
  for (std::uint32_t f = 0; f < folds; ++f) {
    Training training{.rows = rows,
                      .settings = settings,
                      .table = {.width = rows.num_features, .values = rows.features},
                      .learn = {},
                      .told = {},
                      .key = split(key, f)};
    for (std::uint32_t row = 0; row < rows.size(); ++row) {
      if (fold[row] == f) training.told.push_back(row);
      if (fold[row] != f || folds == 1) training.learn.push_back(row);
    }
    if (training.told.empty()) continue;
    const RowModels models = learner(training);
    for (std::size_t i = 0; i < training.told.size(); ++i) {
      const std::uint32_t row = training.told[i];
      const double tau = models.tau[i], e = rows.propensity[row], off = (rows.treated[row] != 0 ? 1.0 : 0.0) - e;
      out.tau[row] = tau;
      out.influence[row] = tau + off / (e * (1.0 - e)) * (rows.outcome[row] - models.mean[i] - off * tau);
      sum += out.influence[row];
    }
  }
  const double mean = sum / static_cast<double>(rows.size());
  for (double& influence : out.influence) influence -= mean;
  set_average(out, mean, rows.creator);
  return out;
}

// Of both arms' outcomes as models tell them.
RowModels of_arms(const Training& training, std::span<const double> heads, std::span<const double> tails) {
  RowModels out;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const double e = training.rows.propensity[training.told[i]];
    out.tau.push_back(heads[i] - tails[i]);
    out.mean.push_back(e * heads[i] + (1.0 - e) * tails[i]);
  }
  return out;
}

}  // namespace

UpliftEstimate difference_of_means(const UpliftRows& rows, std::span<const std::uint32_t> stratum) {
  rows.validate();
  require_size("difference of means: stratum", stratum.size(), rows.size());
  struct Arm {
    double weight = 0.0, outcome = 0.0;
    double mean() const { return outcome / weight; }
  };
  struct Stratum {
    std::array<Arm, 2> arm;  // tails, heads
    double rows = 0.0;
    double tau() const { return arm[1].mean() - arm[0].mean(); }
  };
  std::vector<Stratum> strata(*std::max_element(stratum.begin(), stratum.end()) + std::size_t{1});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Stratum& in = strata[stratum[i]];
    Arm& arm = in.arm[rows.treated[i]];
    const double weight = inverse_propensity(rows, i);
    arm.weight += weight, arm.outcome += weight * rows.outcome[i], in.rows += 1.0;
  }
  double average = 0.0;
  for (std::size_t s = 0; s < strata.size(); ++s) {
    if (strata[s].rows == 0.0) continue;
    require_that("difference of means: stratum " + std::to_string(s),
                 strata[s].arm[0].weight > 0.0 && strata[s].arm[1].weight > 0.0,
                 "rows with heads and with tails; make fewer strata");
    average += strata[s].rows * strata[s].tau() / static_cast<double>(rows.size());
  }
  UpliftEstimate out{.name = "difference of means",
                     .tau = std::vector<double>(rows.size()),
                     .influence = std::vector<double>(rows.size())};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Stratum& in = strata[stratum[i]];
    const Arm& arm = in.arm[rows.treated[i]];
    const double error = (rows.outcome[i] - arm.mean()) * inverse_propensity(rows, i) * in.rows / arm.weight;
    out.tau[i] = in.tau();
    out.influence[i] = in.tau() - average + (rows.treated[i] != 0 ? error : -error);
  }
  set_average(out, average, rows.creator);
  return out;
}

UpliftEstimate s_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key) {
  return cross_fitted("S-learner", rows, settings, key, [](const Training& training) {
    const UpliftRows& from = training.rows;
    FeatureTable with{.width = from.num_features + 1, .values = {}}, heads = with, tails = with;
    for (std::size_t i = 0; i < from.size(); ++i)
      for (auto [table, treatment] :
           {std::pair{&with, from.treated[i] != 0 ? 1.0 : 0.0}, {&heads, 1.0}, {&tails, 0.0}}) {
        const auto row = from.feature_row(i);
        table->values.insert(table->values.end(), row.begin(), row.end());
        table->values.push_back(treatment);
      }
    const OutcomeModel model = training.model(with, from.outcome, training.learn, 0);
    return of_arms(training, model.predict(heads, training.told), model.predict(tails, training.told));
  });
}

UpliftEstimate t_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key) {
  return cross_fitted("T-learner", rows, settings, key, [](const Training& training) {
    const OutcomeModel heads = training.model(training.table, training.rows.outcome, training.arm(1), 1);
    const OutcomeModel tails = training.model(training.table, training.rows.outcome, training.arm(0), 0);
    return of_arms(training, heads.predict(training.table, training.told),
                   tails.predict(training.table, training.told));
  });
}

UpliftEstimate x_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key) {
  return cross_fitted("X-learner", rows, settings, key, [](const Training& training) {
    const UpliftRows& from = training.rows;
    const std::vector<std::uint32_t> treated = training.arm(1), others = training.arm(0);
    const OutcomeModel heads = training.model(training.table, from.outcome, treated, 1);
    const OutcomeModel tails = training.model(training.table, from.outcome, others, 0);
    std::vector<double> effect(from.size());
    const std::vector<double> without = tails.predict(training.table, treated),
                              with = heads.predict(training.table, others);
    for (std::size_t i = 0; i < treated.size(); ++i) effect[treated[i]] = from.outcome[treated[i]] - without[i];
    for (std::size_t i = 0; i < others.size(); ++i) effect[others[i]] = with[i] - from.outcome[others[i]];
    const std::vector<double> of_treated =
        training.model(training.table, effect, treated, 3).predict(training.table, training.told);
    const std::vector<double> of_others =
        training.model(training.table, effect, others, 2).predict(training.table, training.told);
    RowModels out =
        of_arms(training, heads.predict(training.table, training.told), tails.predict(training.table, training.told));
    for (std::size_t i = 0; i < training.told.size(); ++i) {
      const double e = from.propensity[training.told[i]];
      out.tau[i] = e * of_others[i] + (1.0 - e) * of_treated[i];
    }
    return out;
  });
}

UpliftEstimate transformed_learner(const UpliftRows& rows, const UpliftSettings& settings, RandomKey key) {
  rows.validate();
  const std::vector<double> target = transformed_outcome(rows);
  return cross_fitted("transformed outcome", rows, settings, key, [&](const Training& training) {
    const UpliftRows& from = training.rows;
    return RowModels{
        .tau = training.model(training.table, target, training.learn, 0).predict(training.table, training.told),
        .mean = training.model(training.table, from.outcome, training.learn, 1).predict(training.table, training.told)};
  });
}

}  // namespace swipegym
