#include "env/step_speed.h"

#include <chrono>
#include <cstring>

#include "env/seen_videos.h"

namespace swipegym {
namespace {

// Eight bytes at a time: multiply and fold (the length is part of every block, so borders count).
class ByteHash {
 public:
  template <class T>
  void add(const T* data, std::size_t count) noexcept {
    const std::size_t bytes = count * sizeof(T);
    const auto* at = reinterpret_cast<const unsigned char*>(data);
    mix(bytes);
    std::size_t i = 0;
    for (; i + 8 <= bytes; i += 8) {
      std::uint64_t word;
      std::memcpy(&word, at + i, 8);
      mix(word);
    }
    if (i < bytes) {
      std::uint64_t word = 0;
      std::memcpy(&word, at + i, bytes - i);
      mix(word);
    }
  }
  std::uint64_t value() const noexcept { return state_; }

 private:
  void mix(std::uint64_t word) noexcept {
    state_ = (state_ ^ word) * 0x9E3779B97F4A7C15U;
    state_ ^= state_ >> 29;
  }
  std::uint64_t state_ = 0x243F6A8885A308D3U;
};

void hash_observation(ByteHash& hash, const ObservationView& seen) {
  const std::size_t n = seen.rows;
  hash.add(seen.user, n);
  hash.add(seen.user_features, n * kUserFeatures);
  hash.add(seen.history_video, n * seen.history_length);
  hash.add(seen.history_ratio, n * seen.history_length);
  hash.add(seen.context, n * kContextFeatures);
  hash.add(seen.candidate, n * seen.candidates);
  hash.add(seen.candidate_features, n * seen.candidates * kVideoFeatures);
  hash.add(seen.mask, n * seen.candidates);
}

void hash_outputs(ByteHash& hash, const StepView& step, const VectorEnvConfig& config) {
  const std::size_t n = config.num_envs;
  const std::size_t shown = n * config.slate;
  hash.add(step.reward, n);
  hash.add(step.cost, n * config.costs.size());
  hash.add(step.terminated, n);
  hash.add(step.truncated, n);
  hash.add(step.autoreset, n);
  hash.add(step.consumed, n);
  hash.add(step.video, shown);
  hash.add(step.watch_ratio, shown);
  hash.add(step.watch_s, shown);
  hash.add(step.signals, shown);
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::span<const std::int32_t> UniformActions::draw(const VectorEnv& env) {
  const ObservationView seen = env.observation();
  const std::size_t slate = env.config().slate;
  const std::size_t m = seen.candidates;
  actions_.resize(seen.rows * slate);
  const auto choices = static_cast<std::uint32_t>(m > 0 ? m : env.simulator().catalogue.num_videos());
  for (std::size_t row = 0; row < seen.rows; ++row) {
    RandomStream random(RandomKey{key_.hi, key_.lo ^ static_cast<std::uint32_t>(row)}, step_);
    std::int32_t* chosen = actions_.data() + row * slate;
    const auto valid = [&](std::uint32_t action, std::size_t k) {
      for (std::size_t j = 0; j < k; ++j)
        if (chosen[j] == static_cast<std::int32_t>(action)) return false;
      return m > 0 ? seen.mask[row * m + action] != 0 : !env.seen(row).contains(action);
    };
    for (std::size_t k = 0; k < slate; ++k) {
      std::uint32_t action = random.below(choices);
      // An episode that ended may leave fewer than K choices; its next action is ignored or an error anyway.
      for (int tries = 0; !valid(action, k) && tries < 10'000; ++tries) action = random.below(choices);
      chosen[k] = static_cast<std::int32_t>(action);
    }
  }
  ++step_;
  return actions_;
}

std::vector<std::uint64_t> session_seeds(std::uint64_t seed, std::size_t envs) {
  std::vector<std::uint64_t> seeds(envs);
  for (std::size_t i = 0; i < envs; ++i) {
    const RandomKey key = split(make_key(seed), i);
    seeds[i] = std::uint64_t{key.hi} << 32 | key.lo;
  }
  return seeds;
}

std::uint64_t hash_bytes(std::span<const std::byte> bytes) noexcept {
  ByteHash hash;
  hash.add(bytes.data(), bytes.size());
  return hash.value();
}

std::uint64_t steps_hash(VectorEnv& env, std::uint64_t seed, int steps) {
  ByteHash hash;
  UniformActions actions(seed);
  hash_observation(hash, env.reset(session_seeds(seed, env.config().num_envs)));
  for (int t = 0; t < steps; ++t) {
    const StepView& step = env.step(actions.draw(env));
    hash_observation(hash, step.observation);
    hash_outputs(hash, step, env.config());
  }
  return hash.value();
}

std::size_t bytes_per_step(const VectorEnv& env) {
  const VectorEnvConfig& config = env.config();
  const std::size_t history = config.history_length * (sizeof(std::int32_t) + sizeof(float));
  const std::size_t candidate = sizeof(std::int32_t) + kVideoFeatures * sizeof(float) + sizeof(std::uint8_t);
  const std::size_t shown = sizeof(std::int32_t) + 2 * sizeof(float) + sizeof(SignalBits);
  const std::size_t outputs = sizeof(float) * (1 + config.costs.size()) + 3 + sizeof(std::uint32_t);
  return history + kContextFeatures * sizeof(float) + env.candidates().slots() * candidate + config.slate * shown +
         outputs;
}

SpeedRun measure_speed(VectorEnv& env, std::uint64_t seed, double seconds) {
  UniformActions actions(seed);
  const std::size_t n = env.config().num_envs;
  env.reset(session_seeds(seed, n));
  for (const double start = now_s(); now_s() - start < seconds / 4;) env.step(actions.draw(env));
  SpeedRun run;
  const double start = now_s();
  do {
    const StepView& step = env.step(actions.draw(env));
    run.steps += n;
    for (std::size_t row = 0; row < n; ++row) run.episodes += step.terminated[row] | step.truncated[row];
    run.seconds = now_s() - start;
  } while (run.seconds < seconds);
  return run;
}

}  // namespace swipegym
