#include "env/fitted/exposure_shift.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>

#include "env/fitted/exposure_prior.h"
#include "env/fitted/exposure_rows.h"
#include "env/fitted/published_aggregates.h"
#include "nn/losses.h"

namespace swipegym {

namespace {

// With a month's earlier random rows among them, before which histories are short, the days to come would be missed by
// 2 %.
constexpr std::size_t kNewestRows = 60000;

struct Masses {
  double middle = 0, upper = 0, complete = 0, ratio = 0;
};

// What a uniform policy would see.
Masses measure(const FittedParts& parts, const ExposureRows& rows, const Matrix& p) {
  Masses sum;
  std::array<float, WatchGrid::kBins> play{};
  for (Eigen::Index i = 0; i < p.rows(); ++i) {
    const auto from = [&](std::size_t s) {
      return p.row(i)
          .segment(static_cast<Eigen::Index>(WatchGrid::kFirst[s]), static_cast<Eigen::Index>(WatchGrid::kBinsOf[s]))
          .sum();
    };
    const std::int32_t duration = rows.shown[static_cast<std::size_t>(i)].duration_ms;
    sum.middle += from(2), sum.upper += from(3), sum.complete += from(4) + from(5);
    parts.encoder.grid.mean_play_ms(duration, play);
    double mean = 0;
    for (std::size_t k = 0; k < WatchGrid::kBins; ++k) mean += p(i, static_cast<Eigen::Index>(k)) * play[k];
    sum.ratio += mean / duration;
  }
  const auto n = static_cast<double>(p.rows());
  return {sum.middle / n, sum.upper / n, sum.complete / n, sum.ratio / n};
}

// [rows, kBins] of rows under these effects.
Matrix watch_of(const ExposureRows& rows, const Matrix& features, const EffectTable& effects) {
  const Matrix shift = features * effects.cast<float>();
  Matrix p = rows.logits + shift * exposure_directions();
  softmax_rows<float>(p);
  return p;
}

// The constants that bring uniform draws to the published rates beside the other effects, by damped multiplicative
// steps.
void put_published_constants(const FittedParts& parts, const ExposureRows& uniform, const Matrix& features,
                             EffectTable& effects) {
  // The completion segments begin at 97 % of the duration, a little below the published "complete".
  const double complete = 1.12 * kRandomExposure.complete;
  const Masses target{kRandomExposure.click - kRandomExposure.long_view, kRandomExposure.long_view - complete, complete,
                      kRandomExposure.watch_ratio};
  const auto step = [](double want, double have) {
    return std::clamp(std::log(want / std::max(have, 1e-6)), -1.0, 1.0);
  };
  auto constants = effects.row(0);
  for (int i = 0; i < 30; ++i) {
    const Masses have = measure(parts, uniform, watch_of(uniform, features, effects));
    constants(1) += step(target.middle, have.middle);
    constants(2) += step(target.upper, have.upper);
    constants(3) += step(target.complete, have.complete);
    constants(4) = constants(3);
    constants(5) = std::clamp(constants(5) + 0.7 * step(target.ratio, have.ratio), -1.5, 1.5);
  }
}

double published_rate(std::size_t signal) {
  switch (static_cast<Signal>(signal)) {
    case Signal::kClick:
      return kRandomExposure.click;
    case Signal::kLike:
      return kRandomExposure.like;
    case Signal::kFollow:
      return kRandomExposure.follow;
    case Signal::kComment:
      return kRandomExposure.comment;
    case Signal::kForward:
      return kRandomExposure.forward;
    case Signal::kHate:
      return kRandomExposure.hate;
    case Signal::kProfile:
      return kRandomExposure.profile;
    case Signal::kLongView:
      break;
  }
  return 0.0;  // decided by the play time; its slot holds the leave logit, which exposure does not shift
}

using Rates = std::array<double, kNumSignals>;

// Rates of the signals of these rows under their watch distributions `p`.
Rates rates_under(const FittedParts& parts, const ExposureRows& rows, const Matrix& p) {
  Rates out{};
  std::array<float, kNumSignals> probability{};
  for (Eigen::Index row = 0; row < p.rows(); ++row) {
    const Matrix feedback = rows.feedback.row(row) + parts.network.feedback_shift.row(0);
    const Shown& shown = rows.shown[static_cast<std::size_t>(row)];
    signal_probabilities(parts.network, {&p(row, 0), WatchGrid::kBins}, {feedback.data(), kNumSignals}, shown.tab,
                         shown.duration_ms, 0.0F, probability);
    for (std::size_t s = 0; s < kNumSignals; ++s) out[s] += static_cast<double>(probability[s]);
  }
  for (double& rate : out) rate /= static_cast<double>(p.rows());
  return out;
}

// Constants that bring the signals of these rows to the wanted rates, each by the secant method on logarithms: the
// watch decides most clicks, which a constant therefore moves little. A rate of 0 is not wanted.
void shift_signals(FittedParts& parts, const ExposureRows& rows, const Matrix& p, const Rates& wanted) {
  Rates before{}, step{}, slope;
  slope.fill(1.0);
  for (int i = 0; i < 15; ++i) {
    const Rates have = rates_under(parts, rows, p);
    double worst = 0.0;
    for (std::size_t s = 0; s < kNumSignals; ++s) {
      if (wanted[s] <= 0.0) continue;
      const double rate = std::log(std::max(have[s], 1e-7)), miss = std::log(wanted[s]) - rate;
      if (i > 0 && std::abs(step[s]) > 1e-6) slope[s] = std::clamp((rate - before[s]) / step[s], 0.02, 1.5);
      step[s] = std::clamp(miss / slope[s], -1.0, 1.0);
      parts.network.feedback_shift(0, static_cast<Eigen::Index>(s)) += static_cast<float>(step[s]);
      before[s] = rate;
      worst = std::max(worst, std::abs(miss));
    }
    if (worst < 1e-3) break;
  }
}

// Between what is said of these rows and what they were: a gamma prior on the rate given the watch, against as many
// independent rows as the spread of users' sums tells.
Rates rates_given(const ExposureRows& rows, const Rates& said) {
  constexpr double kClickShape = 100.0, kRareShape = 16.0;  // relative deviations of 10 % and 25 %
  const auto n = static_cast<double>(rows.shown.size());
  Rates out{};
  for (std::size_t s = 0; s < kNumSignals; ++s) {
    const auto signal = static_cast<Signal>(s);
    if (signal == Signal::kLongView) continue;
    double yes = 0.0;
    for (const SignalBits signals : rows.signals) yes += has(signals, signal) ? 1.0 : 0.0;
    const double rate = yes / n;
    double squares = 0.0, miss = 0.0;
    for (std::size_t i = 0; i < rows.shown.size(); ++i) {
      miss += (has(rows.signals[i], signal) ? 1.0 : 0.0) - rate;
      if (i + 1 < rows.shown.size() && rows.shown[i + 1].user == rows.shown[i].user) continue;
      squares += miss * miss, miss = 0.0;
    }
    const double effect = std::max(1.0, squares / std::max(n * rate * (1.0 - rate), 1.0));
    const double shape = signal == Signal::kClick ? kClickShape : kRareShape;
    out[s] = (yes / effect + shape) / (n / effect + shape / std::max(said[s], 1e-7));
  }
  return out;
}

// Of each row by the network's own answer: the log odds of passing the click's threshold.
Eigen::VectorXd click_odds(const ExposureRows& rows) {
  Matrix p = rows.logits;
  softmax_rows<float>(p);
  const auto past = static_cast<Eigen::Index>(WatchGrid::kBins - WatchGrid::kFirst[2]);
  Eigen::VectorXd out(p.rows());
  for (Eigen::Index i = 0; i < p.rows(); ++i) {
    const double pass = std::clamp(static_cast<double>(p.row(i).tail(past).sum()), 1e-4, 1.0 - 1e-4);
    out(i) = std::log(pass / (1.0 - pass));
  }
  return out;
}

// The network's own forecast of a row as a number linear in its top layer: click_odds() by least squares over uniform
// pairs, in units of its deviation. [watch_top + 1], the last its constant.
Eigen::VectorXf forecast_weights(const ExposureRows& uniform) {
  const Eigen::Index n = uniform.top.rows(), top = uniform.top.cols();
  const Eigen::VectorXd odds = click_odds(uniform);
  Eigen::MatrixXd x(n, top + 1);
  x.leftCols(top) = uniform.top.cast<double>();
  x.col(top).setOnes();
  const Eigen::MatrixXd ridge = Eigen::MatrixXd::Identity(top + 1, top + 1) * (1e-3 * static_cast<double>(n));
  Eigen::VectorXd w = (x.transpose() * x + ridge).ldlt().solve(x.transpose() * odds);
  const Eigen::VectorXd said = x * w;
  const double mean = said.mean(), deviation = std::max(std::sqrt((said.array() - mean).square().mean()), 0.05);
  w(top) -= mean;
  return (w / deviation).cast<float>();
}

// What a deviation of exposures adds to the log odds of passing the click's threshold in the network's own answers to
// uniform pairs, other terms alike: least squares.
double logged_exposures(const ExposureRows& uniform, const Matrix& features) {
  const Eigen::VectorXd odds = click_odds(uniform);
  Eigen::MatrixXd x = features.cast<double>();
  x.col(kForecast).setZero();
  const Eigen::MatrixXd ridge = Eigen::MatrixXd::Identity(x.cols(), x.cols());
  const Eigen::VectorXd slope = (x.transpose() * x + ridge).ldlt().solve(x.transpose() * odds);
  return slope(2 + static_cast<Eigen::Index>(ExposureTerm::kExposures));
}

// [rows, kExposureFeatures]
Matrix features_of(const ExposureRows& rows, const Eigen::VectorXf& forecast, const ExposureEffects& effects) {
  const Eigen::Index n = rows.top.rows(), top = rows.top.cols();
  Matrix out(n, kExposureFeatures);
  out.col(0).setOnes();
  out.col(kForecast) = (rows.top * forecast.head(top)).array() + forecast(top);
  for (Eigen::Index i = 0; i < n; ++i)
    effects.terms(rows.numbers(i, 0), rows.numbers(i, 1), rows.numbers(i, 2), rows.numbers(i, 3),
                  {&out(i, 2), kExposureTerms});
  return out;
}

void put_units(const ExposureRows& uniform, ExposureEffects& effects) {
  for (std::size_t k = 0; k < effects.centre.size(); ++k) {
    const auto column = uniform.numbers.col(static_cast<Eigen::Index>(k)).cast<double>().array();
    const double mean = column.mean();
    effects.centre[k] = static_cast<float>(mean);
    effects.deviation[k] = static_cast<float>(std::max(std::sqrt((column - mean).square().mean()), 0.05));
  }
}

void put_effects(const EffectTable& effects, const Eigen::VectorXf& forecast, ResponseNetwork& network) {
  const Matrix on_bins = effects.cast<float>() * exposure_directions();  // [kExposureFeatures, kBins]
  network.watch_shift = forecast * on_bins.row(kForecast);
  network.watch_shift.bottomRows(1) += on_bins.row(0);
  network.effects.weight = effects.bottomRows(kExposureTerms).cast<float>();
}

struct FittedEffects {
  double logged = 0.0;  // see logged_exposures
  EffectPrior prior;    // with its constants
  EffectPosterior posterior;
  ExposureRows uniform, random;
  Matrix of_uniform, of_random;  // features
};

FittedEffects fit_watch(FittedParts& parts, const FitLog& log, const Catalogue& catalogue, const EffectPrior& prior,
                        std::uint64_t seed) {
  FittedEffects out{.prior = prior,
                    .posterior = {},
                    .uniform = uniform_pairs(parts, log, catalogue, seed),
                    .random = random_rows(parts, log, day_of_last_random_rows(log, kNewestRows)),
                    .of_uniform = {},
                    .of_random = {}};
  put_units(out.uniform, parts.network.effects);
  const Eigen::VectorXf forecast = forecast_weights(out.uniform);
  out.of_uniform = features_of(out.uniform, forecast, parts.network.effects);
  out.of_random = features_of(out.random, forecast, parts.network.effects);
  out.logged = logged_exposures(out.uniform, out.of_uniform);
  out.prior.mean.row(2 + static_cast<Eigen::Index>(ExposureTerm::kExposures)).segment<4>(1).array() +=
      prior.logged_exposures - out.logged;
  put_published_constants(parts, out.uniform, out.of_uniform, out.prior.mean);
  ExposureSample sample{.logits = out.random.logits, .features = out.of_random, .bin = out.random.bin, .user = {}};
  for (const Shown& shown : out.random.shown) sample.user.push_back(index_of(shown.user));
  out.posterior = effect_posterior(sample, out.prior);
  put_effects(out.posterior.mean, forecast, parts.network);
  return out;
}

// What exposures do to the log odds of passing the click's threshold: the mean over its segments.
double of_exposures(const EffectTable& effects) {
  return effects.row(2 + static_cast<Eigen::Index>(ExposureTerm::kExposures)).segment(1, 4).mean();
}

// A network with a member's tables as its own.
FittedParts with_tables_of(const FittedParts& parts, std::size_t member) {
  FittedParts out = parts;
  const MemberTables& own = parts.members[member];
  out.network.table.value = own.table;
  out.network.first.weight.value.bottomRows(own.dense.rows()) = own.dense;
  out.network.first.bias.value = own.bias;
  out.members.clear();
  return out;
}

// Each member's effects are drawn from a posterior of its own, beside its own forecasts; multiples of the forecast are
// the network's for all. The draws' mean is taken off: members lie around what is held likeliest.
void draw_effects_of_members(FittedParts& parts, const FitLog& log, const Catalogue& catalogue,
                             const EffectPrior& prior, const EffectTable& of_network, std::uint64_t seed) {
  constexpr std::uint64_t kEffectDraws = 0x656666656374ULL;  // child of the seed's key
  const auto terms = static_cast<Eigen::Index>(kExposureTerms);
  const std::size_t members = parts.members.size();
  std::vector<EffectTable> drawn;
  EffectTable off = EffectTable::Zero();  // the mean of the draws, less the means that they were drawn around
  for (std::size_t m = 0; m < members; ++m) {
    FittedParts own = with_tables_of(parts, m);
    const EffectPosterior posterior = fit_watch(own, log, catalogue, prior, seed).posterior;
    drawn.push_back(draw_effects(
        posterior, RandomStream(split(split(make_key(seed), kEffectDraws), static_cast<std::uint64_t>(m)))));
    off += (drawn.back() - posterior.mean) / static_cast<double>(members);
  }
  for (std::size_t m = 0; m < members; ++m) {
    const EffectTable own = drawn[m] - off;
    Matrix& effects = parts.members[m].effects;
    effects.topRows(terms) = own.bottomRows(terms).cast<float>();
    effects.row(terms) = (own.row(0) - of_network.row(0)).cast<float>();
  }
}

}  // namespace

WatchEffects fit_effects(FittedParts& parts, const FitLog& log, const Catalogue& catalogue, const EffectPrior& prior,
                         std::uint64_t seed) {
  const FittedEffects fit = fit_watch(parts, log, catalogue, prior, seed);
  return {fit.posterior, fit.logged};
}

ExposureEvidence fit_exposure(FittedParts& parts, const FitLog& log, const Catalogue& catalogue,
                              const ShiftConfig& config) {
  EffectPrior prior = learned_effect_prior();
  prior.deviation *= config.feature_deviation;
  prior.deviation.row(0).setConstant(config.constant_deviation);
  const FittedEffects fit = fit_watch(parts, log, catalogue, prior, config.seed);
  // Signals follow the watch: what is published of them is met under the watch that the prior has.
  const Matrix of_uniform = watch_of(fit.uniform, fit.of_uniform, fit.prior.mean);
  Rates published;
  for (std::size_t s = 0; s < kNumSignals; ++s) published[s] = published_rate(s);
  shift_signals(parts, fit.uniform, of_uniform, published);
  if (!fit.random.shown.empty()) {
    const Matrix p = watch_of(fit.random, fit.of_random, fit.posterior.mean);
    shift_signals(parts, fit.random, p, rates_given(fit.random, rates_under(parts, fit.random, p)));
  }
  draw_effects_of_members(parts, log, catalogue, prior, fit.posterior.mean, config.seed);
  ExposureEvidence out{.random_rows = log.random_rows, .from_rows = fit.posterior.from_rows.mean()};
  for (std::size_t user = 0; user + 1 < log.offset.size(); ++user) {
    bool any = false;
    for (std::uint64_t at = log.offset[user]; at < log.offset[user + 1] && log.in_fold[user] && !any; ++at)
      any = log.data.log.is_random[log.row[at]] != 0 && log.event[at].known;
    out.users += any ? 1 : 0;
  }
  out.of_exposures = of_exposures(fit.posterior.mean), out.prior_of_exposures = of_exposures(fit.prior.mean);
  return out;
}

}  // namespace swipegym
