#pragma once

#include <cmath>
#include <memory>

#include "env/constant_user_model.h"
#include "env/simulator.h"
#include "env/user_model.h"
#include "tests/evaluation/toy_data.h"

namespace swipegym::test {

/// The law behind make_toy_dataset as a user model. Interventional answers are `interventional` times as long.
class ToyUserModel final : public UserModel {
 public:
  struct Options {
    std::uint32_t session = 5;  // videos a session
    double scale = 1.0;         // times every watch ratio
    double interventional = 0.5;
    double skip_day = 0.0;  // probability of staying away a day more
  };
  ToyUserModel() : ToyUserModel(Options{}) {}
  explicit ToyUserModel(Options options) : options_(options) {}

  std::string_view name() const noexcept override { return "toy"; }
  std::size_t state_size() const noexcept override { return 1; }  // videos this session has been shown
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }
  void begin(UserIndex, std::int64_t, std::span<float> state) const override { state[0] = 0.0F; }
  void begin_next_session(std::int64_t, std::span<float> state) const override { state[0] = 0.0F; }

  static double mean_ratio(const Shown& shown) { return 0.2 + 0.01 * (index_of(shown.video) % 60); }

  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      RandomStream random(keys[i], streams[i]);
      double ratio = random.uniform() < 0.1F ? 0.0 : -mean_ratio(shown[i]) * std::log(1.0 - random.uniform_double());
      ratio *= options_.scale * (exposure == ExposureKind::kLogged ? 1.0 : options_.interventional);
      states[i][0] += 1.0F;
      out[i] = {.watch_ratio = static_cast<float>(ratio),
                .play_ms = static_cast<std::int32_t>(ratio * shown[i].duration_ms),
                .signals = ratio > 0.3 ? bit(Signal::kClick) : SignalBits{0},
                .leaves = states[i][0] >= static_cast<float>(options_.session)};
    }
  }

  void expect(std::span<const Shown> shown, std::span<const float* const>, ExposureKind exposure,
              std::span<Expectation> out, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const double mean = 0.9 * mean_ratio(shown[i]) * options_.scale *
                          (exposure == ExposureKind::kLogged ? 1.0 : options_.interventional);
      out[i] = {};
      out[i].watch_ratio = static_cast<float>(mean);
      out[i].watch_s = static_cast<float>(mean * shown[i].duration_ms / 1000.0);
    }
  }

  /// To noon of the next day, or of the one after it.
  std::int64_t draw_return_gap(UserIndex, std::int64_t time_ms, std::span<const float>, RandomKey key,
                               Scratch&) const override {
    const std::int64_t noon = (time_ms - kToyNoonMs) / kDayMs * kDayMs + kToyNoonMs;
    const bool skips = RandomStream(key).uniform_double() < options_.skip_day;
    return noon + (skips ? 2 : 1) * kDayMs - time_ms;
  }

 private:
  Options options_;
};

inline std::shared_ptr<const Simulator> toy_simulator(const ToyUserModel::Options& options = {}) {
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = make_toy_catalogue({});
  simulator->population = make_toy_population({});
  simulator->model = std::make_shared<ToyUserModel>(options);
  return simulator;
}

}  // namespace swipegym::test
