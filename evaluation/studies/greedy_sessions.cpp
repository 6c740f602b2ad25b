#include "evaluation/studies/greedy_sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/memory_budget.h"
#include "env/candidate_sources.h"
#include "evaluation/session_runner.h"
#include "policy/select.h"

namespace swipegym {
namespace {

// Sessions under way; fixed, and small enough that few rows idle while the last sessions end.
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
        rows_(runner_.rows()),
        actions_(rows_),
        factor_(rows_),
        promised_(rows_) {
    out_.reward.assign(config.sessions, 0.0F);
    out_.discounted.assign(config.sessions, 0.0F);
    out_.promised.assign(config.sessions, 0.0F);
  }

  GreedySessions run() {
    while (runner_.under_way()) {
      under_way_.clear();
      for (std::size_t row = 0; row < rows_; ++row)
        if (runner_.plays(row)) under_way_.push_back(static_cast<std::uint32_t>(row));
      DecisionBatch batch = runner_.batch();
      spare_idle_rows(batch.observation);
      choose(batch);
      if (config_.promises) promise(batch);
      runner_.step(actions_, [this](std::size_t row, std::size_t session, const StepView& view) {
        if (runner_.decisions(row) == 0) factor_[row] = 1.0F;
        out_.reward[session] += view.reward[row];
        out_.discounted[session] += factor_[row] * view.reward[row];
        factor_[row] *= config_.discount;
        ++out_.videos;
      });
    }
    return std::move(out_);
  }

 private:
  // Idle rows may choose one slot only: a policy that skips masked slots loses no time with them.
  void spare_idle_rows(ObservationView& observation) {
    const std::size_t m = observation.candidates;
    if (m == 0 || under_way_.size() == rows_) return;
    mask_.assign(observation.mask, observation.mask + rows_ * m);
    for (std::size_t row = 0; row < rows_; ++row) {
      if (runner_.plays(row)) continue;
      const auto begin = mask_.begin() + static_cast<std::ptrdiff_t>(row * m);
      const auto end = begin + static_cast<std::ptrdiff_t>(m), first = std::find(begin, end, 1);
      if (first != end) std::fill(first + 1, end, std::uint8_t{0});
    }
    observation.mask = mask_.data();
  }

  void choose(const DecisionBatch& batch) {
    if (batch.observation.candidates > 0 || policy_.scores_are_random()) {
      choose_actions(policy_, batch, Exploration::greedy(), num_videos_, scores_, actions_);
      return;
    }
    for (std::size_t row = 0; row < rows_; ++row) {
      RandomStream any(batch.keys[row], batch.streams[row]);
      actions_[row] = draw_unseen(num_videos_, batch.env->seen(row), any);
    }
    best_.resize(under_way_.size());
    if (!policy_.best_videos(batch, under_way_, 1, best_)) {
      constexpr std::size_t kMostScores = 100'000'000;
      if (rows_ * num_videos_ > kMostScores)
        throw InputError(
            fmt::format("policy '{}' must score all {} videos one by one to find the best, which is too many: leave it "
                        "out where every video is on offer",
                        policy_.name(), num_videos_));
      choose_actions(policy_, batch, Exploration::greedy(), num_videos_, scores_, actions_);
      return;
    }
    for (std::size_t i = 0; i < best_.size(); ++i) actions_[under_way_[i]] = best_[i];
  }

  // The score of the first video of each session that begins.
  void promise(const DecisionBatch& batch) {
    const auto begins = [&](std::size_t row) { return runner_.plays(row) && runner_.decisions(row) == 0; };
    bool any = false;
    for (std::size_t row = 0; row < rows_; ++row) any = any || begins(row);
    if (!any) return;
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
    policy_.score(chosen, promised_);
    for (std::size_t row = 0; row < rows_; ++row)
      if (begins(row)) out_.promised[runner_.session(row)] = promised_[row];
  }

  const Policy& policy_;
  const GreedySessionsConfig& config_;
  std::size_t num_videos_;
  SessionRunner runner_;
  std::size_t rows_;
  std::vector<std::uint32_t> under_way_;
  std::vector<std::uint8_t> mask_;
  std::vector<std::int32_t> actions_, best_;
  std::vector<float> factor_, scores_, promised_;
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
