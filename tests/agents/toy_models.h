#pragma once

#include <memory>

#include "env/constant_user_model.h"
#include "env/simulator.h"

namespace swipegym::test {

/// Base of toy user models without scratch or return.
class ToyModel : public UserModel {
 public:
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }
  std::int64_t draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey, Scratch&) const override {
    return 86'400'000;
  }
  void begin_next_session(std::int64_t, std::span<float> state) const override {
    std::fill(state.begin(), state.end(), 0.0F);
  }
  void begin(UserIndex, std::int64_t, std::span<float> state) const override {
    std::fill(state.begin(), state.end(), 0.0F);
  }
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind, std::span<const RandomKey>,
               std::span<const std::uint32_t>, std::span<Response> out, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      out[i] = {};
      out[i].watch_ratio = ratio(index_of(shown[i].video), states[i]);
      out[i].play_ms = static_cast<std::int32_t>(out[i].watch_ratio * static_cast<float>(shown[i].duration_ms));
      out[i].leaves = move_on(index_of(shown[i].video), states[i]);
    }
  }
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind,
              std::span<Expectation> out, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      out[i] = {};
      out[i].watch_ratio = ratio(index_of(shown[i].video), states[i]);
      out[i].watch_s = out[i].watch_ratio * 1e-3F * static_cast<float>(shown[i].duration_ms);
      std::vector<float> after(states[i], states[i] + state_size());
      out[i].leave = move_on(index_of(shown[i].video), after.data()) ? 1.0F : 0.0F;
    }
  }

 protected:
  virtual float ratio(std::uint32_t video, const float* state) const = 0;
  /// Moves the state on; true: the user leaves.
  virtual bool move_on(std::uint32_t video, float* state) const = 0;
};

/// Watch ratio is (video mod 4) / 4; sessions last `length` videos. Q in closed form: with discount d and the best of m
/// candidates worth 3/4 (nearly surely), Q(s, a) = r(a) + sum of d^i 3/4 over the steps left.
class LadderModel final : public ToyModel {
 public:
  explicit LadderModel(int length) : length_(length) {}
  std::string_view name() const noexcept override { return "ladder"; }
  std::size_t state_size() const noexcept override { return 1; }

 protected:
  float ratio(std::uint32_t video, const float*) const override { return static_cast<float>(video % 4) / 4.0F; }
  bool move_on(std::uint32_t, float* state) const override { return ++state[0] >= static_cast<float>(length_); }

 private:
  int length_;
};

/// Two steps. An even video is watched to .3 and makes the user pay no more attention: the second gives .1. An odd
/// video is watched to .1 and the second gives 1. Greed for the first step earns .4, patience 1.1.
class PatienceModel final : public ToyModel {
 public:
  std::string_view name() const noexcept override { return "patience"; }
  std::size_t state_size() const noexcept override { return 2; }  // videos shown; whether the first was odd

 protected:
  float ratio(std::uint32_t video, const float* state) const override {
    const bool odd = video % 2 == 1;
    if (state[0] == 0.0F) return odd ? 0.1F : 0.3F;
    return state[1] > 0.0F ? 1.0F : 0.1F;
  }
  bool move_on(std::uint32_t video, float* state) const override {
    if (state[0] == 0.0F) state[1] = static_cast<float>(video % 2);
    return ++state[0] >= 2.0F;
  }
};

/// A toy world around a model. Video features tell the video's index mod 4, as one number each.
inline std::shared_ptr<const Simulator> make_toy_simulator(std::shared_ptr<const UserModel> model,
                                                           std::size_t videos = 200) {
  const ToyWorld world{.num_users = 30, .num_videos = videos, .history = 3};
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = make_toy_catalogue(world);
  simulator->population = make_toy_population(world);
  simulator->model = std::move(model);
  simulator->data_fingerprint = 99;
  for (std::size_t v = 0; v < videos; ++v) {
    float* features = &simulator->catalogue.video_features[v * kVideoFeatures];
    std::fill_n(features, kVideoFeatures, 0.0F);
    features[v % 4] = 1.0F;
  }
  return simulator;
}

}  // namespace swipegym::test
