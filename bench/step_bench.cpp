// The engine's own share of a step: the constant user model answers at once, so what is left is actions, history,
// candidates with features, context, rewards and autoreset. Items are steps of one session.

#include <benchmark/benchmark.h>

#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/step_speed.h"

namespace swipegym {
namespace {

std::shared_ptr<const Simulator> world_of(std::size_t videos) {
  static std::map<std::size_t, std::shared_ptr<const Simulator>> worlds;
  auto& world = worlds[videos];
  if (!world)
    world = make_constant_simulator({.leave_after = 30}, {.num_users = 20'000, .num_videos = videos, .history = 200});
  return world;
}

void step(benchmark::State& state, const char* source) {
  const auto simulator = world_of(static_cast<std::size_t>(state.range(0)));
  VectorEnv env(simulator,
                make_candidate_source(source, simulator->catalogue, static_cast<std::size_t>(state.range(1))),
                {.num_envs = 1024,
                 .threads = static_cast<int>(state.range(3)),
                 .history_length = static_cast<std::size_t>(state.range(2))});
  env.reset(session_seeds(1, 1024));
  UniformActions actions(1);
  for (auto _ : state) benchmark::DoNotOptimize(env.step(actions.draw(env)).reward);
  state.SetItemsProcessed(state.iterations() * 1024);
  state.counters["bytes_a_step"] = static_cast<double>(bytes_per_step(env));
}

void reset(benchmark::State& state) {
  const auto simulator = world_of(7583);
  VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, 10), {.num_envs = 1024, .threads = 1});
  const auto seeds = session_seeds(1, 1024);
  for (auto _ : state) benchmark::DoNotOptimize(env.reset(seeds).user);
  state.SetItemsProcessed(state.iterations() * 1024);
}

constexpr std::int64_t kPure = 7583;
constexpr std::int64_t k1K = 4'369'953;

BENCHMARK_CAPTURE(step, random, "random")
    ->ArgNames({"videos", "m", "L", "threads"})
    ->Args({kPure, 10, 50, 1})
    ->Args({kPure, 10, 50, 2})
    ->Args({kPure, 10, 200, 1})
    ->Args({kPure, 100, 50, 1})
    ->Args({kPure, 100, 50, 2})
    ->Args({k1K, 10, 50, 1})
    ->Args({k1K, 100, 50, 1})
    ->UseRealTime();
BENCHMARK_CAPTURE(step, popularity, "popularity")
    ->ArgNames({"videos", "m", "L", "threads"})
    ->Args({kPure, 10, 50, 1})
    ->Args({k1K, 10, 50, 1})
    ->UseRealTime();
BENCHMARK_CAPTURE(step, top, "top")
    ->ArgNames({"videos", "m", "L", "threads"})
    ->Args({kPure, 100, 50, 1})
    ->UseRealTime();
BENCHMARK_CAPTURE(step, full, "full")
    ->ArgNames({"videos", "m", "L", "threads"})
    ->Args({kPure, 0, 50, 1})
    ->UseRealTime();
BENCHMARK(reset)->UseRealTime();

}  // namespace
}  // namespace swipegym
