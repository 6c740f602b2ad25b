#include "policy/multitask/heads.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/error.h"
#include "core/validate.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr float kLargestRatio = 1e6F;        // of a bin's edge or mean
constexpr float kLargestCalibration = 1e3F;  // of an offset or a slope

template <std::size_t kCount>
std::vector<std::string> words_of(const std::array<std::string_view, kCount>& names) {
  return {names.begin(), names.end()};
}
template <std::size_t kCount>
float* weight_of(const std::array<std::string_view, kCount>& names, std::array<float, kCount>& weights,
                 std::string_view name) noexcept {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? nullptr : &weights[static_cast<std::size_t>(at - names.begin())];
}

}  // namespace

const std::vector<std::string>& HeadWeights::names() {
  static const std::vector<std::string> names = words_of(kHeadNames);
  return names;
}
float* HeadWeights::find(std::string_view name) noexcept {
  return weight_of(kHeadNames, weight, name);
}
bool HeadWeights::any() const noexcept {
  return std::any_of(weight.begin(), weight.end(), [](float w) { return w != 0.0F; });
}
HeadWeights all_heads() noexcept {
  HeadWeights all;
  all.weight.fill(1.0F);
  return all;
}

const std::vector<std::string>& OutputWeights::names() {
  static const std::vector<std::string> names = words_of(kHeadOutputNames);
  return names;
}
float* OutputWeights::find(std::string_view name) noexcept {
  return weight_of(kHeadOutputNames, weight, name);
}
std::size_t OutputWeights::only() const noexcept {
  const auto weighted = std::count_if(weight.begin(), weight.end(), [](float w) { return w != 0.0F; });
  if (weighted != 1) return kHeadOutputs;
  return static_cast<std::size_t>(std::find(weight.begin(), weight.end(), 1.0F) - weight.begin());
}

std::size_t WatchBins::bin(float ratio) const noexcept {
  return static_cast<std::size_t>(std::lower_bound(edge.begin(), edge.end(), ratio) - edge.begin());
}

void WatchBins::validate() const {
  require_that("watch_bins/edge", !edge.empty(), "at least one edge");
  require_size("watch_bins/mean", mean.size(), edge.size() + 1);
  require_between("watch_bins/edge", std::span(edge), 0.0F, kLargestRatio);
  require_between("watch_bins/mean", std::span(mean), 0.0F, kLargestRatio);
  require_that("watch_bins/edge", std::adjacent_find(edge.begin(), edge.end(), std::greater_equal<>()) == edge.end(),
               "edges that rise");
  require_that("watch_bins/edge", std::binary_search(edge.begin(), edge.end(), kWatchedAbove), "an edge at .5");
}

WatchBins make_watch_bins(std::vector<float> ratios, std::size_t bins, float clip) {
  if (ratios.empty()) throw InputError("no watch ratio to cut a distribution by");
  std::sort(ratios.begin(), ratios.end());
  WatchBins made;
  made.edge = {kWatchedAbove};
  for (std::size_t i = 1; i + 1 < bins; ++i) made.edge.push_back(ratios[i * ratios.size() / (bins - 1)]);
  std::sort(made.edge.begin(), made.edge.end());
  made.edge.erase(std::unique(made.edge.begin(), made.edge.end()), made.edge.end());
  // The last bin would be empty.
  while (made.edge.size() > 1 && made.edge.back() >= ratios.back() && made.edge.back() != kWatchedAbove)
    made.edge.pop_back();
  std::vector<double> sum(made.edge.size() + 1, 0.0), count(sum);
  for (const float ratio : ratios) {
    const std::size_t bin = made.bin(ratio);
    sum[bin] += std::min(ratio, clip), count[bin] += 1.0;
  }
  for (std::size_t b = 0; b < sum.size(); ++b)  // of a bin that no ratio lies in: its edge
    made.mean.push_back(count[b] > 0.0 ? static_cast<float>(sum[b] / count[b])
                                       : std::min(made.edge[std::min(b, made.edge.size() - 1)], clip));
  return made;
}

float logit_of(float probability) noexcept {
  const double p = std::clamp(static_cast<double>(probability), 1e-7, 1.0 - 1e-7);
  return static_cast<float>(std::log(p / (1.0 - p)));
}

float HeadCalibration::apply(HeadOutput output, float value) const noexcept {
  const auto i = static_cast<std::size_t>(output);
  if (offset[i] == 0.0F && slope[i] == 1.0F) return value;
  if (output == HeadOutput::kWatch) return std::max(0.0F, offset[i] + slope[i] * value);
  return fast_sigmoid(offset[i] + slope[i] * logit_of(value));
}

void HeadCalibration::validate() const {
  require_between("calibration/offset", std::span<const float>(offset), -kLargestCalibration, kLargestCalibration);
  require_between("calibration/slope", std::span<const float>(slope), -kLargestCalibration, kLargestCalibration);
}

std::array<float, 2> fit_platt(std::span<const float> probability, std::span<const std::uint8_t> label) {
  require_size("fit_platt: label", label.size(), probability.size());
  std::vector<double> logit(probability.size());
  for (std::size_t i = 0; i < logit.size(); ++i) logit[i] = logit_of(probability[i]);
  // What is minimised, for a step that goes too far.
  const auto loss = [&](double offset, double slope) {
    double sum = 0.5 * (offset * offset + (slope - 1.0) * (slope - 1.0));
    for (std::size_t i = 0; i < logit.size(); ++i) {
      const double z = offset + slope * logit[i];
      sum += softplus(z) - (label[i] != 0 ? z : 0.0);
    }
    return sum;
  };
  double offset = 0.0, slope = 1.0, now = loss(offset, slope);
  for (int step = 0; step < 50; ++step) {
    double g0 = offset, g1 = slope - 1.0, h00 = 1.0, h01 = 0.0, h11 = 1.0;
    for (std::size_t i = 0; i < logit.size(); ++i) {
      const double p = 1.0 / (1.0 + std::exp(-(offset + slope * logit[i])));
      const double error = p - (label[i] != 0 ? 1.0 : 0.0), curve = p * (1.0 - p);
      g0 += error, g1 += error * logit[i];
      h00 += curve, h01 += curve * logit[i], h11 += curve * logit[i] * logit[i];
    }
    const double determinant = h00 * h11 - h01 * h01;
    const double d0 = (h11 * g0 - h01 * g1) / determinant, d1 = (h00 * g1 - h01 * g0) / determinant;
    double scale = 1.0;
    while (scale > 1e-6 && loss(offset - scale * d0, slope - scale * d1) > now) scale *= 0.5;
    offset -= scale * d0, slope -= scale * d1;
    const double before = now;
    now = loss(offset, slope);
    if (before - now < 1e-10 * std::abs(now)) break;
  }
  const auto kept = [](double x) {
    return static_cast<float>(std::clamp<double>(x, -kLargestCalibration, kLargestCalibration));
  };
  return {kept(offset), kept(slope)};
}

}  // namespace swipegym
