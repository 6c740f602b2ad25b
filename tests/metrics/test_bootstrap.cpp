#include <catch2/catch.hpp>
#include <cmath>

#include "evaluation/metrics/bootstrap.h"
#include "evaluation/metrics/mean_variance.h"

using namespace swipegym;

namespace {

// A standard normal by the sum of twelve uniforms: good to 3 sigma, which is all these tests ask.
double normal(RandomStream& random) {
  double sum = -6.0;
  for (int i = 0; i < 12; ++i) sum += random.uniform_double();
  return sum;
}

// Value = seed effect + session effect shared by all seeds (the same users) + noise.
Measure simulate(RandomStream& random, std::size_t seeds, std::size_t items, double seed_sd, double item_sd) {
  Measure measure{.seeds = seeds, .items = items, .numerator = {}, .denominator = {}};
  std::vector<double> item(items);
  for (double& x : item) x = item_sd * normal(random);
  for (std::size_t s = 0; s < seeds; ++s) {
    const double effect = seed_sd * normal(random);
    for (std::size_t i = 0; i < items; ++i) measure.numerator.push_back(static_cast<float>(effect + item[i]));
  }
  return measure;
}

// Share of 400 experiments whose interval holds the true mean, 0.
double coverage(std::size_t seeds, double seed_sd, double item_sd) {
  RandomStream random(make_key(seeds));
  int covered = 0;
  for (int experiment = 0; experiment < 400; ++experiment) {
    const Measure measure = simulate(random, seeds, 40, seed_sd, item_sd);
    const auto resampled =
        bootstrap(std::span(&measure, 1), split(make_key(7), experiment), {.resamples = 200, .threads = 1});
    const Interval interval = percentile_interval(measure.value(), resampled[0]);
    covered += interval.low <= 0.0 && 0.0 <= interval.high;
  }
  return covered / 400.0;
}

}  // namespace

TEST_CASE("intervals hold the truth about 95 times in 100, whichever level varies", "[metrics]") {
  // 400 experiments: standard error 1.1 points. Forty sessions by percentile lose about one point, five seeds a few
  // more or less; without the widening the second case falls to 78 %.
  CHECK(coverage(1, 0.0, 1.0) > 0.90);
  CHECK(coverage(5, 1.0, 0.2) > 0.90);
  CHECK(coverage(5, 0.2, 1.0) > 0.90);
  CHECK(coverage(5, 1.0, 0.2) < 0.99);
}

TEST_CASE("a paired difference is narrower than the figures it compares", "[metrics]") {
  RandomStream random(make_key(1));
  Measure a = simulate(random, 1, 200, 0.0, 1.0);
  Measure b = a;
  for (float& x : b.numerator) x += 0.05F;  // the same sessions, a little better each
  const std::vector<Measure> both = {a, b};
  const auto resampled = bootstrap(both, make_key(2), {.resamples = 300, .threads = 1});
  const Interval alone = percentile_interval(a.value(), resampled[0]);
  const Interval paired = percentile_interval(b.value() - a.value(), difference(resampled[1], resampled[0]));
  CHECK(alone.high - alone.low > 0.2);
  CHECK(paired.low == Approx(0.05).epsilon(1e-3));
  CHECK(paired.high == Approx(0.05).epsilon(1e-3));
}

TEST_CASE("differences are paired by seed where seeds have something in common, and hold the truth where not",
          "[metrics]") {
  RandomStream random(make_key(3));
  const Measure a = simulate(random, 5, 200, 1.0, 0.2);
  Measure same = a;
  for (float& x : same.numerator) x += 0.05F;  // networks of the same seeds, each a little better
  const auto gap_of = [](const Measure& from, const Measure& to, std::uint64_t key) {
    const std::vector<Measure> both = {from, to};
    const auto resampled = bootstrap(both, make_key(key), {.resamples = 200, .threads = 1});
    return percentile_interval(to.value() - from.value(), difference(resampled[1], resampled[0]));
  };
  CHECK(gap_of(a, same, 4).low == Approx(0.05).epsilon(1e-3));
  CHECK(gap_of(a, same, 4).high == Approx(0.05).epsilon(1e-3));
  int covered = 0;
  constexpr int kExperiments = 400;
  for (int experiment = 0; experiment < kExperiments; ++experiment) {
    const Measure first = simulate(random, 5, 40, 1.0, 0.2), second = simulate(random, 5, 40, 1.0, 0.2);
    const Interval gap = gap_of(first, second, 100 + static_cast<std::uint64_t>(experiment));
    covered += gap.low <= 0.0 && 0.0 <= gap.high;
  }
  CHECK(covered > 0.90 * kExperiments);
}

TEST_CASE("a ratio is of sums, not a mean of ratios", "[metrics]") {
  Measure measure{.seeds = 1, .items = 2, .numerator = {10, 30}, .denominator = {1, 9}};
  CHECK(measure.value() == Approx(4.0));
  measure.denominator = {0, 0};
  CHECK(std::isnan(measure.value()));
}

TEST_CASE("a normalised score is 0 at its base and 1 at its top in every resample", "[metrics]") {
  const std::vector<double> base = {1, 2}, top = {3, 6}, policy = {2, 5};
  CHECK(normalised(base, base, top) == std::vector<double>{0, 0});
  CHECK(normalised(top, base, top) == std::vector<double>{1, 1});
  CHECK(normalised(policy, base, top) == std::vector<double>{0.5, 0.75});
}

TEST_CASE("resamples do not depend on the number of threads", "[metrics]") {
  RandomStream random(make_key(5));
  const Measure measure = simulate(random, 3, 50, 1.0, 1.0);
  const auto one = bootstrap(std::span(&measure, 1), make_key(6), {.resamples = 64, .threads = 1});
  CHECK(bootstrap(std::span(&measure, 1), make_key(6), {.resamples = 64, .threads = 3}) == one);
}

TEST_CASE("Student's t joins its table to its formula", "[metrics]") {
  CHECK(student_t975(4) == Approx(2.7764));
  CHECK(student_t975(31) == Approx(2.0395).margin(1e-4));
  CHECK(student_t975(1000000) == Approx(1.95996).margin(1e-4));
}
