#include "evaluation/compare/expected_choices.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel_for.h"
#include "policy/make_policy.h"

namespace swipegym {
namespace {

constexpr std::size_t kJudgedRows = 256;  // sessions under way; fixed, see SessionRunner

// Sums over the states of each session.
struct ChoiceSums {
  explicit ChoiceSums(std::size_t sessions) : states(sessions), random(sessions), oracle(sessions) {}
  std::vector<float> states, random, oracle;  // [sessions]
  std::vector<std::vector<float>> policy;     // [policies][training seeds, sessions]
};

// Walks through sessions of uniform choice and asks every policy what it would have chosen.
class Judge {
 public:
  Judge(const std::shared_ptr<const Simulator>& simulator, const std::shared_ptr<const CandidateSource>& candidates,
        const std::vector<std::vector<std::shared_ptr<const Policy>>>& policies, const PlayConfig& config)
      : policies_(policies),
        config_(config),
        videos_(simulator->catalogue.num_videos()),
        total_(config.sessions * config.seeds),
        runner_(simulator, candidates, env_config(config.world, config.engine), kJudgedRows, total_,
                [&config](std::size_t session) {
                  return session_seed(config.seed, session / config.sessions, session % config.sessions);
                }),
        slots_(runner_.env().candidates().slots()),
        sums_(total_),
        probability_(runner_.rows() * slots_),
        reward_(probability_.size()) {
    for (const auto& seeds : policies) sums_.policy.emplace_back(seeds.size() * total_);
  }

  ChoiceSums run(const Progress& progress) {
    const RandomPolicy uniform;
    std::vector<std::int32_t> actions(runner_.rows());
    while (runner_.under_way()) {
      const DecisionBatch batch = runner_.batch();
      runner_.env().expect_all_rewards(std::span(reward_).first(runner_.rows() * slots_));
      add_baselines(batch.observation);
      for (std::size_t p = 0; p < policies_.size(); ++p)
        for (std::size_t seed = 0; seed < policies_[p].size(); ++seed)
          add_choices(batch, *policies_[p][seed], std::span(sums_.policy[p]).subspan(seed * total_, total_));
      const std::span<std::int32_t> chosen = std::span(actions).first(runner_.rows());
      choose_actions(uniform, batch, {}, videos_, scores_, chosen);
      runner_.step(chosen, [](std::size_t, std::size_t, const StepView&) {});
      report(progress, "judging choices", runner_.finished(), total_);
    }
    return std::move(sums_);
  }

 private:
  void add_baselines(const ObservationView& now) {
    for (std::size_t row = 0; row < now.rows; ++row) {
      float sum = 0.0F, allowed = 0.0F, best = 0.0F;
      for (std::size_t at = row * slots_; at < (row + 1) * slots_; ++at) {
        if (now.mask[at] == 0) continue;
        best = allowed == 0.0F ? reward_[at] : std::max(best, reward_[at]);
        sum += reward_[at], allowed += 1.0F;
      }
      const std::size_t session = runner_.session(row);
      sums_.states[session] += 1.0F, sums_.random[session] += sum / allowed, sums_.oracle[session] += best;
    }
  }

  void add_choices(const DecisionBatch& batch, const Policy& policy, std::span<float> sums) {
    const ObservationView& now = batch.observation;
    const Exploration exploration = resolved(config_.exploration, policy);
    scores_.resize(now.rows * slots_);
    score_slots(policy, batch, scores_);
    parallel_for(now.rows, config_.engine.threads, [&](std::size_t row, int) {
      const std::span<double> probability = std::span(probability_).subspan(row * slots_, slots_);
      choice_probabilities(policy, batch, row, std::span(scores_).subspan(row * slots_, slots_),
                           {now.mask + row * slots_, slots_}, exploration, probability);
      double sum = 0.0;
      for (std::size_t slot = 0; slot < slots_; ++slot)
        sum += probability[slot] * static_cast<double>(reward_[row * slots_ + slot]);
      sums[runner_.session(row)] += static_cast<float>(sum);
    });
  }

  const std::vector<std::vector<std::shared_ptr<const Policy>>>& policies_;
  const PlayConfig& config_;
  std::size_t videos_, total_;
  SessionRunner runner_;
  std::size_t slots_;
  ChoiceSums sums_;
  std::vector<double> probability_;  // [rows, m]
  std::vector<float> reward_;        // [rows, m] expected
  std::vector<float> scores_;
};

}  // namespace

ExpectedChoices expected_choices(const std::shared_ptr<const Simulator>& simulator,
                                 const std::shared_ptr<const CandidateSource>& candidates,
                                 const std::vector<std::vector<std::shared_ptr<const Policy>>>& policies,
                                 const PlayConfig& sessions, const ExpectedChoicesConfig& config,
                                 const Progress& progress) {
  if (candidates->slots() == 0 || sessions.world.slate > 1)
    throw InputError(
        "choices are judged by expectations where one of some candidates is chosen: not with the source "
        "'full', nor with slates");
  const ChoiceSums sums = Judge(simulator, candidates, policies, sessions).run(progress);
  const auto measure = [&](const std::vector<float>& of) {
    const std::size_t items = sums.states.size(), seeds = of.size() / items;
    Measure out{.seeds = seeds, .items = items, .numerator = of, .denominator = {}};
    for (std::size_t seed = 0; seed < seeds; ++seed)
      out.denominator.insert(out.denominator.end(), sums.states.begin(), sums.states.end());
    return out;
  };
  std::vector<Measure> measures = {measure(sums.random), measure(sums.oracle)};
  for (const std::vector<float>& policy : sums.policy) measures.push_back(measure(policy));
  const std::vector<std::vector<double>> draws =
      bootstrap(measures, split(make_key(sessions.seed), Draw::kBatch),
                {.resamples = config.resamples, .threads = sessions.engine.threads});
  const double base = measures[0].value(), way = measures[1].value() - base;
  const auto share_of = [&](std::size_t policy) {
    return std::pair{(measures[policy + 2].value() - base) / way, normalised(draws[policy + 2], draws[0], draws[1])};
  };
  ExpectedChoices out{.random = percentile_interval(base, draws[0]),
                      .oracle = percentile_interval(measures[1].value(), draws[1]),
                      .policy = {}};
  for (std::size_t p = 0; p < policies.size(); ++p) {
    const auto [share, shares] = share_of(p);
    ExpectedFigures figures{.reward = percentile_interval(measures[p + 2].value(), draws[p + 2]),
                            .share = percentile_interval(share, shares),
                            .versus = {}};
    if (config.versus >= 0) {
      const auto [other, others] = share_of(static_cast<std::size_t>(config.versus));
      figures.versus = percentile_interval(share - other, difference(shares, others));
    }
    out.policy.push_back(figures);
  }
  return out;
}

}  // namespace swipegym
