#include <catch2/catch.hpp>
#include <vector>

#include "core/parallel_for.h"
#include "env/candidate_sources.h"
#include "env/step_speed.h"
#include "tests/env/noisy_user_model.h"
#include "tests/env/quick_fit.h"

namespace swipegym {
namespace {

VectorEnv make_threaded_env(VectorEnvConfig config, const char* source = "random") {
  const auto simulator = make_noisy_simulator({.num_users = 50, .num_videos = 900, .history = 60});
  return VectorEnv(simulator, make_candidate_source(source, simulator->catalogue, 10), std::move(config));
}

std::uint64_t hash_with(int threads, VectorEnvConfig config, const char* source = "random", std::uint64_t seed = 5) {
  config.threads = threads;
  VectorEnv env = make_threaded_env(config, source);
  return steps_hash(env, seed, 40);
}

}  // namespace

TEST_CASE("the bytes that sessions write do not depend on the number of threads", "[env][threads]") {
  const VectorEnvConfig plain{.num_envs = 500, .max_steps = 25};  // eight chunks, the last one short
  const VectorEnvConfig slates{.num_envs = 300, .slate = 4, .autoreset = AutoresetMode::kSameStep};
  const VectorEnvConfig redrawn{.num_envs = 130, .invalid_action = InvalidAction::kRedraw};
  for (const auto& [config, source] :
       {std::pair{plain, "random"}, std::pair{slates, "popularity"}, std::pair{redrawn, "full"}}) {
    CAPTURE(config.num_envs, source);
    const std::uint64_t one = hash_with(1, config, source);
    for (const int threads : {2, 3, 8}) {
      CAPTURE(threads);
      CHECK(hash_with(threads, config, source) == one);
    }
  }
}

TEST_CASE("with a fitted user model, too, threads change no byte and a row equals a lone session",
          "[env][fit][threads]") {
  const auto simulator = testing::quick_fit();
  const auto source = make_candidate_source("random", simulator->catalogue, 10);
  const auto env_of = [&](std::size_t envs, int threads) {
    return VectorEnv(simulator, source, {.num_envs = envs, .threads = threads, .max_steps = 20});
  };
  VectorEnv one = env_of(150, 1), three = env_of(150, 3);
  const std::uint64_t hash = steps_hash(one, 5, 30);
  CHECK(steps_hash(three, 5, 30) == hash);

  // Row 100 is one of many in a full chunk here, and the only one of a short chunk there.
  const auto seeds = session_seeds(5, 150);
  VectorEnv lone = env_of(1, 1);
  one.reset(seeds), lone.reset({&seeds[100], 1});
  UniformActions actions(5);
  for (int t = 0; t < 30; ++t) {
    const auto drawn = actions.draw(one);
    const StepView& many_view = one.step(drawn);
    const StepView& lone_view = lone.step(drawn.subspan(100, 1));
    REQUIRE(many_view.watch_ratio[100] == lone_view.watch_ratio[0]);
    REQUIRE(many_view.signals[100] == lone_view.signals[0]);
    REQUIRE(many_view.terminated[100] == lone_view.terminated[0]);
    REQUIRE(many_view.observation.candidate[1000] == lone_view.observation.candidate[0]);
  }
}

TEST_CASE("the hash of steps sees the seed, the history length and the candidates", "[env]") {
  const VectorEnvConfig config{.num_envs = 70};
  const std::uint64_t base = hash_with(1, config);
  CHECK(hash_with(1, config) == base);
  CHECK(hash_with(1, config, "random", 6) != base);
  CHECK(hash_with(1, {.num_envs = 70, .history_length = 51}) != base);
  CHECK(hash_with(1, config, "popularity") != base);
}

TEST_CASE("run seeds share no session", "[env]") {
  std::vector<std::uint64_t> all = session_seeds(0, 1000);
  const std::vector<std::uint64_t> next = session_seeds(1, 1000);
  all.insert(all.end(), next.begin(), next.end());
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("an exception of the user model reaches the caller of step, on any number of threads", "[env][threads]") {
  for (const int threads : {1, 3}) {
    CAPTURE(threads);
    const auto simulator = make_noisy_simulator({.num_videos = 300}, /*poison=*/123);
    VectorEnv env(simulator, std::make_shared<FullCatalogue>(), {.num_envs = 500, .threads = threads});
    const auto seeds = session_seeds(1, 500);
    env.reset(seeds);
    std::vector<std::int32_t> actions(500, 50);
    CHECK_NOTHROW(env.step(actions));
    std::fill(actions.begin(), actions.end(), 51);
    actions[321] = 123;
    env.reset(seeds);
    CHECK_THROWS_WITH(env.step(actions), "the poisoned video was shown");
    // Nothing is left behind: a reset begins anew, with the same bytes as an env that never saw the exception.
    VectorEnv fresh(simulator, std::make_shared<FullCatalogue>(), {.num_envs = 500, .threads = threads});
    fresh.reset(seeds), env.reset(seeds);
    std::fill(actions.begin(), actions.end(), 52);
    const StepView& a = env.step(actions);
    const StepView& b = fresh.step(actions);
    CHECK(std::equal(a.reward, a.reward + 500, b.reward));
  }
}

TEST_CASE("expectations may be asked for from several threads at once", "[env][threads]") {
  VectorEnv env = make_threaded_env({.num_envs = 256, .threads = 2});
  env.reset(session_seeds(1, 256));
  std::vector<Expectation> all(256 * 10);
  env.expect_all(all);
  std::vector<Expectation> each(256 * 10);
  parallel_for(256, 4,
               [&](std::size_t row, int) { env.expect_candidates(row, std::span(each).subspan(row * 10, 10)); });
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i].watch_ratio == each[i].watch_ratio);
}

}  // namespace swipegym
