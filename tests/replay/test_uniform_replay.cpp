#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "replay/uniform_replay.h"
#include "tests/env/noisy_user_model.h"

namespace swipegym {
namespace {

constexpr std::size_t kEnvs = 3, kLength = 8, kSlots = 4;

// A whole state as an agent saw it, kept naively: what the compact buffer must give back.
struct NaiveState {
  std::vector<std::int32_t> history;
  std::vector<float> ratio, context;
  std::vector<std::int32_t> candidate;
  std::vector<std::uint8_t> mask;
  std::uint32_t user = 0;
  bool operator==(const NaiveState&) const = default;
};
struct NaiveTransition {
  NaiveState state, next;
  std::int32_t action = 0, video = 0;
  float reward = 0.0F;
  bool terminated = false, truncated = false;
};

NaiveState state_of(const ObservationView& o, std::size_t row) {
  NaiveState state;
  const std::size_t length = o.history_length, m = o.candidates;
  state.history.assign(o.history_video + row * length, o.history_video + (row + 1) * length);
  state.ratio.assign(o.history_ratio + row * length, o.history_ratio + (row + 1) * length);
  state.context.assign(o.context + row * kContextFeatures, o.context + (row + 1) * kContextFeatures);
  state.candidate.assign(o.candidate + row * m, o.candidate + (row + 1) * m);
  state.mask.assign(o.mask + row * m, o.mask + (row + 1) * m);
  state.user = o.user[row];
  return state;
}

// Steps a toy world and remembers it twice: compactly in the buffer and naively in `all`, newest last.
struct Recorder {
  explicit Recorder(AutoresetMode mode, std::size_t capacity, int leave_after = 5, int max_steps = 100,
                    std::uint64_t seed = 1)
      : simulator(make_constant_simulator({.leave_after = leave_after, .watch_ratio = 0.5F},
                                          {.num_users = 6, .num_videos = 300, .history = 5})),
        env(simulator, make_candidate_source("random", simulator->catalogue, kSlots),
            {.num_envs = kEnvs, .threads = 1, .history_length = kLength, .max_steps = max_steps, .autoreset = mode}),
        replay(simulator, {.capacity = capacity,
                           .num_envs = kEnvs,
                           .history_length = kLength,
                           .candidates = kSlots,
                           .autoreset = mode}),
        last(kEnvs),
        next_seed(seed) {
    replay.begin(env.reset(seeds()));
    for (std::size_t i = 0; i < kEnvs; ++i) last[i] = state_of(env.observation(), i);
  }

  std::vector<std::uint64_t> seeds() {
    std::vector<std::uint64_t> values(kEnvs);
    for (std::uint64_t& value : values) value = next_seed++;
    return values;
  }

  void step() {
    std::vector<std::int32_t> actions(kEnvs);
    for (std::size_t i = 0; i < kEnvs; ++i) actions[i] = static_cast<std::int32_t>((steps + i) % kSlots);
    ++steps;
    const StepView& out = env.step(actions);
    replay.add(out);
    std::vector<std::uint8_t> ended(kEnvs, 0);
    for (std::size_t i = 0; i < kEnvs; ++i) {
      const bool done = out.terminated[i] || out.truncated[i];
      const bool same_step = done && env.config().autoreset == AutoresetMode::kSameStep;
      const NaiveState after = state_of(same_step ? out.final_observation : out.observation, i);
      if (!out.autoreset[i]) {
        const auto slot = static_cast<std::size_t>(actions[i]);
        CHECK(last[i].candidate[slot] == out.video[i]);
        all.push_back(
            {last[i], after, actions[i], out.video[i], out.reward[i], out.terminated[i] != 0, out.truncated[i] != 0});
      }
      last[i] = state_of(out.observation, i);
      ended[i] = done && env.config().autoreset == AutoresetMode::kDisabled;
    }
    if (std::find(ended.begin(), ended.end(), 1) == ended.end()) return;
    replay.begin(env.reset(seeds(), ended), ended);
    for (std::size_t i = 0; i < kEnvs; ++i)
      if (ended[i]) last[i] = state_of(env.observation(), i);
  }

  // Every transition's first state is unique (its candidates are), so it names the transition.
  const NaiveTransition* find(const NaiveState& state) const {
    for (const NaiveTransition& transition : all)
      if (transition.state == state) return &transition;
    return nullptr;
  }

  std::shared_ptr<const Simulator> simulator;
  VectorEnv env;
  UniformReplay replay;
  std::vector<NaiveState> last;
  std::vector<NaiveTransition> all;
  std::size_t steps = 0;
  std::uint64_t next_seed = 1;
};

NaiveState state_of(const TransitionBatch& batch, const ObservationView& side, std::size_t row) {
  ObservationView view = side;
  view.user = batch.user.data();
  return state_of(view, row);
}

SampleRequest request(std::size_t count, std::uint64_t seed, int n_step = 1, float discount = 0.5F) {
  return {.count = count, .key = make_key(seed), .n_step = n_step, .discount = discount};
}

TEST_CASE("every sampled transition is one that happened, in each autoreset mode", "[replay]") {
  for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep, AutoresetMode::kDisabled}) {
    CAPTURE(static_cast<int>(mode));
    Recorder world(mode, 3000);
    for (int i = 0; i < 60; ++i) world.step();
    CHECK(world.replay.size() == world.all.size());
    TransitionBatch batch;
    world.replay.sample(request(400, 5), batch);
    std::size_t terminated = 0;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const NaiveTransition* real = world.find(state_of(batch, batch.observation(), row));
      REQUIRE(real != nullptr);
      CHECK(state_of(batch, batch.next_observation(), row) == real->next);
      CHECK(batch.action[row] == real->action);
      CHECK(batch.video[row] == real->video);
      CHECK(batch.reward[row] == real->reward);
      CHECK((batch.terminated[row] != 0) == real->terminated);
      CHECK(batch.discount[row] == (real->terminated ? 0.0F : 0.5F));
      terminated += batch.terminated[row];
    }
    CHECK(terminated > 40);  // a fifth of the steps end an episode
  }
}

TEST_CASE("a truncated transition keeps its discount and its own last observation", "[replay]") {
  for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep, AutoresetMode::kDisabled}) {
    Recorder world(mode, 3000, /*leave_after=*/50, /*max_steps=*/4);
    for (int i = 0; i < 40; ++i) world.step();
    TransitionBatch batch;
    world.replay.sample(request(300, 6), batch);
    std::size_t truncated = 0;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const NaiveTransition* real = world.find(state_of(batch, batch.observation(), row));
      REQUIRE(real != nullptr);
      CHECK(state_of(batch, batch.next_observation(), row) == real->next);
      CHECK((batch.truncated[row] != 0) == real->truncated);
      CHECK(batch.discount[row] == 0.5F);
      truncated += batch.truncated[row];
    }
    CHECK(truncated > 40);
  }
}

TEST_CASE("a full ring forgets the oldest steps and keeps the histories of the rest", "[replay]") {
  Recorder world(AutoresetMode::kNextStep, 60);  // 20 steps an env
  for (int i = 0; i < 500; ++i) world.step();
  CHECK(world.replay.capacity() == 60);
  CHECK(world.replay.size() <= 60);
  CHECK(world.replay.size() >= 48);  // a sixth of the entries are last observations
  TransitionBatch batch;
  world.replay.sample(request(2000, 7), batch);
  std::map<const NaiveTransition*, int> count;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const NaiveTransition* real = world.find(state_of(batch, batch.observation(), row));
    REQUIRE(real != nullptr);
    CHECK(state_of(batch, batch.next_observation(), row) == real->next);
    ++count[real];
  }
  CHECK(count.size() == world.replay.size());  // each of the 50 is missed by 2,000 draws with probability e^-40
  for (const auto& [transition, times] : count) {
    CHECK(transition >= &world.all[world.all.size() - 3 * 20]);
    const double expected = 2000.0 / static_cast<double>(world.replay.size());
    CHECK(times == Approx(expected).margin(5.0 * std::sqrt(expected)));
  }
}

TEST_CASE("n steps add their discounted rewards and stop at the episode's end", "[replay]") {
  Recorder world(AutoresetMode::kNextStep, 3000);
  for (int i = 0; i < 60; ++i) world.step();
  TransitionBatch batch;
  world.replay.sample(request(300, 8, 3), batch);
  const std::size_t newest = world.all.size();
  std::array<int, 4> lengths{};
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const NaiveTransition* real = world.find(state_of(batch, batch.observation(), row));
    REQUIRE(real != nullptr);
    // follow the same env: its next transition's state is this one's next state
    float reward = real->reward, discount = 0.5F;
    std::uint16_t steps = 1;
    while (steps < 3 && !real->terminated) {
      const NaiveTransition* following = world.find(real->next);
      if (following == nullptr) break;  // the newest step
      real = following;
      reward += discount * real->reward;
      discount *= 0.5F;
      ++steps;
    }
    CHECK(batch.steps[row] == steps);
    CHECK(batch.reward[row] == reward);
    CHECK(batch.discount[row] == (real->terminated ? 0.0F : discount));
    CHECK(state_of(batch, batch.next_observation(), row) == real->next);
    ++lengths[steps];
  }
  CHECK(newest == world.all.size());
  CHECK(lengths[1] > 20);
  CHECK(lengths[2] > 20);
  CHECK(lengths[3] > 100);
}

TEST_CASE("where users stay by chance, rewards and values behind a step count for as much", "[replay]") {
  // Every ratio is expected to be 1 + .2 of something of the user's, and everybody leaves one time in ten.
  const auto simulator = make_noisy_simulator({.num_users = 6, .num_videos = 300, .history = 5});
  VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, kSlots),
                {.num_envs = kEnvs,
                 .threads = 1,
                 .history_length = kLength,
                 .reward = {.watch_s = 0.0F, .watch_ratio = 1.0F},
                 .rewards = RewardKind::kExpected});
  UniformReplay replay(simulator,
                       {.capacity = 600, .num_envs = kEnvs, .history_length = kLength, .candidates = kSlots});
  replay.begin(env.reset(std::array<std::uint64_t, kEnvs>{1, 2, 3}));
  const std::vector<std::int32_t> actions(kEnvs, 0);
  for (int t = 0; t < 150; ++t) replay.add(env.step(actions));
  TransitionBatch batch;
  replay.sample({.count = 300, .key = make_key(1), .n_step = 3, .discount = 0.5F}, batch);
  std::size_t left = 0;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const double one = 1.0 + 0.2 * static_cast<double>(batch.user[i] % 7) / 7.0;
    double reward = 0.0, discount = 1.0;
    for (std::size_t step = 0; step < batch.steps[i]; ++step, discount *= 0.5 * 0.9) reward += discount * one;
    CHECK(batch.reward[i] == Approx(reward));
    CHECK(batch.discount[i] == Approx(discount));
    left += batch.terminated[i];
  }
  CHECK(left > 10);  // and what comes after them counts all the same

  const auto path = std::filesystem::temp_directory_path() / "swipegym_replay_stays.h5";
  {
    Hdf5Writer file(path);
    file.attribute("kind", "checkpoint");
    file.attribute("schema_version", std::int64_t{1});
    replay.save(file, "replay");
    file.commit();
  }
  UniformReplay loaded(simulator,
                       {.capacity = 600, .num_envs = kEnvs, .history_length = kLength, .candidates = kSlots});
  loaded.load(Hdf5Reader(path, "checkpoint", 1), "replay");
  TransitionBatch again;
  loaded.sample({.count = 300, .key = make_key(1), .n_step = 3, .discount = 0.5F}, again);
  CHECK(again.reward == batch.reward);
  CHECK(again.discount == batch.discount);
  std::filesystem::remove(path);
}

TEST_CASE("a new reset cuts the running episodes without inventing transitions", "[replay]") {
  Recorder world(AutoresetMode::kNextStep, 3000);
  for (int i = 0; i < 12; ++i) world.step();
  const std::size_t before = world.replay.size();
  world.replay.begin(world.env.reset(world.seeds()));
  CHECK(world.replay.size() == before);
  for (std::size_t i = 0; i < kEnvs; ++i) world.last[i] = state_of(world.env.observation(), i);
  for (int i = 0; i < 12; ++i) world.step();
  TransitionBatch batch;
  world.replay.sample(request(300, 9, 2), batch);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const NaiveTransition* real = world.find(state_of(batch, batch.observation(), row));
    REQUIRE(real != nullptr);
    if (batch.steps[row] == 1) CHECK(state_of(batch, batch.next_observation(), row) == real->next);
  }
}

TEST_CASE("a saved buffer goes on with the same numbers", "[replay]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_replay.h5";
  Recorder world(AutoresetMode::kNextStep, 90);
  for (int i = 0; i < 70; ++i) world.step();
  {
    Hdf5Writer file(path);
    file.attribute("kind", "checkpoint");
    file.attribute("schema_version", std::int64_t{1});
    world.replay.save(file, "replay");
    file.commit();
  }
  UniformReplay loaded(world.simulator,
                       {.capacity = 90, .num_envs = kEnvs, .history_length = kLength, .candidates = kSlots});
  const Hdf5Reader file(path, "checkpoint", 1);
  loaded.load(file, "replay");
  CHECK(loaded.size() == world.replay.size());
  loaded.begin(world.env.reset(std::vector<std::uint64_t>(kEnvs, 77)));
  world.replay.begin(world.env.observation());
  TransitionBatch a, b;
  world.replay.sample(request(200, 10), a);
  loaded.sample(request(200, 10), b);
  CHECK(a.id == b.id);
  CHECK(a.state.history_video == b.state.history_video);
  CHECK(a.state.history_ratio == b.state.history_ratio);
  CHECK(a.next.candidate == b.next.candidate);
  CHECK(a.reward == b.reward);

  UniformReplay other(world.simulator,
                      {.capacity = 120, .num_envs = kEnvs, .history_length = kLength, .candidates = kSlots});
  CHECK_THROWS_AS(other.load(file, "replay"), InputError);
  std::filesystem::remove(path);
}

TEST_CASE("a buffer without candidates samples the same transitions, without slots", "[replay]") {
  const auto simulator = make_constant_simulator({.leave_after = 5, .watch_ratio = 0.5F},
                                                 {.num_users = 6, .num_videos = 300, .history = 5});
  VectorEnv env(simulator, make_candidate_source("random", simulator->catalogue, kSlots),
                {.num_envs = kEnvs, .threads = 1, .history_length = kLength});
  UniformReplay with(simulator, {.capacity = 60, .num_envs = kEnvs, .history_length = kLength, .candidates = kSlots});
  UniformReplay without(simulator, {.capacity = 60, .num_envs = kEnvs, .history_length = kLength, .candidates = 0});
  CHECK(without.bytes() < with.bytes());
  const std::vector<std::uint64_t> seeds = {4, 5, 6};
  with.begin(env.reset(seeds));
  without.begin(env.observation());
  for (int step = 0; step < 30; ++step) {
    const StepView& view = env.step(std::vector<std::int32_t>(kEnvs, step % static_cast<int>(kSlots)));
    with.add(view);
    without.add(view);
  }
  TransitionBatch a, b;
  with.sample(request(200, 3), a);
  without.sample(request(200, 3), b);
  CHECK(a.video == b.video);
  CHECK(a.reward == b.reward);
  CHECK(a.state.history_video == b.state.history_video);
  CHECK(a.next.history_ratio == b.next.history_ratio);
  CHECK(a.next.context == b.next.context);
  CHECK(b.state.candidate.empty());
  CHECK(std::count(b.action.begin(), b.action.end(), -1) == 200);
}

TEST_CASE("misuse is named", "[replay]") {
  Recorder world(AutoresetMode::kNextStep, 60);
  TransitionBatch batch;
  CHECK_THROWS_AS(world.replay.sample(request(1, 1), batch), InputError);
  const auto make = [&](UniformReplayConfig config) { return UniformReplay(world.simulator, config); };
  CHECK_THROWS_AS(make({.capacity = 2, .num_envs = 3}), InputError);
  CHECK_THROWS_AS(make({.num_envs = 3, .history_length = 201}), InputError);
  UniformReplay narrow = make({.num_envs = kEnvs, .history_length = kLength, .candidates = kSlots + 1});
  CHECK_THROWS_WITH(narrow.begin(world.env.observation()), Catch::Contains("candidates"));
  const auto stranger = make_constant_simulator({}, {.num_users = 6, .num_videos = 300, .history = 7});
  UniformReplay foreign(stranger, {.num_envs = kEnvs, .history_length = kLength, .candidates = kSlots});
  CHECK_THROWS_WITH(foreign.begin(world.env.observation()), Catch::Contains("population"));
}

TEST_CASE("200-video states cost at most 64 bytes a transition beyond candidates, a million fit in 256 MiB",
          "[replay]") {
  const auto simulator = make_constant_simulator({});
  const UniformReplay replay(simulator,
                             {.capacity = 1'000'000, .num_envs = 256, .history_length = 200, .candidates = 10});
  const double per_step = static_cast<double>(replay.bytes()) /
                          (static_cast<double>(replay.capacity()) * 30.0 / 31.0);  // sessions of 30 videos
  CHECK(per_step - 10 * sizeof(std::int32_t) <= 64.0);
  CHECK(replay.bytes() <= std::size_t{256} << 20);
}

}  // namespace
}  // namespace swipegym
