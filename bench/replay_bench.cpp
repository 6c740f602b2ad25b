// Replay: memory of a transition and sampling rate, one thread. States are the last 200 videos; sessions last 30
// videos, and every user brings 200 logged ones.
//   replay_bench --benchmark_filter=ids/200000      what bench/peers/replay.py sets beside cpprb
//   replay_bench --benchmark_filter=prioritised     drawn by priority, and priorities given back

#include <benchmark/benchmark.h>

#include <numeric>
#include <vector>

#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "replay/priority_sampler.h"
#include "replay/uniform_replay.h"

namespace swipegym {
namespace {

constexpr std::size_t kBatch = 256, kLength = 200, kSlots = 10, kEnvs = 256;

/// A buffer of `capacity` steps, filled to the last.
std::unique_ptr<UniformReplay> filled(std::size_t capacity) {
  const auto simulator =
      make_constant_simulator({.leave_after = 30}, {.num_users = 5000, .num_videos = 7583, .history = kLength});
  VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, kSlots),
                {.num_envs = kEnvs, .history_length = kLength, .autoreset = AutoresetMode::kNextStep});
  auto replay = std::make_unique<UniformReplay>(
      simulator,
      UniformReplayConfig{.capacity = capacity, .num_envs = kEnvs, .history_length = kLength, .candidates = kSlots});
  std::vector<std::uint64_t> seeds(kEnvs);
  std::iota(seeds.begin(), seeds.end(), 1);
  replay->begin(env.reset(seeds));
  std::vector<std::int32_t> actions(kEnvs, 0);
  for (std::size_t step = 0; step < 2 * capacity / kEnvs; ++step) replay->add(env.step(actions));
  return replay;
}

void describe(benchmark::State& state, const UniformReplay& replay, std::size_t more_bytes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBatch));
  const double transitions = static_cast<double>(replay.size());
  const double bytes = static_cast<double>(replay.bytes() + more_bytes) / transitions;
  state.counters["transitions"] = transitions;
  state.counters["bytes_per_transition"] = bytes;
  state.counters["bytes_beyond_candidates"] = bytes - kSlots * sizeof(std::int32_t);
}

void sample(benchmark::State& state, bool everything) {
  const auto replay = filled(static_cast<std::size_t>(state.range(0)));
  TransitionBatch batch;
  SampleRequest request;
  request.count = kBatch, request.ratios = everything, request.decision = everything;
  std::uint64_t draw = 0;
  for (auto _ : state) {
    request.key = split(make_key(1), draw++);
    replay->sample(request, batch);
    benchmark::DoNotOptimize(batch.next.history_video.data());
    benchmark::ClobberMemory();
  }
  describe(state, *replay, 0);
}

// s and s' as int32 [256, 200], the video shown, reward and end: what a frame-stacking buffer returns.
void ids(benchmark::State& state) {
  sample(state, false);
}
// And watch ratios, context, both candidate sets and masks: what a learner here asks for.
void everything(benchmark::State& state) {
  sample(state, true);
}
// The same rows as `ids`, drawn by priority with their weights, and errors given back as priorities.
void prioritised(benchmark::State& state) {
  const auto replay = filled(static_cast<std::size_t>(state.range(0)));
  PrioritySampler sampler(*replay, {});
  sampler.follow(*replay);
  TransitionBatch batch;
  SampleRequest request;
  request.count = kBatch, request.ratios = false, request.decision = false;
  PriorityDraw rows;
  std::vector<float> error(kBatch);
  std::uint64_t draw = 0;
  for (auto _ : state) {
    sampler.draw(*replay, split(make_key(1), draw++), kBatch, 0.4F, rows);
    replay->gather(rows.id, request, batch);
    benchmark::DoNotOptimize(batch.next.history_video.data());
    benchmark::ClobberMemory();
    for (std::size_t i = 0; i < kBatch; ++i) error[i] = 0.001F * static_cast<float>((rows.id[i] + draw) % 1000);
    sampler.update(*replay, rows.id, error);
  }
  describe(state, *replay, sampler.bytes());
}

BENCHMARK(ids)->Arg(200'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(prioritised)->Arg(200'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(everything)->Arg(200'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace swipegym
