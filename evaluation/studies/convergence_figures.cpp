#include "evaluation/studies/convergence_figures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "evaluation/metrics/mean_variance.h"

namespace swipegym {
namespace {

constexpr std::size_t kResamples = 1000;

using Cells = std::vector<const CellResult*>;

double mean_reward(const std::vector<float>& rewards, std::size_t first) {
  return std::accumulate(rewards.begin(), rewards.begin() + static_cast<std::ptrdiff_t>(first), 0.0) /
         static_cast<double>(first);
}

// Random's reward, and what the oracle earns above it on the sessions both played.
struct ReturnScale {
  double random = 0.0, gap = 0.0;
  double normalise(double reward) const { return (reward - random) / gap; }
};

const std::vector<float>& rewards_of(const ConvergenceMeasurements& measured, std::size_t size,
                                     const std::string& name) {
  const auto& all = measured.baselines.at(size);
  return std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; })->rewards;
}

ReturnScale scale_of(const ConvergenceMeasurements& measured, std::size_t size) {
  const std::vector<float>& random = rewards_of(measured, size, "random");
  const std::vector<float>& oracle = rewards_of(measured, size, "oracle");
  return {mean_reward(random, random.size()), mean_reward(oracle, oracle.size()) - mean_reward(random, oracle.size())};
}

Measure measure_of(const std::vector<const std::vector<float>*>& seeds, std::size_t items) {
  Measure measure{.seeds = seeds.size(), .items = items, .numerator = {}, .denominator = {}};
  for (const std::vector<float>* rewards : seeds)
    measure.numerator.insert(measure.numerator.end(), rewards->begin(),
                             rewards->begin() + static_cast<std::ptrdiff_t>(items));
  return measure;
}

struct Figures {
  Interval reward, normalised, above_popularity;
};

// A policy's rewards against the baselines of its size, on common sessions. The oracle may have played fewer: its gap
// to random choice is then resampled apart.
Figures interval_figures(const ConvergenceMeasurements& measured, std::size_t size,
                         const std::vector<const std::vector<float>*>& seeds, int threads) {
  const std::vector<float>& random = rewards_of(measured, size, "random");
  const std::vector<float>& popularity = rewards_of(measured, size, "popularity");
  const std::vector<float>& oracle = rewards_of(measured, size, "oracle");
  const RandomKey key = split(make_key(measured.config.session_seed), Draw::kBatch);
  const BootstrapOptions options{.resamples = kResamples, .threads = threads};
  const std::size_t items = seeds[0]->size();
  const std::vector<Measure> mine = {measure_of(seeds, items), measure_of({&random}, items),
                                     measure_of({&popularity}, items)};
  const std::vector<std::vector<double>> draws = bootstrap(mine, key, options);
  Figures out;
  out.reward = percentile_interval(mine[0].value(), draws[0]);
  const std::vector<Measure> ends = {measure_of({&random}, oracle.size()), measure_of({&oracle}, oracle.size())};
  const bool same_sessions = oracle.size() == items;
  const std::vector<std::vector<double>> ends_draws = bootstrap(ends, same_sessions ? key : split(key, 1), options);
  std::vector<double> normalised(kResamples);
  for (std::size_t i = 0; i < kResamples; ++i)
    normalised[i] = (draws[0][i] - draws[1][i]) / (ends_draws[1][i] - ends_draws[0][i]);
  const double gap = ends[1].value() - ends[0].value();
  out.normalised = percentile_interval((mine[0].value() - mine[1].value()) / gap, std::move(normalised));
  out.above_popularity = percentile_interval(mine[0].value() - mine[2].value(), difference(draws[0], draws[2]));
  return out;
}

bool has_diverged(const CellResult& cell, double longest_return) {
  for (const CurvePoint& point : cell.curve)
    if (!std::isfinite(point.loss) || !std::isfinite(point.promised) || point.largest > 10.0 * longest_return)
      return true;
  return false;
}

std::vector<std::pair<double, double>> normalised_curve(const CellResult& cell, const ReturnScale& scale) {
  std::vector<std::pair<double, double>> curve;
  for (const CurvePoint& point : cell.curve)
    curve.emplace_back(static_cast<double>(point.env_steps), scale.normalise(point.reward));
  return curve;
}

// The points of a curve's last fifth, at least two where there are two.
std::size_t tail_of(std::size_t points) {
  return std::min(points, std::max<std::size_t>(2, points / 5));
}

// Slope and its standard error of y over 0, 1, ...
std::pair<double, double> line(const std::vector<double>& y) {
  const auto n = static_cast<double>(y.size());
  const double middle = (n - 1.0) / 2.0, mean = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0.0, xy = 0.0, rest = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double x = static_cast<double>(i) - middle;
    xx += x * x, xy += x * (y[i] - mean);
  }
  const double slope = xy / xx;
  for (std::size_t i = 0; i < y.size(); ++i)
    rest += std::pow(y[i] - mean - slope * (static_cast<double>(i) - middle), 2);
  return {slope, y.size() > 2 ? std::sqrt(rest / (n - 2.0) / xx) : 0.0};
}

// Level: over the seeds, the slopes of the last fifth hold 0 within a standard error; and the seeds end close together.
bool has_converged(const std::vector<std::vector<std::pair<double, double>>>& curves) {
  MeanVariance slopes;
  double least = 1e300, most = -1e300;
  MeanVariance plateau;
  for (const auto& curve : curves) {
    const std::size_t tail = tail_of(curve.size());
    std::vector<double> y;
    for (std::size_t i = curve.size() - tail; i < curve.size(); ++i) y.push_back(curve[i].second);
    if (y.size() < 2 || !std::isfinite(line(y).first)) return false;  // without a scale there is no curve
    slopes.add(line(y).first);
    const double end = std::accumulate(y.begin(), y.end(), 0.0) / static_cast<double>(y.size());
    plateau.add(end);
    least = std::min(least, end), most = std::max(most, end);
  }
  return std::abs(slopes.mean()) <= slopes.standard_error() && most - least < 0.1 * std::abs(plateau.mean());
}

double average(const Cells& cells, const std::function<double(const CellResult&)>& figure) {
  double sum = 0.0;
  for (const CellResult* cell : cells) sum += figure(*cell);
  return sum / static_cast<double>(cells.size());
}

ConvergenceRow row_of(const ConvergenceMeasurements& measured, std::size_t size, const std::string& agent,
                      const Cells& cells, int threads) {
  ConvergenceRow row;
  row.size = std::min(size, measured.num_videos);
  row.agent = agent;
  std::vector<const std::vector<float>*> finals;
  for (const CellResult* cell : cells) finals.push_back(&cell->final_reward);
  const Figures figures = interval_figures(measured, size, finals, threads);
  row.reward = figures.reward, row.normalised = figures.normalised, row.above_popularity = figures.above_popularity;

  const ReturnScale scale = scale_of(measured, size);
  double longest = 0.0;
  for (const auto& one : measured.baselines.at(size))
    for (const float reward : one.rewards) longest = std::max(longest, static_cast<double>(reward));
  std::vector<std::vector<std::pair<double, double>>> curves;
  double log_steps = 0.0;
  for (const CellResult* cell : cells) {
    curves.push_back(normalised_curve(*cell, scale));
    row.diverged += has_diverged(*cell, longest);
    if (const double steps = steps_to_80(curves.back()); steps > 0.0) {
      log_steps += std::log(steps);
      ++row.reached_80;
    }
  }
  if (row.reached_80 > 0) row.steps_to_80 = std::exp(log_steps / static_cast<double>(row.reached_80));
  row.converged = row.diverged == 0 && has_converged(curves);

  const auto last = [](const CellResult& cell) -> const CurvePoint& { return cell.curve.back(); };
  row.over_estimation = average(cells, [&](const CellResult& c) { return last(c).promised - last(c).discounted; });
  row.realised = average(cells, [&](const CellResult& c) { return last(c).discounted; });
  row.largest = average(cells, [&](const CellResult& c) { return last(c).largest; });
  row.loss = average(cells, [&](const CellResult& c) { return last(c).loss; });
  row.gradient_norm = average(cells, [&](const CellResult& c) { return last(c).gradient_norm; });
  row.visits_gini = average(cells, [](const CellResult& c) { return c.visits_gini; });
  row.tried = average(cells, [](const CellResult& c) { return c.tried; });
  row.seconds = average(cells, [&](const CellResult& c) { return last(c).seconds; });
  row.steps_per_s =
      average(cells, [&](const CellResult& c) { return static_cast<double>(last(c).env_steps) / last(c).seconds; });
  row.update_ms = average(cells, [&](const CellResult& c) {
    return 1e3 * last(c).seconds / static_cast<double>(std::max<std::int64_t>(1, last(c).updates));
  });
  row.replay_mb = average(cells, [](const CellResult& c) { return static_cast<double>(c.replay_bytes) / 1e6; });
  row.network_mb = average(cells, [](const CellResult& c) { return static_cast<double>(c.network_bytes) / 1e6; });
  return row;
}

Cells cells_of(const ConvergenceMeasurements& measured, std::size_t size, const std::string& agent) {
  Cells cells;
  for (const auto& [cell, result] : measured.cells)
    if (cell.size == size && cell.agent == agent) cells.push_back(&result);
  return cells;
}

// A figure of one seed at each size, against log10 of the size; sizes without a figure are left out.
ConvergenceSlope slope_of(const ConvergenceMeasurements& measured, const std::string& agent, const std::string& name,
                          const std::function<double(const CellResult&, const ReturnScale&)>& figure) {
  std::vector<double> x;
  std::vector<std::vector<double>> y;  // [sizes][seeds that have it]
  for (const auto& one : measured.baselines) {
    std::vector<double> here;
    for (const CellResult* cell : cells_of(measured, one.first, agent))
      if (const double value = figure(*cell, scale_of(measured, one.first)); std::isfinite(value))
        here.push_back(value);
    if (here.empty()) continue;
    x.push_back(std::log10(static_cast<double>(std::min(one.first, measured.num_videos))));
    y.push_back(std::move(here));
  }
  ConvergenceSlope out{.agent = agent, .figure = name, .slope = {}, .sizes = x.size()};
  if (x.size() < 2) return out;
  const double middle = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  double xx = 0.0;
  for (const double value : x) xx += (value - middle) * (value - middle);
  const auto fit = [&](const std::function<double(std::size_t)>& mean) {
    double xy = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) xy += (x[i] - middle) * mean(i);
    return xy / xx;
  };
  RandomStream random(split(make_key(measured.config.session_seed), Draw::kAction));
  std::vector<double> draws(kResamples);
  for (double& draw : draws)
    draw = fit([&](std::size_t i) {
      double sum = 0.0;
      for (std::size_t k = 0; k < y[i].size(); ++k) sum += y[i][random.below(static_cast<std::uint32_t>(y[i].size()))];
      return sum / static_cast<double>(y[i].size());
    });
  const double mean = fit(
      [&](std::size_t i) { return std::accumulate(y[i].begin(), y[i].end(), 0.0) / static_cast<double>(y[i].size()); });
  out.slope = percentile_interval(mean, std::move(draws));
  return out;
}

}  // namespace

std::pair<double, double> baseline_scale(const ConvergenceMeasurements& measured, std::size_t size) {
  const ReturnScale scale = scale_of(measured, size);
  return {scale.random, scale.gap};
}

double steps_to_80(const std::vector<std::pair<double, double>>& curve) {
  if (curve.empty()) return 0.0;
  const std::size_t tail = tail_of(curve.size());
  double plateau = 0.0;
  for (std::size_t i = curve.size() - tail; i < curve.size(); ++i)
    plateau += curve[i].second / static_cast<double>(tail);
  if (!(plateau > 0.0)) return 0.0;
  const double bar = 0.8 * plateau;
  double steps = 0.0, before = 0.0;
  for (const auto& [at, value] : curve) {
    if (value >= bar) return steps + (at - steps) * (bar - before) / (value - before);
    steps = at, before = value;
  }
  return 0.0;
}

ConvergenceReport convergence_figures(const ConvergenceMeasurements& measured, const std::vector<std::string>& agents,
                                      int threads) {
  ConvergenceReport report;
  for (const auto& [size, lines] : measured.baselines) {
    for (const MeasuredBaseline& one : lines) {
      const Figures figures = interval_figures(measured, size, {&one.rewards}, threads);
      report.baselines.push_back(
          {std::min(size, measured.num_videos), one.name, figures.reward, figures.normalised, one.recall});
    }
    for (const std::string& agent : agents)  // one that chooses among what is retrieved is there for all videos alone
      if (const Cells cells = cells_of(measured, size, agent); !cells.empty())
        report.rows.push_back(row_of(measured, size, agent, cells, threads));
  }
  for (const std::string& agent : agents) {
    report.slopes.push_back(
        slope_of(measured, agent, "log10 steps to 80 %", [](const CellResult& c, const ReturnScale& scale) {
          const double steps = steps_to_80(normalised_curve(c, scale));
          return steps > 0.0 ? std::log10(steps) : std::nan("");
        }));
    report.slopes.push_back(
        slope_of(measured, agent, "normalised return",
                 [](const CellResult& c, const ReturnScale& scale) { return scale.normalise(c.curve.back().reward); }));
    report.slopes.push_back(slope_of(measured, agent, "over-estimation", [](const CellResult& c, const ReturnScale&) {
      return c.curve.back().promised - c.curve.back().discounted;
    }));
  }
  return report;
}

}  // namespace swipegym
