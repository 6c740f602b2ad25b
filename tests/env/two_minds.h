#pragma once

#include <memory>
#include <vector>

#include "env/constant_user_model.h"

namespace swipegym::testing {

inline constexpr std::uint32_t kDoubted = 7;

/// Two members that both expect 4 s and a click in five of every video, and of the video kDoubted 2 s and 10 s, a click
/// in ten and three in ten: more on the mean, if one believes it. A session goes by its member; it is over after
/// three videos.
class TwoMindsModel final : public UserModel {
 public:
  std::string_view name() const noexcept override { return "two minds"; }
  std::size_t state_size() const noexcept override { return 1; }  // videos shown
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }
  void begin(UserIndex, std::int64_t, std::span<float> state) const override { state[0] = 0.0F; }
  void begin_next_session(std::int64_t, std::span<float> state) const override { state[0] = 0.0F; }
  std::int64_t draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey, Scratch&) const override {
    return 86'400'000;
  }
  std::size_t num_members() const noexcept override { return 2; }
  std::size_t member_of(RandomKey session) const noexcept override { return RandomStream(session).below(2); }

  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const Expectation expected = answer(member_of(keys[i]), shown[i]);
      out[i] = {.watch_ratio = expected.watch_ratio,
                .play_ms = static_cast<std::int32_t>(1000.0F * expected.watch_s),
                .leaves = (states[i][0] += 1.0F) >= 3.0F};
      if (RandomStream(keys[i], streams[i]).uniform() < expected.signal[0]) out[i].signals = bit(Signal::kClick);
    }
  }
  void expect(std::span<const Shown> shown, std::span<const float* const>, ExposureKind, std::span<Expectation> out,
              Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const Expectation low = answer(0, shown[i]), high = answer(1, shown[i]);
      out[i] = low;
      out[i].watch_s = 0.5F * (low.watch_s + high.watch_s);
      out[i].watch_ratio = 0.5F * (low.watch_ratio + high.watch_ratio);
      out[i].signal[0] = 0.5F * (low.signal[0] + high.signal[0]);
    }
  }
  void expect_members(ExpectedPart, std::span<const Shown> shown, std::span<const float* const>, ExposureKind,
                      std::span<Expectation> out, Scratch&) const override {
    for (std::size_t member = 0; member < 2; ++member)
      for (std::size_t i = 0; i < shown.size(); ++i) out[member * shown.size() + i] = answer(member, shown[i]);
  }
  void advance(std::span<const Shown> shown, std::span<const Response>, std::span<float* const> states, ExposureKind,
               Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) states[i][0] += 1.0F;
  }

 private:
  static Expectation answer(std::size_t member, const Shown& shown) {
    const bool doubted = index_of(shown.video) == kDoubted;
    Expectation out{.watch_s = !doubted ? 4.0F : member == 0 ? 2.0F : 10.0F};
    out.watch_ratio = 1000.0F * out.watch_s / static_cast<float>(shown.duration_ms);
    out.signal[0] = !doubted ? 0.2F : member == 0 ? 0.1F : 0.3F;
    return out;
  }
};

inline std::shared_ptr<const Simulator> make_two_minds(const ToyWorld& world) {
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = make_toy_catalogue(world);
  simulator->population = make_toy_population(world);
  simulator->model = std::make_shared<TwoMindsModel>();
  return simulator;
}

}  // namespace swipegym::testing
