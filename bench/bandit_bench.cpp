// Bandits, one core.
//   bandit_bench --benchmark_filter=update        answers counted a second
//   bandit_bench --benchmark_filter=slate         a slate of 100 among 2,000 arms

#include <benchmark/benchmark.h>

#include <vector>

#include "core/random.h"
#include "policy/bandit/arm_scores.h"
#include "policy/bandit/beta_arms.h"
#include "policy/bandit/bucket_flow.h"
#include "policy/bandit/linear_arms.h"
#include "policy/bandit/slate.h"

namespace swipegym {
namespace {

constexpr std::size_t kAnswers = 1'000'000;

struct Answers {
  std::vector<std::uint32_t> arms;
  std::vector<float> success;
};
Answers random_answers(std::uint32_t arms) {
  Answers answers;
  RandomStream random(make_key(1));
  for (std::size_t i = 0; i < kAnswers; ++i) {
    answers.arms.push_back(random.below(arms));
    answers.success.push_back(random.uniform() < 0.35F ? 1.0F : 0.0F);
  }
  return answers;
}

// Answers about arms in random order, counted at once.
void update(benchmark::State& state) {
  BetaArms arms({4.62, 8.46});
  arms.add(static_cast<std::size_t>(state.range(0)));
  const Answers answers = random_answers(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    arms.update(answers.arms, answers.success);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kAnswers));
}
// The same by way of the queue that waits for a tick.
void delayed_update(benchmark::State& state) {
  BetaArms arms({4.62, 8.46});
  arms.add(static_cast<std::size_t>(state.range(0)));
  const Answers answers = random_answers(static_cast<std::uint32_t>(state.range(0)));
  DelayedFeedback feedback(16, kAnswers / 16 + 1);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kAnswers; ++i) feedback.add(i % 16, answers.arms[i], answers.success[i]);
    feedback.merge_into(arms);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kAnswers));
}
// Sherman-Morrison steps of d features, dense or diagonal.
void linear_update(benchmark::State& state) {
  const auto features = static_cast<std::size_t>(state.range(0));
  LinearArms arms({.features = features, .diagonal = state.range(1) != 0});
  arms.add(100);
  RandomStream random(make_key(2));
  std::vector<double> x(features);
  for (double& value : x) value = random.uniform_double() - 0.5;
  std::uint32_t arm = 0;
  for (auto _ : state) {
    arms.update(arm = (arm + 1) % 100, x, 0.5);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

enum SlateRule : std::int64_t { kMeans, kBayesUcb, kThompson, kBuckets };
void slate(benchmark::State& state) {
  BetaArms arms({4.62, 8.46});
  arms.add(2000);
  const Answers answers = random_answers(2000);
  arms.update(std::span(answers.arms).first(20'000), std::span(answers.success).first(20'000));
  std::vector<double> scores(2000), measures(2000);
  std::vector<std::uint8_t> buckets(2000);
  std::vector<std::uint32_t> chosen(100);
  std::vector<FlowPick> picks(100);
  SlateRoom room;
  std::uint64_t draw = 0;
  for (auto _ : state) {
    const RandomKey key = split(make_key(3), draw++);
    if (state.range(0) == kThompson)
      score_thompson(arms, arms.live(), key, scores);
    else if (state.range(0) == kBayesUcb)
      score_bayes_ucb(arms, arms.live(), 1.64, scores);
    else
      score_means(arms, arms.live(), scores);
    if (state.range(0) == kBuckets) {
      list_shows(arms, arms.live(), measures);
      find_buckets({}, measures, buckets);
      fill_buckets({}, buckets, scores, 0.5, key, room, picks);
    } else {
      best_slate(scores, key, room, chosen);
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(update)->Arg(2'000)->Arg(100'000)->Arg(4'371'900)->Unit(benchmark::kMillisecond);
BENCHMARK(delayed_update)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(linear_update)->Args({16, 0})->Args({64, 0})->Args({16, 1})->Args({64, 1});
BENCHMARK(slate)->Arg(kMeans)->Arg(kBayesUcb)->Arg(kThompson)->Arg(kBuckets)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace swipegym
