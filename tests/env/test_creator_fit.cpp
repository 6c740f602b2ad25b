#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "env/platform/creator_fit.h"
#include "env/platform/drawn_panel.h"
#include "sim_data/calendar.h"
#include "tests/env/toy_log.h"
#include "tests/hdf5_mutants.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using Catch::Matchers::Contains;

CreatorVector coefficients_of(const CreatorSettings& law) {
  CreatorVector out;
  out << law.base_mean, law.base_deviation, law.responsive, 0.5 * (law.response_low + law.response_high),
      law.response_rest, law.idle_slope, law.leave_hazard, law.leave_scale;
  return out;
}

// The law of these tests: what a platform of few watches may have.
CreatorSettings small_law() {
  return {.reception_scale = 5.0, .leave_scale = 20.0};
}

CreatorFit fit_drawn(const CreatorSettings& law, const DrawnPlatform& platform, std::uint64_t world) {
  return fit_creators(draw_panel(law, platform, make_key(world)), with_given({}, law));
}

// One creator of a week, with worths of all three kinds.
CreatorPanel one_week() {
  return {.creator = {7},
          .arrival = {100},
          .idle_before = {2},
          .was_there = {1},
          .offset = {0, 7},
          .watches = {3, 0, 6, 1, 0, 2, 0},
          .likes = {1, 0, 0, 2, 0, 0, 0},
          .follows = {0, 0, 1, 0, 0, 0, 0},
          .uploaded = {0, 1, 0, 1, 0, 0, 0}};
}

// P(uploads of a week | a, b), by CreatorLaw: the sum over the day after which the creator left, or none.
double chance_of_week(const CreatorLaw& law, const CreatorTraits& traits, const CreatorPanel& panel) {
  const std::size_t days = panel.days();
  double sum = 0.0;
  for (std::size_t leaves = 0; leaves < days; ++leaves) {  // days - 1: after the last day, or never
    Reception now{.score = 2.0, .idle = panel.idle_before[0]};
    double chance = 1.0;
    for (std::size_t day = 0; day + 1 < days; ++day) {
      if (panel.uploaded[day] != 0) now.idle = 0;
      now = law.next_day(now, law.worth(panel.watches[day], panel.likes[day], panel.follows[day]), 0.0, false);
      const bool uploads = panel.uploaded[day + 1] != 0;
      if (day < leaves) {
        const double p = law.upload_probability(traits, now);
        chance *= (1.0 - law.leave_probability(now)) * (uploads ? p : 1.0 - p);
      } else {
        chance *= (day == leaves ? law.leave_probability(now) : 1.0) * (uploads ? 0.0 : 1.0);
      }
    }
    sum += chance;
  }
  return sum;
}

// The same integrated over a and b by sums of many small steps.
double marginal_of_week(const CreatorSettings& settings, const CreatorPanel& panel) {
  const CreatorLaw law(settings, make_key(1));
  constexpr int kBases = 400, kResponses = 60;
  double sum = 0.0, weights = 0.0;
  for (int i = 0; i < kBases; ++i) {
    const double z = 8.0 * (2.0 * (i + 0.5) / kBases - 1.0), weight = std::exp(-0.5 * z * z);
    const double base = settings.base_mean + settings.base_deviation * z;
    double responsive = 0.0;
    for (int j = 0; j < kResponses; ++j)
      responsive +=
          chance_of_week(law,
                         {.base = base,
                          .response = settings.response_low +
                                      (j + 0.5) / kResponses * (settings.response_high - settings.response_low)},
                         panel) /
          kResponses;
    const double rest = chance_of_week(law, {.base = base, .response = settings.response_rest}, panel);
    sum += weight * (settings.responsive * responsive + (1.0 - settings.responsive) * rest);
    weights += weight;
  }
  return std::log(sum / weights);
}

Dataset uploading_log() {
  // Rows of four days, 25 to 28 April; authors 0, 1, 2, ... have three videos each.
  Dataset data = testing::toy_log(40, 30, 50, 3);
  std::vector<std::int32_t>& upload = data.videos.upload_date;
  for (std::size_t v = 0; v < upload.size(); ++v) upload[v] = 20220410;
  upload[0] = 20220420, upload[1] = 20220426, upload[2] = 20220426;  // author 0: there before, uploads again
  upload[3] = 20220427, upload[4] = 20220428, upload[5] = 20220430;  // author 1: arrives on the third day
  upload[6] = upload[7] = upload[8] = 20220429;                      // author 2: after the last row
  upload[9] = 0;                                                     // author 3: one video without a day
  return data;
}

}  // namespace

TEST_CASE("nodes integrate polynomials exactly", "[env][platform]") {
  const auto mean_of = [](const GaussNodes& nodes, int power) {
    double sum = 0.0;
    for (std::size_t i = 0; i < nodes.at.size(); ++i) sum += nodes.weight[i] * std::pow(nodes.at[i], power);
    return sum;
  };
  for (const int n : {1, 2, 5, 15}) {
    double normal = 1.0, uniform = 1.0;  // moments: (k - 1)!!, and 2^-k / (k + 1)
    for (int power = 0; power < 2 * n; power += 2) {
      CHECK(mean_of(normal_nodes(n), power) == Approx(normal));
      CHECK(mean_of(uniform_nodes(n), power) == Approx(uniform / (power + 1)));
      normal *= power + 1, uniform /= 4.0;
    }
  }
}

TEST_CASE("the likelihood of a week is that of the law summed over leaving and integrated", "[env][platform]") {
  const CreatorPanel panel = one_week();
  for (const CreatorSettings& law : {CreatorSettings{}, CreatorSettings{.base_mean = -1.0,
                                                        .base_deviation = 1.5,
                                                        .idle_slope = -0.3,
                                                        .responsive = 0.6,
                                                        .response_rest = -0.2,
                                                        .leave_hazard = 0.3,
                                                        .leave_scale = 4.0}}) {
    const CreatorFitSettings settings{.given = {.first_reception = 2.0}, .base_nodes = 40, .response_nodes = 10};
    const CreatorLikelihood likelihood(panel, with_given(settings, law), law.memory, 1);
    CHECK(likelihood.at(free_coefficients(coefficients_of(law))).log_likelihood ==
          Approx(marginal_of_week(law, panel)).epsilon(1e-6));
  }
}

TEST_CASE("what a creator's last day got answers for nothing, and a day's upload is answered by the day before",
          "[env][platform]") {
  CreatorPanel panel = one_week();
  const CreatorVector free = free_coefficients(coefficients_of({}));
  const auto value = [&] { return CreatorLikelihood(panel, {}, 0.87, 1).at(free).log_likelihood; };
  const double before = value();
  panel.watches[6] = 100.0F;
  CHECK(value() == before);
  panel.watches[5] = 100.0F;
  CHECK(value() != before);
}

TEST_CASE("the likelihood's gradient is its slope, for any number of threads", "[env][platform][threads]") {
  CreatorSettings law = small_law();
  law.idle_slope = -0.02;
  const CreatorPanel panel = draw_panel(law, {.creators = 200, .days = 40}, make_key(3));
  const CreatorLikelihood likelihood(panel, {.base_nodes = 7, .response_nodes = 3}, law.memory, 1);
  const CreatorVector free = free_coefficients(coefficients_of({.base_mean = -2.5, .leave_scale = 10.0}));
  const CreatorLikelihood::Value at = likelihood.at(free);
  for (int i = 0; i < free.size(); ++i) {
    CAPTURE(kCreatorCoefficientNames[static_cast<std::size_t>(i)]);
    CreatorVector more = free, less = free;
    more[i] += 1e-4, less[i] -= 1e-4;
    const double slope = (likelihood.at(more).log_likelihood - likelihood.at(less).log_likelihood) / 2e-4;
    CHECK(at.gradient[i] == Approx(slope).epsilon(1e-5).margin(1e-4));
  }
  const CreatorLikelihood threads(panel, {.base_nodes = 7, .response_nodes = 3}, law.memory, 3);
  CHECK(threads.at(free).log_likelihood == at.log_likelihood);
  CHECK(threads.at(free).gradient == at.gradient);
  CHECK(threads.at(free).outer == at.outer);
}

TEST_CASE("coefficients are turned into numbers without bounds and back", "[env][platform]") {
  const CreatorVector natural = coefficients_of({});
  const CreatorVector free = free_coefficients(natural);
  CHECK((natural_coefficients(free) - natural).cwiseAbs().maxCoeff() < 1e-12);
  for (int i = 0; i < free.size(); ++i) {
    CreatorVector more = free;
    more[i] += 1e-6;
    CHECK(natural_slopes(free)[i] == Approx((natural_coefficients(more)[i] - natural[i]) / 1e-6).epsilon(1e-4));
  }
}

// bench/creator_fit_study counts over many worlds how often intervals hold the truth.
TEST_CASE("a fit's intervals hold the law that drew the panel", "[env][platform]") {
  if (testing::skips_quality()) return;
  CreatorSettings law = small_law();
  law.base_mean = -2.7, law.idle_slope = -0.03, law.leave_hazard = 0.05;
  const CreatorVector truth = coefficients_of(law);
  int held = 0;
  for (std::uint64_t world = 1; world <= 3; ++world) {
    const CreatorFit fit = fit_drawn(law, {.creators = 1200, .days = 60}, world);
    CHECK(fit.converged);
    for (std::size_t i = 0; i < kNumCreatorCoefficients; ++i) {
      const CreatorEstimate& estimate = fit.coefficients[i];
      CAPTURE(world, kCreatorCoefficientNames[i], estimate.value, estimate.error);
      REQUIRE(estimate.identified());
      const double t = truth[static_cast<Eigen::Index>(i)];
      held += estimate.low <= t && t <= estimate.high;
      CHECK(std::abs(estimate.value - t) < 5.0 * estimate.error + 0.1 * std::abs(t));
    }
    CHECK(fit.of("response").low > fit.of("response_rest").high);  // some answer more than others
    CHECK(fit.of("idle_slope").high < 0.0);
    CHECK(fit.mean_response.low <= 0.305);  // .3 of .9 and .7 of .05
    CHECK(fit.mean_response.high >= 0.305);
  }
  CHECK(held >= 21);  // of 24, of which 22.8 are expected; worlds are fixed
}

TEST_CASE("where nobody answers a fit says so, and what it cannot know", "[env][platform]") {
  if (testing::skips_quality()) return;
  CreatorSettings law = with_effect(small_law(), "none");
  law.base_mean = -1.5;
  const CreatorFit fit = fit_drawn(law, {.creators = 1000, .days = 60}, 5);
  CHECK(fit.mean_response.identified());
  CHECK(fit.mean_response.low < 0.0);
  CHECK(fit.mean_response.high > 0.0);
  CHECK(fit.of("leave_hazard").low < 0.03);
  CHECK(fit.of("leave_hazard").high > 0.03);
  CHECK((!fit.of("leave_scale").identified() || fit.of("leave_scale").high > 200.0));  // the truth's is infinite
}

TEST_CASE("a fit takes the memory of greatest likelihood, and is the same for any number of threads",
          "[env][platform][threads]") {
  if (testing::skips_quality()) return;
  const CreatorPanel panel = draw_panel(small_law(), {.creators = 500, .days = 60}, make_key(5));
  const CreatorFitSettings settings =
      with_given({.memories = {0.5, 0.87, 0.97}, .base_nodes = 9, .response_nodes = 3}, small_law());
  const CreatorFit fit = fit_creators(panel, settings, 1), again = fit_creators(panel, settings, 2);
  CHECK(fit.settings.given.memory == 0.87);
  CHECK(fit.log_likelihood == again.log_likelihood);
  for (std::size_t i = 0; i < kNumCreatorCoefficients; ++i) {
    CHECK(fit.coefficients[i].value == again.coefficients[i].value);
    CHECK(fit.coefficients[i].error == again.coefficients[i].error);
  }
  const CreatorSettings law = fit.law({.mimic_topic = 0.25});
  CHECK(law.memory == 0.87);
  CHECK(law.mimic_topic == 0.25);
  CHECK(law.response_high - law.response_low == Approx(0.8));
  CHECK(law.base_mean == fit.of("base_mean").value);
  CHECK_NOTHROW(CreatorLaw(law, make_key(1)));
}

TEST_CASE("a panel that says nothing of creators is refused with the reason", "[env][platform]") {
  CreatorPanel panel = draw_panel({}, {.creators = 20, .days = 20}, make_key(1));
  CreatorPanel silent = panel;
  std::fill(silent.uploaded.begin(), silent.uploaded.end(), std::uint8_t{0});
  CHECK_THROWS_WITH(fit_creators(silent), Contains("no upload follows"));
  std::fill(silent.uploaded.begin(), silent.uploaded.end(), std::uint8_t{1});
  CHECK_THROWS_WITH(fit_creators(silent), Contains("every creator uploads every day"));
  CHECK_THROWS_WITH(fit_creators(one_week()), Contains("1 creators with 6 days"));
  CreatorPanel without = panel;
  without.creator.push_back(99), without.arrival.push_back(0), without.idle_before.push_back(0);
  without.was_there.push_back(0), without.offset.push_back(without.days());
  CHECK_THROWS_WITH(fit_creators(without), Contains("creator 99 of the panel has no days"));
  CreatorPanel unequal = panel;
  unequal.likes.pop_back();
  CHECK_THROWS_WITH(fit_creators(unequal), Contains("panel.likes"));
  CreatorPanel negative = panel;
  negative.watches[3] = -1.0F;
  CHECK_THROWS_WITH(fit_creators(negative), Contains("panel.watches[3] is -1"));
  CHECK_THROWS_AS(fit_creators(panel, {.given = {.reception_scale = 0.0}}), InputError);
  CHECK_THROWS_AS(fit_creators({}), InputError);
}

TEST_CASE("a log's panel has its authors' days, what they got and when they uploaded", "[env][platform]") {
  const Dataset data = uploading_log();
  const LoadedCreatorPanel loaded = panel_of(data, {.watch = "row"});
  const CreatorPanel& panel = loaded.panel;
  CHECK(loaded.report.first_date == 20220425);
  CHECK(loaded.report.last_date == 20220428);
  CHECK(loaded.report.authors == 10);
  CHECK(loaded.report.later_authors == 1);
  CHECK(loaded.report.undated_videos == 1);
  REQUIRE(panel.size() == 9);
  const auto days_of = [&](std::size_t c, const auto& column) {
    return std::vector<int>(column.begin() + static_cast<std::ptrdiff_t>(panel.offset[c]),
                            column.begin() + static_cast<std::ptrdiff_t>(panel.offset[c + 1]));
  };
  CHECK(days_of(0, panel.uploaded) == std::vector<int>{0, 1, 0, 0});
  CHECK(panel.arrival[0] == days_of_date(20220425));
  CHECK(panel.idle_before[0] == 5);  // from the 20th to the 25th
  CHECK(days_of(1, panel.uploaded) == std::vector<int>{1, 1});
  CHECK(panel.arrival[1] == days_of_date(20220427));
  CHECK(panel.idle_before[1] == 0);
  CHECK(panel.idle_before[2] == 15);
  CHECK(panel.was_there == std::vector<std::uint8_t>{1, 0, 1, 1, 1, 1, 1, 1, 1});

  // Authors of videos 3 v, 3 v + 1 and 3 v + 2, days from the 25th.
  std::vector<std::vector<int>> rows(9, std::vector<int>(4)), likes = rows, clicks = rows;
  const std::vector<int> place = {0, 1, -1, 2, 3, 4, 5, 6, 7, 8};
  std::uint64_t counted = 0;
  for (std::size_t row = 0; row < data.log.size(); ++row) {
    const int c = place[data.videos.author[index_of(data.log.video[row])]];
    const auto day = static_cast<std::size_t>(data.log.date[row] - 20220425);
    if (c < 0 || (c == 1 && day < 2)) continue;
    ++counted;
    const auto at = static_cast<std::size_t>(c);
    rows[at][day] += 1;
    likes[at][day] += has(data.log.signals[row], Signal::kLike);
    clicks[at][day] += has(data.log.signals[row], Signal::kClick);
  }
  rows[1] = {rows[1][2], rows[1][3]}, likes[1] = {likes[1][2], likes[1][3]};
  CHECK(loaded.report.rows == counted);
  for (std::size_t c = 0; c < 9; ++c) {
    CHECK(days_of(c, panel.watches) == rows[c]);
    CHECK(days_of(c, panel.likes) == likes[c]);
  }
  CHECK(days_of(0, panel_of(data).panel.watches) == clicks[0]);

  const LoadedCreatorPanel newcomers = panel_of(data, {.watch = "row", .newcomers = true});
  CHECK(newcomers.panel.creator == std::vector<std::int64_t>{1});
  CHECK(days_of(1, panel.watches) == std::vector<int>(newcomers.panel.watches.begin(), newcomers.panel.watches.end()));
  CHECK(newcomers.report.earlier_authors == 8);
  CHECK(newcomers.report.later_authors == 1);

  const CreatorPanel shorter = panel_of(data, {.until = 20220426}).panel;
  CHECK(shorter.size() == 8);  // author 1 has not arrived yet
  CHECK(shorter.days() == 16);
  const CreatorPanel few = panel_of(data, {.most_creators = 4, .key = make_key(2)}).panel;
  CHECK(few.size() == 4);
  CHECK(few.creator == panel_of(data, {.most_creators = 4, .key = make_key(2)}).panel.creator);
}

TEST_CASE("a log in which no upload follows a row is refused with the days of both", "[env][platform]") {
  Dataset data = testing::toy_log(10, 9, 20, 1);
  CHECK_THROWS_WITH(panel_of(data), Contains("no upload follows a row") && Contains("20220410 to 20220410") &&
                                        Contains("20220425 to 20220428"));
  for (std::int32_t& date : data.videos.upload_date) date = 20220425;  // before what the first day got is known
  CHECK_THROWS_WITH(panel_of(data), Contains("no upload follows a row"));
  data.videos.upload_date[3] = 20220427;
  CHECK_NOTHROW(panel_of(data));
  CHECK_THROWS_WITH(panel_of(data, {.until = 20220426}), Contains("no upload follows a row"));
  CHECK_THROWS_WITH(panel_of(data, {.until = 20220401}), Contains("no row is dated 20220401 or earlier"));
  CHECK_THROWS_WITH(panel_of(data, {.watch = "glance"}), Contains("'glance'"));
  for (std::int32_t& date : data.videos.upload_date) date = 0;
  CHECK_THROWS_WITH(panel_of(data), Contains("no video has an upload date"));
}

TEST_CASE("a fit is read as it was written, and a damaged file is refused by its name", "[env][platform]") {
  CreatorFit fit{.creators = 50,
                 .creator_days = 900,
                 .uploads = 80,
                 .log_likelihood = -321.5,
                 .steps = 9,
                 .converged = true,
                 .first_date = 20220425,
                 .last_date = 20220508,
                 .data_fingerprint = ~std::uint64_t{0}};
  const CreatorVector values = coefficients_of({});
  for (std::size_t i = 0; i < kNumCreatorCoefficients; ++i) {
    const double value = values[static_cast<Eigen::Index>(i)];
    fit.coefficients[i] = {.value = value, .error = 0.1, .low = value - 0.2, .high = value + 0.3};
  }
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  fit.coefficients[7] = {.value = 20.0, .error = unknown, .low = unknown, .high = unknown};
  fit.mean_response = {.value = 0.3, .error = 0.1, .low = 0.1, .high = 0.5};
  fit.settings.memories = {0.8, 0.87};
  const auto path = std::filesystem::temp_directory_path() / "swipegym_creator_fit.h5";
  save_creator_fit(fit, path);
  const CreatorFit read = read_creator_fit(path);
  CHECK(read.creators == 50);
  CHECK(read.data_fingerprint == ~std::uint64_t{0});
  CHECK(read.last_date == 20220508);
  CHECK(read.settings.memories == fit.settings.memories);
  CHECK(read.of("responsive").high == fit.of("responsive").high);
  CHECK(!read.of("leave_scale").identified());
  CHECK(read.mean_response.low == 0.1);
  CHECK_THROWS_WITH(read.of("response_low"), Contains("'response_low'"));

  const testing::FileImage image = testing::read_image(path);
  std::filesystem::remove(path);
  const std::vector<testing::Hdf5Mutation> all = testing::hdf5_mutations(image);
  REQUIRE(all.size() > 200);
  std::size_t refused = 0, tried = 0;
  for (std::size_t i = 0; i < all.size(); i += testing::kSanitized ? 11 : 1, ++tried) {
    CAPTURE(all[i].object, all[i].change);
    const testing::MemoryFile file(testing::mutated(image, all[i]));
    try {
      read_creator_fit(file.path()).validate();
    } catch (const InputError& error) {
      ++refused;
      CHECK_THAT(error.what(), Contains(file.path().filename().string()));
    }
  }
  CHECK(2 * refused > tried);
  const std::pair<testing::Hdf5Mutation, const char*> damages[] = {
      {{"coefficients/value", "last nan"}, "leave_scale is nan"},
      {{"coefficients/value", "all max"}, "base_mean is"},
      {{"coefficients/error", "all nan"}, "base_mean: expected no interval"},
      {{"coefficients/error", "first minus one"}, "base_mean's error is -1"},
      {{"coefficients/low", "one shorter"}, "'coefficients/low'"},
      {{"mean_response", "first nan"}, "mean_response is nan"},
      {{"@creators", "all zero"}, "creators is 0"},
      {{"@uploads", "all max"}, "uploads"},
      {{"@converged", "all minus one"}, "converged is -1"},
      {{"@log_likelihood", "all nan"}, "log_likelihood is nan"},
      {{"@last_date", "all zero"}, "last_date"},
      {{"settings", "key '/memory' minus one"}, "memory"}};
  for (const auto& [mutation, words] : damages) {
    CAPTURE(mutation.object, mutation.change);
    const testing::MemoryFile file(testing::mutated(image, mutation));
    CHECK_THROWS_WITH(read_creator_fit(file.path()), Contains(words) && Contains("/dev/shm/"));
  }
}

}  // namespace swipegym
