#include "env/constant_user_model.h"

#include <fmt/core.h>

#include <algorithm>

namespace swipegym {

void ConstantUserModel::begin(UserIndex, std::int64_t, std::span<float> state) const {
  state[0] = 0.0F;
}

void ConstantUserModel::respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind,
                                std::span<const RandomKey>, std::span<const std::uint32_t>, std::span<Response> out,
                                Scratch&) const {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    // The state moves on by exactly the video that was shown; then the answer is read from it.
    float& videos_shown = states[i][0];
    videos_shown += 1.0F;
    out[i].watch_ratio = options_.watch_ratio;
    // play_ms and watch_ratio must tell the same story: the ratio is play time over duration.
    out[i].play_ms = static_cast<std::int32_t>(options_.watch_ratio * static_cast<float>(shown[i].duration_ms));
    out[i].signals = options_.signals;
    out[i].leaves = videos_shown >= static_cast<float>(options_.leave_after);
  }
}

void ConstantUserModel::expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind,
                               std::span<Expectation> out, Scratch&) const {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    // The same numbers as `respond`, without moving any state: several rows may ask about one session.
    out[i].watch_ratio = options_.watch_ratio;
    out[i].watch_s = options_.watch_ratio * static_cast<float>(shown[i].duration_ms) / 1000.0F;
    for (std::size_t s = 0; s < kNumSignals; ++s) out[i].signal[s] = has(options_.signals, static_cast<Signal>(s));
    out[i].leave = states[i][0] + 1.0F >= static_cast<float>(options_.leave_after) ? 1.0F : 0.0F;
  }
}

void ConstantUserModel::advance(std::span<const Shown> shown, std::span<const Response>, std::span<float* const> states,
                                ExposureKind, Scratch&) const {
  for (std::size_t i = 0; i < shown.size(); ++i) states[i][0] += 1.0F;
}

std::int64_t ConstantUserModel::draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey,
                                                Scratch&) const {
  return options_.return_gap_ms;
}

void ConstantUserModel::begin_next_session(std::int64_t, std::span<float> state) const {
  state[0] = 0.0F;
}

Catalogue make_toy_catalogue(const ToyWorld& world) {
  Catalogue catalogue;
  catalogue.num_tags = 10;
  catalogue.num_authors = 50;
  for (std::size_t v = 0; v < world.num_videos; ++v) {
    catalogue.raw_video_id.push_back(static_cast<std::int64_t>(1000 + v));
    catalogue.duration_ms.push_back(static_cast<std::int32_t>(10'000 + 1000 * (v % 50)));
    catalogue.tag.push_back(static_cast<std::uint16_t>(v % catalogue.num_tags));
    catalogue.author.push_back(static_cast<std::uint32_t>(v % catalogue.num_authors));
    catalogue.exposures.push_back(static_cast<std::uint32_t>(10 * (world.num_videos - v)));
    catalogue.item_mean.push_back(0.1F + 0.8F * static_cast<float>(v % 7) / 7.0F);
    for (std::size_t f = 0; f < kVideoFeatures; ++f)
      catalogue.video_features.push_back(static_cast<float>((v * (f + 3)) % 11) / 11.0F);
  }
  for (std::size_t u = 0; u < world.num_users; ++u) {
    catalogue.raw_user_id.push_back(static_cast<std::int64_t>(7 + 2 * u));
    for (std::size_t f = 0; f < kUserFeatures; ++f)
      catalogue.user_features.push_back(static_cast<float>((u * (f + 1)) % 13) / 13.0F);
  }
  return catalogue;
}

Population make_toy_population(const ToyWorld& world) {
  constexpr std::int64_t kStart = 1'650'000'000'000;  // April 2022
  constexpr std::int64_t kHour = 3'600'000;
  Population population;
  const std::size_t history = std::min(world.history, world.num_videos);
  for (std::size_t u = 0; u < world.num_users; ++u) {
    population.start_user.push_back(static_cast<std::uint32_t>(u));
    population.start_time_ms.push_back(kStart + static_cast<std::int64_t>(u) * kHour);
    population.start_tab.push_back(static_cast<std::uint8_t>(u % 3));
    population.history_offset.push_back(population.history_video.size());
    for (std::size_t h = 0; h < history; ++h) {
      population.history_video.push_back(static_cast<std::uint32_t>((u * 31 + h) % world.num_videos));
      population.history_ratio.push_back(0.25F * static_cast<float>(h % 5));
      population.history_signals.push_back(h % 2 == 0 ? bit(Signal::kClick) : SignalBits{0});
    }
  }
  population.history_offset.push_back(population.history_video.size());
  return population;
}

std::shared_ptr<const Simulator> make_constant_simulator(const ConstantUserModel::Options& options,
                                                         const ToyWorld& world) {
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = make_toy_catalogue(world);
  simulator->population = make_toy_population(world);
  simulator->model = std::make_shared<ConstantUserModel>(options);
  simulator->fit = read_fit_notes(
      fmt::format(
          R"({{"model": "constant", "leave_after": {}, "watch_ratio": {}, "signals": {}, "return_gap_ms": {}}})",
          options.leave_after, options.watch_ratio, options.signals, options.return_gap_ms),
      "constant");
  return simulator;
}

}  // namespace swipegym
