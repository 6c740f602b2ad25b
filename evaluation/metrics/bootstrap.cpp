#include "evaluation/metrics/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/parallel_for.h"
#include "core/validate.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

constexpr double kNormal975 = 1.959963985;

double ratio(double numerator, double denominator) {
  return denominator != 0.0 ? numerator / denominator : kUndefined;
}

// In eight partial sums, so that the compiler may use vectors without reordering a single one.
double dot(const float* values, const float* weights, std::size_t count) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> part{};
  const std::size_t whole = count / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t j = 0; j < kLanes; ++j) part[j] += static_cast<double>(values[i + j]) * weights[i + j];
  double sum = 0.0;
  for (std::size_t i = whole; i < count; ++i) sum += static_cast<double>(values[i]) * weights[i];
  for (const double value : part) sum += value;
  return sum;
}

// How often each of `count` things is drawn in `count` draws with replacement.
void draw_counts(RandomStream random, std::span<float> counts) {
  std::fill(counts.begin(), counts.end(), 0.0F);
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[random.below(static_cast<std::uint32_t>(counts.size()))] += 1.0F;
}

double resampled_value(const Measure& measure, std::span<const float> item_weight, std::span<const float> seed_weight) {
  double items_drawn = 0.0;
  for (const float weight : item_weight) items_drawn += weight;
  double all_top = 0.0, all_bottom = 0.0, drawn_top = 0.0, drawn_bottom = 0.0;
  for (std::size_t seed = 0; seed < measure.seeds; ++seed) {
    const std::size_t row = seed * measure.items;
    const double top = dot(measure.numerator.data() + row, item_weight.data(), measure.items);
    const double bottom = measure.denominator.empty()
                              ? items_drawn
                              : dot(measure.denominator.data() + row, item_weight.data(), measure.items);
    all_top += top, all_bottom += bottom;
    drawn_top += seed_weight[seed] * top, drawn_bottom += seed_weight[seed] * bottom;
  }
  const double all = ratio(all_top, all_bottom);
  return measure.seeds < 2 ? all : all + seed_widening(measure.seeds) * (ratio(drawn_top, drawn_bottom) - all);
}

}  // namespace

double seed_widening(std::size_t seeds) {
  if (seeds < 2) return 0.0;
  const double t = static_cast<double>(seeds);
  return std::sqrt(t / (t - 1.0)) * student_t975(seeds - 1) / kNormal975;
}

void Measure::validate() const {
  require_size("bootstrap: numerator", numerator.size(), seeds * items);
  require_size("bootstrap: denominator", denominator.size(), denominator.empty() ? 0 : seeds * items);
  require_finite("bootstrap: numerator", std::span(numerator));
  require_finite("bootstrap: denominator", std::span(denominator));
}

double Measure::value() const {
  validate();
  double top = 0.0, bottom = 0.0;
  for (const float x : numerator) top += x;
  for (const float x : denominator) bottom += x;
  return ratio(top, denominator.empty() ? static_cast<double>(seeds * items) : bottom);
}

std::vector<std::vector<double>> bootstrap(std::span<const Measure> measures, RandomKey key,
                                           const BootstrapOptions& options) {
  std::vector<std::vector<double>> out(measures.size(), std::vector<double>(options.resamples));
  if (measures.empty()) return out;
  const std::size_t items = measures.front().items;
  for (const Measure& measure : measures) {
    require_size("bootstrap: a measure", measure.items, items);
    measure.validate();
  }
  parallel_for(options.resamples, options.threads, [&](std::size_t resample, int) {
    const RandomKey resample_key = split(key, resample);
    std::vector<float> item_weight(items);
    draw_counts(RandomStream(split(resample_key, Draw::kBatch)), item_weight);
    std::vector<float> seed_weight;
    for (std::size_t m = 0; m < measures.size(); ++m) {
      seed_weight.resize(measures[m].seeds);
      draw_counts(RandomStream(split(resample_key, measures[m].seeds)), seed_weight);
      out[m][resample] = resampled_value(measures[m], item_weight, seed_weight);
    }
  });
  return out;
}

Interval percentile_interval(double mean, std::vector<double> resampled) {
  for (const double value : resampled)
    if (std::isnan(value)) return {mean, kUndefined, kUndefined};
  if (resampled.empty()) return {mean, kUndefined, kUndefined};
  std::sort(resampled.begin(), resampled.end());
  const auto at = [&](double level) {
    const double position = level * static_cast<double>(resampled.size() - 1);
    const auto lower = static_cast<std::size_t>(position);
    const std::size_t upper = std::min(lower + 1, resampled.size() - 1);
    return resampled[lower] + (position - static_cast<double>(lower)) * (resampled[upper] - resampled[lower]);
  };
  return {mean, at(0.025), at(0.975)};
}

std::vector<double> difference(std::span<const double> a, std::span<const double> b) {
  require_size("difference: b", b.size(), a.size());
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

std::vector<double> normalised(std::span<const double> a, std::span<const double> base, std::span<const double> top) {
  require_size("normalised: base", base.size(), a.size());
  require_size("normalised: top", top.size(), a.size());
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = ratio(a[i] - base[i], top[i] - base[i]);
  return out;
}

double student_t975(std::size_t freedom) {
  static constexpr std::array<double, 30> kTable = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060,
                                                    2.2622,  2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199,
                                                    2.1098,  2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639,
                                                    2.0595,  2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
  require_that("student_t975: freedom", freedom > 0, "at least 1");
  if (freedom <= kTable.size()) return kTable[freedom - 1];
  // The expansion of t in 1 / freedom (Fisher and Cornish), good to 1e-5 from here on.
  const double v = static_cast<double>(freedom), z = kNormal975, z3 = z * z * z;
  return z + (z3 + z) / (4.0 * v) + (5.0 * z3 * z * z + 16.0 * z3 + 3.0 * z) / (96.0 * v * v);
}

}  // namespace swipegym
