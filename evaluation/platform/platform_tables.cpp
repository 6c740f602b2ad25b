#include "evaluation/platform/platform_tables.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

#include "evaluation/json_number.h"
#include "evaluation/text_table.h"

namespace swipegym {
namespace {

std::string with_half(const std::vector<double>& values, int digits) {
  const Interval figure = over_worlds(values);
  if (!std::isfinite(figure.mean)) return "-";
  if (!std::isfinite(figure.low)) return fmt::format("{:.{}f}", figure.mean, digits);
  return fmt::format("{:.{}f} ±{:.{}f}", figure.mean, digits, figure.high - figure.mean, digits);
}

}  // namespace

std::vector<double> season_means(const PlatformReport::Line& line, double DayMeasures::*measure, int from, int to) {
  std::vector<double> out;
  for (const std::vector<DayMeasures>& days : line.seed) {
    double sum = 0.0, count = 0.0;
    for (int day = from; day < std::min(to, static_cast<int>(days.size())); ++day)
      if (const double value = days[static_cast<std::size_t>(day)].*measure; std::isfinite(value))
        sum += value, count += 1.0;
    out.push_back(count > 0.0 ? sum / count : kUndefined);
  }
  return out;
}

Interval over_worlds(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0.0, squares = 0.0;
  for (const double value : values) mean += value / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (values.size() < 2) return {mean, kUndefined, kUndefined};
  const double half = student_t975(values.size() - 1) * std::sqrt(squares / (n - 1.0) / n);
  return {mean, mean - half, mean + half};
}

std::vector<double> paired_difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

std::string platform_table(const PlatformReport& report) {
  const int from = report.config.burn_in, to = report.config.days;
  Table table({"policy", "seconds", "- first", "regret", "found", "uploads", "creators", "new 30 d", "Gini"});
  std::vector<double> first;
  for (const PlatformReport::Line& line : report.lines) {
    const auto mean = [&](double DayMeasures::*measure) { return season_means(line, measure, from, to); };
    const std::vector<double> seconds = mean(&DayMeasures::seconds);
    if (first.empty()) first = seconds;
    table.add({line.name, with_half(seconds, 0),
               &line == &report.lines.front() ? std::string("") : with_half(paired_difference(seconds, first), 1),
               with_half(mean(&DayMeasures::regret), 4), with_half(mean(&DayMeasures::discovery), 2),
               with_half(mean(&DayMeasures::uploads), 0),
               fmt::format("{:.0f}", over_worlds(mean(&DayMeasures::creators)).mean),
               show_figure(over_worlds(mean(&DayMeasures::newcomers)).mean, 2),
               show_figure(over_worlds(mean(&DayMeasures::gini)).mean, 2)});
  }
  return table.text();
}

std::string split_table(const PlatformReport& report) {
  const int from = report.config.burn_in, to = report.config.days;
  Table table({"policy", "its users' seconds", "the others'", "others - its"});
  for (const PlatformReport::Line& line : report.lines) {
    const auto own = season_means(line, &DayMeasures::own_seconds, from, to);
    const auto other = season_means(line, &DayMeasures::other_seconds, from, to);
    table.add({line.name, with_half(own, 1), with_half(other, 1), with_half(paired_difference(other, own), 1)});
  }
  return table.text();
}

std::string platform_csv(const PlatformReport& report) {
  std::string out = "policy,seed,day";
  for (const MeasureInfo& info : day_measures()) out += fmt::format(",{}", info.name);
  out += '\n';
  for (const PlatformReport::Line& line : report.lines)
    for (std::size_t seed = 0; seed < line.seed.size(); ++seed)
      for (std::size_t day = 0; day < line.seed[seed].size(); ++day) {
        out += fmt::format("{},{},{}", line.name, report.first_seed + seed, day);
        for (const MeasureInfo& info : day_measures()) {
          const double value = line.seed[seed][day].*info.value;
          out += std::isfinite(value) ? fmt::format(",{:.6g}", value) : std::string(",");
        }
        out += '\n';
      }
  return out;
}

Json platform_json(const PlatformReport& report) {
  Json lines = Json::array();
  for (const PlatformReport::Line& line : report.lines) {
    Json measures = Json::object();
    for (const MeasureInfo& info : day_measures()) {
      const std::vector<double> means = season_means(line, info.value, report.config.burn_in, report.config.days);
      Json worlds = Json::array();
      for (const double value : means) worlds.push_back(json_number(value));
      measures[info.name] = {{"figure", json_interval(over_worlds(means))}, {"worlds", worlds}};
    }
    lines.push_back({{"policy", line.name}, {"videos", line.videos}, {"measures", measures}});
  }
  return {{"policies", lines}};
}

}  // namespace swipegym
