#include "env/fitted/exposure_effects.h"

#include <algorithm>
#include <vector>

#include "core/validate.h"
#include "env/fitted/watch_grid.h"
#include "env/simulator.h"
#include "nn/parameter.h"

namespace swipegym {

namespace {
constexpr float kFarthest = 3.0F;  // deviations: beyond what most pairs show, an effect stands still
constexpr float kMany = 1.0F;      // deviations

float many(float exposures) {
  return std::max(exposures - kMany, 0.0F);
}

}  // namespace

Matrix exposure_directions() {
  Matrix out = Matrix::Zero(kDirections, WatchGrid::kBins);
  const auto segment = [&](Eigen::Index row, std::size_t s) {
    out.row(row)
        .segment(static_cast<Eigen::Index>(WatchGrid::kFirst[s]), static_cast<Eigen::Index>(WatchGrid::kBinsOf[s]))
        .setOnes();
  };
  const auto slope = [&](Eigen::Index row, std::size_t s) {
    for (std::size_t i = 0; i < WatchGrid::kBinsOf[s]; ++i)
      out(row, static_cast<Eigen::Index>(WatchGrid::kFirst[s] + i)) =
          2.0F * (static_cast<float>(i) + 0.5F) / static_cast<float>(WatchGrid::kBinsOf[s]) - 1.0F;
  };
  segment(0, 0), segment(1, 2), segment(2, 3), segment(3, 4), segment(4, 5), slope(5, 1), slope(6, 3);
  return out;
}

float ExposureEffects::standard(std::size_t which, float value) const noexcept {
  return std::clamp((value - centre[which]) / deviation[which], -kFarthest, kFarthest);
}

void ExposureEffects::terms(float activity, float exposures, float level, float length,
                            std::span<float> out) const noexcept {
  const float a = standard(0, activity), e = standard(1, exposures), l = standard(2, level), d = standard(3, length);
  const std::array<float, kExposureTerms> all = {a, e, l, d, e * d, l * d, e * a, l * a, many(e)};
  std::copy(all.begin(), all.end(), out.begin());
}

ExposureEffects::OfVideo ExposureEffects::of_video(ConstMatrixRef<float> weights, float exposures, float level,
                                                   float length) const noexcept {
  const float e = standard(1, exposures), l = standard(2, level), d = standard(3, length);
  const auto at = [&](ExposureTerm term, std::size_t k) {
    return weights(static_cast<Eigen::Index>(term), static_cast<Eigen::Index>(k));
  };
  OfVideo out;
  for (std::size_t k = 0; k < kDirections; ++k) {
    out.alone[k] = e * at(ExposureTerm::kExposures, k) + l * at(ExposureTerm::kLevel, k) +
                   d * at(ExposureTerm::kLength, k) + e * d * at(ExposureTerm::kExposuresOfLength, k) +
                   l * d * at(ExposureTerm::kLevelOfLength, k) + many(e) * at(ExposureTerm::kManyExposures, k);
    out.of_activity[k] = at(ExposureTerm::kActivity, k) + e * at(ExposureTerm::kExposuresOfActivity, k) +
                         l * at(ExposureTerm::kLevelOfActivity, k);
  }
  return out;
}

void ExposureEffects::validate() const {
  require_between<float>("network/exposure_units", centre, -kLargestFeature, kLargestFeature);
  require_between<float>("network/exposure_units", deviation, 1.0e-3F, kLargestFeature);
  require_between<float>("network/exposure_effects", {weight.data(), static_cast<std::size_t>(weight.size())},
                         -kLargestWeight, kLargestWeight);
}

void ExposureEffects::save(Hdf5Writer& file) const {
  std::vector<float> units(centre.begin(), centre.end());
  units.insert(units.end(), deviation.begin(), deviation.end());
  file.write("network/exposure_units", units);
  file.write_matrix<float>("network/exposure_effects", {weight.data(), static_cast<std::size_t>(weight.size())},
                           kExposureTerms, kDirections);
}

ExposureEffects ExposureEffects::load(const Hdf5Reader& file) {
  ExposureEffects out;
  if (!file.has("network/exposure_effects")) return out;
  const auto units = file.read_array<float, 8>("network/exposure_units");
  std::copy_n(units.begin(), 4, out.centre.begin());
  std::copy_n(units.begin() + 4, 4, out.deviation.begin());
  const std::vector<float> values = file.read_matrix<float>("network/exposure_effects", kExposureTerms, kDirections);
  std::copy(values.begin(), values.end(), out.weight.data());
  return file.checked(std::move(out));
}

}  // namespace swipegym
