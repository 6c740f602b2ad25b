#include "evaluation/fidelity/choice_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "core/validate.h"
#include "evaluation/fidelity/standard_record.h"
#include "evaluation/metrics/quantile_score.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

constexpr std::size_t kChoiceCount = kChoiceFigures.size();
constexpr std::size_t kSeconds = 0;

// A random exposure with its answer, and what was expected of it.
struct JudgedChoice {
  std::uint32_t user = 0;  // dense among the judged
  std::uint32_t log_user = 0, video = 0;
  ChoiceMeans life{}, expected{};
};

// Something to sort videos by.
struct VideoScore {
  std::string name;
  std::vector<double> of;  // [videos]
};

struct JudgedChoices {
  std::vector<JudgedChoice> row;  // in file order
  std::size_t users = 0;
};

JudgedChoice judged_choice(const Log& log, const ExpectedAnswer& answer) {
  const std::size_t row = answer.log_row;
  const double duration_s = log.duration_ms[row] / 1000.0;
  const double ratio =
      std::min(static_cast<double>(log.play_ms[row]) / log.duration_ms[row], static_cast<double>(kJudgedRatioCap));
  const auto share = [&](Signal signal) { return has(log.signals[row], signal) ? 1.0 : 0.0; };
  return {.log_user = index_of(log.user[row]),
          .video = index_of(log.video[row]),
          .life = {ratio * duration_s, ratio, share(Signal::kClick), share(Signal::kLongView)},
          .expected = {answer.watch_s, answer.watch_s / duration_s, answer.click, answer.long_view}};
}

JudgedChoices judged_choices(const Dataset& data, std::span<const ExpectedAnswer> answers) {
  const Log& log = data.log;
  if (answers.empty()) throw InputError("choices: no row of the random log was answered");
  std::vector<ExpectedAnswer> ordered(answers.begin(), answers.end());
  for (const ExpectedAnswer& answer : ordered) {
    if (answer.log_row >= log.size() || log.is_random[answer.log_row] == 0 || log.duration_ms[answer.log_row] <= 0)
      throw InputError(fmt::format("choices: row {} is no random exposure of a known duration", answer.log_row));
    const std::array<float, 3> expected = {answer.watch_s, answer.click, answer.long_view};
    require_finite("choices: expected answer", std::span<const float>(expected));
  }
  std::sort(ordered.begin(), ordered.end(), [&](const ExpectedAnswer& a, const ExpectedAnswer& b) {
    return log.source_row[a.log_row] < log.source_row[b.log_row];
  });
  JudgedChoices judged;
  std::map<std::uint32_t, std::uint32_t> place;  // of a user: by the log's order, so that no answer's order matters
  for (const ExpectedAnswer& answer : ordered) place[index_of(log.user[answer.log_row])] = 0;
  for (auto& [user, at] : place) at = static_cast<std::uint32_t>(judged.users++);
  for (const ExpectedAnswer& answer : ordered) {
    judged.row.push_back(judged_choice(log, answer));
    judged.row.back().user = place.at(judged.row.back().log_user);
  }
  return judged;
}

// Weighted means over rows, each as a ratio of sums that a bootstrap over users can draw again.
class WeightedMeans {
 public:
  explicit WeightedMeans(std::size_t users) : users_(users) {}

  // The mean of values with these weights; returns its number.
  std::size_t add(std::span<const JudgedChoice> rows, std::span<const double> value, std::span<const double> weight) {
    Measure measure{
        .items = users_, .numerator = std::vector<float>(users_), .denominator = std::vector<float>(users_)};
    std::vector<double> top(users_), bottom(users_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      top[rows[i].user] += weight[i] * value[i];
      bottom[rows[i].user] += weight[i];
    }
    std::copy(top.begin(), top.end(), measure.numerator.begin());
    std::copy(bottom.begin(), bottom.end(), measure.denominator.begin());
    const double sum = std::accumulate(bottom.begin(), bottom.end(), 0.0);
    mean_.push_back(sum > 0.0 ? std::accumulate(top.begin(), top.end(), 0.0) / sum : kUndefined);
    measure_.push_back(std::move(measure));
    return mean_.size() - 1;
  }

  void draw(const ChoiceOptions& options) {
    resampled_ = bootstrap(measure_, split(make_key(options.seed), 0xC401),
                           {.resamples = options.resamples, .threads = options.threads});
  }

  double mean(std::size_t number) const { return mean_[number]; }
  /// mean(a) - mean(b), paired.
  Interval difference_of(std::size_t a, std::size_t b) const {
    return interval(mean_[a] - mean_[b], difference(resampled_[a], resampled_[b]));
  }
  /// (mean(a) - mean(b)) - (mean(c) - mean(d)), paired.
  Interval contrast(std::size_t a, std::size_t b, std::size_t c, std::size_t d) const {
    return interval((mean_[a] - mean_[b]) - (mean_[c] - mean_[d]),
                    difference(difference(resampled_[a], resampled_[b]), difference(resampled_[c], resampled_[d])));
  }

 private:
  static Interval interval(double mean, std::vector<double> resampled) {
    std::erase_if(resampled, [](double value) { return std::isnan(value); });
    return percentile_interval(mean, std::move(resampled));
  }

  std::size_t users_;
  std::vector<double> mean_;
  std::vector<Measure> measure_;
  std::vector<std::vector<double>> resampled_;
};

std::vector<VideoScore> video_scores(const StandardRecord& record) {
  std::vector<double> shortest, seconds;
  for (std::size_t v = 0; v < record.duration_s.size(); ++v) {
    shortest.push_back(-record.duration_s[v]);
    seconds.push_back(record.mean_ratio[v] * record.duration_s[v]);
  }
  return {{"popularity", record.exposures},
          {"item-mean", record.mean_ratio},
          {"longest", record.duration_s},
          {"shortest", std::move(shortest)},
          {"mean-seconds", std::move(seconds)}};
}

// A row's place is the share of rows that come no later; quarters and halves are cut by it.
std::vector<std::size_t> places(std::span<const double> value) {
  std::vector<std::size_t> order(value.size()), place(value.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value[a] < value[b]; });
  for (std::size_t rank = 0; rank < order.size(); ++rank) place[order[rank]] = rank + 1;
  return place;
}

// A stratum with the numbers of what its excess is made of: of each figure life less expected, in both halves.
struct StratumParts {
  ChoiceStratum stratum;
  std::array<std::size_t, kChoiceCount> upper{}, lower{};
};

StratumParts stratum_parts(std::string name, const JudgedChoices& judged, std::span<const double> value,
                           WeightedMeans& means) {
  const std::size_t rows = judged.row.size();
  const std::vector<std::size_t> place = places(value);
  StratumParts parts{.stratum = {.name = std::move(name), .quarter = {}, .excess = {}}};
  std::vector<double> upper(rows), lower(rows), error(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    upper[i] = 2 * place[i] > rows ? 1.0 : 0.0, lower[i] = 1.0 - upper[i];
    ChoiceQuarter& quarter = parts.stratum.quarter[std::min<std::size_t>(4 * place[i] / rows, 3)];
    quarter.from = quarter.rows == 0 ? value[i] : std::min(quarter.from, value[i]);
    ++quarter.rows;
    for (std::size_t f = 0; f < kChoiceCount; ++f) {
      quarter.life[f] += judged.row[i].life[f];
      quarter.expected[f] += judged.row[i].expected[f];
    }
  }
  for (ChoiceQuarter& quarter : parts.stratum.quarter) {
    const double n = quarter.rows > 0 ? static_cast<double>(quarter.rows) : kUndefined;
    for (std::size_t f = 0; f < kChoiceCount; ++f) quarter.life[f] /= n, quarter.expected[f] /= n;
  }
  for (std::size_t f = 0; f < kChoiceCount; ++f) {
    for (std::size_t i = 0; i < rows; ++i) error[i] = judged.row[i].life[f] - judged.row[i].expected[f];
    parts.upper[f] = means.add(judged.row, error, upper);
    parts.lower[f] = means.add(judged.row, error, lower);
  }
  return parts;
}

std::vector<StratumParts> all_strata(const JudgedChoices& judged, const StandardRecord& record, WeightedMeans& means) {
  std::vector<StratumParts> strata;
  const auto add = [&](const char* name, const auto& value_of) {
    std::vector<double> value;
    for (const JudgedChoice& row : judged.row) value.push_back(value_of(row));
    strata.push_back(stratum_parts(name, judged, value, means));
  };
  add("popularity", [&](const JudgedChoice& row) { return record.exposures[row.video]; });
  add("item-mean", [&](const JudgedChoice& row) { return record.mean_ratio[row.video]; });
  add("duration", [&](const JudgedChoice& row) { return record.duration_s[row.video]; });
  add("activity", [&](const JudgedChoice& row) { return record.user_rows[row.log_user]; });
  add("expected", [&](const JudgedChoice& row) { return row.expected[kSeconds]; });
  return strata;
}

// F^(m-1) of each row, as a share of the largest one: the sum of weights divides them anyway, and nothing underflows.
std::vector<double> choice_weights(const JudgedChoices& judged, const VideoScore& score,
                                   std::span<const std::uint32_t> pool, std::size_t candidates) {
  std::vector<double> sorted;
  for (const std::uint32_t video : pool) sorted.push_back(score.of[video]);
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> share;
  for (const JudgedChoice& row : judged.row) {
    const double own = score.of[row.video];
    const auto below = std::lower_bound(sorted.begin(), sorted.end(), own) - sorted.begin();
    const auto at_most = std::upper_bound(sorted.begin(), sorted.end(), own) - sorted.begin();
    share.push_back(static_cast<double>(below + at_most) / (2.0 * static_cast<double>(sorted.size())));
  }
  const double largest = *std::max_element(share.begin(), share.end());
  for (double& x : share) x = std::pow(x / largest, static_cast<double>(candidates - 1));
  return share;
}

// A policy with the numbers of its two weighted means.
struct ValueParts {
  ChoiceValue value;
  std::size_t life = 0, expected = 0;
};

ValueParts value_parts(std::string policy, const JudgedChoices& judged, std::span<const double> weight,
                       WeightedMeans& means) {
  std::vector<double> life, expected;
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < judged.row.size(); ++i) {
    life.push_back(judged.row[i].life[kSeconds]);
    expected.push_back(judged.row[i].expected[kSeconds]);
    sum += weight[i], squares += weight[i] * weight[i];
  }
  ValueParts parts{.value = {.policy = std::move(policy), .effective_rows = sum * sum / squares}};
  parts.life = means.add(judged.row, life, weight), parts.expected = means.add(judged.row, expected, weight);
  parts.value.life = means.mean(parts.life), parts.value.expected = means.mean(parts.expected);
  return parts;
}

// The sign of a - b; what differs by no more than sums are rounded is equal.
int order_of(double a, double b) {
  constexpr double kRounding = 1e-9;
  if (std::abs(a - b) <= kRounding * (std::abs(a) + std::abs(b))) return 0;
  return a > b ? 1 : -1;
}

// Over all pairs of policies, or those that life tells apart.
ChoiceOrder choice_order(const std::vector<ValueParts>& policies, const WeightedMeans& means, bool told_apart) {
  ChoiceOrder order;
  for (std::size_t a = 1; a < policies.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const int life = order_of(policies[a].value.life, policies[b].value.life);
      const Interval apart = means.difference_of(policies[a].life, policies[b].life);
      if (told_apart && (life == 0 || !(apart.low > 0.0 || apart.high < 0.0))) continue;
      ++order.pairs;
      order.tau += life * order_of(policies[a].value.expected, policies[b].value.expected);
    }
  }
  order.tau = order.pairs > 0 ? order.tau / static_cast<double>(order.pairs) : kUndefined;
  return order;
}

}  // namespace

ChoiceReport check_choices(const Dataset& data, std::span<const ExpectedAnswer> answers, const ChoiceOptions& options) {
  const JudgedChoices judged = judged_choices(data, answers);
  const StandardRecord record = standard_record(data, options.known_until);
  const std::vector<std::uint32_t> pool = random_pool(data);
  WeightedMeans means(judged.users);
  std::vector<StratumParts> strata = all_strata(judged, record, means);
  const std::vector<double> alike(judged.row.size(), 1.0);
  std::vector<ValueParts> policies;
  policies.push_back(value_parts("random", judged, alike, means));
  for (const VideoScore& score : video_scores(record))
    policies.push_back(value_parts(score.name, judged, choice_weights(judged, score, pool, options.candidates), means));
  means.draw(options);

  ChoiceReport report{.rows = judged.row.size(),
                      .users = judged.users,
                      .pool = pool.size(),
                      .candidates = options.candidates,
                      .resamples = options.resamples,
                      .known_until = options.known_until};
  for (StratumParts& parts : strata) {
    for (std::size_t f = 0; f < kChoiceCount; ++f)
      parts.stratum.excess[f] = means.difference_of(parts.upper[f], parts.lower[f]);
    report.strata.push_back(std::move(parts.stratum));
  }
  const ValueParts random = policies.front();
  for (ValueParts& parts : policies) {
    parts.value.life_lift = means.difference_of(parts.life, random.life);
    parts.value.expected_lift = means.difference_of(parts.expected, random.expected);
    parts.value.gap = means.contrast(parts.life, random.life, parts.expected, random.expected);
    report.policies.push_back(parts.value);
  }
  report.all = choice_order(policies, means, false);
  report.told_apart = choice_order(policies, means, true);
  return report;
}

}  // namespace swipegym
