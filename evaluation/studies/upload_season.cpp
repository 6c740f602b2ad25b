#include "evaluation/studies/upload_season.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/parallel_for.h"
#include "core/random_draws.h"
#include "core/validate.h"
#include "evaluation/text_table.h"
#include "policy/bandit/arm_scores.h"
#include "policy/bandit/beta_arms.h"

namespace swipegym {
namespace {

enum class SeasonRule : std::uint8_t {
  kUniform,
  kGreedy,
  kEpsilonGreedy,
  kUcb1,
  kBayesUcb,
  kBayesQuantile,
  kThompson,
  kThompsonFlat,
  kBuckets,
  kWideBuckets,
  kBucketsThompson
};

// Children of a world's key.
enum SeasonDraw : std::uint64_t { kSeasonRates, kSeasonBirths, kSeasonOutcomes, kSeasonChoices };

SeasonRule season_rule(const std::string& name) {
  const std::vector<std::string>& names = season_policies();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    std::string known;
    for (const std::string& one : names) known += (known.empty() ? "" : ", ") + one;
    throw InputError(fmt::format("policy '{}' is none of a season's: {}", name, known));
  }
  return static_cast<SeasonRule>(found - names.begin());
}

/// One world under one policy.
class PlayedSeason {
 public:
  PlayedSeason(const UploadSeasonConfig& config, SeasonRule rule, RandomKey world)
      : config_(config),
        rule_(rule),
        world_(world),
        outcomes_(split(world, kSeasonOutcomes)),
        arms_(rule == SeasonRule::kThompsonFlat ? BetaPrior{} : config.prior),
        slate_(static_cast<std::size_t>(config.slate)),
        picks_(slate_.size()) {
    const int first = config.uploads_a_day * config.life_days;
    RandomStream births(split(world, kSeasonBirths));
    for (int i = 0; i < first; ++i)
      add_upload(static_cast<int>(births.below(static_cast<std::uint32_t>(config.life_days))) - config.life_days);
  }

  SeasonResult play(int impressions, bool daily) {
    const std::int64_t slates =
        std::max<std::int64_t>(1, std::int64_t{impressions} * config_.uploads_a_day / config_.slate);
    double shown = 0.0, best = 0.0, count = 0.0;
    for (int day = 0; day < config_.days; ++day) {
      begin_day(day);
      const double oracle = oracle_rate();
      for (std::int64_t s = 0; s < slates; ++s) {
        const RandomKey key =
            split(split(world_, kSeasonChoices), static_cast<std::uint64_t>(day) << 40 | static_cast<std::uint64_t>(s));
        const std::size_t chosen = choose(key);
        const double rates = show(std::span(slate_).first(chosen));
        if (!daily) merge();
        if (day < config_.life_days) continue;
        shown += rates, count += static_cast<double>(chosen), best += oracle * static_cast<double>(chosen);
      }
      merge();
    }
    return {shown / count, best / count, found()};
  }

 private:
  void add_upload(int day) {
    const std::uint32_t arm = arms_.add();
    RandomStream random(split(world_, kSeasonRates), arm);
    rates_.push_back(draw_beta(random, config_.prior.alpha, config_.prior.beta));
    born_.push_back(day), shows_.push_back(0);
  }

  void merge() {
    counted_ += static_cast<double>(feedback_.waiting());
    feedback_.merge_into(arms_);
  }

  void begin_day(int day) {
    std::vector<std::uint32_t> old;
    for (const std::uint32_t arm : arms_.live())
      if (born_[arm] <= day - config_.life_days) old.push_back(arm);
    arms_.retire(old);
    for (int i = 0; i < config_.uploads_a_day; ++i) add_upload(day);
    scores_.resize(arms_.live().size()), measures_.resize(scores_.size()), buckets_.resize(scores_.size());
  }

  double oracle_rate() const {
    std::vector<double> rates;
    for (const std::uint32_t arm : arms_.live()) rates.push_back(rates_[arm]);
    const std::size_t count = std::min(slate_.size(), rates.size());
    std::partial_sort(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(count), rates.end(), std::greater<>());
    return std::accumulate(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(count), 0.0) /
           static_cast<double>(count);
  }

  // Fills slate_ with arms.
  std::size_t choose(RandomKey key) {
    const std::span<const std::uint32_t> list = arms_.live();
    score(list, split(key, 0));
    const RandomKey ties = split(key, 1);
    std::size_t chosen = 0;
    if (rule_ == SeasonRule::kBuckets || rule_ == SeasonRule::kWideBuckets || rule_ == SeasonRule::kBucketsThompson) {
      list_shows(arms_, list, measures_);
      const BucketFlow& flow = rule_ == SeasonRule::kWideBuckets ? config_.wide_buckets : config_.buckets;
      find_buckets(flow, measures_, buckets_);
      chosen = fill_buckets(flow, buckets_, scores_, 0.5, ties, room_, picks_);
      for (std::size_t i = 0; i < chosen; ++i) slate_[i] = picks_[i].place;
    } else if (rule_ == SeasonRule::kEpsilonGreedy) {
      chosen = epsilon_slate(scores_, config_.epsilon, EpsilonShare::kFixed, ties, room_, slate_);
    } else {
      chosen = best_slate(scores_, ties, room_, slate_);
    }
    for (std::size_t i = 0; i < chosen; ++i) slate_[i] = list[slate_[i]];
    return chosen;
  }

  void score(std::span<const std::uint32_t> list, RandomKey key) {
    switch (rule_) {
      case SeasonRule::kUniform:
        std::fill(scores_.begin(), scores_.end(), 0.0);  // all tie
        break;
      case SeasonRule::kUcb1:
        score_ucb1(arms_, list, counted_, 1.0, scores_);
        break;
      case SeasonRule::kBayesUcb:
        score_bayes_ucb(arms_, list, config_.z, scores_);
        break;
      case SeasonRule::kBayesQuantile:
        score_bayes_quantile(arms_, list, std::clamp(0.5 * std::erfc(-config_.z / std::sqrt(2.0)), 0.5, 1 - 1e-9),
                             scores_);
        break;
      case SeasonRule::kThompson:
      case SeasonRule::kThompsonFlat:
      case SeasonRule::kBucketsThompson:
        score_thompson(arms_, list, key, scores_);
        break;
      default:
        score_means(arms_, list, scores_);
    }
  }

  // The sum of the rates; outcomes wait in the queue.
  double show(std::span<const std::uint32_t> arms) {
    double sum = 0.0;
    for (const std::uint32_t arm : arms) {
      RandomStream random(split(outcomes_, std::uint64_t{shows_[arm]++} << 32 | arm));
      feedback_.add(0, arm, random.uniform_double() < rates_[arm] ? 1.0F : 0.0F);
      sum += rates_[arm];
    }
    return sum;
  }

  double found() const {
    std::vector<double> judged;
    const auto is_judged = [&](std::size_t arm) {
      return born_[arm] >= config_.life_days && born_[arm] < config_.days - config_.life_days;
    };
    for (std::size_t arm = 0; arm < rates_.size(); ++arm)
      if (is_judged(arm)) judged.push_back(rates_[arm]);
    std::sort(judged.begin(), judged.end());
    // The quantile between two order statistics, as numpy's.
    const double at = (1.0 - config_.best_share) * static_cast<double>(judged.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, judged.size() - 1);
    const double least = judged[below] + (at - static_cast<double>(below)) * (judged[above] - judged[below]);
    double best = 0.0, often = 0.0;
    for (std::size_t arm = 0; arm < rates_.size(); ++arm)
      if (is_judged(arm) && rates_[arm] >= least)
        best += 1.0, often += shows_[arm] >= static_cast<std::uint32_t>(config_.found_shows) ? 1.0 : 0.0;
    return often / best;
  }

  const UploadSeasonConfig& config_;
  const SeasonRule rule_;
  const RandomKey world_, outcomes_;
  BetaArms arms_;
  DelayedFeedback feedback_;
  double counted_ = 1.0;  // shows, of uploads that are gone too, and one
  std::vector<double> rates_;
  std::vector<int> born_;
  std::vector<std::uint32_t> shows_;  // decided, merged or not
  std::vector<double> scores_, measures_;
  std::vector<std::uint8_t> buckets_;
  std::vector<std::uint32_t> slate_;
  std::vector<FlowPick> picks_;
  SlateRoom room_;
};

// sum(numerator) / sum(denominator) over worlds, with the standard error that the delta method gives their ratio.
struct WorldRatio {
  Interval interval;
  double error;
};
WorldRatio world_ratio(std::span<const double> numerator, std::span<const double> denominator) {
  const auto worlds = static_cast<double>(numerator.size());
  const double above = std::accumulate(numerator.begin(), numerator.end(), 0.0);
  const double below = std::accumulate(denominator.begin(), denominator.end(), 0.0);
  const double ratio = above / below;
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (numerator.size() < 2) return {{ratio, kUnknown, kUnknown}, kUnknown};
  double squares = 0.0;
  for (std::size_t w = 0; w < numerator.size(); ++w) {
    const double residual = numerator[w] - ratio * denominator[w];
    squares += residual * residual;
  }
  const double error = std::sqrt(squares / (worlds - 1.0) / worlds) / (below / worlds);
  const double half = student_t975(numerator.size() - 1) * error;
  return {{ratio, ratio - half, ratio + half}, error};
}

}  // namespace

const std::vector<std::string>& season_policies() {
  static const std::vector<std::string> names = {"uniform",   "greedy",         "epsilon-greedy",  "ucb1",
                                                 "bayes-ucb", "bayes-quantile", "thompson",        "thompson-flat",
                                                 "buckets",   "wide-buckets",   "buckets-thompson"};
  return names;
}

std::vector<std::string> usual_season_policies() {
  std::vector<std::string> names = season_policies();
  std::erase(names, "bayes-quantile");
  return names;
}

void UploadSeasonConfig::check() const {
  check_ranges(*this);
  prior.validate(), buckets.validate(), wide_buckets.validate();
  if (days <= 2 * life_days)
    throw InputError(
        fmt::format("days is {}, expected more than twice life_days, {}: no upload lives wholly in the "
                    "days that count",
                    days, life_days));
  if (slate > uploads_a_day * static_cast<std::int64_t>(life_days))
    throw InputError(fmt::format("slate is {}, expected at most the uploads that live, {}", slate,
                                 uploads_a_day * static_cast<std::int64_t>(life_days)));
}

SeasonResult play_season(const UploadSeasonConfig& config, const std::string& policy, int impressions, bool daily,
                         RandomKey world) {
  return PlayedSeason(config, season_rule(policy), world).play(impressions, daily);
}

std::vector<SeasonRow> run_upload_season(const SeasonStudy& study) {
  study.config.check();
  require_that("policies", !study.policies.empty(), "at least one");
  require_that("impressions", !study.impressions.empty(), "at least one");
  require_between("worlds", study.worlds, 1, 1'000'000);
  for (const std::string& policy : study.policies) season_rule(policy);
  for (const int impressions : study.impressions) require_between("impressions", impressions, 1, 1'000'000);
  const auto worlds = static_cast<std::size_t>(study.worlds);
  const std::size_t policies = study.policies.size(), rows = policies * study.impressions.size();
  std::vector<SeasonResult> results(rows * worlds);
  // A world with more impressions takes longer: progress counts impressions.
  std::uint64_t total = 0;
  for (const int impressions : study.impressions) total += static_cast<std::uint64_t>(impressions) * policies * worlds;
  std::atomic<std::uint64_t> done = 0;
  report(study.progress, "seasons", 0, total);
  parallel_for(results.size(), study.threads, [&](std::size_t item, int) {
    const std::size_t row = item % rows, world = item / rows;
    const int impressions = study.impressions[row / policies];
    results[row * worlds + world] = play_season(study.config, study.policies[row % policies], impressions, study.daily,
                                                split(make_key(study.seed), world));
    report(study.progress, "seasons", done += static_cast<std::uint64_t>(impressions), total);
  });
  std::vector<SeasonRow> table;
  std::vector<double> above(worlds), below(worlds), found(worlds);
  const std::vector<double> ones(worlds, 1.0);
  for (std::size_t row = 0; row < rows; ++row) {
    const double mean = study.config.prior.mean();
    for (std::size_t w = 0; w < worlds; ++w) {
      const SeasonResult& result = results[row * worlds + w];
      above[w] = result.shown - mean, below[w] = result.oracle - mean, found[w] = result.found;
    }
    const WorldRatio value = world_ratio(above, below), share = world_ratio(found, ones);
    table.push_back({study.policies[row % policies], study.impressions[row / policies], value.interval, value.error,
                     share.interval, share.error});
  }
  return table;
}

std::string season_table(const std::vector<SeasonRow>& rows) {
  constexpr std::size_t kAtOnce = 3;  // numbers of impressions side by side
  std::vector<std::string> policies;
  std::vector<int> impressions;
  for (const SeasonRow& row : rows) {
    if (std::find(policies.begin(), policies.end(), row.policy) == policies.end()) policies.push_back(row.policy);
    if (std::find(impressions.begin(), impressions.end(), row.impressions) == impressions.end())
      impressions.push_back(row.impressions);
  }
  std::string text;
  for (std::size_t first = 0; first < impressions.size(); first += kAtOnce) {
    const std::size_t last = std::min(first + kAtOnce, impressions.size());
    std::vector<std::string> header = {"policy"};
    for (std::size_t i = first; i < last; ++i)
      header.push_back(fmt::format("value at {}", impressions[i])), header.emplace_back("found");
    Table table(header);
    for (const std::string& policy : policies) {
      std::vector<std::string> cells = {policy};
      for (std::size_t i = first; i < last; ++i)
        for (const SeasonRow& row : rows)
          if (row.policy == policy && row.impressions == impressions[i]) {
            const bool known = std::isfinite(row.value_error);
            cells.push_back(known ? fmt::format("{:.3f} ±{:.3f}", row.value.mean, row.value.high - row.value.mean)
                                  : fmt::format("{:.3f}", row.value.mean));
            cells.push_back(fmt::format("{:.2f}", row.found.mean));
          }
      table.add(cells);
    }
    text += (text.empty() ? "" : "\n") + table.text();
  }
  return text;
}

Json season_json(const std::vector<SeasonRow>& rows) {
  const auto interval = [](const Interval& one) {
    return Json{{"mean", one.mean}, {"low", one.low}, {"high", one.high}};
  };
  Json list = Json::array();
  for (const SeasonRow& row : rows)
    list.push_back({{"policy", row.policy},
                    {"impressions", row.impressions},
                    {"value", interval(row.value)},
                    {"value_error", row.value_error},
                    {"found", interval(row.found)},
                    {"found_error", row.found_error}});
  return {{"seasons", list}};
}

}  // namespace swipegym
