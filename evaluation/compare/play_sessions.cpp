#include "evaluation/compare/play_sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/memory_budget.h"
#include "evaluation/metrics/quantile_score.h"
#include "evaluation/metrics/sample_distance.h"

namespace swipegym {
namespace {

constexpr std::size_t kPlayedRows =
    256;  // sessions under way; fixed, so that a session always meets the same arithmetic
constexpr std::size_t kIdle = static_cast<std::size_t>(-1);

// The sessions under way and those still to come.
class Runner {
 public:
  Runner(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
         const Policy& policy, const PlayConfig& config)
      : catalogue_(simulator->catalogue),
        policy_(policy),
        config_(config),
        total_(config.sessions * config.seeds),
        rows_(std::min(kPlayedRows, total_)),
        env_(std::move(simulator), std::move(candidates), engine(config, rows_)),
        session_(rows_, kIdle),
        seed_(rows_),
        key_(rows_),
        step_(rows_),
        reset_(rows_, 0),
        tags_(rows_),
        actions_(rows_ * config.world.slate),
        shown_(config.seeds * catalogue_.num_videos()) {
    out_.session.resize(total_);
  }

  PlayedSessions run(const Progress& progress) {
    if (total_ == 0) return std::move(out_);
    for (std::size_t row = 0; row < rows_; ++row) begin_next(row);
    env_.reset(seed_);
    std::size_t reported = 0;
    while (finished_ < total_) {
      step();
      if (finished_ == reported) continue;
      reported = finished_;
      report(progress, policy_.name(), finished_, total_);
    }
    for (std::size_t seed = 0; seed < config_.seeds; ++seed) {
      const auto first = shown_.begin() + static_cast<std::ptrdiff_t>(seed * catalogue_.num_videos());
      const auto count = std::count(first, first + static_cast<std::ptrdiff_t>(catalogue_.num_videos()), true);
      out_.catalogue_share.push_back(static_cast<double>(count) / static_cast<double>(catalogue_.num_videos()));
    }
    return std::move(out_);
  }

 private:
  static VectorEnvConfig engine(const PlayConfig& config, std::size_t rows) {
    VectorEnvConfig env = env_config(config.world, config.engine);
    env.num_envs = std::max<std::size_t>(rows, 1);
    env.autoreset = AutoresetMode::kDisabled;
    env.draw_gaps = true;
    return env;
  }

  // Hands the row its next session; a row without one keeps running its last, unrecorded, since a batch has no holes.
  void begin_next(std::size_t row) {
    session_[row] = next_ < total_ ? next_++ : kIdle;
    if (session_[row] != kIdle)
      seed_[row] = session_seed(config_.seed, session_[row] / config_.sessions,
                                config_.first_session + session_[row] % config_.sessions);
    key_[row] = split(make_key(seed_[row]), Draw::kExploration);
    step_[row] = 0;
    reset_[row] = 1;
  }

  void step() {
    const DecisionBatch batch{.observation = env_.observation(),
                              .env = &env_,
                              .keys = key_,
                              .streams = step_,
                              .threads = config_.engine.threads};
    choose_actions(policy_, batch, config_.exploration, catalogue_.num_videos(), scores_, actions_,
                   config_.world.slate);
    const StepView& view = env_.step(actions_);
    std::fill(reset_.begin(), reset_.end(), 0);
    bool any = false;
    for (std::size_t row = 0; row < rows_; ++row) {
      ++step_[row];
      if (session_[row] != kIdle) record(row, view);
      if (!view.terminated[row] && !view.truncated[row]) continue;
      if (session_[row] != kIdle) finish(row, view.gap_h[row]);
      begin_next(row);
      any = true;
    }
    if (any) env_.reset(seed_, reset_);
  }

  void record(std::size_t row, const StepView& view) {
    SessionResult& sum = out_.session[session_[row]];
    const std::size_t slate = config_.world.slate;
    const std::size_t shown = session_[row] / config_.sessions * catalogue_.num_videos();
    for (std::size_t at = row * slate; at < row * slate + view.consumed[row]; ++at) {
      const auto video = static_cast<std::size_t>(view.video[at]);
      sum.watch_s += view.watch_s[at];
      sum.watch_ratio += std::min(view.watch_ratio[at], kJudgedRatioCap);
      for (std::size_t s = 0; s < kNumSignals; ++s)
        sum.signals[s] = static_cast<std::uint16_t>(sum.signals[s] + (view.signals[at] >> s & 1U));
      tags_[row].push_back(catalogue_.tag[video]);
      shown_[shown + video] = true;
    }
    sum.videos += view.consumed[row];
    sum.reward += view.reward[row];
  }

  void finish(std::size_t row, float gap_h) {
    SessionResult& sum = out_.session[session_[row]];
    sum.gap_h = std::min(gap_h, kMaxGapHours);
    sum.returns_in_day = gap_h <= 24.0F;
    std::vector<std::uint16_t>& tags = tags_[row];
    std::sort(tags.begin(), tags.end());
    counts_.clear();
    for (std::size_t i = 0; i < tags.size(); ++i) {
      if (i == 0 || tags[i] != tags[i - 1]) counts_.push_back(0);
      ++counts_.back();
    }
    sum.tag_entropy = static_cast<float>(entropy(counts_));
    tags.clear();
    ++finished_;
  }

  const Catalogue& catalogue_;
  const Policy& policy_;
  const PlayConfig& config_;
  std::size_t total_, rows_;
  VectorEnv env_;
  std::vector<std::size_t> session_;  // [rows] which session a row plays, or kIdle
  std::vector<std::uint64_t> seed_;
  std::vector<RandomKey> key_;
  std::vector<std::uint32_t> step_;
  std::vector<std::uint8_t> reset_;
  std::vector<std::vector<std::uint16_t>> tags_;  // [rows] of the session so far
  std::vector<std::int32_t> actions_;
  std::vector<bool> shown_;  // [seeds, videos]
  std::vector<float> scores_;
  std::vector<std::uint32_t> counts_;
  std::size_t next_ = 0, finished_ = 0;
  PlayedSessions out_;
};

}  // namespace

std::uint64_t session_seed(std::uint64_t run_seed, std::size_t evaluation_seed, std::size_t session) {
  // Named apart from the keys of training runs, which come from their own seeds.
  constexpr std::uint64_t kEvaluation = 0x6576616C75617465;
  const RandomKey key = split(split(split(make_key(kEvaluation), run_seed), evaluation_seed), session);
  return std::uint64_t{key.hi} << 32 | key.lo;
}

std::uint64_t played_bytes(const PlayConfig& config) noexcept {
  return product_of({config.sessions, config.seeds, sizeof(SessionResult)});
}

PlayedSessions play_sessions(std::shared_ptr<const Simulator> simulator,
                             std::shared_ptr<const CandidateSource> candidates, const Policy& policy,
                             const PlayConfig& config, const Progress& progress) {
  MemoryBudget()
      .add(fmt::format("the results of {} sessions of {} evaluation seeds", config.sessions, config.seeds),
           played_bytes(config), "sessions or seeds")
      .require();
  return Runner(std::move(simulator), std::move(candidates), policy, config).run(progress);
}

}  // namespace swipegym
