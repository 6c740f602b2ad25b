#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "env/constant_user_model.h"

namespace swipegym {

/// A model that really draws: ratio, signals and leaving from the row's own stream, with a state that accumulates, so
/// that a row out of place or a lost update shows in the bytes. Throws for the video named, if any.
class NoisyUserModel final : public UserModel {
 public:
  explicit NoisyUserModel(std::int64_t poison = -1) : poison_(poison) {}
  std::string_view name() const noexcept override { return "noisy"; }
  std::size_t state_size() const noexcept override { return 3; }
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }
  void begin(UserIndex user, std::int64_t, std::span<float> state) const override {
    state[0] = static_cast<float>(index_of(user) % 7) / 7.0F;
    state[1] = state[2] = 0.0F;
  }
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if (index_of(shown[i].video) == poison_) throw std::runtime_error("the poisoned video was shown");
      RandomStream random(keys[i], streams[i]);
      float* state = states[i];
      const float ratio = 2.0F * random.uniform() * (1.0F + 0.2F * state[0]);
      state[1] = 0.9F * state[1] + ratio;
      state[2] += 1.0F;
      out[i].watch_ratio = ratio;
      out[i].play_ms = static_cast<std::int32_t>(ratio * static_cast<float>(shown[i].duration_ms));
      out[i].signals = static_cast<SignalBits>(random.next() & (state[1] > 5.0F ? 0xFFU : 0x41U));
      out[i].leaves = random.uniform() < 0.1F;
    }
  }
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind,
              std::span<Expectation> out, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      out[i] = {};
      out[i].watch_ratio = 1.0F + 0.2F * states[i][0];
      out[i].leave = 0.1F;
    }
  }
  std::int64_t draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey key,
                               Scratch&) const override {
    return 3'600'000 + RandomStream(key).below(86'400'000);
  }
  void begin_next_session(std::int64_t, std::span<float>) const override {}

 private:
  std::int64_t poison_;
};

inline std::shared_ptr<const Simulator> make_noisy_simulator(const ToyWorld& world = {}, std::int64_t poison = -1) {
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = make_toy_catalogue(world);
  simulator->population = make_toy_population(world);
  simulator->model = std::make_shared<NoisyUserModel>(poison);
  return simulator;
}

}  // namespace swipegym
