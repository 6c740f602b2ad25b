#include "agents/train_online.h"

#include <algorithm>
#include <numeric>

namespace swipegym {
namespace {

// Returns of the episodes under way in each env, and what the finished ones of a round add up to.
class EpisodeTally {
 public:
  explicit EpisodeTally(std::size_t envs) : return_(envs, 0.0), length_(envs, 0) {}

  void add(const StepView& step) {
    for (std::size_t env = 0; env < return_.size(); ++env) {
      if (step.autoreset[env]) continue;
      return_[env] += step.reward[env];
      ++length_[env];
      if (!step.terminated[env] && !step.truncated[env]) continue;
      returns_ += return_[env];
      lengths_ += length_[env];
      ++episodes_;
      return_[env] = 0.0;
      length_[env] = 0;
    }
  }
  void report(RoundReport& out) const {
    const auto count = static_cast<double>(std::max<std::int64_t>(episodes_, 1));
    out.episodes = episodes_;
    out.mean_return = returns_ / count;
    out.mean_length = static_cast<double>(lengths_) / count;
  }

 private:
  std::vector<double> return_;
  std::vector<std::int64_t> length_;
  double returns_ = 0.0;
  std::int64_t lengths_ = 0, episodes_ = 0;
};

std::vector<std::uint64_t> round_seeds(std::uint64_t seed, std::size_t round, std::size_t envs) {
  const RandomKey key = split(split(make_key(seed), Draw::kUser), round);
  std::vector<std::uint64_t> seeds(envs);
  for (std::size_t env = 0; env < envs; ++env) {
    const RandomKey own = split(key, env);
    seeds[env] = std::uint64_t{own.hi} << 32 | own.lo;
  }
  return seeds;
}

}  // namespace

std::vector<RoundReport> train_online(Learner& learner, VectorEnv& env, const OnlineTraining& training,
                                      std::vector<RoundReport> done) {
  const std::size_t envs = env.config().num_envs;
  const auto step_size = static_cast<std::int64_t>(envs);
  std::vector<RandomKey> keys(envs);
  for (std::size_t i = 0; i < envs; ++i) keys[i] = split(split(make_key(training.seed), Draw::kExploration), i);
  std::vector<std::uint32_t> streams(envs);
  std::vector<std::int32_t> actions(envs * env.config().slate);
  std::vector<float> scores;
  const auto total = static_cast<std::uint64_t>(training.env_steps);

  std::int64_t steps = done.empty() ? 0 : done.back().env_steps;
  while (steps < training.env_steps) {
    const std::int64_t round_end = std::min(training.env_steps, steps + training.round_steps);
    EpisodeTally tally(envs);
    learner.begin(env.reset(round_seeds(training.seed, done.size(), envs)));
    while (steps < round_end) {
      std::fill(streams.begin(), streams.end(), static_cast<std::uint32_t>(steps / step_size));
      const DecisionBatch batch{.observation = env.observation(),
                                .env = &env,
                                .keys = keys,
                                .streams = streams,
                                .threads = env.config().threads};
      choose_actions(learner.policy(), batch, learner.exploration(steps), env.simulator().catalogue.num_videos(),
                     scores, actions, env.config().slate);
      learner.before_step(env, actions);
      const StepView& step = env.step(actions);
      learner.observe(step);
      tally.add(step);
      if (training.after_step) training.after_step(step);
      steps += step_size;
      learner.update(steps);
      report(training.progress, "training", std::min(static_cast<std::uint64_t>(steps), total), total);
    }
    RoundReport round;
    round.env_steps = steps;
    round.epsilon = learner.exploration(steps).epsilon;
    round.learner = learner.take_stats();
    tally.report(round);
    done.push_back(round);
    if (training.after_round) training.after_round(done);
  }
  return done;
}

}  // namespace swipegym
