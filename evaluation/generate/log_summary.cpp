#include "evaluation/generate/log_summary.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "env/catalogue.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

double quantile(std::vector<double>& values, double p) {
  if (values.empty()) return 0.0;
  const auto at = static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

Spread spread_of(std::vector<double>& values) {
  if (values.empty()) return {};
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  const double median = quantile(values, 0.5);
  return {mean, median, quantile(values, 0.99)};
}

/// The rows of one part, in order.
std::vector<std::size_t> rows_of(const Log& log, LogPart part) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < log.size(); ++i)
    if (part == LogPart::kBoth || (log.is_random[i] != 0) == (part == LogPart::kRandom)) rows.push_back(i);
  return rows;
}

void summarise_exposures(const Dataset& data, const std::vector<std::size_t>& rows, LogSummary& summary) {
  std::vector<std::uint64_t> count(data.videos.size(), 0);
  for (const std::size_t row : rows) ++count[index_of(data.log.video[row])];
  std::erase(count, 0U);
  std::sort(count.begin(), count.end());
  summary.videos = count.size();
  if (count.empty()) return;
  summary.most_exposed = count.back();
  const double n = static_cast<double>(count.size()), total = static_cast<double>(rows.size());
  double ranked = 0, top = 0;
  for (std::size_t i = 0; i < count.size(); ++i) {
    ranked += static_cast<double>(i + 1) * static_cast<double>(count[i]);
    if (i >= count.size() - count.size() / 5) top += static_cast<double>(count[i]);
  }
  summary.gini = 2.0 * ranked / (n * total) - (n + 1.0) / n;
  summary.top_fifth = top / total;
}

/// Runs of rows, days and favourite tags of each user.
void summarise_users(const Dataset& data, const std::vector<std::size_t>& rows, LogSummary& summary) {
  const Log& log = data.log;
  std::vector<double> per_user;
  double sessions = 0, days = 0, returns = 0, tag_share = 0, tag_users = 0;
  std::map<std::uint16_t, double> clicks;
  std::int32_t last_day = 0;
  for (const std::size_t row : rows) last_day = std::max(last_day, days_of_date(log.date[row]));
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first;
    clicks.clear();
    std::int32_t previous_day = -2;
    for (; last < rows.size() && log.user[rows[last]] == log.user[rows[first]]; ++last) {
      const std::size_t row = rows[last];
      if (last == first || log.time_ms[row] - log.time_ms[rows[last - 1]] > kSessionGapMs) ++sessions;
      const std::int32_t day = days_of_date(log.date[row]);
      if (day != previous_day) {
        if (day < last_day) ++days;
        if (day == previous_day + 1) ++returns;
      }
      previous_day = day;
      if (has(log.signals[row], Signal::kClick)) ++clicks[data.videos.first_tag(index_of(log.video[row]))];
    }
    per_user.push_back(static_cast<double>(last - first));
    double all = 0, most = 0;
    for (const auto& [tag, count] : clicks) all += count, most = std::max(most, count);
    if (all > 0) tag_share += most / all, ++tag_users;
    first = last;
  }
  summary.users = per_user.size();
  if (per_user.empty()) return;
  summary.rows_per_user = {quantile(per_user, .1), quantile(per_user, .5), quantile(per_user, .9),
                           quantile(per_user, .99)};
  summary.session_rows = static_cast<double>(rows.size()) / sessions;
  summary.next_day_return = days > 0 ? returns / days : 0.0;
  summary.top_tag_share = tag_users > 0 ? tag_share / tag_users : 0.0;
}

void summarise_tabs(const Log& log, const std::vector<std::size_t>& rows, LogSummary& summary) {
  std::array<TabSummary, 256> sums{};
  std::array<double, 256> count{}, timed{};
  for (const std::size_t row : rows) {
    TabSummary& t = sums[log.tab[row]];
    count[log.tab[row]] += 1;
    t.click += has(log.signals[row], Signal::kClick);
    t.long_view += has(log.signals[row], Signal::kLongView);
    t.zero_play += log.play_ms[row] == 0;
    if (log.duration_ms[row] > 0)
      timed[log.tab[row]] += 1, t.watch_ratio += static_cast<double>(log.play_ms[row]) / log.duration_ms[row];
  }
  for (std::size_t code = 0; code < 256; ++code) {
    if (count[code] == 0) continue;
    const TabSummary& t = sums[code];
    const double n = count[code];
    summary.tabs.push_back({static_cast<std::uint8_t>(code), n / static_cast<double>(rows.size()), t.click / n,
                            t.long_view / n, t.watch_ratio / std::max(timed[code], 1.0), t.zero_play / n});
  }
  std::sort(summary.tabs.begin(), summary.tabs.end(),
            [](const TabSummary& a, const TabSummary& b) { return a.share > b.share; });
}

}  // namespace

LogSummary summarise_log(const Dataset& data, LogPart part) {
  const Log& log = data.log;
  const std::vector<std::size_t> rows = rows_of(log, part);
  LogSummary summary;
  summary.rows = rows.size();
  if (rows.empty()) return summary;
  std::vector<double> duration, play, ratio;
  duration.reserve(rows.size()), play.reserve(rows.size()), ratio.reserve(rows.size());
  for (const std::size_t row : rows) {
    for (std::size_t s = 0; s < kNumSignals; ++s) summary.rate[s] += has(log.signals[row], static_cast<Signal>(s));
    play.push_back(log.play_ms[row] * 1e-3);
    summary.zero_play += log.play_ms[row] == 0;
    duration.push_back(log.duration_ms[row] * 1e-3);
    if (log.duration_ms[row] > 0) {
      ratio.push_back(static_cast<double>(log.play_ms[row]) / log.duration_ms[row]);
      summary.complete += ratio.back() >= 1.0;
    }
  }
  const double n = static_cast<double>(rows.size());
  for (double& rate : summary.rate) rate /= n;
  summary.zero_play /= n;
  summary.complete /= std::max<double>(static_cast<double>(ratio.size()), 1.0);
  summary.unknown_duration = 1.0 - static_cast<double>(ratio.size()) / n;
  summary.duration_s = spread_of(duration);
  summary.play_s = spread_of(play);
  summary.watch_ratio = spread_of(ratio);
  summarise_exposures(data, rows, summary);
  summarise_users(data, rows, summary);
  summarise_tabs(log, rows, summary);
  return summary;
}

}  // namespace swipegym
