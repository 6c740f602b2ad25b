// Q-learning: gradient updates a second and greedy decisions a second. bench/peers/dqn_sb3_pfrl.py sets the first two
// beside Stable-Baselines3 and PFRL.
//   dqn_bench --benchmark_filter=full_output      a network with one output an action, 64 floats in, two layers of 256
//   dqn_bench --benchmark_filter=act              greedy actions of that network for 1,024 observations at once
//   dqn_bench --benchmark_filter=item_feature     Q over videos' features: m candidates, videos in the catalogue
//   dqn_bench --benchmark_filter=full_catalogue   every video an action, 200 videos of state: 64 steps chosen among all
//                                                 videos and one update; with the process's peak memory
// Names end in the number of threads where it matters.

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <numeric>

#include "agents/dqn/dqn_learner.h"
#include "agents/dqn/full_output_regression.h"
#include "core/parallel_for.h"
#include "env/constant_user_model.h"
#include "nn/matrix_product.h"
#include "policy/select.h"

namespace swipegym {
namespace {

constexpr std::size_t kUpdateBatch = 256, kInputs = 64;
const std::vector<std::size_t> kHidden = {256, 256};

// fp32 by oneDNN where the build has it; bf16 is an argument of its own.
void choose_backend(bool bf16) {
  const std::vector<ProductBackend> known = product_backends();
  const ProductBackend wanted = bf16 ? ProductBackend::kOneDnnBf16 : ProductBackend::kOneDnn;
  if (std::find(known.begin(), known.end(), wanted) != known.end()) set_product_backend(wanted);
}

/// What an agent library keeps: observations as floats, 50,000 of them, each followed by the next.
struct FloatReplay {
  static constexpr std::size_t kSize = 50'000;
  explicit FloatReplay(std::size_t actions) : observation(kSize, kInputs), action(kSize) {
    RandomStream random(make_key(1));
    for (Eigen::Index i = 0; i < observation.size(); ++i) observation.data()[i] = 2.0F * random.uniform() - 1.0F;
    for (std::int32_t& a : action) a = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(actions)));
  }
  Matrix observation;
  std::vector<std::int32_t> action;
};

/// Rows of a batch drawn for one shard.
struct FloatBatch {
  Matrix states, next;
  std::vector<std::int32_t> action;
  std::vector<float> reward, discount;

  FullOutputRows draw(const FloatReplay& replay, RandomKey key, std::size_t first, std::size_t count) {
    states.resize(static_cast<Eigen::Index>(count), kInputs), next.resize(states.rows(), kInputs);
    action.resize(count), reward.resize(count), discount.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = RandomStream(key, static_cast<std::uint32_t>(first + i)).below(FloatReplay::kSize - 1);
      const auto row = static_cast<Eigen::Index>(i), from = static_cast<Eigen::Index>(at);
      states.row(row) = replay.observation.row(from);
      next.row(row) = replay.observation.row(from + 1);
      action[i] = replay.action[at];
      reward[i] = static_cast<float>(action[i] & 1);
      discount[i] = at % 100 == 99 ? 0.0F : 0.99F;
    }
    return {.states = &states, .next = &next, .action = action, .reward = reward, .discount = discount};
  }
};

void full_output(benchmark::State& state) {
  const auto actions = static_cast<std::size_t>(state.range(0));
  choose_backend(state.range(2) != 0);
  const FloatReplay replay(actions);
  FullOutputNetwork network(kInputs, kHidden, actions, make_key(2));
  FullOutputRegression regression(network,
                                  {.adam = {.learning_rate = 1e-4, .clip_norm = 10.0},
                                   .batch = kUpdateBatch,
                                   .threads = static_cast<int>(state.range(1))},
                                  false, false);
  std::vector<FloatBatch> batches(regression.shards());
  std::uint64_t updates = 0;
  for (auto _ : state) {
    const RandomKey key = split(make_key(3), updates);
    regression.step([&](std::size_t shard, std::size_t first, std::size_t count) {
      return batches[shard].draw(replay, key, first, count);
    });
    if (++updates % 1000 == 0) regression.move_target(1.0F);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(updates));
}

void act(benchmark::State& state) {
  const auto actions = static_cast<std::size_t>(state.range(0));
  choose_backend(false);
  constexpr std::size_t kRows = 1024, kChunk = 128;
  const FloatReplay replay(actions);
  FullOutputNetwork network(kInputs, kHidden, actions, make_key(2));
  struct Room {
    FullOutputNetwork::Work work;
    Matrix states, values;
  };
  std::vector<Room> rooms(kRows / kChunk);
  std::vector<std::int32_t> chosen(kRows);
  for (auto _ : state) {
    parallel_for(rooms.size(), static_cast<int>(state.range(1)), [&](std::size_t chunk, int) {
      Room& room = rooms[chunk];
      room.states = replay.observation.middleRows(static_cast<Eigen::Index>(chunk * kChunk), kChunk);
      network.forward(room.states, room.work);
      network.all_values(room.work, room.values);
      for (std::size_t i = 0; i < kChunk; ++i) {
        const float* values = room.values.data() + i * actions;
        chosen[chunk * kChunk + i] = static_cast<std::int32_t>(std::max_element(values, values + actions) - values);
      }
    });
    benchmark::DoNotOptimize(chosen.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
}

void item_feature(benchmark::State& state) {
  const auto slots = static_cast<std::size_t>(state.range(0)), videos = static_cast<std::size_t>(state.range(1));
  set_product_backend(ProductBackend::kOwn);
  const auto simulator =
      make_constant_simulator({.leave_after = 30}, {.num_users = 1000, .num_videos = videos, .history = 50});
  DqnConfig config;
  config.world.candidates = slots, config.num_envs = 64, config.batch = kUpdateBatch, config.replay_capacity = 6'400;
  config.env_steps = std::int64_t{1} << 40;
  config.learning_starts = 0, config.n_step = 1;
  DqnLearner learner(simulator, config, 1, static_cast<int>(state.range(2)));
  VectorEnv env = make_training_env(simulator, config, 2);
  std::vector<std::uint64_t> seeds(config.num_envs);
  std::iota(seeds.begin(), seeds.end(), 1);
  learner.begin(env.reset(seeds));
  const std::vector<std::int32_t> actions(config.num_envs, 0);
  for (int step = 0; step < 100; ++step) learner.observe(env.step(actions));
  std::int64_t steps = 0;
  for (auto _ : state) learner.update(steps += config.steps_per_update);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  state.counters["videos"] = static_cast<double>(videos);
}

// The table of all videos' vectors is renewed with the target network, every 200 updates, as in training.
void full_catalogue(benchmark::State& state) {
  const auto videos = static_cast<std::size_t>(state.range(0));
  const int threads = static_cast<int>(state.range(1));
  set_product_backend(ProductBackend::kOwn);
  const auto simulator =
      make_constant_simulator({.leave_after = 30}, {.num_users = 1000, .num_videos = videos, .history = 200});
  DqnConfig config;
  config.world.source = "full", config.fresh_candidates = 1000;
  config.num_envs = 64, config.batch = kUpdateBatch, config.world.history_length = 200, config.replay_capacity = 6'400;
  config.env_steps = std::int64_t{1} << 40;
  config.learning_starts = 0, config.steps_per_update = 64;
  config.network.state_hidden = {64}, config.network.width = 16, config.network.interaction_hidden = 0;
  config.encoder.cross = false;
  DqnLearner learner(simulator, config, 1, threads);
  VectorEnv env = make_training_env(simulator, config, threads);
  std::vector<std::uint64_t> seeds(config.num_envs);
  std::iota(seeds.begin(), seeds.end(), 1);
  std::vector<RandomKey> keys(config.num_envs, make_key(1));
  std::vector<std::uint32_t> streams(config.num_envs, 0);
  std::vector<std::int32_t> actions(config.num_envs);
  std::vector<float> scores;
  learner.begin(env.reset(seeds));
  std::int64_t steps = 0;
  for (auto _ : state) {
    for (std::uint32_t& stream : streams) ++stream;
    choose_actions(learner.policy(), {env.observation(), &env, keys, streams, threads},
                   Exploration::epsilon_greedy(0.05F), videos, scores, actions);
    learner.observe(env.step(actions));
    learner.update(steps += 64);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024.0;
}

// Actions, threads, bf16. One thread is counted in processor time, two by the clock.
BENCHMARK(full_output)->ArgsProduct({{10, 1000, 10'000}, {1}, {0, 1}})->Unit(benchmark::kMicrosecond);
BENCHMARK(full_output)->ArgsProduct({{10, 1000, 10'000}, {2}, {0, 1}})->UseRealTime()->Unit(benchmark::kMicrosecond);
// Actions, threads.
BENCHMARK(act)->ArgsProduct({{10, 1000}, {1}})->Unit(benchmark::kMicrosecond);
BENCHMARK(act)->ArgsProduct({{10, 1000}, {2}})->UseRealTime()->Unit(benchmark::kMicrosecond);
// Candidates, videos, threads.
BENCHMARK(item_feature)
    ->ArgsProduct({{10, 100, 1000}, {10'000, 4'369'953}, {2}})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// Videos, threads. One size a process, or the peak is that of the largest.
BENCHMARK(full_catalogue)
    ->ArgsProduct({{1'000'000, 2'000'000, 4'369'953}, {2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace swipegym
