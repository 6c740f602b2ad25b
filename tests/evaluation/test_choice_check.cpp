#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "core/error.h"
#include "evaluation/fidelity/choice_check.h"
#include "evaluation/fidelity/standard_record.h"
#include "evaluation/fidelity/truth_reference.h"
#include "evaluation/generate/synthesise.h"
#include "tests/evaluation/toy_data.h"

using namespace swipegym;

namespace {

constexpr std::size_t kSeconds = 0, kRatio = 1, kClicked = 2, kLongViewed = 3;  // of kChoiceFigures

struct Exposure {
  std::uint32_t user = 0, video = 0;
  double ratio = 0.0;
  SignalBits signals = 0;
};

void add_row(Dataset& data, const Exposure& shown, bool random, std::int32_t date) {
  Log& log = data.log;
  const auto duration = static_cast<std::int32_t>(data.videos.duration_ms[shown.video]);
  const std::size_t row = log.size();
  log.resize(row + 1);
  log.user[row] = UserIndex{shown.user}, log.video[row] = VideoIndex{shown.video};
  log.play_ms[row] = static_cast<std::int32_t>(std::lround(shown.ratio * duration)), log.duration_ms[row] = duration;
  log.date[row] = date, log.tab[row] = 1, log.signals[row] = shown.signals, log.is_random[row] = random ? 1 : 0;
  log.source_row[row] = static_cast<std::uint32_t>(row);
}

// Four videos of 10, 20, 30 and 40 s. The standard log shows video v to user 0 v + 1 times, at a ratio of .2 v: longer
// ones are more popular and liked better. Each of `users` meets each video once at random, and watches .1 (v + 1) of it
// times `keenness`: 1, 4, 9 and 16 s.
Dataset four_videos(std::uint32_t users, const std::function<double(std::uint32_t user)>& keenness) {
  Dataset data = test::make_toy_dataset({.users = users, .videos = 4});
  data.log = {};
  for (std::uint32_t v = 0; v < 4; ++v) data.videos.duration_ms[v] = 10'000.0F * static_cast<float>(v + 1);
  for (std::uint32_t v = 0; v < 4; ++v)
    for (std::uint32_t i = 0; i <= v; ++i) add_row(data, {.video = v, .ratio = 0.2 * v}, false, 20220501);
  for (std::uint32_t user = 0; user < users; ++user)
    for (std::uint32_t v = 0; v < 4; ++v)
      add_row(data,
              {.user = user,
               .video = v,
               .ratio = 0.1 * (v + 1) * keenness(user),
               .signals = v == 3 ? bit(Signal::kClick) : SignalBits{0}},
              true, 20220502);
  return data;
}

std::vector<ExpectedAnswer> expect_of_each(const Dataset& data, const std::function<double(std::size_t row)>& seconds) {
  std::vector<ExpectedAnswer> answers;
  for (std::uint32_t row = 0; row < data.log.size(); ++row)
    if (data.log.is_random[row])
      answers.push_back({.log_row = row, .watch_s = static_cast<float>(seconds(row)), .click = 0.25F});
  return answers;
}

const ChoiceStratum& stratum(const ChoiceReport& report, std::string_view name) {
  for (const ChoiceStratum& one : report.strata)
    if (one.name == name) return one;
  throw std::logic_error("no such stratum");
}

const ChoiceValue& policy(const ChoiceReport& report, std::string_view name) {
  for (const ChoiceValue& one : report.policies)
    if (one.policy == name) return one;
  throw std::logic_error("no such policy");
}

void check_interval(const Interval& found, double mean, double low, double high) {
  CHECK(found.mean == Approx(mean).margin(1e-5));
  CHECK(found.low == Approx(low).margin(1e-5));
  CHECK(found.high == Approx(high).margin(1e-5));
}

double seconds_played(const Dataset& data, std::size_t row) {
  return data.log.play_ms[row] / 1000.0;
}

}  // namespace

TEST_CASE("the excess of a stratum is what a blind simulator misses, and an interval's ends are users",
          "[evaluation]") {
  // User 1 watches twice as long as user 0. With two users a resample is one of them, or both: a quarter of all are the
  // first alone and a quarter the second alone, so the 2.5 and 97.5 % points are theirs.
  const Dataset data = four_videos(2, [](std::uint32_t user) { return user == 0 ? 1.0 : 2.0; });
  const ChoiceReport report =
      check_choices(data, expect_of_each(data, [](std::size_t) { return 5.0; }), {.resamples = 400, .threads = 1});
  CHECK(report.rows == 8);
  CHECK(report.users == 2);
  CHECK(report.pool == 4);
  const ChoiceStratum& popular = stratum(report, "popularity");
  // (9 + 16) / 2 - (1 + 4) / 2 = 10 s of user 0 and 20 s of user 1; the simulator's 5 s less 5 s are nothing.
  check_interval(popular.excess[kSeconds], 15.0, 10.0, 20.0);
  // Of the ratio it expects 5 s / duration: .5, .25, .1667 and .125 where .1, .2, .3 and .4 are watched, times 1 or 2.
  const double expected = (5.0 / 30 + 5.0 / 40 - 5.0 / 10 - 5.0 / 20) / 2.0;
  check_interval(popular.excess[kRatio], 0.3 - expected, 0.2 - expected, 0.4 - expected);
  check_interval(popular.excess[kClicked], 0.5, 0.5, 0.5);  // both click video 3 alone
  check_interval(popular.excess[kLongViewed], 0.0, 0.0, 0.0);
  // The first eighth of the rows is the first quarter, as a row's place is the share of rows up to it.
  CHECK(popular.quarter[0].rows == 1);
  CHECK(popular.quarter[3].rows == 3);
  CHECK(popular.quarter[0].from == 1.0);
  CHECK(popular.quarter[0].life[kSeconds] == Approx(1.0));  // of two equal rows the file's first
  CHECK(popular.quarter[3].life[kSeconds] == Approx((18.0 + 16.0 + 32.0) / 3.0));
  CHECK(popular.quarter[3].expected[kSeconds] == 5.0);
  CHECK(popular.quarter[3].expected[kClicked] == 0.25);
  CHECK(stratum(report, "duration").quarter[0].from == 10.0);
  // User 0 has all standard rows: the upper half by activity.
  check_interval(stratum(report, "activity").excess[kSeconds], 7.5 - 15.0, -7.5, -7.5);
}

TEST_CASE("a policy's value is that of the best of m uniform draws, its gap what the simulator misses of its lift",
          "[evaluation]") {
  const Dataset data = four_videos(3, [](std::uint32_t) { return 1.0; });
  const auto blind = expect_of_each(data, [](std::size_t) { return 5.0; });
  const ChoiceReport two = check_choices(data, blind, {.candidates = 2, .resamples = 200, .threads = 1});
  // The larger of two draws is video v with probability 1/16, 3/16, 5/16, 7/16.
  const double best = (1.0 + 3 * 4.0 + 5 * 9.0 + 7 * 16.0) / 16.0, least = (7 * 1.0 + 5 * 4.0 + 3 * 9.0 + 16.0) / 16.0;
  for (const char* name : {"popularity", "item-mean", "longest", "mean-seconds"}) {
    CAPTURE(name);
    CHECK(policy(two, name).life == Approx(best));
    CHECK(policy(two, name).expected == Approx(5.0));
    check_interval(policy(two, name).life_lift, best - 7.5, best - 7.5, best - 7.5);
    check_interval(policy(two, name).expected_lift, 0.0, 0.0, 0.0);
    check_interval(policy(two, name).gap, best - 7.5, best - 7.5, best - 7.5);
    CHECK(policy(two, name).effective_rows == Approx(3 * 16.0 * 16.0 / (1 + 9 + 25 + 49)));
  }
  CHECK(policy(two, "shortest").life == Approx(least));
  check_interval(policy(two, "random").gap, 0.0, 0.0, 0.0);
  CHECK(policy(two, "random").life == Approx(7.5));
  CHECK(policy(two, "random").effective_rows == Approx(12.0));
  // Four policies are one and the same here: life tells them from the two others, and those apart, 4 + 4 + 1 pairs.
  CHECK(two.all.pairs == 15);
  CHECK(two.told_apart.pairs == 9);
  CHECK(two.all.tau == 0.0);
  CHECK(two.told_apart.tau == 0.0);

  SECTION("who takes one of one candidates chooses at random") {
    const ChoiceReport one = check_choices(data, blind, {.candidates = 1, .resamples = 200, .threads = 1});
    for (const ChoiceValue& value : one.policies) check_interval(value.life_lift, 0.0, 0.0, 0.0);
    CHECK(one.told_apart.pairs == 0);
    CHECK(std::isnan(one.told_apart.tau));
    CHECK(to_json(one)["tau_told_apart"].is_null());
  }
  SECTION("the best of many is the best video, and weights that would underflow do no harm") {
    const ChoiceReport many = check_choices(data, blind, {.candidates = 1000, .resamples = 200, .threads = 1});
    CHECK(policy(many, "longest").life == Approx(16.0));
    CHECK(policy(many, "shortest").life == Approx(1.0));
  }
  SECTION("who knows life has no excess, no gap and every pair right; who knows the opposite every pair wrong") {
    const ChoiceReport right = check_choices(
        data, expect_of_each(data, [&](std::size_t row) { return seconds_played(data, row); }), {.threads = 1});
    for (const ChoiceStratum& one : right.strata) check_interval(one.excess[kSeconds], 0.0, 0.0, 0.0);
    for (const ChoiceValue& value : right.policies) check_interval(value.gap, 0.0, 0.0, 0.0);
    CHECK(right.told_apart.tau == 1.0);
    CHECK(right.all.tau == Approx(9.0 / 15.0));  // equal values are in no order
    const ChoiceReport wrong = check_choices(
        data, expect_of_each(data, [&](std::size_t row) { return 20.0 - seconds_played(data, row); }), {.threads = 1});
    CHECK(wrong.told_apart.tau == -1.0);
  }
}

TEST_CASE("neither the order of answers nor the number of threads changes what is said of choices", "[evaluation]") {
  const Dataset data = test::make_toy_dataset({.users = 60, .days = 3, .random_log = true});
  auto answers = expect_of_each(data, [&](std::size_t row) { return 1.0 + index_of(data.log.video[row]) * 0.1; });
  const Json reference = to_json(check_choices(data, answers, {.resamples = 200, .threads = 1}));
  std::reverse(answers.begin(), answers.end());
  CHECK(to_json(check_choices(data, answers, {.resamples = 200, .threads = 3})) == reference);
  CHECK_FALSE(to_json(check_choices(data, answers, {.resamples = 200, .seed = 2, .threads = 3})) == reference);
}

TEST_CASE("the truth in the simulator's place misses nothing, and one mean for all rows does", "[evaluation]") {
  const Dataset data = synthesise_dataset({.truth = {.preset = TruthPreset::kTiny, .seed = 5}, .threads = 1});
  std::vector<ExpectedAnswer> truth, blind;
  predict_with_truth(data.truth, data, {.from = 20220503, .random = true}, 1, [&](const TruthPrediction& row) {
    truth.push_back({.log_row = row.log_row,
                     .watch_s = row.watch_s,
                     .click = row.probability[static_cast<std::size_t>(Signal::kClick)],
                     .long_view = row.probability[static_cast<std::size_t>(Signal::kLongView)]});
    blind.push_back({.log_row = row.log_row, .watch_s = 8.0F, .click = 0.18F, .long_view = 0.08F});
  });
  const ChoiceReport honest = check_choices(data, truth, {.resamples = 300, .threads = 1});
  REQUIRE(honest.rows > 1000);
  // Each of the intervals holds 0 but for 5 %; twice as wide ones, four standard errors, all do.
  const auto holds_none = [](const Interval& x) { return std::abs(x.mean) < x.high - x.low; };
  for (const ChoiceStratum& one : honest.strata)
    for (const Interval& excess : one.excess) CHECK(holds_none(excess));
  for (std::size_t p = 1; p < honest.policies.size(); ++p) CHECK(holds_none(honest.policies[p].gap));
  CHECK(honest.told_apart.tau > 0.9);
  const ChoiceReport poor = check_choices(data, blind, {.resamples = 300, .threads = 1});
  CHECK(stratum(poor, "duration").excess[kSeconds].low > 0.0);
  CHECK(policy(poor, "longest").gap.low > 0.0);
}

TEST_CASE("random exposures of a few of a table's videos make these the pool", "[evaluation]") {
  Dataset data = test::make_toy_dataset({.users = 2, .videos = 1000});
  data.log = {};
  for (std::uint32_t i = 0; i < 100; ++i) add_row(data, {.video = i * 10}, true, 20220501);
  CHECK(random_pool(data).size() == 1000);  // a hundred draws of a thousand
  for (std::uint32_t i = 0; i < 400; ++i) add_row(data, {.video = i % 100 * 10}, true, 20220501);
  CHECK(random_pool(data).size() == 100);  // five hundred would have shown 393
  CHECK(random_pool(data)[7] == 70);
}

TEST_CASE("what cannot be judged is refused with what to do", "[evaluation]") {
  const Dataset data = four_videos(2, [](std::uint32_t) { return 1.0; });
  auto answers = expect_of_each(data, [](std::size_t) { return 5.0; });
  CHECK_THROWS_WITH(check_choices(data, answers, {.known_until = 20220430}),
                    Catch::Contains("20220430") && Catch::Contains("--known-until"));
  CHECK_THROWS_AS(check_choices(data, {}, {}), InputError);
  answers[1].watch_s = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(check_choices(data, answers, {}), InputError);
  answers[1] = {.log_row = 0};  // a standard row
  CHECK_THROWS_WITH(check_choices(data, answers, {}), Catch::Contains("row 0 is no random exposure"));
}
