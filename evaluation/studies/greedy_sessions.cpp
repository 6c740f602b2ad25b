#include "evaluation/studies/greedy_sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/memory_budget.h"
#include "env/candidate_sources.h"
#include "evaluation/session_runner.h"
#include "policy/select.h"

namespace swipegym {
namespace {

// Sessions under way; fixed, see SessionRunner.
constexpr std::size_t kGreedyRows = 128;

class GreedyPlayer {
 public:
  GreedyPlayer(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
               const Policy& policy, const GreedySessionsConfig& config)
      : policy_(policy),
        config_(config),
        num_videos_(simulator->catalogue.num_videos()),
        runner_(std::move(simulator), std::move(candidates), config.env, kGreedyRows, config.sessions,
                [&config](std::size_t session) { return session_seed(config.seed, 0, session); }),
        actions_(runner_.rows()),
        factor_(runner_.rows()),
        promised_(runner_.rows()) {
    out_.reward.assign(config.sessions, 0.0F);
    out_.discounted.assign(config.sessions, 0.0F);
    out_.promised.assign(config.sessions, 0.0F);
  }

  GreedySessions run() {
    while (runner_.under_way()) {
      const std::span<std::int32_t> actions = std::span(actions_).first(runner_.rows());
      const DecisionBatch batch = runner_.batch();
      choose(batch, actions);
      if (config_.promises) promise(batch, actions);
      runner_.step(actions, [this](std::size_t row, std::size_t session, const StepView& view) {
        float& factor = factor_[runner_.seat(row)];
        if (runner_.decisions(row) == 0) factor = 1.0F;
        out_.reward[session] += view.reward[row];
        out_.discounted[session] += factor * view.reward[row];
        factor *= config_.discount;
        ++out_.videos;
      });
    }
    return std::move(out_);
  }

 private:
  void choose(const DecisionBatch& batch, std::span<std::int32_t> actions) {
    if (batch.observation.candidates == 0 && !policy_.scores_are_random()) {
      rows_.resize(actions.size());
      std::iota(rows_.begin(), rows_.end(), 0U);
      if (policy_.best_videos(batch, rows_, 1, actions)) return;
      constexpr std::size_t kMostScores = 100'000'000;
      if (actions_.size() * num_videos_ > kMostScores)
        throw InputError(
            fmt::format("policy '{}' must score all {} videos one by one to find the best, which is too many: leave it "
                        "out where every video is on offer",
                        policy_.name(), num_videos_));
    }
    choose_actions(policy_, batch, Exploration::greedy(), num_videos_, scores_, actions);
  }

  // The score of the first video of each session that begins.
  void promise(const DecisionBatch& batch, std::span<const std::int32_t> actions) {
    const std::size_t rows = actions.size();
    const auto begins = [&](std::size_t row) { return runner_.decisions(row) == 0; };
    bool any = false;
    for (std::size_t row = 0; row < rows; ++row) any = any || begins(row);
    if (!any) return;
    DecisionBatch chosen = batch;
    std::vector<std::int32_t> video(rows);
    for (std::size_t row = 0; row < rows; ++row)
      video[row] = video_in_slot(batch.observation, row, static_cast<std::size_t>(actions[row]));
    const std::vector<std::uint8_t> allowed(video.size(), 1);
    chosen.observation.candidates = 1;
    chosen.observation.candidate = video.data();
    chosen.observation.candidate_features = nullptr;
    chosen.observation.mask = allowed.data();
    chosen.env = nullptr;
    policy_.score(chosen, std::span(promised_).first(rows));
    for (std::size_t row = 0; row < rows; ++row)
      if (begins(row)) out_.promised[runner_.session(row)] = promised_[row];
  }

  const Policy& policy_;
  const GreedySessionsConfig& config_;
  std::size_t num_videos_;
  SessionRunner runner_;
  std::vector<std::uint32_t> rows_;  // those of the batch
  std::vector<std::int32_t> actions_;
  std::vector<float> factor_, scores_, promised_;  // factor_: [seats]
  GreedySessions out_;
};

}  // namespace

GreedySessions greedy_sessions(std::shared_ptr<const Simulator> simulator,
                               std::shared_ptr<const CandidateSource> candidates, const Policy& policy,
                               const GreedySessionsConfig& config) {
  MemoryBudget()
      .add(fmt::format("the results of {} sessions", config.sessions), product_of({config.sessions, 3, sizeof(float)}),
           "sessions")
      .require();
  return GreedyPlayer(std::move(simulator), std::move(candidates), policy, config).run();
}

}  // namespace swipegym
