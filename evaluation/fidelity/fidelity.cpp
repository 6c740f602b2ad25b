#include "evaluation/fidelity/fidelity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "evaluation/metrics/mean_variance.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kSmallestGroup = 300;
constexpr std::size_t kDeciles = 10;
constexpr std::size_t kLevelsPerBin = 5;  // 5 % of the past rows a bin of the log score

std::vector<double> log_score_edges(const ReferenceCell& marginal) {
  std::vector<double> edges = {0.0};
  for (std::size_t i = kLevelsPerBin - 1; i < kQuantiles; i += kLevelsPerBin)
    if (marginal.quantile[i] > edges.back()) edges.push_back(marginal.quantile[i]);
  return edges;
}

// Bin 0 is the atom at 0; bin k holds edges[k - 1] < ratio <= edges[k]; the last one has no upper edge.
double bin_probability(const std::vector<double>& edges, Quantiles quantiles, double ratio) noexcept {
  const auto bin = static_cast<std::size_t>(std::lower_bound(edges.begin(), edges.end(), ratio) - edges.begin());
  const double below = bin == 0 ? 0.0 : cdf_from_quantiles(quantiles, edges[bin - 1]);
  const double up_to = bin == edges.size() ? 1.0 : cdf_from_quantiles(quantiles, edges[bin]);
  // Quantiles resolve a hundredth; what they call impossible is taken as a thousandth.
  return std::max(up_to - below, 1e-3);
}

double largest_gap(const std::vector<GroupGap>& groups) {
  double largest = groups.empty() ? kUndefined : 0.0;
  for (const GroupGap& group : groups) largest = std::max(largest, std::abs(group.real - group.drawn));
  return largest;
}

bool agree(const MeanVariance& a, const MeanVariance& b) {
  // Equal means agree even where nothing varies; the tolerance is for the rounding of sums.
  return std::abs(a.mean() - b.mean()) <= 3.0 * std::hypot(a.standard_error(), b.standard_error()) + 1e-9;
}

}  // namespace

double FidelityReport::crps_above_truth() const noexcept {
  return truth && truth->crps > 0.0 ? simulator.crps / truth->crps - 1.0 : std::numeric_limits<double>::quiet_NaN();
}

double cdf_from_quantiles(Quantiles quantiles, double x) noexcept {
  const auto above = std::upper_bound(quantiles.begin(), quantiles.end(), static_cast<float>(x));
  const auto index = static_cast<std::size_t>(above - quantiles.begin());  // quantiles at most x
  const double low_value = index == 0 ? 0.0 : quantiles[index - 1];
  const double low_level = index == 0 ? 0.0 : quantile_level(index - 1);
  const double high_value =
      index == kQuantiles ? std::max<double>(kJudgedRatioCap, quantiles[kQuantiles - 1]) : quantiles[index];
  const double high_level = index == kQuantiles ? 1.0 : quantile_level(index);
  if (x >= high_value) return high_level;
  if (x < 0.0 || high_value <= low_value) return low_level;
  return low_level + (high_level - low_level) * (x - low_value) / (high_value - low_value);
}

FidelityScorer::FidelityScorer(const Dataset& data, const JudgedWindow& window)
    : data_(data), window_(window), references_(data, window), bin_edges_(log_score_edges(references_.marginal())) {}

void FidelityScorer::add_to(Collected& collected, Quantiles quantiles, std::span<const float, kNumSignals> probability,
                            double ratio) {
  collected.quantiles.add(quantiles, ratio);
  collected.log_score += std::log(bin_probability(bin_edges_, quantiles, ratio));
  for (std::size_t s = 0; s < kNumSignals; ++s) collected.probability[s].push_back(probability[s]);
}

void FidelityScorer::add(const RowPrediction& prediction) {
  const Log& log = data_.log;
  const std::size_t row = prediction.log_row;
  if (!is_judged(log, row, window_)) throw std::invalid_argument("FidelityScorer: a row outside the judged window");
  const double duration = log.duration_ms[row];
  const double ratio = log.play_ms[row] / duration;
  const double drawn = prediction.draw.play_ms / duration;
  add_to(simulator_, prediction.quantile, prediction.probability, ratio);
  const ReferenceCell& marginal = references_.marginal();
  add_to(marginal_, marginal.quantile, marginal.rate, ratio);
  const ReferenceCell& cell = references_.cell(log.tab[row], log.duration_ms[row]);
  add_to(cells_, cell.quantile, cell.rate, ratio);
  drawn_.add(prediction.quantile, drawn);
  pit_.add(index_of(log.user[row]), prediction.quantile, ratio);
  row_.push_back(static_cast<std::uint32_t>(row));
  drawn_ratio_.push_back(std::min(static_cast<float>(drawn), kJudgedRatioCap));
  drawn_signals_.push_back(prediction.draw.signals);
}

void FidelityScorer::add_truth(std::size_t log_row, Quantiles quantiles,
                               std::span<const float, kNumSignals> probability) {
  if (!is_judged(data_.log, log_row, window_))
    throw std::invalid_argument("FidelityScorer: a row outside the judged window");
  add_to(truth_, quantiles, probability,
         static_cast<double>(data_.log.play_ms[log_row]) / data_.log.duration_ms[log_row]);
  truth_row_.push_back(static_cast<std::uint32_t>(log_row));
}

PredictorScore FidelityScorer::score(std::string name, const Collected& collected,
                                     const std::vector<std::uint32_t>& rows) const {
  PredictorScore out{.name = std::move(name),
                     .crps = collected.quantiles.crps(),
                     .pit = collected.quantiles.pit_deviation(),
                     .log_score = collected.log_score / static_cast<double>(rows.size())};
  std::vector<std::uint32_t> user;
  std::vector<std::uint8_t> label(rows.size());
  for (const std::uint32_t row : rows) user.push_back(index_of(data_.log.user[row]));
  for (std::size_t s = 0; s < kNumSignals; ++s) {
    for (std::size_t i = 0; i < rows.size(); ++i) label[i] = data_.log.signals[rows[i]] >> s & 1U;
    out.signal[s] = score_binary(user, collected.probability[s], label);
  }
  return out;
}

std::array<std::vector<ReliabilityBin>, kNumSignals> FidelityScorer::reliability() const {
  std::array<std::vector<ReliabilityBin>, kNumSignals> out;
  std::vector<std::uint32_t> user;
  std::vector<std::uint8_t> label(row_.size());
  for (const std::uint32_t row : row_) user.push_back(index_of(data_.log.user[row]));
  for (std::size_t s = 0; s < kNumSignals; ++s) {
    for (std::size_t i = 0; i < row_.size(); ++i) label[i] = data_.log.signals[row_[i]] >> s & 1U;
    out[s] = reliability_bins(user, simulator_.probability[s], label);
  }
  return out;
}

std::vector<RatioHistogram> FidelityScorer::ratios_by_duration() const {
  std::vector<RatioRow> rows;
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const auto duration_ms = static_cast<float>(data_.log.duration_ms[row_[i]]);
    rows.push_back({.user = index_of(data_.log.user[row_[i]]),
                    .duration_s = duration_ms / 1000.0F,
                    .real = static_cast<float>(data_.log.play_ms[row_[i]]) / duration_ms,
                    .drawn = drawn_ratio_[i]});
  }
  return ratio_histograms(std::move(rows));
}

CellAgreement FidelityScorer::cell_agreement(const std::vector<std::uint32_t>& decile) const {
  struct Means {
    MeanVariance ratio, drawn_ratio, click, drawn_click;
  };
  std::map<std::pair<std::uint8_t, std::uint32_t>, Means> cells;
  const Log& log = data_.log;
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const std::uint32_t row = row_[i];
    Means& cell = cells[{log.tab[row], decile[i]}];
    cell.ratio.add(
        std::min(static_cast<double>(log.play_ms[row]) / log.duration_ms[row], static_cast<double>(kJudgedRatioCap)));
    cell.drawn_ratio.add(drawn_ratio_[i]);
    cell.click.add(has(log.signals[row], Signal::kClick) ? 1.0 : 0.0);
    cell.drawn_click.add(has(drawn_signals_[i], Signal::kClick) ? 1.0 : 0.0);
  }
  CellAgreement out;
  for (const auto& [key, cell] : cells) {
    if (cell.ratio.count() < kSmallestGroup) continue;
    const bool ratio = agree(cell.ratio, cell.drawn_ratio), click = agree(cell.click, cell.drawn_click);
    ++out.cells;
    out.ratio += ratio, out.click += click, out.both += ratio && click;
  }
  return out;
}

std::vector<GroupGap> FidelityScorer::gaps(const std::vector<std::uint32_t>& group_of_row,
                                           const std::vector<std::string>& names) const {
  std::vector<GroupGap> groups(names.size());
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const std::uint32_t row = row_[i];
    GroupGap& group = groups[group_of_row[i]];
    ++group.rows;
    group.real += std::min(static_cast<double>(data_.log.play_ms[row]) / data_.log.duration_ms[row],
                           static_cast<double>(kJudgedRatioCap));
    group.drawn += drawn_ratio_[i];
    group.real_click += has(data_.log.signals[row], Signal::kClick);
    group.drawn_click += has(drawn_signals_[i], Signal::kClick);
  }
  std::vector<GroupGap> large;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    GroupGap& group = groups[g];
    if (group.rows < kSmallestGroup) continue;
    const double n = static_cast<double>(group.rows);
    group.group = names[g];
    group.real /= n, group.drawn /= n, group.real_click /= n, group.drawn_click /= n;
    large.push_back(group);
  }
  return large;
}

FidelityReport FidelityScorer::finish() const {
  FidelityReport report{.window = window_, .rows = row_.size(), .simulator = score("simulator", simulator_, row_)};
  report.references = {score("marginal", marginal_, row_), score("tab_x_duration", cells_, row_)};
  if (!truth_row_.empty()) report.truth = score("truth", truth_, truth_row_);
  report.draw_pit = drawn_.pit_deviation();
  for (const SignalBits signals : drawn_signals_)
    for (std::size_t s = 0; s < kNumSignals; ++s) report.sampled_rate[s] += signals >> s & 1U;
  for (double& rate : report.sampled_rate) rate /= static_cast<double>(row_.size());

  std::unordered_set<std::uint32_t> users;
  std::vector<float> durations;
  for (const std::uint32_t row : row_) {
    users.insert(index_of(data_.log.user[row]));
    durations.push_back(static_cast<float>(data_.log.duration_ms[row]));
  }
  report.users = users.size();
  if (row_.empty()) return report;
  // What was judged, not what was asked for: an open window ends with the log.
  report.window.until = 0;
  for (const std::uint32_t row : row_) report.window.until = std::max(report.window.until, data_.log.date[row]);
  std::sort(durations.begin(), durations.end());
  std::vector<double> cuts;
  for (std::size_t d = 1; d < kDeciles; ++d) cuts.push_back(sample_quantile(durations, static_cast<double>(d) / 10.0));
  std::vector<std::string> tab_names, duration_names;
  for (int tab = 0; tab < 256; ++tab) tab_names.push_back(fmt::format("tab {}", tab));
  for (std::size_t d = 0; d < kDeciles; ++d)
    duration_names.push_back(fmt::format("{:.1f}-{:.1f} s", (d == 0 ? durations.front() : cuts[d - 1]) / 1000.0,
                                         (d == cuts.size() ? durations.back() : cuts[d]) / 1000.0));
  std::vector<std::uint32_t> tab(row_.size()), decile(row_.size());
  for (std::size_t i = 0; i < row_.size(); ++i) {
    tab[i] = data_.log.tab[row_[i]];
    const double duration = data_.log.duration_ms[row_[i]];
    decile[i] = static_cast<std::uint32_t>(std::upper_bound(cuts.begin(), cuts.end(), duration) - cuts.begin());
  }
  report.tabs = gaps(tab, tab_names);
  report.durations = gaps(decile, duration_names);
  report.cells = cell_agreement(decile);
  report.pit_histogram = pit_.shares();
  report.reliability = reliability();
  report.ratio_by_duration = ratios_by_duration();
  report.gap_tab = largest_gap(report.tabs);
  report.gap_duration = largest_gap(report.durations);
  return report;
}

}  // namespace swipegym
