// A race put in on purpose, where a user model would have one: a counter that all sessions share without a lock. Built
// for ThreadSanitizer only, whose report of it is what the test asks for: a job that cannot see this race proves
// nothing when it is green.
#include <cstdio>

#include "env/candidate_sources.h"
#include "env/step_speed.h"
#include "tests/env/noisy_user_model.h"

namespace swipegym {
namespace {

class RacingUserModel final : public UserModel {
 public:
  std::string_view name() const noexcept override { return "racing"; }
  std::size_t state_size() const noexcept override { return 1; }
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }
  void begin(UserIndex, std::int64_t, std::span<float> state) const override { state[0] = 0.0F; }
  void respond(std::span<const Shown> shown, std::span<float* const>, ExposureKind, std::span<const RandomKey>,
               std::span<const std::uint32_t>, std::span<Response> out, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      ++videos_shown;  // the race
      out[i] = {.watch_ratio = 0.5F, .play_ms = 1000, .leaves = false};
    }
  }
  void expect(std::span<const Shown>, std::span<const float* const>, ExposureKind, std::span<Expectation>,
              Scratch&) const override {}
  std::int64_t draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey, Scratch&) const override {
    return 0;
  }
  void begin_next_session(std::int64_t, std::span<float>) const override {}

  mutable long videos_shown = 0;
};

}  // namespace
}  // namespace swipegym

int main() {
  using namespace swipegym;
  auto simulator = std::make_shared<Simulator>(*make_noisy_simulator());
  auto model = std::make_shared<RacingUserModel>();
  simulator->model = model;
  VectorEnv env(simulator, std::make_shared<RandomCandidates>(500, 10), {.num_envs = 1024, .threads = 3});
  UniformActions actions(1);
  env.reset(session_seeds(1, 1024));
  for (int t = 0; t < 20; ++t) env.step(actions.draw(env));
  std::printf("%ld videos shown, of %d\n", model->videos_shown, 20 * 1024);
  return 0;
}
