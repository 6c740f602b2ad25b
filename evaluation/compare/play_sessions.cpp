#include "evaluation/compare/play_sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/memory_budget.h"
#include "evaluation/metrics/quantile_score.h"
#include "evaluation/metrics/sample_distance.h"

namespace swipegym {
namespace {

constexpr std::size_t kPlayedRows = 256;  // sessions under way; fixed, see SessionRunner

// Sums up the sessions of a runner.
class Player {
 public:
  Player(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
         const Policy& policy, const PlayConfig& config)
      : catalogue_(simulator->catalogue),
        policy_(policy),
        config_(config),
        total_(config.sessions * config.seeds),
        runner_(std::move(simulator), std::move(candidates), engine(config), kPlayedRows, total_,
                [&config](std::size_t session) {
                  return session_seed(config.seed, session / config.sessions,
                                      config.first_session + session % config.sessions);
                }),
        tags_(runner_.rows()),
        actions_(runner_.rows() * config.world.slate),
        shown_(config.seeds * catalogue_.num_videos()) {
    out_.session.resize(total_);
  }

  PlayedSessions run(const Progress& progress) {
    if (total_ == 0) return std::move(out_);
    for (std::size_t reported = 0; runner_.under_way();) {
      const std::span<std::int32_t> actions = std::span(actions_).first(runner_.rows() * config_.world.slate);
      choose_actions(policy_, runner_.batch(), config_.exploration, catalogue_.num_videos(), scores_, actions,
                     config_.world.slate);
      runner_.step(actions, [this](std::size_t row, std::size_t session, const StepView& view) {
        record(row, session, view);
        if (!view.terminated[row] && !view.truncated[row]) return;
        out_.session[session].member = static_cast<std::uint32_t>(runner_.env().member(row));
        finish(row, out_.session[session], view.gap_h[row]);
      });
      if (runner_.finished() == reported) continue;
      reported = runner_.finished();
      report(progress, policy_.name(), reported, total_);
    }
    for (std::size_t seed = 0; seed < config_.seeds; ++seed) out_.catalogue.push_back(catalogue_use(seed));
    return std::move(out_);
  }

 private:
  static VectorEnvConfig engine(const PlayConfig& config) {
    VectorEnvConfig env = env_config(config.world, config.engine);
    env.draw_gaps = true;
    return env;
  }

  CatalogueUse catalogue_use(std::size_t seed) const {
    const std::size_t videos = catalogue_.num_videos();
    std::vector<std::uint32_t> by_author(*std::max_element(catalogue_.author.begin(), catalogue_.author.end()) + 1U);
    std::size_t seen = 0;
    for (std::size_t v = 0; v < videos; ++v) {
      const std::uint32_t times = shown_[seed * videos + v];
      seen += times > 0 ? 1 : 0;
      by_author[catalogue_.author[v]] += times;
    }
    return {.share = static_cast<double>(seen) / static_cast<double>(videos),
            .author_gini = gini(std::move(by_author))};
  }

  void record(std::size_t row, std::size_t session, const StepView& view) {
    SessionResult& sum = out_.session[session];
    const std::size_t slate = config_.world.slate;
    const std::size_t shown = session / config_.sessions * catalogue_.num_videos();
    for (std::size_t at = row * slate; at < row * slate + view.consumed[row]; ++at) {
      const auto video = static_cast<std::size_t>(view.video[at]);
      sum.watch_s += view.watch_s[at];
      sum.watch_ratio += std::min(view.watch_ratio[at], kJudgedRatioCap);
      for (std::size_t s = 0; s < kNumSignals; ++s)
        sum.signals[s] = static_cast<std::uint16_t>(sum.signals[s] + (view.signals[at] >> s & 1U));
      tags_[runner_.seat(row)].push_back(catalogue_.tag[video]);
      ++shown_[shown + video];
    }
    sum.videos += view.consumed[row];
    sum.reward += view.reward[row];
  }

  void finish(std::size_t row, SessionResult& sum, float gap_h) {
    sum.gap_h = std::min(gap_h, kMaxGapHours);
    sum.returns_in_day = gap_h <= 24.0F;
    std::vector<std::uint16_t>& tags = tags_[runner_.seat(row)];
    std::sort(tags.begin(), tags.end());
    counts_.clear();
    for (std::size_t i = 0; i < tags.size(); ++i) {
      if (i == 0 || tags[i] != tags[i - 1]) counts_.push_back(0);
      ++counts_.back();
    }
    sum.tag_entropy = static_cast<float>(entropy(counts_));
    tags.clear();
  }

  const Catalogue& catalogue_;
  const Policy& policy_;
  const PlayConfig& config_;
  std::size_t total_;
  SessionRunner runner_;
  std::vector<std::vector<std::uint16_t>> tags_;  // [seats] of the session so far
  std::vector<std::int32_t> actions_;
  std::vector<std::uint32_t> shown_;  // [seeds, videos] how often
  std::vector<float> scores_;
  std::vector<std::uint32_t> counts_;
  PlayedSessions out_;
};

}  // namespace

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
  return Player(std::move(simulator), std::move(candidates), policy, config).run(progress);
}

}  // namespace swipegym
