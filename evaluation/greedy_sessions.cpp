#include "evaluation/greedy_sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "evaluation/rollout.h"
#include "policy/select.h"

namespace swipegym {
namespace {

class GreedyRunner {
 public:
  GreedyRunner(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
               const Policy& policy, const GreedySessionsConfig& config)
      : policy_(policy),
        config_(config),
        num_videos_(simulator->catalogue.num_videos()),
        env_(std::move(simulator), std::move(candidates), env_config(config)),
        keys_(config.sessions),
        streams_(config.sessions, 0),
        actions_(config.sessions),
        factor_(config.sessions, 1.0F) {
    out_.reward.assign(config.sessions, 0.0F);
    out_.discounted.assign(config.sessions, 0.0F);
    out_.promised.assign(config.sessions, 0.0F);
  }

  GreedySessions run() {
    std::vector<std::uint64_t> seeds(config_.sessions);
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      seeds[i] = session_seed(config_.seed, 0, i);
      keys_[i] = split(make_key(seeds[i]), Draw::kExploration);
      under_way_.push_back(static_cast<std::uint32_t>(i));
    }
    env_.reset(seeds);
    for (std::uint32_t step = 0; !under_way_.empty(); ++step) {
      std::fill(streams_.begin(), streams_.end(), step);
      const DecisionBatch batch{
          .observation = observe(), .env = &env_, .keys = keys_, .streams = streams_, .threads = config_.env.threads};
      choose(batch);
      if (step == 0 && config_.promises) promise(batch);
      record(env_.step(actions_));
    }
    return std::move(out_);
  }

 private:
  static VectorEnvConfig env_config(const GreedySessionsConfig& config) {
    VectorEnvConfig env = config.env;
    env.num_envs = config.sessions;
    env.autoreset = AutoresetMode::kNextStep;  // rows whose session is over play on, unrecorded: a batch has no holes
    return env;
  }

  // Rows that are over may choose one slot only: a policy that skips masked slots loses no time with them.
  ObservationView observe() {
    ObservationView observation = env_.observation();
    const std::size_t m = observation.candidates, rows = observation.rows;
    if (m == 0 || under_way_.size() == rows) return observation;
    mask_.assign(rows * m, 0);
    std::size_t next = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::uint8_t* mask = observation.mask + row * m;
      std::uint8_t* shown = &mask_[row * m];
      const bool plays = next < under_way_.size() && under_way_[next] == row;
      if (plays) {
        ++next;
        std::copy_n(mask, m, shown);
      } else if (const std::uint8_t* allowed = std::find(mask, mask + m, 1); allowed != mask + m) {
        shown[allowed - mask] = 1;
      }
    }
    observation.mask = mask_.data();
    return observation;
  }

  void choose(const DecisionBatch& batch) {
    if (batch.observation.candidates > 0 || policy_.scores_are_random()) {
      choose_actions(policy_, batch, Exploration::greedy(), num_videos_, scores_, actions_);
      return;
    }
    for (std::size_t row = 0; row < actions_.size(); ++row) {
      RandomStream any(keys_[row], streams_[row]);
      actions_[row] = draw_unseen(num_videos_, env_.seen(row), any);
    }
    best_.resize(under_way_.size());
    if (!policy_.best_videos(batch, under_way_, 1, best_)) {
      constexpr std::size_t kMostScores = 100'000'000;
      if (actions_.size() * num_videos_ > kMostScores)
        throw InputError(
            fmt::format("policy '{}' must score all {} videos one by one to find the best, too many for {} sessions at "
                        "once: leave it out, or ask for fewer sessions",
                        policy_.name(), num_videos_, actions_.size()));
      choose_actions(policy_, batch, Exploration::greedy(), num_videos_, scores_, actions_);
      return;
    }
    for (std::size_t i = 0; i < best_.size(); ++i) actions_[under_way_[i]] = best_[i];
  }

  // The score of the video each row is about to be shown.
  void promise(const DecisionBatch& batch) {
    DecisionBatch chosen = batch;
    std::vector<std::int32_t> video(actions_.size());
    for (std::size_t row = 0; row < video.size(); ++row)
      video[row] = video_in_slot(batch.observation, row, static_cast<std::size_t>(actions_[row]));
    const std::vector<std::uint8_t> allowed(video.size(), 1);
    chosen.observation.candidates = 1;
    chosen.observation.candidate = video.data();
    chosen.observation.candidate_features = nullptr;
    chosen.observation.mask = allowed.data();
    chosen.env = nullptr;
    policy_.score(chosen, out_.promised);
  }

  void record(const StepView& view) {
    std::size_t left = 0;
    for (const std::uint32_t row : under_way_) {
      out_.reward[row] += view.reward[row];
      out_.discounted[row] += factor_[row] * view.reward[row];
      factor_[row] *= config_.discount;
      ++out_.videos;
      if (!view.terminated[row] && !view.truncated[row]) under_way_[left++] = row;
    }
    under_way_.resize(left);
  }

  const Policy& policy_;
  const GreedySessionsConfig& config_;
  std::size_t num_videos_;
  VectorEnv env_;
  std::vector<RandomKey> keys_;
  std::vector<std::uint32_t> streams_, under_way_;
  std::vector<std::int32_t> actions_, best_;
  std::vector<std::uint8_t> mask_;
  std::vector<float> factor_, scores_;
  GreedySessions out_;
};

}  // namespace

GreedySessions greedy_sessions(std::shared_ptr<const Simulator> simulator,
                               std::shared_ptr<const CandidateSource> candidates, const Policy& policy,
                               const GreedySessionsConfig& config) {
  return GreedyRunner(std::move(simulator), std::move(candidates), policy, config).run();
}

}  // namespace swipegym
