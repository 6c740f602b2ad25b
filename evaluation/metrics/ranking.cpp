#include "evaluation/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/validate.h"
#include "evaluation/metrics/binary_score.h"

namespace swipegym {
namespace {

constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();

// One value a user, from the positions of the user's rows, best first.
template <class Figure>
UserFigures each_user(const RankedUsers& ranked, const Figure& figure) {
  UserFigures out;
  out.value.reserve(ranked.size());
  for (std::size_t u = 0; u < ranked.size(); ++u) out.value.push_back(static_cast<float>(figure(ranked.rows_of(u))));
  return out;
}

// sum over ranks j = 1.. of weight(j) gain_j.
double discounted(std::span<const float> gains, GainMode mode) {
  double sum = 0.0;
  for (std::size_t j = 0; j < gains.size(); ++j) {
    const double discount = std::log2(static_cast<double>(j) + 2.0);
    sum += mode == GainMode::kStandard ? gains[j] / discount : gains[j] * discount;
  }
  return sum;
}

double gain_ratio(std::span<const std::uint32_t> rows, std::span<const float> gain, std::size_t k, GainMode mode) {
  std::vector<float> shown(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) shown[i] = gain[rows[i]];
  const std::size_t top = std::min(k, rows.size());
  const double reached = discounted(std::span(shown).first(top), mode);
  std::sort(shown.begin(), shown.end(), std::greater<>());
  const double ideal = discounted(std::span(shown).first(top), mode);
  if (ideal > 0.0) return reached / ideal;
  return mode == GainMode::kStandard ? kNoFigure : 1.0;
}

// A figure that is looked up by the positions of a ranking.
void require_rows(std::string_view metric, const RankedUsers& ranked, std::span<const float> values, std::size_t k) {
  require_that(fmt::format("{}: k", metric), k > 0, "at least 1");
  require_below(fmt::format("{}: row", metric), std::span(ranked.row), values.size());
  require_finite(fmt::format("{}: value", metric), values);
}

}  // namespace

RankedUsers rank_users(std::span<const std::uint32_t> user, std::span<const float> score, std::size_t least_rows) {
  require_size("rank_users: user", user.size(), score.size());
  require_finite("rank_users: score", score);
  std::vector<std::uint32_t> order(user.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (user[a] != user[b]) return user[a] < user[b];
    if (score[a] != score[b]) return score[a] > score[b];
    return a < b;
  });
  RankedUsers out;
  out.offset.push_back(0);
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && user[order[end]] == user[order[begin]]) ++end;
    if (end - begin < least_rows) continue;
    out.user.push_back(user[order[begin]]);
    out.row.insert(out.row.end(), order.begin() + static_cast<std::ptrdiff_t>(begin),
                   order.begin() + static_cast<std::ptrdiff_t>(end));
    out.offset.push_back(static_cast<std::uint32_t>(out.row.size()));
  }
  return out;
}

std::size_t UserFigures::counted() const noexcept {
  return static_cast<std::size_t>(std::count_if(value.begin(), value.end(), [](float v) { return !std::isnan(v); }));
}

double UserFigures::mean() const noexcept {
  double sum = 0.0;
  for (const float v : value) sum += std::isnan(v) ? 0.0 : v;
  const std::size_t users = counted();
  return users > 0 ? sum / static_cast<double>(users) : kNoFigure;
}

double UserFigures::weighted_mean(const RankedUsers& ranked) const {
  require_size("weighted_mean: user", ranked.size(), value.size());
  double sum = 0.0, weight = 0.0;
  for (std::size_t u = 0; u < value.size(); ++u) {
    if (std::isnan(value[u])) continue;
    const auto rows = static_cast<double>(ranked.rows_of(u).size());
    sum += rows * value[u], weight += rows;
  }
  return weight > 0.0 ? sum / weight : kNoFigure;
}

UserFigures discounted_gain_ratio(const RankedUsers& ranked, std::span<const float> gain, std::size_t k,
                                  GainMode mode) {
  require_rows("discounted_gain_ratio", ranked, gain, k);
  return each_user(ranked, [&](std::span<const std::uint32_t> rows) { return gain_ratio(rows, gain, k, mode); });
}

UserFigures duration_spread(const RankedUsers& ranked, std::span<const float> duration_s, std::size_t k) {
  require_rows("duration_spread", ranked, duration_s, k);
  return each_user(ranked, [&](std::span<const std::uint32_t> rows) {
    const auto top = rows.first(std::min(k, rows.size()));
    if (top.size() < 2) return kNoFigure;
    double mean = 0.0, squares = 0.0;
    for (const std::uint32_t row : top) mean += duration_s[row] / static_cast<double>(top.size());
    for (const std::uint32_t row : top) squares += (duration_s[row] - mean) * (duration_s[row] - mean);
    return std::sqrt(squares / static_cast<double>(top.size() - 1));
  });
}

double spearman(std::span<const float> a, std::span<const float> b) {
  require_size("spearman: b", b.size(), a.size());
  require_finite("spearman: a", a);
  require_finite("spearman: b", b);
  const std::vector<double> x = mid_ranks(a), y = mid_ranks(b);
  const double middle = (static_cast<double>(a.size()) + 1.0) / 2.0;
  double xy = 0.0, xx = 0.0, yy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xx > 0.0 && yy > 0.0 ? xy / std::sqrt(xx * yy) : kNoFigure;
}

}  // namespace swipegym
