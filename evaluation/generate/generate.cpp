#include "evaluation/generate/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/error.h"
#include "env/seen_videos.h"
#include "evaluation/generate/session_chains.h"
#include "policy/select.h"

namespace swipegym {
namespace {

constexpr std::size_t kChainsUnderWay = 256;  // fixed, so that a chain always meets the same arithmetic
constexpr std::size_t kChainBlock = 512;      // platform chains at once; whole chunks
constexpr std::uint64_t kNoChain = static_cast<std::uint64_t>(-1);

VectorEnvConfig engine(const GenerateConfig& config) {
  if (config.world.slate != 1)
    throw InputError(
        fmt::format("synthetic logs show single videos, the slate is {}; use slates of 1", config.world.slate));
  if (config.candidate_sink && config.world.offers_all())
    throw InputError("the full catalogue has no candidate sets to keep; offer candidates, as --source random does");
  VectorEnvConfig env = env_config(config.world, config.engine);
  env.num_envs = std::clamp<std::uint64_t>(config.sessions, 1, kChainsUnderWay);
  env.autoreset = AutoresetMode::kDisabled;
  return env;
}

// Chains of sessions in a VectorEnv. A row that ends its chain takes the next one; finished chains wait for those
// before them, so that rows come out in the plan's order.
class PolicyChains {
 public:
  PolicyChains(std::shared_ptr<const Simulator> simulator, const Policy& policy, const GenerateConfig& config,
               const RowSink& sink, const Progress& progress)
      : policy_(policy),
        config_(config),
        exploration_(resolved(config.exploration, policy)),
        plan_(simulator->population, config.seed),
        collector_(config, sink, progress),
        num_videos_(simulator->catalogue.num_videos()),
        env_(simulator,
             config.source != nullptr ? config.source
                                      : make_candidates(config.world, simulator, config.seed, config.engine.threads),
             engine(config)),
        rows_(env_.config().num_envs),
        uniform_(policy.scores_are_random() && config.source == nullptr &&
                 (config.world.source == "random" || config.world.offers_all())),
        chain_(rows_, kNoChain),
        end_ms_(rows_),
        seed_(rows_),
        start_(rows_),
        key_(rows_),
        step_(rows_),
        renew_(rows_),
        back_(rows_),
        buffer_(rows_),
        shown_(rows_),
        actions_(rows_) {}

  GenerateReport run() {
    for (std::size_t row = 0; row < rows_; ++row) begin_chain(row);
    scores_.resize(rows_ * num_slots(env_.reset_at(seed_, start_), num_videos_));
    while (!collector_.complete()) step();
    GenerateReport report = collector_.report();
    report.is_random = uniform_;
    return report;
  }

 private:
  void begin_chain(std::size_t row) {
    const std::uint64_t chain = config_.first_chain + next_++;
    chain_[row] = chain;
    const ChainStart start = plan_.start(chain);
    start_[row] = {start.user, start.time_ms, start.tab};
    end_ms_[row] = plan_.end_ms(chain);
    const RandomKey key = plan_.key(chain);
    seed_[row] = std::uint64_t{key.hi} << 32 | key.lo;
    key_[row] = split(key, Draw::kExploration);
    step_[row] = 0;
  }

  void step() {
    const DecisionBatch batch{.observation = env_.observation(),
                              .env = &env_,
                              .keys = key_,
                              .streams = step_,
                              .threads = config_.engine.threads};
    score_slots(policy_, batch, scores_);
    select_actions(batch, scores_, exploration_, actions_);
    for (std::size_t row = 0; row < rows_; ++row)
      shown_[row] =
          env_.next_shown(row, video_in_slot(batch.observation, row, static_cast<std::size_t>(actions_[row])));
    propensities(batch);
    if (config_.candidate_sink) keep_candidates(batch.observation);
    record(env_.step(actions_));
  }

  void propensities(const DecisionBatch& batch) {
    const std::size_t slots = scores_.size() / rows_;
    propensity_.resize(rows_);
    probability_.resize(slots);
    for (std::size_t row = 0; row < rows_; ++row) {
      choice_probabilities(policy_, batch, row, std::span(scores_).subspan(row * slots, slots),
                           mask_of(batch, row, slots), exploration_, probability_);
      propensity_[row] = static_cast<float>(probability_[static_cast<std::size_t>(actions_[row])]);
    }
  }

  void keep_candidates(const ObservationView& observation) {
    const std::size_t slots = observation.candidates;
    for (std::size_t at = 0; at < rows_ * slots; ++at)
      buffer_[at / slots].candidates.push_back(observation.mask[at] != 0 ? observation.candidate[at] : -1);
  }

  std::span<const std::uint8_t> mask_of(const DecisionBatch& batch, std::size_t row, std::size_t slots) {
    if (batch.observation.candidates > 0) return {batch.observation.mask + row * slots, slots};
    full_mask_.assign(slots, 1);
    for (const std::uint32_t video : env_.seen(row).videos()) full_mask_[video] = 0;
    return full_mask_;
  }

  void record(const StepView& view) {
    std::fill(back_.begin(), back_.end(), 0);
    bool any = false;
    for (std::size_t row = 0; row < rows_; ++row) {
      ++step_[row];
      LogRow& logged = buffer_[row].rows.emplace_back(shown_row(
          shown_[row], static_cast<std::int32_t>(std::lround(view.watch_s[row] * 1000.0F)), view.signals[row]));
      logged.propensity = propensity_[row];
      logged.is_random = uniform_ ? 1 : 0;
      if (!view.terminated[row] && !view.truncated[row]) continue;
      buffer_[row].close_session();
      back_[row] = 1;
      any = true;
    }
    if (!any) return;
    env_.next_session(back_);
    std::fill(renew_.begin(), renew_.end(), 0);
    for (std::size_t row = 0; row < rows_; ++row) {
      if (!back_[row] || env_.session_start_ms(row) < end_ms_[row]) continue;
      waiting_.emplace(chain_[row], std::exchange(buffer_[row], {}));
      begin_chain(row);
      renew_[row] = 1;
    }
    env_.reset_at(seed_, start_, renew_);
    while (!waiting_.empty() && waiting_.begin()->first == config_.first_chain + taken_ && !collector_.complete()) {
      collector_.take(std::move(waiting_.begin()->second));
      waiting_.erase(waiting_.begin());
      ++taken_;
    }
  }

  const Policy& policy_;
  const GenerateConfig& config_;
  const Exploration exploration_;
  ChainPlan plan_;
  ChainCollector collector_;
  std::size_t num_videos_;
  VectorEnv env_;
  std::size_t rows_;
  bool uniform_;
  std::vector<std::uint64_t> chain_;  // [rows]
  std::vector<std::int64_t> end_ms_;
  std::vector<std::uint64_t> seed_;
  std::vector<SessionStart> start_;
  std::vector<RandomKey> key_;
  std::vector<std::uint32_t> step_;  // of the chain, so that no two draws share a stream
  std::vector<std::uint8_t> renew_, back_;
  std::vector<ChainRows> buffer_;
  std::vector<Shown> shown_;
  std::vector<std::int32_t> actions_;
  std::vector<float> scores_, propensity_;
  std::vector<double> probability_;
  std::vector<std::uint8_t> full_mask_;
  std::map<std::uint64_t, ChainRows> waiting_;
  std::uint64_t next_ = 0, taken_ = 0;
};

// A chain the platform fills.
class RecordedLane final : public PlatformLane {
 public:
  RecordedLane(const LoggedFeed& feed, const ChainStart& start, std::int64_t end_ms, RandomKey key)
      : PlatformLane(feed, start, end_ms, key) {}
  ChainRows chain;

 private:
  bool record(const Shown& shown, const Response& response, std::uint32_t, std::uint32_t position) override {
    if (position == 0) chain.close_session();
    chain.rows.push_back(shown_row(shown, response.play_ms, response.signals));
    return true;
  }
};

}  // namespace

GenerateReport generate_log(std::shared_ptr<const Simulator> simulator, const Policy& policy,
                            const GenerateConfig& config, const RowSink& sink, const Progress& progress) {
  return PolicyChains(std::move(simulator), policy, config, sink, progress).run();
}

GenerateReport generate_platform_log(const Simulator& simulator, const LoggedFeed& feed, const GenerateConfig& config,
                                     const RowSink& sink, const Progress& progress) {
  const ChainPlan plan(simulator.population, config.seed);
  ChainCollector collector(config, sink, progress);
  for (std::uint64_t first = config.first_chain; !collector.complete(); first += kChainBlock) {
    std::vector<RecordedLane> lanes;
    for (std::uint64_t chain = first; chain < first + kChainBlock; ++chain)
      lanes.emplace_back(feed, plan.start(chain), plan.end_ms(chain), plan.key(chain));
    run_lanes(*simulator.model, lanes, config.engine.threads);
    for (RecordedLane& lane : lanes)
      if (!collector.complete()) collector.take(std::move(lane.chain));
  }
  return collector.report();
}

}  // namespace swipegym
