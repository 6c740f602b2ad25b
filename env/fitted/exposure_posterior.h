#pragma once

#include <Eigen/Dense>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "env/fitted/exposure_effects.h"
#include "nn/matrix.h"

namespace swipegym {

/// What an interventional effect is a multiple of: 1, the network's own forecast, and the terms of ExposureEffects.
inline constexpr std::size_t kExposureFeatures = 2 + kExposureTerms;
inline constexpr std::size_t kForecast = 1;
using EffectTable = Eigen::Matrix<double, kExposureFeatures, kDirections, Eigen::RowMajor>;

/// Random rows as the posterior reads them: in the order of users.
struct ExposureSample {
  Matrix logits;    // [rows, kBins] without any effect, masked
  Matrix features;  // [rows, kExposureFeatures]
  std::vector<std::uint8_t> bin;
  std::vector<std::uint32_t> user;
};

inline constexpr double kConstantFreedom = 3.0;

struct EffectPrior {
  EffectTable mean, deviation;  // independent normals; of the constants Student's t with kConstantFreedom
  /// Of exposures on the log odds of passing the click's threshold: what the network's own answers had of it where
  /// `mean` was learned. See fit_effects().
  double logged_exposures = 0.0;
  double user_correlation = 0.01;  // of two answers of one user, beyond what the network says of both
  double worth_of_users = 20.0;    // how many users' evidence user_correlation is worth
};

struct EffectPosterior {
  EffectTable mean, deviation;
  EffectTable from_rows;          // in [0, 1]: 1 less posterior over prior variance
  Eigen::MatrixXd covariance;     // of the table's entries, row by row
  double user_correlation = 0.0;  // as the rows have it
  double design_effect = 1.0;     // how many of the rows say as much as one that were independent of all others
};

/// Normal approximation at the maximum a posteriori of a softmax regression, by Newton's method. Rows of one user are
/// not independent: the likelihood is tempered by the design effect 1 + r (sum of squared rows of a user / rows - 1), r
/// the answers' correlation within users (Kish, "Survey Sampling", 1965, sec. 5.4), found from the sums of users'
/// scores. The estimate stays that of the mean over rows, as weights of users or effects of their own would not: people
/// watch more while they are pleased. Without rows it is the prior.
EffectPosterior effect_posterior(const ExposureSample& sample, const EffectPrior& prior);
/// A draw from its normal approximation.
EffectTable draw_effects(const EffectPosterior& posterior, RandomStream random);

}  // namespace swipegym
