// Training steps of SASRec and exact top-100 search, on synthetic ids. Beside PyTorch: bench/peers/sasrec_torch.py and
// bench/peers/top_items_torch.py take the same shapes.
//
//   build/release/bench/sequence_bench --benchmark_filter=sasrec_step
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "agents/sasrec/sasrec_learner.h"
#include "core/random_words.h"
#include "core/range.h"
#include "nn/matrix_product.h"
#include "policy/best_unseen.h"

namespace swipegym {
namespace {

int bench_threads() {
  const char* text = std::getenv("SWIPEGYM_THREADS");
  return text != nullptr ? parse_number<int>("SWIPEGYM_THREADS", text, between(1, 1'024)) : 2;
}

// Full-length sequences of uniform items, one negative a position: d 64, 2 blocks, 1 head, batch 128.
void sasrec_step(benchmark::State& state) {
  const auto length = static_cast<std::size_t>(state.range(0)), items = static_cast<std::size_t>(state.range(1));
  const bool padded = state.range(2) != 0;  // lengths as in a log instead: uniform from 1 to `length`
  if (state.range(3) != 0) set_product_backend(static_cast<ProductBackend>(state.range(3)));
  SasrecNetworkConfig config;
  config.width = config.inner = 64;
  config.max_length = length;
  config.authors = config.features = config.feedback = config.ratios = false;
  SasrecNetwork network(config, items, 0, 0, 0, make_key(1));
  SasrecLearner::Settings settings;
  settings.adam.learning_rate = 1e-3;
  settings.threads = bench_threads();
  SasrecLearner learner(network, settings);
  std::uint64_t step = 0, positions = 0;
  const auto provide = [&](std::size_t sequence, SasrecExamples& out) {
    BulkRandomStream random(split(make_key(7), step), static_cast<std::uint32_t>(sequence));
    const std::size_t n = padded ? 1 + random.below(static_cast<std::uint32_t>(length)) : length;
    const auto bound = static_cast<std::uint32_t>(items);
    for (std::size_t i = 0; i < n; ++i) {
      out.histories.item.push_back(static_cast<std::int32_t>(random.below(bound)));
      out.histories.position.push_back(static_cast<std::int32_t>(length - n + i));
      out.target.push_back(static_cast<std::int32_t>(random.below(bound)));
      out.negatives.push_back(static_cast<std::int32_t>(random.below(bound)));
    }
    out.histories.offset.push_back(static_cast<std::uint32_t>(out.histories.rows()));
  };
  double warm_loss = 0.0;  // of the third step: what rounding of a backend costs
  for (int warm = 0; warm < 3; ++warm, ++step) warm_loss = learner.step(provide).total;
  for (auto _ : state) {
    const SasrecLosses losses = learner.step(provide);
    positions += static_cast<std::uint64_t>(losses.targets);
    ++step;
  }
  state.counters["sequences/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(settings.sequences), benchmark::Counter::kIsRate);
  state.counters["positions/s"] = benchmark::Counter(static_cast<double>(positions), benchmark::Counter::kIsRate);
  state.counters["third loss"] = warm_loss;
  set_product_backend(ProductBackend::kOwn);
}

// The other multipliers of this build, bf16 with its accuracy cost: its third loss beside fp32's.
void other_backends(benchmark::internal::Benchmark* bench) {
  for (const ProductBackend backend : product_backends())
    if (backend != ProductBackend::kOwn) bench->Args({50, 7583, 0, static_cast<std::int64_t>(backend)});
}
BENCHMARK(sasrec_step)
    ->ArgNames({"length", "items", "padded", "backend"})
    ->Args({50, 7583, 0, 0})
    ->Args({200, 7583, 0, 0})
    ->Args({50, 7583, 1, 0})
    ->Args({200, 7583, 1, 0})
    ->Args({50, 4370000, 0, 0})
    ->Apply(other_backends)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// Exact top 100 for a batch of users, of normally distributed vectors.
void top_hundred(benchmark::State& state) {
  const auto users = static_cast<Eigen::Index>(state.range(0)), items = static_cast<Eigen::Index>(state.range(1));
  const auto draw = [](Eigen::Index rows, std::uint64_t seed) {
    Matrix matrix(rows, 64);
    BulkRandomStream random(make_key(seed));
    for (Eigen::Index i = 0; i < matrix.size(); ++i)
      matrix.data()[i] = 2.0F * (random.uniform() + random.uniform() + random.uniform() + random.uniform() - 2.0F);
    return matrix;
  };
  const Matrix table = draw(items, 1), asked = draw(users, 2);
  for (auto _ : state) benchmark::DoNotOptimize(top_items(asked, table, 100, bench_threads()));
  state.counters["users/s"] = benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(users),
                                                 benchmark::Counter::kIsRate);
}
BENCHMARK(top_hundred)
    ->ArgNames({"users", "items"})
    ->Args({32, 7583})
    ->Args({32, 4370000})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace swipegym
