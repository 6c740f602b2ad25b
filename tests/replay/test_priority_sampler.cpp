#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "replay/priority_sampler.h"

namespace swipegym {
namespace {

constexpr std::size_t kPriorityEnvs = 3, kPriorityLength = 8;

/// Sessions of 5 videos, remembered and prioritised.
struct PriorityWorld {
  explicit PriorityWorld(std::size_t capacity, PriorityConfig config = {})
      : simulator(make_constant_simulator({.leave_after = 5}, {.num_users = 6, .num_videos = 300, .history = 5})),
        env(simulator, make_candidate_source("random", simulator->catalogue, 4),
            {.num_envs = kPriorityEnvs, .threads = 1, .history_length = kPriorityLength}),
        replay(simulator,
               {.capacity = capacity, .num_envs = kPriorityEnvs, .history_length = kPriorityLength, .candidates = 4}),
        sampler(replay, config) {
    const std::vector<std::uint64_t> seeds = {1, 2, 3};
    replay.begin(env.reset(seeds));
    sampler.follow(replay);
  }
  void steps(int count) {
    const std::vector<std::int32_t> actions(kPriorityEnvs, 0);
    for (int i = 0; i < count; ++i) {
      replay.add(env.step(actions));
      sampler.follow(replay);
    }
  }
  /// Ids of all transitions that the buffer holds.
  std::vector<std::uint64_t> held() const {
    std::vector<std::uint64_t> ids;
    for (std::size_t e = 0; e < kPriorityEnvs; ++e)
      for (std::uint64_t position = 0; position < replay.positions(e); ++position)
        if (replay.is_transition(e, position)) ids.push_back(position * kPriorityEnvs + e);
    return ids;
  }
  /// An error of its own for each transition held, from .1 to some 10.
  std::map<std::uint64_t, float> give_errors() {
    const std::vector<std::uint64_t> ids = held();
    std::vector<float> errors(ids.size());
    std::map<std::uint64_t, float> of;
    RandomStream random(make_key(99));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      errors[i] = (i % 2 == 0 ? 1.0F : -1.0F) * (0.1F + 10.0F * random.uniform() * random.uniform());
      of[ids[i]] = errors[i];
    }
    sampler.update(replay, ids, errors);
    return of;
  }

  std::shared_ptr<const Simulator> simulator;
  VectorEnv env;
  UniformReplay replay;
  PrioritySampler sampler;
};

TEST_CASE("a sum tree agrees with plain sums after any updates", "[replay]") {
  for (const std::size_t size : {1UL, 16UL, 17UL, 300UL, 5000UL}) {
    CAPTURE(size);
    SumTree tree(size);
    std::vector<float> plain(size, 0.0F);
    RandomStream random(make_key(size));
    for (int round = 0; round < 50; ++round) {
      const std::size_t count = 1 + random.below(40);
      std::vector<std::uint32_t> leaf(count);
      std::vector<float> value(count);
      for (std::size_t i = 0; i < count; ++i) {
        leaf[i] = random.below(static_cast<std::uint32_t>(size));
        value[i] = random.below(4) == 0 ? 0.0F : std::exp(8.0F * random.uniform());
        plain[leaf[i]] = value[i];
      }
      tree.set(leaf, value);
      const double sum = std::accumulate(plain.begin(), plain.end(), 0.0);
      REQUIRE(tree.total() == Approx(sum).epsilon(1e-5));
      if (sum == 0.0) continue;
      // A point within a leaf's stretch, not so near to its ends that float sums may see it otherwise, finds that leaf.
      std::vector<double> point(64);
      std::vector<std::uint32_t> found(64);
      for (double& p : point) p = random.uniform_double();
      std::sort(point.begin(), point.end());
      std::vector<double> used = point;
      tree.find(used, found);
      for (std::size_t i = 0; i < point.size(); ++i) {
        REQUIRE(found[i] < size);
        REQUIRE(plain[found[i]] > 0.0F);
        const double low = std::accumulate(plain.begin(), plain.begin() + found[i], 0.0);
        REQUIRE(point[i] * sum > low - 1e-5 * sum);
        REQUIRE(point[i] * sum < low + static_cast<double>(plain[found[i]]) + 1e-5 * sum);
      }
    }
    SumTree anew(size);  // sums are those of the leaves whatever happened on the way
    anew.assign(plain);
    CHECK(anew.total() == tree.total());
  }
}

TEST_CASE("a small leaf among a million is found as often as its size says", "[replay]") {
  // Points that lie within one leaf's stretch and near it: with sums in float alone they would be off by whole leaves.
  SumTree tree(1 << 20);
  tree.assign(std::vector<float>(std::size_t{1} << 20, 0.1F));
  for (const std::uint32_t leaf : {0U, 777'777U, (1U << 20) - 1}) {
    std::vector<double> point(100);
    for (std::size_t i = 0; i < point.size(); ++i)
      point[i] = (leaf + (static_cast<double>(i) + 0.5) / 100.0) / static_cast<double>(1 << 20);
    std::vector<std::uint32_t> found(100);
    tree.find(point, found);
    CHECK(std::count(found.begin(), found.end(), leaf) >= 98);
  }
}

// Pearson's statistic of draws against probabilities; its mean is the number of cells - 1.
double chi_square(const std::map<std::uint64_t, double>& probability, const std::vector<std::uint64_t>& drawn) {
  std::map<std::uint64_t, int> count;
  for (const std::uint64_t id : drawn) {
    REQUIRE(probability.count(id) == 1);
    ++count[id];
  }
  double sum = 0.0;
  for (const auto& [id, p] : probability) {
    const double expected = p * static_cast<double>(drawn.size()), off = count[id] - expected;
    sum += off * off / expected;
  }
  return sum;
}

TEST_CASE("transitions come as often as their priorities say, and weights undo it", "[replay]") {
  const PriorityConfig config{.alpha = 0.7F, .error_floor = 0.05F, .error_limit = 4.0F};
  PriorityWorld world(180, config);
  world.steps(150);  // 60 steps an env of 150 are kept
  const std::map<std::uint64_t, float> errors = world.give_errors();
  REQUIRE(errors.size() == world.replay.size());
  std::map<std::uint64_t, double> probability;
  double sum = 0.0;
  for (const auto& [id, error] : errors)
    sum += probability[id] = std::pow(std::min(std::abs(static_cast<double>(error)), 4.0) + 0.05, 0.7);
  CHECK(world.sampler.total() == Approx(sum).epsilon(1e-5));
  for (auto& [id, p] : probability) p /= sum;

  // Many small batches: the stretches of one large batch would leave nothing to chance.
  PriorityDraw draw, batch;
  for (std::uint64_t i = 0; i < 6000; ++i) {
    world.sampler.draw(world.replay, make_key(i), 8, 0.4F, batch);
    draw.id.insert(draw.id.end(), batch.id.begin(), batch.id.end());
  }
  const double cells = static_cast<double>(probability.size()) - 1.0;
  CHECK(chi_square(probability, draw.id) < cells + 4.0 * std::sqrt(2.0 * cells));
  CHECK(chi_square(probability, draw.id) > 0.5 * cells);

  world.sampler.draw(world.replay, make_key(5), 500, 0.4F, draw);
  double largest = 0.0;
  const auto raw = [&](std::uint64_t id) {
    return std::pow(static_cast<double>(probability.size()) * probability[id], -0.4);
  };
  for (const std::uint64_t id : draw.id) largest = std::max(largest, raw(id));
  for (std::size_t i = 0; i < draw.id.size(); ++i)
    REQUIRE(draw.weight[i] == Approx(raw(draw.id[i]) / largest).epsilon(1e-4));

  // With alpha 0 the same errors leave all equally likely: the test above can tell.
  PriorityWorld even(180, {.alpha = 0.0F});
  even.steps(150);
  even.give_errors();
  even.sampler.draw(even.replay, make_key(5), 48'000, 0.4F, draw);
  CHECK(chi_square(probability, draw.id) > 10.0 * cells);
  CHECK(std::all_of(draw.weight.begin(), draw.weight.end(), [](float w) { return std::abs(w - 1.0F) < 1e-5F; }));
}

TEST_CASE("new transitions get the largest priority given so far, lost ones none", "[replay]") {
  PriorityWorld world(90);
  world.steps(10);
  for (const std::uint64_t id : world.held()) CHECK(world.sampler.priority(world.replay, id) == 1.0F);
  world.give_errors();
  const std::vector<std::uint64_t> old = world.held();
  float largest = 1.0F;
  for (const std::uint64_t id : old) largest = std::max(largest, world.sampler.priority(world.replay, id));
  CHECK(largest > 1.5F);
  world.steps(1);
  for (const std::uint64_t id : world.held())
    if (std::find(old.begin(), old.end(), id) == old.end()) CHECK(world.sampler.priority(world.replay, id) == largest);

  world.steps(100);  // every place of the ring has been written anew
  CHECK(world.sampler.total() == Approx(static_cast<double>(largest) * static_cast<double>(world.replay.size())));
  world.sampler.update(world.replay, old, std::vector<float>(old.size(), 1e6F));  // they are gone: nothing happens
  CHECK(world.sampler.total() == Approx(static_cast<double>(largest) * static_cast<double>(world.replay.size())));

  // All envs begin anew: what waited for an action has become a last observation and must never be drawn.
  world.replay.begin(world.env.reset(std::vector<std::uint64_t>{7, 8, 9}));
  world.sampler.follow(world.replay);
  CHECK(world.sampler.total() == Approx(static_cast<double>(largest) * static_cast<double>(world.replay.size())));
}

TEST_CASE("gathering the drawn ids gives what sampling gave", "[replay]") {
  PriorityWorld world(300);
  world.steps(80);
  TransitionBatch sampled, gathered;
  const SampleRequest request{.count = 200, .key = make_key(3), .n_step = 3, .discount = 0.9F};
  world.replay.sample(request, sampled);
  world.replay.gather(sampled.id, request, gathered);
  CHECK(gathered.id == sampled.id);
  CHECK(gathered.state.history_video == sampled.state.history_video);
  CHECK(gathered.next.history_ratio == sampled.next.history_ratio);
  CHECK(gathered.next.candidate == sampled.next.candidate);
  CHECK(gathered.action == sampled.action);
  CHECK(gathered.reward == sampled.reward);
  CHECK(gathered.discount == sampled.discount);
}

TEST_CASE("saved priorities go on with the same draws", "[replay]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_priorities.h5";
  PriorityWorld world(90);
  world.steps(50);
  world.give_errors();
  {
    Hdf5Writer file(path);
    file.attribute("kind", "checkpoint");
    file.attribute("schema_version", std::int64_t{1});
    world.replay.save(file, "replay");
    world.sampler.save(file, "priorities");
    file.commit();
  }
  const Hdf5Reader file(path, "checkpoint", 1);
  PriorityWorld other(90);
  other.replay.load(file, "replay");
  other.sampler.load(file, "priorities", other.replay);
  const std::vector<std::uint64_t> seeds = {4, 5, 6};
  for (PriorityWorld* w : {&world, &other}) {
    w->replay.begin(w->env.reset(seeds));
    w->sampler.follow(w->replay);
    w->steps(9);
    w->sampler.update(w->replay, w->held(), std::vector<float>(w->held().size(), 0.3F));
    w->steps(9);
  }
  PriorityDraw a, b;
  world.sampler.draw(world.replay, make_key(1), 300, 0.7F, a);
  other.sampler.draw(other.replay, make_key(1), 300, 0.7F, b);
  CHECK(a.id == b.id);
  CHECK(a.weight == b.weight);

  PriorityWorld larger(120);
  CHECK_THROWS_AS(larger.sampler.load(file, "priorities", larger.replay), InputError);
  std::filesystem::remove(path);
}

TEST_CASE("an empty buffer and errors that are no numbers are named", "[replay]") {
  PriorityWorld world(90);
  PriorityDraw draw;
  CHECK_THROWS_AS(world.sampler.draw(world.replay, make_key(1), 3, 0.4F, draw), InputError);
  world.steps(4);
  CHECK_THROWS_WITH(
      world.sampler.update(world.replay, world.held(), std::vector<float>(world.held().size(), std::nanf(""))),
      Catch::Contains("diverged"));
}

}  // namespace
}  // namespace swipegym
