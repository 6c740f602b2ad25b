#include "evaluation/off_policy/offline_study.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "evaluation/json_number.h"
#include "evaluation/off_policy/estimators.h"
#include "evaluation/off_policy/user_bootstrap.h"
#include "evaluation/off_policy/users.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kOtherSeed = 1'000'003;  // away from the training seeds: its model is nobody's bc

double mean_of(const OfflineRows& rows, const std::vector<std::uint32_t>& part, std::size_t response) {
  double sum = 0.0;
  for (const std::uint32_t row : part) sum += static_cast<double>(rows.response[response][row]);
  return sum / static_cast<double>(part.size());
}

using LogProbs = std::span<const float>;  // of the logged action, all rows

// Judges policies on one part of the rows.
class PartJudge {
 public:
  PartJudge(const OfflineRows& rows, const std::vector<std::uint32_t>& part, double limit)
      : rows_(rows), part_(part), limit_(limit) {
    for (std::size_t i = 0; i < kOfflineResponses; ++i) logged_[i] = mean_of(rows, part, i);
  }
  std::vector<OffPolicyRow> weighed(std::size_t response, LogProbs policy, LogProbs behaviour) const {
    return ncis_rows(rows_, part_, response, policy, behaviour);
  }
  std::array<double, kOfflineResponses> gains(LogProbs policy, LogProbs behaviour) const {
    std::array<double, kOfflineResponses> out{};
    for (std::size_t i = 0; i < kOfflineResponses; ++i) {
      const double value = estimate(Estimator::kNcis, limit_, weighed(i, policy, behaviour));
      if (logged_[i] > 0.0) out[i] = static_cast<double>(kOfflineSigns[i]) * (value / logged_[i] - 1.0);
    }
    return out;
  }
  // What the weights are worth after the cut.
  double effective(std::vector<OffPolicyRow> rows) const {
    for (OffPolicyRow& row : rows) row.weight = std::min(row.weight, limit_);
    return diagnose(rows).effective_rows;
  }
  double effective_share(LogProbs policy, LogProbs behaviour) const {
    return effective(weighed(kOfflineMain, policy, behaviour)) / static_cast<double>(part_.size());
  }
  double limit() const noexcept { return limit_; }

 private:
  const OfflineRows& rows_;
  const std::vector<std::uint32_t>& part_;
  double limit_;
  std::array<double, kOfflineResponses> logged_{};
};

// One setting of a method, over all seeds.
struct Candidate {
  std::size_t index = 0;
  std::array<double, kOfflineResponses> gain{};
  double effective_share = 0.0;

  double worst_loss() const {
    double worst = 0.0;
    for (std::size_t i = 0; i < kOfflineMain; ++i) worst = std::max(worst, -gain[i]);
    return worst;
  }
};

const Candidate& choose(const std::vector<Candidate>& all, const OfflineConfig& config) {
  const auto better = [&](const Candidate& a, const Candidate& b) {
    const bool a_seen = a.effective_share >= config.least_effective,
               b_seen = b.effective_share >= config.least_effective;
    if (a_seen != b_seen) return a_seen;
    if (!a_seen) return a.effective_share > b.effective_share;
    const bool a_keeps = a.worst_loss() <= config.tolerance, b_keeps = b.worst_loss() <= config.tolerance;
    if (a_keeps != b_keeps) return a_keeps;
    return a_keeps ? a.gain[kOfflineMain] > b.gain[kOfflineMain] : a.worst_loss() < b.worst_loss();
  };
  return *std::min_element(all.begin(), all.end(), better);
}

// What each user adds to the mean over seeds of NCIS, ratio by ratio; `factor` -1 takes it away.
void add_ratios(const std::vector<std::vector<OffPolicyRow>>& seeds, double limit, const DenseUsers& users,
                double factor, std::size_t first, RatioSums& sums) {
  const double share = factor / static_cast<double>(seeds.size());
  for (std::size_t s = 0; s < seeds.size(); ++s)
    for (std::size_t i = 0; i < seeds[s].size(); ++i) {
      const RowTerms terms = terms_of(Estimator::kNcis, limit, seeds[s][i]);
      const std::size_t at = static_cast<std::size_t>(users.of_row[i]) * sums.ratios + first + s;
      sums.top[at] += share * terms.correction;
      sums.bottom[at] += terms.normaliser;
    }
}

RatioSums make_sums(std::size_t ratios, const DenseUsers& users) {
  RatioSums sums{.ratios = ratios, .top = {}, .bottom = {}};
  sums.top.assign(ratios * users.count, 0.0), sums.bottom.assign(ratios * users.count, 0.0);
  return sums;
}

using SeedChoices = std::vector<const OfflineChoice*>;

// A method's value for one response, and its change against the first method's, on the same resamples for all.
struct JudgedResponse {
  std::vector<Interval> value, change;
};
JudgedResponse judge_response(const PartJudge& judge, const std::vector<SeedChoices>& chosen,
                              std::span<const LogProbs> behaviour, std::size_t response, RandomKey key,
                              const BootstrapOptions& options) {
  std::vector<std::vector<std::vector<OffPolicyRow>>> rows(chosen.size());
  for (std::size_t m = 0; m < chosen.size(); ++m)
    for (std::size_t s = 0; s < chosen[m].size(); ++s)
      rows[m].push_back(judge.weighed(response, chosen[m][s]->log_prob, behaviour[s]));
  const DenseUsers users = dense_users(rows[0][0]);
  const std::size_t seeds = chosen[0].size();
  std::vector<RatioSums> sums;
  for (const auto& method : rows) {
    sums.push_back(make_sums(seeds, users));
    add_ratios(method, judge.limit(), users, 1.0, 0, sums.back());
  }
  for (std::size_t m = 1; m < rows.size(); ++m) {
    sums.push_back(make_sums(2 * seeds, users));
    add_ratios(rows[m], judge.limit(), users, 1.0, 0, sums.back());
    add_ratios(rows[0], judge.limit(), users, -1.0, seeds, sums.back());
  }
  const std::vector<Interval> made = studentised_intervals(sums, key, options);
  JudgedResponse out{.value = {}, .change = {Interval{}}};
  out.value.assign(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(rows.size()));
  const double base = made[0].mean;
  for (std::size_t m = rows.size(); m < made.size(); ++m)
    out.change.push_back({made[m].mean / base, made[m].low / base, made[m].high / base});
  return out;
}

// Mean over seeds of a method's value for one response, by any behaviour model.
double judge_mean(const PartJudge& judge, const SeedChoices& seeds, LogProbs behaviour, std::size_t response) {
  double sum = 0.0;
  for (const OfflineChoice* choice : seeds)
    sum += estimate(Estimator::kNcis, judge.limit(), judge.weighed(response, choice->log_prob, behaviour));
  return sum / static_cast<double>(seeds.size());
}

void count_line(const PartJudge& judge, const SeedChoices& seeds, std::span<const LogProbs> behaviour,
                OfflineLine& line) {
  const auto share = 1.0 / static_cast<double>(seeds.size());
  for (std::size_t s = 0; s < seeds.size(); ++s) {
    const OfflineChoice* choice = seeds[s];
    const std::vector<OffPolicyRow> rows = judge.weighed(kOfflineMain, choice->log_prob, behaviour[s]);
    line.effective_rows += share * judge.effective(rows);
    line.largest_weight = std::max(line.largest_weight, diagnose(rows).max_weight);
    const auto cut =
        std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row.weight > judge.limit(); });
    line.cut_rows += share * static_cast<double>(cut) / static_cast<double>(rows.size());
    line.distance += share * choice->distance;
    if (!choice->multipliers.empty()) line.multipliers.push_back(choice->multipliers);
  }
}

// -log of a video's share of the training exposures, one row added to each, over test rows.
double loss_of_popularity(const OfflineRows& rows) {
  std::vector<double> shown(rows.actions, 1.0);
  for (const std::uint32_t row : rows.train) shown[static_cast<std::size_t>(rows.action[row])] += 1.0;
  const auto total = static_cast<double>(rows.train.size() + rows.actions);
  double loss = 0.0;
  for (const std::uint32_t row : rows.test) loss -= std::log(shown[static_cast<std::size_t>(rows.action[row])] / total);
  return loss / static_cast<double>(rows.test.size());
}

// One setting of every method: the first of `trained[s].choices` is bc, and the order is the same for every seed.
std::vector<OfflineLine> choose_lines(const std::vector<OfflineTraining>& trained, const PartJudge& validation,
                                      const OfflineConfig& config, std::vector<SeedChoices>& chosen) {
  std::vector<OfflineLine> lines;
  const auto& first = trained[0].choices;
  for (std::size_t begin = 0, end = 0; begin < first.size(); begin = end) {
    std::vector<Candidate> candidates;
    for (; end < first.size() && first[end].method == first[begin].method; ++end) {
      Candidate& one = candidates.emplace_back();
      one.index = end;
      for (const OfflineTraining& seed : trained) {
        const auto share = 1.0 / static_cast<double>(trained.size());
        const LogProbs policy = seed.choices[end].log_prob, behaviour = seed.choices[0].log_prob;
        const auto gains = validation.gains(policy, behaviour);
        for (std::size_t i = 0; i < kOfflineResponses; ++i) one.gain[i] += share * gains[i];
        one.effective_share += share * validation.effective_share(policy, behaviour);
      }
    }
    const Candidate& best = choose(candidates, config);
    OfflineLine& line = lines.emplace_back();
    line.method = first[best.index].method, line.setting = first[best.index].setting;
    line.validation_gain = best.gain;
    SeedChoices& seeds = chosen.emplace_back();
    for (const OfflineTraining& seed : trained) seeds.push_back(&seed.choices[best.index]);
  }
  return lines;
}

}  // namespace

std::vector<OffPolicyRow> ncis_rows(const OfflineRows& rows, const std::vector<std::uint32_t>& part,
                                    std::size_t response, std::span<const float> log_prob,
                                    std::span<const float> behaviour_log) {
  std::vector<OffPolicyRow> out;
  for (const std::uint32_t row : part)
    out.push_back({.reward = static_cast<double>(rows.response[response][row]),
                   .weight = std::exp(static_cast<double>(log_prob[row]) - static_cast<double>(behaviour_log[row])),
                   .propensity = std::exp(static_cast<double>(behaviour_log[row])),
                   .user = rows.user[row]});
  return out;
}

namespace {

// What the test rows are like, before any policy.
OfflineStudyResult describe_rows(const OfflineRows& rows) {
  OfflineStudyResult result;
  result.train_rows = rows.train.size(), result.validation_rows = rows.validate.size();
  result.test_rows = rows.test.size();
  std::set<std::uint32_t> users;
  for (const std::uint32_t row : rows.test) {
    users.insert(rows.user[row]);
    for (std::size_t i = 0; i < kOfflineResponses; ++i)
      result.test_sum[i] += static_cast<double>(rows.response[i][row]);
  }
  result.test_users = users.size();
  result.popularity_loss = loss_of_popularity(rows);
  for (std::size_t i = 0; i < kOfflineResponses; ++i) result.logged[i] = mean_of(rows, rows.test, i);
  return result;
}

}  // namespace

OfflineStudyResult run_offline_study(const OfflineRows& rows, const OfflineStudySettings& settings, std::uint64_t seed,
                                     int threads, const Progress& progress) {
  const OfflineConfig& config = settings.config;
  check(config);
  const PartJudge validation(rows, rows.validate, config.weight_limit), test(rows, rows.test, config.weight_limit);
  OfflineStudyResult result = describe_rows(rows);
  std::vector<OfflineTraining> trained;
  for (std::size_t s = 0; s < settings.seeds; ++s) {
    trained.push_back(
        train_offline(rows, config, {.seed = seed + s, .threads = threads, .progress = progress},
                      [&](LogProbs policy, LogProbs behaviour) { return validation.gains(policy, behaviour); }));
    result.advantage_loss.push_back(trained.back().advantage_loss);
    report(progress, "training seeds", s + 1, settings.seeds);
  }
  const StoppedNetwork other =
      fit_behaviour(rows, config, {.seed = seed + kOtherSeed, .threads = threads, .progress = progress});
  const std::vector<float> other_log = logged_log_probs(other.network, rows);

  std::vector<LogProbs> own;
  for (const OfflineTraining& one : trained) own.emplace_back(one.choices[0].log_prob);
  for (const LogProbs behaviour : own)
    for (const std::uint32_t row : rows.test)
      result.behaviour_loss -=
          static_cast<double>(behaviour[row]) / static_cast<double>(rows.test.size() * trained.size());
  std::vector<SeedChoices> chosen;
  result.lines = choose_lines(trained, validation, config, chosen);
  const BootstrapOptions options{.resamples = settings.resamples, .threads = threads};
  const RandomKey key = split(split(make_key(seed), Draw::kBatch), kOtherSeed);
  for (std::size_t i = 0; i < kOfflineResponses; ++i) {
    const JudgedResponse judged = judge_response(test, chosen, own, i, key, options);
    const double other_base = judge_mean(test, chosen[0], other_log, i);
    for (std::size_t m = 0; m < chosen.size(); ++m) {
      result.lines[m].value[i] = judged.value[m], result.lines[m].change[i] = judged.change[m];
      result.lines[m].other_change[i] = judge_mean(test, chosen[m], other_log, i) / other_base - 1.0;
    }
  }
  for (std::size_t m = 0; m < chosen.size(); ++m) count_line(test, chosen[m], own, result.lines[m]);
  std::stable_sort(result.lines.begin(), result.lines.end(), [](const OfflineLine& a, const OfflineLine& b) {
    return a.value[kOfflineMain].mean > b.value[kOfflineMain].mean;
  });
  return result;
}

Json to_json(const OfflineStudyResult& result) {
  const auto named = [](const auto& values, auto show) {
    Json out = Json::object();
    for (std::size_t i = 0; i < kOfflineResponses; ++i) out[std::string(kOfflineResponseNames[i])] = show(values[i]);
    return out;
  };
  Json lines = Json::array();
  for (const OfflineLine& line : result.lines)
    lines.push_back({{"method", line.method},
                     {"setting", line.setting},
                     {"validation_gain", named(line.validation_gain, json_number)},
                     {"value", named(line.value, json_interval)},
                     {"change", named(line.change, json_interval)},
                     {"change_by_another_model", named(line.other_change, json_number)},
                     {"effective_rows", line.effective_rows},
                     {"largest_weight", line.largest_weight},
                     {"cut_rows", line.cut_rows},
                     {"multipliers", line.multipliers},
                     {"distance", line.distance}});
  return {{"model_dependent", true},
          {"train_rows", result.train_rows},
          {"validation_rows", result.validation_rows},
          {"test_rows", result.test_rows},
          {"test_users", result.test_users},
          {"logged", named(result.logged, json_number)},
          {"test_sum", named(result.test_sum, json_number)},
          {"behaviour_loss", result.behaviour_loss},
          {"popularity_loss", result.popularity_loss},
          {"advantage_loss", result.advantage_loss},
          {"lines", lines}};
}

}  // namespace swipegym
