#include "env/environment.h"

#include <utility>

namespace swipegym {
namespace {

VectorEnvConfig lone(VectorEnvConfig config) {
  config.num_envs = 1;
  config.threads = 1;
  config.autoreset = AutoresetMode::kDisabled;
  return config;
}

}  // namespace

Environment::Environment(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
                         VectorEnvConfig config)
    : env_(std::move(simulator), std::move(candidates), lone(std::move(config))) {}

ObservationView Environment::reset(std::uint64_t seed) {
  return env_.reset({&seed, 1});
}

StepResult Environment::step(std::span<const std::int32_t> slate) {
  const StepView& view = env_.step(slate);
  const std::size_t shown = view.consumed[0];
  return {view.observation,          view.reward[0],         {view.cost, env_.config().costs.size()},
          view.terminated[0] != 0,   view.truncated[0] != 0, {view.video, shown},
          {view.watch_ratio, shown}, {view.watch_s, shown},  {view.signals, shown}};
}

}  // namespace swipegym
