#include "sim_data/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/parallel_for.h"
#include "sim_data/calendar.h"
#include "sim_data/labels.h"

namespace swipegym {

namespace {

constexpr std::int64_t kSessionGapMs = 30LL * 60 * 1000;

// Order statistics by selection: sorting 12 million values takes several times as long.
double quantile_of(std::vector<float>& values, double share) {
  const double position = share * static_cast<double>(values.size() - 1);
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), low, values.end());
  const double fraction = position - std::floor(position);
  if (fraction == 0.0) return *low;
  const double high = *std::min_element(low + 1, values.end());
  return *low + fraction * (high - *low);
}

bool is_described(const Log& log, std::size_t row, LogPart part) {
  return part == LogPart::kBoth || (log.is_random[row] != 0) == (part == LogPart::kRandom);
}

RowStatistics rows_of_kind(const Log& log, std::uint8_t is_random) {
  RowStatistics out;
  std::vector<float> duration, play, ratio;
  std::uint64_t complete = 0, zero_play = 0;
  std::array<std::uint64_t, kNumSignals> signal{};
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (log.is_random[i] != is_random) continue;
    duration.push_back(static_cast<float>(log.duration_ms[i]) * 1e-3F);
    play.push_back(static_cast<float>(log.play_ms[i]) * 1e-3F);
    zero_play += log.play_ms[i] == 0;
    for (std::size_t s = 0; s < kNumSignals; ++s) signal[s] += has(log.signals[i], static_cast<Signal>(s));
    if (log.duration_ms[i] == 0) continue;
    ratio.push_back(watch_ratio(log.play_ms[i], log.duration_ms[i]));
    complete += is_play_complete(log.play_ms[i], log.duration_ms[i]);
  }
  out.rows = duration.size();
  out.unknown_duration = out.rows - ratio.size();
  if (out.rows == 0) return out;
  const auto rows = static_cast<double>(out.rows);
  if (!ratio.empty()) out.complete = static_cast<double>(complete) / static_cast<double>(ratio.size());
  out.zero_play = static_cast<double>(zero_play) / rows;
  for (std::size_t s = 0; s < kNumSignals; ++s) out.signal[s] = static_cast<double>(signal[s]) / rows;
  out.duration_s = distribution_of(duration);
  out.play_s = distribution_of(play);
  out.watch_ratio = distribution_of(ratio);
  return out;
}

std::vector<TabStatistics> rows_of_tabs(const Log& log, LogPart part, std::uint64_t all_rows) {
  struct Sum {
    std::uint64_t rows = 0, known = 0, zero_play = 0;
    double ratio = 0.0;
    std::array<std::uint64_t, kNumSignals> signal{};
  };
  std::vector<Sum> sums(256);
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (!is_described(log, i, part)) continue;
    Sum& sum = sums[log.tab[i]];
    ++sum.rows;
    sum.zero_play += log.play_ms[i] == 0;
    for (std::size_t s = 0; s < kNumSignals; ++s) sum.signal[s] += has(log.signals[i], static_cast<Signal>(s));
    if (log.duration_ms[i] == 0) continue;
    ++sum.known;
    sum.ratio += watch_ratio(log.play_ms[i], log.duration_ms[i]);
  }
  std::vector<TabStatistics> tabs;
  for (std::size_t tab = 0; tab < sums.size(); ++tab) {
    const Sum& sum = sums[tab];
    if (sum.rows == 0) continue;
    const auto rows = static_cast<double>(sum.rows);
    TabStatistics out{.tab = static_cast<std::uint8_t>(tab), .rows = sum.rows};
    out.share = rows / static_cast<double>(all_rows);
    out.watch_ratio = sum.known > 0 ? sum.ratio / static_cast<double>(sum.known) : 0.0;
    out.zero_play = static_cast<double>(sum.zero_play) / rows;
    for (std::size_t s = 0; s < kNumSignals; ++s) out.signal[s] = static_cast<double>(sum.signal[s]) / rows;
    tabs.push_back(out);
  }
  std::stable_sort(tabs.begin(), tabs.end(), [](const auto& a, const auto& b) { return a.rows > b.rows; });
  return tabs;
}

void describe_users(const Dataset& data, LogPart part, DataStatistics& out) {
  const Log& log = data.log;
  const std::int32_t last_day = days_of_date(out.last_date);
  std::vector<float> rows, session_rows, session_minutes;
  std::vector<std::int32_t> days;
  std::vector<std::uint64_t> mine;
  std::uint64_t may_return = 0, returned = 0;
  for (std::size_t user = 0; user + 1 < data.user_offset.size(); ++user) {
    mine.clear();
    for (std::uint64_t i = data.user_offset[user]; i < data.user_offset[user + 1]; ++i)
      if (is_described(log, i, part)) mine.push_back(i);
    if (mine.empty()) continue;
    rows.push_back(static_cast<float>(mine.size()));
    days.clear();
    std::size_t first = 0;
    for (std::size_t k = 0; k < mine.size(); ++k) {
      const std::uint64_t i = mine[k];
      if (k == 0 || log.date[i] != log.date[mine[k - 1]]) days.push_back(days_of_date(log.date[i]));
      if (k + 1 < mine.size() && log.time_ms[mine[k + 1]] - log.time_ms[i] <= kSessionGapMs) continue;
      session_rows.push_back(static_cast<float>(k + 1 - first));
      session_minutes.push_back(static_cast<float>(log.time_ms[i] + log.play_ms[i] - log.time_ms[mine[first]]) /
                                60000.0F);
      first = k + 1;
    }
    std::sort(days.begin(), days.end());  // by date, which is not always that of time_ms
    days.erase(std::unique(days.begin(), days.end()), days.end());
    for (std::size_t d = 0; d < days.size(); ++d) {
      if (days[d] == last_day) continue;
      ++may_return;
      returned += d + 1 < days.size() && days[d + 1] == days[d] + 1;
    }
  }
  out.rows_per_user = distribution_of(rows);
  out.session_rows = distribution_of(session_rows);
  out.session_minutes = distribution_of(session_minutes);
  if (may_return > 0) out.next_day_return = static_cast<double>(returned) / static_cast<double>(may_return);
}

void describe_videos(const Dataset& data, LogPart part, DataStatistics& out) {
  std::vector<std::uint64_t> rows(data.videos.size());
  for (std::size_t i = 0; i < data.log.size(); ++i)
    if (is_described(data.log, i, part)) ++rows[index_of(data.log.video[i])];
  std::sort(rows.begin(), rows.end());
  const auto n = static_cast<double>(rows.size());
  double total = 0.0, weighted = 0.0, top = 0.0;
  std::vector<float> shown;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto count = static_cast<double>(rows[i]);
    total += count;
    weighted += (2.0 * static_cast<double>(i + 1) - n - 1.0) * count;
    if (i >= rows.size() - rows.size() / 5) top += count;
    if (rows[i] > 0) shown.push_back(static_cast<float>(rows[i]));
  }
  out.rows_per_video = distribution_of(shown);
  if (total > 0.0) {
    out.gini = weighted / (n * total);
    out.top_fifth = top / total;
  }
}

Json to_json(const Distribution& d) {
  return {{"count", d.count}, {"mean", d.mean}, {"p10", d.p10}, {"p50", d.p50},
          {"p90", d.p90},     {"p99", d.p99},   {"max", d.max}};
}

Json to_json(const std::array<double, kNumSignals>& signal) {
  Json json = Json::object();
  for (std::size_t s = 0; s < kNumSignals; ++s) json[std::string(kSignalNames[s])] = signal[s];
  return json;
}

Json to_json(const RowStatistics& rows) {
  return {{"rows", rows.rows},
          {"unknown_duration", rows.unknown_duration},
          {"duration_s", to_json(rows.duration_s)},
          {"play_s", to_json(rows.play_s)},
          {"watch_ratio", to_json(rows.watch_ratio)},
          {"complete", rows.complete},
          {"zero_play", rows.zero_play},
          {"signal", to_json(rows.signal)}};
}

}  // namespace

Distribution distribution_of(std::vector<float>& values) {
  if (values.empty()) return {};
  Distribution out{.count = values.size()};
  out.mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  out.p10 = quantile_of(values, 0.10);
  out.p50 = quantile_of(values, 0.50);
  out.p90 = quantile_of(values, 0.90);
  out.p99 = quantile_of(values, 0.99);
  out.max = *std::max_element(values.begin(), values.end());
  return out;
}

DataStatistics describe_data(const Dataset& data, int threads, LogPart part) {
  const Log& log = data.log;
  DataStatistics out;
  out.users = data.users.size();
  out.videos = data.videos.size();
  out.authors = data.videos.num_authors();
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (!is_described(log, i, part)) continue;
    out.first_date = out.rows == 0 ? log.date[i] : std::min(out.first_date, log.date[i]);
    out.last_date = std::max(out.last_date, log.date[i]);
    ++out.rows;
  }
  if (out.rows == 0) return out;
  parallel_for(5, threads, [&](std::size_t task, int) {
    if (task == 0 && part != LogPart::kRandom) out.standard = rows_of_kind(log, 0);
    if (task == 1 && part != LogPart::kStandard) out.random = rows_of_kind(log, 1);
    if (task == 2) out.tabs = rows_of_tabs(log, part, out.rows);
    if (task == 3) describe_users(data, part, out);
    if (task == 4) describe_videos(data, part, out);
  });
  return out;
}

Json statistics_to_json(const DataStatistics& s) {
  Json tabs = Json::array();
  for (const TabStatistics& tab : s.tabs)
    tabs.push_back({{"tab", tab.tab},
                    {"rows", tab.rows},
                    {"share", tab.share},
                    {"watch_ratio", tab.watch_ratio},
                    {"zero_play", tab.zero_play},
                    {"signal", to_json(tab.signal)}});
  return {{"rows", s.rows},
          {"users", s.users},
          {"videos", s.videos},
          {"authors", s.authors},
          {"first_date", s.first_date},
          {"last_date", s.last_date},
          {"standard", to_json(s.standard)},
          {"random", to_json(s.random)},
          {"tabs", tabs},
          {"rows_per_user", to_json(s.rows_per_user)},
          {"rows_per_video", to_json(s.rows_per_video)},
          {"gini", s.gini},
          {"top_fifth", s.top_fifth},
          {"next_day_return", s.next_day_return},
          {"session_rows", to_json(s.session_rows)},
          {"session_minutes", to_json(s.session_minutes)}};
}

}  // namespace swipegym
