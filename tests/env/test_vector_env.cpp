#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/environment.h"
#include "env/seen_videos.h"
#include "tests/env/noisy_user_model.h"

namespace swipegym {
namespace {

std::vector<std::uint64_t> seeds_from(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  for (std::size_t i = 0; i < count; ++i) seeds[i] = first + i;
  return seeds;
}

VectorEnv make_env(VectorEnvConfig config, std::size_t slots = 10, ConstantUserModel::Options model = {},
                   ToyWorld world = {}) {
  return VectorEnv(make_constant_simulator(model, world), std::make_shared<RandomCandidates>(world.num_videos, slots),
                   std::move(config));
}

void check_equal_row(const ObservationView& many, std::size_t row, const ObservationView& one) {
  const auto equal = [&](const auto* a, const auto* b, std::size_t width) {
    return std::equal(a + row * width, a + (row + 1) * width, b);
  };
  CHECK(equal(many.user, one.user, 1));
  CHECK(equal(many.user_features, one.user_features, kUserFeatures));
  CHECK(equal(many.history_video, one.history_video, many.history_length));
  CHECK(equal(many.history_ratio, one.history_ratio, many.history_length));
  CHECK(equal(many.history_signals, one.history_signals, many.history_length));
  CHECK(equal(many.context, one.context, kContextFeatures));
  CHECK(equal(many.tab, one.tab, 1));
  CHECK(equal(many.hours_since, one.hours_since, 1));
  CHECK(equal(many.candidate, one.candidate, many.candidates));
  CHECK(equal(many.candidate_features, one.candidate_features, many.candidates * kVideoFeatures));
  CHECK(equal(many.mask, one.mask, many.candidates));
}

}  // namespace

TEST_CASE("an observation shows the user, the log's last videos and fresh candidates", "[env]") {
  VectorEnv env = make_env({.num_envs = 3, .history_length = 8});
  const Simulator& simulator = env.simulator();
  const ObservationView seen = env.reset(seeds_from(1, 3));
  REQUIRE(seen.rows == 3);
  REQUIRE(seen.candidates == 10);
  for (std::size_t row = 0; row < seen.rows; ++row) {
    const std::uint32_t user = seen.user[row];
    CHECK(seen.user_features[row * kUserFeatures + 1] == simulator.catalogue.user_features[user * kUserFeatures + 1]);
    for (std::size_t i = 0; i < 3; ++i) CHECK(seen.history_video[row * 8 + i] == -1);  // five logged, eight shown
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(seen.history_video[row * 8 + 3 + i] ==
            static_cast<std::int32_t>(simulator.population.history_video[user * 5 + i]));
      CHECK(seen.history_ratio[row * 8 + 3 + i] == simulator.population.history_ratio[user * 5 + i]);
      CHECK(seen.history_signals[row * 8 + 3 + i] == (i % 2 == 0 ? bit(Signal::kClick) : 0));
    }
    std::set<std::int32_t> distinct;
    for (std::size_t slot = 0; slot < 10; ++slot) {
      const std::int32_t video = seen.candidate[row * 10 + slot];
      distinct.insert(video);
      CHECK(seen.mask[row * 10 + slot] == 1);
      CHECK(seen.candidate_features[(row * 10 + slot) * kVideoFeatures + 2] ==
            simulator.catalogue.video_features[static_cast<std::size_t>(video) * kVideoFeatures + 2]);
    }
    CHECK(distinct.size() == 10);
  }
}

TEST_CASE("a step answers with what was watched and moves the history on", "[env]") {
  VectorEnv env = make_env({.num_envs = 2, .history_length = 4}, 10,
                           {.leave_after = 3, .watch_ratio = 0.5F, .signals = bit(Signal::kLike)});
  env.reset(seeds_from(5, 2));
  const std::int32_t chosen = env.observation().candidate[10 + 7];
  const std::int32_t newest = env.observation().history_video[4 + 3];
  const StepView& step = env.step(std::array<std::int32_t, 2>{0, 7});
  const float duration_s =
      static_cast<float>(env.simulator().catalogue.duration_ms[static_cast<std::size_t>(chosen)]) / 1000.0F;
  CHECK(step.video[1] == chosen);
  CHECK(step.consumed[1] == 1);
  CHECK(step.watch_ratio[1] == 0.5F);
  CHECK(step.watch_s[1] == Approx(0.5F * duration_s));
  CHECK(step.reward[1] == step.watch_s[1]);
  CHECK(step.signals[1] == bit(Signal::kLike));
  CHECK(step.observation.history_video[4 + 3] == chosen);
  CHECK(step.observation.history_video[4 + 2] == newest);
  CHECK(step.observation.history_ratio[4 + 3] == 0.5F);
  CHECK(step.observation.history_signals[4 + 3] == bit(Signal::kLike));
  CHECK(step.observation.history_signals[4 + 2] == bit(Signal::kClick));  // the log's newest, as it was
  const float* context = step.observation.context + kContextFeatures;
  CHECK(context[0] == Approx(0.01F));                                 // one of a hundred steps
  CHECK(context[1] == Approx((0.5F * duration_s + 1.0F) / 1800.0F));  // play time and a second's pause
  CHECK(context[2] * context[2] + context[3] * context[3] == Approx(1.0F));
  CHECK(context[7] == 0.5F);
}

TEST_CASE("the last ratio of the context belongs to this session, not to the log", "[env]") {
  VectorEnv env = make_env({.num_envs = 1});
  const std::array<std::uint64_t, 1> seed{3};
  const ObservationView start = env.reset(seed);
  CHECK(start.history_ratio[start.history_length - 1] == 1.0F);
  CHECK(start.context[7] == 0.0F);
}

TEST_CASE("reward and costs are the weighted sums they are configured to be", "[env]") {
  RewardWeights mixed{.watch_s = 0.1F, .watch_ratio = 2.0F};
  mixed.signal[static_cast<std::size_t>(Signal::kFollow)] = 5.0F;
  mixed.signal[static_cast<std::size_t>(Signal::kHate)] = -7.0F;
  RewardWeights hate{.watch_s = 0.0F};
  hate.signal[static_cast<std::size_t>(Signal::kHate)] = 1.0F;
  VectorEnv env =
      make_env({.num_envs = 1, .reward = mixed, .costs = {hate, {.watch_s = 0.0F, .watch_ratio = 1.0F}}}, 10,
               {.watch_ratio = 9.0F, .signals = static_cast<SignalBits>(bit(Signal::kFollow) | bit(Signal::kHate))});
  env.reset(std::array<std::uint64_t, 1>{1});
  const StepView& step = env.step(std::array<std::int32_t, 1>{4});
  CHECK(step.watch_ratio[0] == 9.0F);                                              // as answered
  CHECK(step.observation.history_ratio[env.config().history_length - 1] == 5.0F);  // as everywhere in histories
  CHECK(step.reward[0] == Approx(0.1F * step.watch_s[0] + 2.0F * 5.0F + 5.0F - 7.0F));
  CHECK(step.cost[0] == 1.0F);
  CHECK(step.cost[1] == 5.0F);
}

TEST_CASE("a session that the user ended is rewarded for when the next one comes, one that was cut is not", "[env]") {
  for (const std::int64_t hours : {6, 24, 30, 500}) {
    VectorEnvConfig config{.num_envs = 2, .reward = {.watch_s = 0.0F, .return_day = 5.0F, .gap_h = -0.5F}};
    config.costs = {{.watch_s = 0.0F, .return_day = 1.0F}};
    const ConstantUserModel::Options users{.leave_after = 2, .return_gap_ms = hours * 3'600'000};
    VectorEnv env = make_env(config, 10, users);
    env.reset(seeds_from(1, 2));
    const StepView& step = env.step(std::vector<std::int32_t>{0, 1});
    CHECK(step.reward[0] == 0.0F);
    CHECK(step.gap_h[0] == -1.0F);
    env.step(std::vector<std::int32_t>{0, 1});
    REQUIRE(step.terminated[1]);
    CHECK(step.gap_h[1] == Approx(hours));
    const float day = hours <= 24 ? 1.0F : 0.0F;
    CHECK(step.cost[1] == day);
    CHECK(step.reward[1] == Approx(5.0F * day - 0.5F * static_cast<float>(std::min<std::int64_t>(hours, 168))));

    config.max_steps = 1;
    VectorEnv cut = make_env(config, 10, users);
    cut.reset(seeds_from(1, 2));
    const StepView& end = cut.step(std::vector<std::int32_t>{0, 1});
    REQUIRE(end.truncated[0]);
    CHECK(end.gap_h[0] == Approx(hours));
    CHECK(end.reward[0] == 0.0F);
  }
}

TEST_CASE("the gap that is reported is the one the user comes back by, and nobody draws it unasked", "[env]") {
  const auto simulator = make_noisy_simulator({.num_users = 30, .num_videos = 400});
  const VectorEnvConfig config{.num_envs = 20, .autoreset = AutoresetMode::kDisabled, .draw_gaps = true};
  VectorEnv env(simulator, std::make_shared<RandomCandidates>(400, 4), config);
  env.reset(seeds_from(1, 20));
  const std::vector<std::int32_t> actions(20, 1);
  std::vector<std::uint8_t> over(20, 0);
  std::size_t row = 20;
  double hours = 0.0;
  while (row == 20) {
    const StepView& step = env.step(actions);
    row = static_cast<std::size_t>(std::find(step.terminated, step.terminated + 20, 1) - step.terminated);
    if (row < 20) over[row] = 1, hours = step.gap_h[row];
  }
  const auto left = env.next_shown(row, 0).time_ms;
  env.next_session(over);
  CHECK(static_cast<double>(env.session_start_ms(row) - left) / 3'600'000.0 == Approx(hours));

  VectorEnv unasked = make_env({.num_envs = 1}, 10, {.leave_after = 1});
  unasked.reset(seeds_from(1, 1));
  CHECK(unasked.step(std::vector<std::int32_t>{0}).gap_h[0] == -1.0F);
}

TEST_CASE("what a session has watched and its user's logged videos are never offered", "[env]") {
  const ToyWorld world{.num_users = 4, .num_videos = 120, .history = 40};
  VectorEnv env = make_env({.num_envs = 16, .max_steps = 60}, 10, {.leave_after = 60}, world);
  env.reset(seeds_from(0, 16));
  std::vector<std::set<std::int32_t>> watched(16);
  const auto& log = env.simulator().population;
  for (std::size_t row = 0; row < 16; ++row)
    for (std::size_t i = 0; i < 40; ++i)
      watched[row].insert(static_cast<std::int32_t>(log.history_video[env.observation().user[row] * 40 + i]));
  const std::vector<std::int32_t> actions(16, 3);
  for (int t = 0; t < 50; ++t) {
    const ObservationView seen = env.observation();
    for (std::size_t row = 0; row < 16; ++row) {
      std::set<std::int32_t> offered(seen.candidate + row * 10, seen.candidate + (row + 1) * 10);
      REQUIRE(offered.size() == 10);
      for (const std::int32_t video : offered) REQUIRE(watched[row].count(video) == 0);
    }
    const StepView& step = env.step(actions);
    for (std::size_t row = 0; row < 16; ++row) watched[row].insert(step.video[row]);
  }
}

TEST_CASE("row i of a vector equals a lone environment with the same seed", "[env]") {
  const VectorEnvConfig config{.num_envs = 70, .history_length = 6, .autoreset = AutoresetMode::kDisabled};
  VectorEnv many = make_env(config, 5, {.leave_after = 40});
  many.reset(seeds_from(100, 70));
  for (const std::size_t row : {std::size_t{0}, std::size_t{63}, std::size_t{64}, std::size_t{69}}) {
    CAPTURE(row);
    VectorEnv again = make_env(config, 5, {.leave_after = 40});
    again.reset(seeds_from(100, 70));
    Environment alone(make_constant_simulator({.leave_after = 40}), std::make_shared<RandomCandidates>(500, 5), config);
    check_equal_row(again.observation(), row, alone.reset(100 + row));
    for (int t = 0; t < 20; ++t) {
      const std::vector<std::int32_t> actions(70, t % 5);
      const StepView& step = again.step(actions);
      const StepResult result = alone.step(t % 5);
      CHECK(step.reward[row] == result.reward);
      CHECK(step.video[row] == result.video[0]);
      check_equal_row(step.observation, row, result.observation);
    }
  }
}

TEST_CASE("policies that choose differently meet the same users at the same times", "[env]") {
  VectorEnv first = make_env({.num_envs = 8}, 10, {.leave_after = 2});
  VectorEnv other = make_env({.num_envs = 8}, 10, {.leave_after = 2});
  first.reset(seeds_from(9, 8));
  other.reset(seeds_from(9, 8));
  for (int t = 0; t < 12; ++t) {
    const std::vector<std::int32_t> low(8, 0), high(8, 9);
    const StepView& a = first.step(low);
    const StepView& b = other.step(high);
    for (std::size_t row = 0; row < 8; ++row) CHECK(a.observation.user[row] == b.observation.user[row]);
  }
}

TEST_CASE("an action that is out of range or masked is an error that names it, and no session moves", "[env]") {
  VectorEnv env = make_env({.num_envs = 3});
  env.reset(seeds_from(2, 3));
  const std::vector<std::int32_t> before(env.observation().history_video, env.observation().history_video + 150);
  CHECK_THROWS_WITH(env.step(std::array<std::int32_t, 3>{0, 10, 0}), Catch::Contains("env 1: action 10"));
  CHECK_THROWS_AS(env.step(std::array<std::int32_t, 3>{0, 0, -1}), InputError);
  CHECK_THROWS_AS(env.step(std::array<std::int32_t, 2>{0, 0}), InputError);
  CHECK(std::equal(before.begin(), before.end(), env.observation().history_video));
}

TEST_CASE("stepping before the first reset is an error", "[env]") {
  VectorEnv env = make_env({.num_envs = 1});
  CHECK_THROWS_WITH(env.step(std::array<std::int32_t, 1>{0}), Catch::Contains("reset"));
}

TEST_CASE("a fixed set masks what was watched, and its session is truncated when nothing is left", "[env]") {
  VectorEnv env(make_constant_simulator({.leave_after = 100}),
                std::make_shared<FixedCandidates>(std::vector{40, 3, 77}),
                {.num_envs = 1, .autoreset = AutoresetMode::kDisabled});
  env.reset(std::array<std::uint64_t, 1>{0});
  CHECK(env.step(std::array<std::int32_t, 1>{1}).video[0] == 3);
  CHECK(env.observation().mask[1] == 0);
  CHECK_THROWS_WITH(env.step(std::array<std::int32_t, 1>{1}), Catch::Contains("env 0: action 1 is masked"));
  CHECK(env.step(std::array<std::int32_t, 1>{0}).truncated[0] == 0);
  const StepView& last = env.step(std::array<std::int32_t, 1>{2});
  CHECK(last.truncated[0] == 1);
  CHECK(last.terminated[0] == 0);
}

TEST_CASE("invalid actions are replaced by valid ones where that is asked for", "[env]") {
  VectorEnv env(make_constant_simulator({.leave_after = 100}),
                std::make_shared<FixedCandidates>(std::vector{40, 3, 77}),
                {.num_envs = 1, .invalid_action = InvalidAction::kRedraw});
  env.reset(std::array<std::uint64_t, 1>{0});
  std::set<std::int32_t> shown;
  for (int t = 0; t < 3; ++t) shown.insert(env.step(std::array<std::int32_t, 1>{1}).video[0]);
  CHECK(shown == std::set<std::int32_t>{3, 40, 77});
}

TEST_CASE("in the full catalogue an action is a video", "[env]") {
  VectorEnv env(make_constant_simulator({.leave_after = 100}), std::make_shared<FullCatalogue>(), {.num_envs = 1});
  const ObservationView start = env.reset(std::array<std::uint64_t, 1>{0});
  CHECK(start.candidates == 0);
  CHECK(env.step(std::array<std::int32_t, 1>{321}).video[0] == 321);
  CHECK(env.seen(0).contains(321));
  CHECK_THROWS_WITH(env.step(std::array<std::int32_t, 1>{321}), Catch::Contains("action 321 is masked"));
  CHECK_THROWS_WITH(env.step(std::array<std::int32_t, 1>{500}), Catch::Contains("[0, 500)"));
}

TEST_CASE("expectations are those of the candidates shown, for one env and for all", "[env][threads]") {
  VectorEnv env = make_env({.num_envs = 70, .threads = 2}, 7, {.leave_after = 2, .watch_ratio = 0.5F});
  env.reset(seeds_from(4, 70));
  env.step(std::vector<std::int32_t>(70, 0));
  std::vector<Expectation> all(70 * 7), one(7);
  env.expect_all(all);
  const ObservationView seen = env.observation();
  for (std::size_t row = 0; row < 70; ++row) {
    env.expect_candidates(row, one);
    for (std::size_t slot = 0; slot < 7; ++slot) {
      const auto video = static_cast<std::size_t>(seen.candidate[row * 7 + slot]);
      const float expected = 0.5F * static_cast<float>(env.simulator().catalogue.duration_ms[video]) / 1000.0F;
      REQUIRE(all[row * 7 + slot].watch_s == Approx(expected));
      REQUIRE(one[slot].watch_s == all[row * 7 + slot].watch_s);
      REQUIRE(all[row * 7 + slot].leave == 1.0F);
    }
  }
}

TEST_CASE("rows that are kept go on as if the others had never left", "[env]") {
  const auto simulator = make_noisy_simulator();
  const auto make = [&](std::size_t rows) {
    return VectorEnv(simulator, std::make_shared<RandomCandidates>(500, 6),
                     {.num_envs = rows,
                      .history_length = 8,
                      .slate = 2,
                      .autoreset = AutoresetMode::kDisabled,
                      .invalid_action = InvalidAction::kRedraw,
                      .draw_gaps = true});
  };
  VectorEnv whole = make(130), kept = make(130);
  const std::vector<std::uint64_t> seeds = seeds_from(9, 130);
  whole.reset(seeds), kept.reset(seeds);
  // The last row fills the first place, the last but one the third; rows come from three chunks into two.
  std::vector<std::uint32_t> rows = {129, 1, 128, 3};
  for (std::uint32_t row = 4; row < 90; ++row) rows.push_back(row);
  const std::vector<std::int32_t> first(260, 1);
  whole.step(first), kept.step(first);
  const ObservationView now = kept.keep(rows);
  CHECK(now.rows == rows.size());
  CHECK(kept.config().num_envs == rows.size());
  for (int step = 0; step < 6; ++step) {
    // Sessions end by themselves in both: those begin anew.
    std::vector<std::uint8_t> over(130), over_kept(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const ObservationView all = whole.observation(), some = kept.observation();
      for (std::size_t k = 0; k < 6; ++k) REQUIRE(some.candidate[i * 6 + k] == all.candidate[rows[i] * 6 + k]);
      for (std::size_t k = 0; k < 8; ++k) REQUIRE(some.history_ratio[i * 8 + k] == all.history_ratio[rows[i] * 8 + k]);
      REQUIRE(kept.next_shown(i, 3).time_ms == whole.next_shown(rows[i], 3).time_ms);
      REQUIRE(kept.session_videos(i) == whole.session_videos(rows[i]));
      Expectation one, other;
      const std::int32_t video = 17;
      kept.expect_videos(i, {&video, 1}, {&one, 1});
      whole.expect_videos(rows[i], {&video, 1}, {&other, 1});
      REQUIRE(one.watch_ratio == other.watch_ratio);
      for (std::uint32_t v = 0; v < 500; ++v) REQUIRE(kept.seen(i).contains(v) == whole.seen(rows[i]).contains(v));
    }
    for (std::size_t row = 0; row < 130; ++row) over[row] = step == 0;  // every session is young again, once
    std::fill(over_kept.begin(), over_kept.end(), std::uint8_t{step == 0});
    whole.next_episode(over), kept.next_episode(over_kept);
    const StepView& all = whole.step(first);
    const StepView& some = kept.step(std::span(first).first(2 * rows.size()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      REQUIRE(some.reward[i] == all.reward[rows[i]]);
      REQUIRE(some.video[2 * i] == all.video[2 * rows[i]]);
      REQUIRE(some.gap_h[i] == all.gap_h[rows[i]]);
      REQUIRE(some.terminated[i] == all.terminated[rows[i]]);
    }
    for (std::size_t row = 0; row < 130; ++row) over[row] = all.terminated[row];
    for (std::size_t i = 0; i < rows.size(); ++i) over_kept[i] = some.terminated[i];
    whole.next_episode(over), kept.next_episode(over_kept);
  }
}

TEST_CASE("rows can be left out only where nothing else would be lost", "[env]") {
  VectorEnv env = make_env({.num_envs = 3, .autoreset = AutoresetMode::kDisabled});
  env.reset(seeds_from(1, 3));
  using Rows = std::vector<std::uint32_t>;
  CHECK_THROWS_AS(env.keep(Rows{}), InputError);
  CHECK_THROWS_AS(env.keep(Rows{0, 3}), InputError);                     // there is none
  CHECK_THROWS_AS(env.keep(Rows{2, 2}), InputError);                     // twice
  CHECK_THROWS_AS(env.keep(Rows{1, 0}), InputError);                     // overwritten before it could move
  CHECK_THROWS_AS(make_env({.num_envs = 3}).keep(Rows{0}), InputError);  // begins rows by itself
  CHECK(env.keep(Rows{2}).rows == 1);
  CHECK(env.step(std::array<std::int32_t, 1>{0}).observation.rows == 1);
  CHECK_THROWS_AS(env.step(std::array<std::int32_t, 3>{0, 0, 0}), InputError);
}

}  // namespace swipegym
