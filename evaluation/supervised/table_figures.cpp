#include "evaluation/supervised/table_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "evaluation/metrics/ranking.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {
namespace {

double ratio_of(std::span<const float> top, std::span<const float> bottom, std::span<const float> weight) {
  double sum = 0.0, by = 0.0;
  for (std::size_t u = 0; u < weight.size(); ++u) {
    sum += static_cast<double>(top[u]) * weight[u];
    by += static_cast<double>(bottom[u]) * weight[u];
  }
  return by > 0.0 ? sum / by : kUndefined;
}

double bin_error(std::span<const float> top, std::span<const float> bottom, std::span<const float> weight) {
  const std::size_t users = weight.size();
  double error = 0.0, by = 0.0;
  for (std::size_t first = 0; first < top.size(); first += users) {
    double sum = 0.0;
    for (std::size_t u = 0; u < users; ++u) {
      sum += static_cast<double>(top[first + u]) * weight[u];
      by += static_cast<double>(bottom[first + u]) * weight[u];
    }
    error += std::abs(sum);
  }
  return by > 0.0 ? error / by : kUndefined;
}

double area(const std::vector<TableFigure::RankedRow>& ranked, std::span<const float> weight) {
  double below = 0.0, pairs = 0.0, positives = 0.0, tied_positive = 0.0, tied_negative = 0.0;
  for (const TableFigure::RankedRow& row : ranked) {
    (row.positive ? tied_positive : tied_negative) += weight[row.user];
    if (!row.ends_tie) continue;
    pairs += tied_positive * (below + 0.5 * tied_negative);
    below += tied_negative, positives += tied_positive;
    tied_positive = tied_negative = 0.0;
  }
  return below > 0.0 && positives > 0.0 ? pairs / (below * positives) : kUndefined;
}

}  // namespace

double TableFigure::value(std::span<const float> weight) const {
  switch (kind) {
    case Kind::kAbsent:
      return kUndefined;
    case Kind::kRatio:
      return ratio_of(top, bottom, weight);
    case Kind::kRoot:
      return std::sqrt(ratio_of(top, bottom, weight));
    case Kind::kAuc:
      return area(ranked, weight);
    case Kind::kBinError:
      return bin_error(top, bottom, weight);
    case Kind::kGap:
    case Kind::kTrend:
      break;
  }
  const std::size_t users = weight.size();
  std::vector<float> of_group, number;
  for (std::size_t group = 0; group * users < top.size(); ++group) {
    const double ratio =
        ratio_of(std::span(top).subspan(group * users, users), std::span(bottom).subspan(group * users, users), weight);
    if (std::isnan(ratio)) continue;
    of_group.push_back(static_cast<float>(ratio)), number.push_back(static_cast<float>(group));
  }
  if (of_group.size() < 2) return kUndefined;
  if (kind == Kind::kTrend) return spearman(of_group, number);
  const auto [least, most] = std::minmax_element(of_group.begin(), of_group.end());
  return static_cast<double>(*most) - *least;
}

std::size_t TableFigure::users(std::size_t all_users) const {
  std::vector<bool> counts(all_users, false);
  for (const RankedRow& row : ranked) counts[row.user] = true;
  for (std::size_t i = 0; i < bottom.size(); ++i)
    if (bottom[i] != 0.0F) counts[i % all_users] = true;
  return static_cast<std::size_t>(std::count(counts.begin(), counts.end(), true));
}

TableFigure make_auc_figure(std::span<const std::uint32_t> user, std::span<const float> score,
                            std::span<const std::uint8_t> positive) {
  std::vector<std::uint32_t> order(score.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return score[a] < score[b]; });
  TableFigure figure;
  figure.kind = TableFigure::Kind::kAuc;
  for (std::size_t i = 0; i < order.size(); ++i)
    figure.ranked.push_back(
        {user[order[i]], positive[order[i]] != 0, i + 1 == order.size() || score[order[i + 1]] != score[order[i]]});
  return figure;
}

float best_f1_cut(std::span<const float> score, std::span<const std::uint8_t> positive) {
  std::vector<std::uint32_t> order(score.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return score[a] > score[b]; });
  const auto all = static_cast<double>(std::count_if(positive.begin(), positive.end(), [](auto p) { return p != 0; }));
  double best = 0.0, found = 0.0;
  float cut = 0.0F;
  for (std::size_t i = 0; i < order.size(); ++i) {
    found += positive[order[i]] != 0;
    if (i + 1 < order.size() && score[order[i + 1]] == score[order[i]]) continue;
    const double f1 = 2.0 * found / (static_cast<double>(i + 1) + all);
    if (f1 > best) best = f1, cut = score[order[i]];
  }
  return cut;
}

FittedLine fit_line(std::span<const float> score, std::span<const float> y) {
  double mean_s = 0.0, mean_y = 0.0, cross = 0.0, square = 0.0;
  const auto n = static_cast<double>(score.size());
  for (std::size_t i = 0; i < score.size(); ++i) mean_s += score[i] / n, mean_y += y[i] / n;
  for (std::size_t i = 0; i < score.size(); ++i) {
    cross += (score[i] - mean_s) * (y[i] - mean_y);
    square += (score[i] - mean_s) * (score[i] - mean_s);
  }
  const double b = square > 0.0 ? cross / square : 0.0;
  return {mean_y - b * mean_s, b};
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i)
    if (!std::isnan(p_values[i])) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> corrected(p_values.begin(), p_values.end());
  double most = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    most = std::max(most, std::min(1.0, p_values[order[i]] * static_cast<double>(order.size() - i)));
    corrected[order[i]] = most;
  }
  return corrected;
}

}  // namespace swipegym
