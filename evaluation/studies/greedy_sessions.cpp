#include "evaluation/studies/greedy_sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/memory_budget.h"
#include "env/candidate_sources.h"
#include "evaluation/compare/play_sessions.h"
#include "policy/select.h"

namespace swipegym {
namespace {

// Sessions under way; fixed, and small enough that few rows idle while the last sessions end.
constexpr std::size_t kGreedyRows = 128;
constexpr std::size_t kIdle = static_cast<std::size_t>(-1);

class GreedyRunner {
 public:
  GreedyRunner(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
               const Policy& policy, const GreedySessionsConfig& config)
      : policy_(policy),
        config_(config),
        num_videos_(simulator->catalogue.num_videos()),
        rows_(std::min(kGreedyRows, config.sessions)),
        env_(std::move(simulator), std::move(candidates), env_config(config, rows_)),
        session_(rows_, kIdle),
        seeds_(rows_),
        keys_(rows_),
        streams_(rows_, 0),
        restart_(rows_, 0),
        actions_(rows_),
        factor_(rows_),
        promised_(rows_) {
    out_.reward.assign(config.sessions, 0.0F);
    out_.discounted.assign(config.sessions, 0.0F);
    out_.promised.assign(config.sessions, 0.0F);
  }

  GreedySessions run() {
    for (std::size_t row = 0; row < rows_; ++row) begin_next(row);
    env_.reset(seeds_);
    for (list_under_way(); !under_way_.empty(); list_under_way()) {
      const DecisionBatch batch{
          .observation = observe(), .env = &env_, .keys = keys_, .streams = streams_, .threads = config_.env.threads};
      choose(batch);
      if (config_.promises) promise(batch);
      record(env_.step(actions_));
      if (std::find(restart_.begin(), restart_.end(), 1) != restart_.end()) env_.reset(seeds_, restart_);
    }
    return std::move(out_);
  }

 private:
  static VectorEnvConfig env_config(const GreedySessionsConfig& config, std::size_t rows) {
    VectorEnvConfig env = config.env;
    env.num_envs = rows;
    env.autoreset = AutoresetMode::kDisabled;
    return env;
  }

  // Hands the row its next session; a row without one plays its last again, unrecorded: a batch has no holes.
  void begin_next(std::size_t row) {
    session_[row] = next_ < config_.sessions ? next_++ : kIdle;
    if (session_[row] != kIdle) seeds_[row] = session_seed(config_.seed, 0, session_[row]);
    keys_[row] = split(make_key(seeds_[row]), Draw::kExploration);
    streams_[row] = 0;
    factor_[row] = 1.0F;
    restart_[row] = 1;
  }

  void list_under_way() {
    under_way_.clear();
    for (std::size_t row = 0; row < rows_; ++row)
      if (session_[row] != kIdle) under_way_.push_back(static_cast<std::uint32_t>(row));
  }

  // Idle rows may choose one slot only: a policy that skips masked slots loses no time with them.
  ObservationView observe() {
    ObservationView observation = env_.observation();
    const std::size_t m = observation.candidates;
    if (m == 0 || under_way_.size() == rows_) return observation;
    mask_.assign(observation.mask, observation.mask + rows_ * m);
    for (std::size_t row = 0; row < rows_; ++row) {
      if (session_[row] != kIdle) continue;
      const auto begin = mask_.begin() + static_cast<std::ptrdiff_t>(row * m);
      const auto end = begin + static_cast<std::ptrdiff_t>(m), first = std::find(begin, end, 1);
      if (first != end) std::fill(first + 1, end, std::uint8_t{0});
    }
    observation.mask = mask_.data();
    return observation;
  }

  void choose(const DecisionBatch& batch) {
    if (batch.observation.candidates > 0 || policy_.scores_are_random()) {
      choose_actions(policy_, batch, Exploration::greedy(), num_videos_, scores_, actions_);
      return;
    }
    for (std::size_t row = 0; row < rows_; ++row) {
      RandomStream any(keys_[row], streams_[row]);
      actions_[row] = draw_unseen(num_videos_, env_.seen(row), any);
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
    const auto begins = [&](std::size_t row) { return session_[row] != kIdle && streams_[row] == 0; };
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
      if (begins(row)) out_.promised[session_[row]] = promised_[row];
  }

  void record(const StepView& view) {
    std::fill(restart_.begin(), restart_.end(), std::uint8_t{0});
    for (std::size_t row = 0; row < rows_; ++row) {
      ++streams_[row];
      if (session_[row] != kIdle) {
        out_.reward[session_[row]] += view.reward[row];
        out_.discounted[session_[row]] += factor_[row] * view.reward[row];
        factor_[row] *= config_.discount;
        ++out_.videos;
      }
      if (view.terminated[row] || view.truncated[row]) begin_next(row);
    }
  }

  const Policy& policy_;
  const GreedySessionsConfig& config_;
  std::size_t num_videos_, rows_;
  VectorEnv env_;
  std::vector<std::size_t> session_;  // [rows] which session a row plays, or kIdle
  std::vector<std::uint64_t> seeds_;
  std::vector<RandomKey> keys_;
  std::vector<std::uint32_t> streams_, under_way_;
  std::vector<std::uint8_t> restart_, mask_;
  std::vector<std::int32_t> actions_, best_;
  std::vector<float> factor_, scores_, promised_;
  std::size_t next_ = 0;
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
  return GreedyRunner(std::move(simulator), std::move(candidates), policy, config).run();
}

}  // namespace swipegym
