#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.h"
#include "env/fitted/exposure_posterior.h"
#include "env/fitted/exposure_prior.h"
#include "env/fitted/watch_grid.h"
#include "nn/losses.h"

namespace swipegym {
namespace {

EffectTable known_effects() {
  EffectTable out = EffectTable::Zero();
  out.row(0) << 0.4, -0.6, -0.8, -0.5, -0.3, 0.2, 0.0;
  out.row(3).segment<4>(1).setConstant(0.5);  // exposures
  return out;
}

double normal(RandomStream& random) {
  return std::sqrt(-2.0 * std::log(1.0 - random.uniform_double())) * std::cos(6.283185307 * random.uniform_double());
}

// Rows of users who each have an effect of their own, answered under known_effects().
ExposureSample drawn_sample(std::uint32_t users, std::size_t rows_each, double user_deviation, std::uint64_t seed) {
  RandomStream random(make_key(seed));
  const auto n = static_cast<Eigen::Index>(users * rows_each);
  ExposureSample out{.logits = Matrix::Zero(n, WatchGrid::kBins), .features = Matrix::Zero(n, kExposureFeatures)};
  const Matrix basis = exposure_directions();
  for (Eigen::Index i = 0; i < n; ++i) {
    out.features(i, 0) = 1.0F;
    for (Eigen::Index j = 1; j < out.features.cols(); ++j) out.features(i, j) = static_cast<float>(normal(random));
  }
  Eigen::Index row = 0;
  for (std::uint32_t user = 0; user < users; ++user) {
    const double own = user_deviation * normal(random);
    for (std::size_t i = 0; i < rows_each; ++i, ++row) {
      Eigen::Matrix<double, 1, kDirections> shift = out.features.row(row).cast<double>() * known_effects();
      shift.segment<4>(1).array() += own;
      Matrix p = shift.cast<float>() * basis;
      softmax_rows<float>(p);
      double left = random.uniform_double();
      std::uint8_t bin = 0;
      while (bin + 1U < WatchGrid::kBins && left >= static_cast<double>(p(0, bin)))
        left -= static_cast<double>(p(0, bin++));
      out.bin.push_back(bin), out.user.push_back(user);
    }
  }
  return out;
}

EffectPrior wide_prior() {
  return {.mean = EffectTable::Zero(), .deviation = EffectTable::Constant(2.0)};
}

TEST_CASE("effects are recovered from random rows as closely as is said", "[fit]") {
  const EffectPosterior at = effect_posterior(drawn_sample(4000, 1, 0.0, 1), wide_prior());
  const EffectTable miss = (at.mean - known_effects()).cwiseQuotient(at.deviation);
  CHECK(miss.cwiseAbs().maxCoeff() < 4.0);
  CHECK(miss.array().square().mean() == Approx(1.0).margin(0.5));
  CHECK(at.mean.row(3).segment<4>(1).mean() == Approx(0.5).margin(0.1));
  CHECK(at.from_rows.minCoeff() > 0.9);
  CHECK(at.design_effect == Approx(1.0));
}

TEST_CASE("rows of users who differ count for fewer", "[fit]") {
  const EffectPosterior alike = effect_posterior(drawn_sample(100, 40, 0.0, 2), wide_prior());
  const EffectPosterior apart = effect_posterior(drawn_sample(100, 40, 0.8, 2), wide_prior());
  CHECK(alike.user_correlation < 0.02);
  CHECK(apart.user_correlation > 0.06);
  CHECK(apart.design_effect > 3.0);
  CHECK(apart.deviation(0, 1) > 1.5 * alike.deviation(0, 1));
}

TEST_CASE("without random rows the posterior is the prior, and few rows of few users move it little", "[fit]") {
  const EffectPrior prior = learned_effect_prior();
  const EffectPosterior none =
      effect_posterior({.logits = Matrix(0, WatchGrid::kBins), .features = Matrix(0, kExposureFeatures)}, prior);
  CHECK(none.mean == prior.mean);
  CHECK(none.from_rows.maxCoeff() == 0.0);
  // Four hundred rows of four users say less than of four hundred.
  EffectPrior narrow = wide_prior();
  narrow.deviation.setConstant(0.3);
  const EffectPosterior few = effect_posterior(drawn_sample(4, 100, 0.8, 2), narrow);
  const EffectPosterior many = effect_posterior(drawn_sample(400, 1, 0.8, 2), narrow);
  CHECK(few.from_rows.row(0).segment<4>(1).mean() < many.from_rows.row(0).segment<4>(1).mean());
  CHECK(few.deviation(0, 1) > many.deviation(0, 1));
}

TEST_CASE("draws of effects have the posterior's mean and covariance", "[fit][members]") {
  EffectPosterior posterior = effect_posterior(drawn_sample(40, 10, 0.0, 9), learned_effect_prior());
  constexpr int kDraws = 4000;
  const Eigen::Index one = 1, other = static_cast<Eigen::Index>(3 * kDirections + 1);  // constant and exposures
  double sum = 0.0, square = 0.0, product = 0.0;
  for (std::uint32_t n = 0; n < kDraws; ++n) {
    const EffectTable off = draw_effects(posterior, RandomStream(make_key(2), n)) - posterior.mean;
    sum += off.data()[other], square += off.data()[other] * off.data()[other];
    product += off.data()[one] * off.data()[other];
  }
  const double variance = posterior.covariance(other, other);
  CHECK(std::sqrt(variance) == Approx(posterior.deviation.data()[other]));
  CHECK(std::abs(sum / kDraws) < 4.0 * std::sqrt(variance / kDraws));
  CHECK(square / kDraws == Approx(variance).epsilon(0.1));
  const double scale = std::sqrt(variance * posterior.covariance(one, one));
  CHECK(std::abs(product / kDraws - posterior.covariance(one, other)) < 0.07 * scale);
}

}  // namespace
}  // namespace swipegym
