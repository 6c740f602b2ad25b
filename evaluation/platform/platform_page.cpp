#include "evaluation/platform/platform_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "evaluation/html_page.h"
#include "evaluation/platform/platform_tables.h"

namespace swipegym {
namespace {

constexpr double kWidth = 480, kHeight = 200, kLeft = 58, kBottom = 22;
constexpr std::size_t kColours = 8;  // more lines take them again, dashed

// A linear map of values onto a stretch of the picture.
struct Axis {
  double low = 0.0, high = 1.0, from = 0.0, to = 1.0;
  double at(double value) const { return from + (to - from) * (value - low) / (high - low); }
};

Axis axis_of(double low, double high, double from, double to) {
  if (!(high > low)) high = low + 1.0;
  return {low, high, from, to};
}

// The mean over worlds of a measure, day by day.
std::vector<double> curve_of(const PlatformReport::Line& line, double DayMeasures::*measure) {
  std::vector<double> curve;
  for (std::size_t day = 0; day < line.seed.front().size(); ++day) {
    double sum = 0.0, count = 0.0;
    for (const auto& days : line.seed)
      if (const double value = days[day].*measure; std::isfinite(value)) sum += value, count += 1.0;
    curve.push_back(count > 0.0 ? sum / count : kUndefined);
  }
  return curve;
}

void append_frame(std::string& html, const Axis& x, const Axis& y, const std::string& title) {
  auto out = std::back_inserter(html);
  fmt::format_to(out,
                 "<figure><figcaption>{0}</figcaption><svg viewBox=\"0 0 {1:.0f} {2:.0f}\" role=\"img\" "
                 "aria-label=\"{0}\">",
                 html_escape(title), kWidth, kHeight);
  const double down = html_tick_step(y.high - y.low), along = html_tick_step(x.high - x.low);
  for (double tick = std::ceil(y.low / down) * down; tick <= y.high + 1e-9 * down; tick += down)
    fmt::format_to(
        out,
        "<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/><text class=\"v\" x=\"{:.1f}\" y=\"{:.1f}\">{:g}</text>",
        x.from, y.at(tick), x.to, x.from - 6, y.at(tick) + 4, std::abs(tick) < 1e-9 * down ? 0.0 : tick);
  for (double tick = std::ceil(x.low / along) * along; tick <= x.high + 1e-9 * along; tick += along)
    fmt::format_to(out, "<text class=\"t\" x=\"{:.1f}\" y=\"{:.1f}\">{:g}</text>", x.at(tick), kHeight - 6, tick);
}

// A line of the points that are there; it breaks where one is not.
std::string path_of(const std::vector<double>& curve, const Axis& x, const Axis& y) {
  std::string path;
  bool down = false;
  for (std::size_t day = 0; day < curve.size(); ++day) {
    if (!std::isfinite(curve[day])) {
      down = false;
      continue;
    }
    fmt::format_to(std::back_inserter(path), "{}{:.1f} {:.1f}", down ? "L" : "M", x.at(static_cast<double>(day)),
                   y.at(curve[day]));
    down = true;
  }
  return path;
}

void append_curves(std::string& html, const PlatformReport& report, const MeasureInfo& info) {
  std::vector<std::vector<double>> curves;
  double low = INFINITY, high = -INFINITY;
  for (const PlatformReport::Line& line : report.lines) {
    curves.push_back(curve_of(line, info.value));
    for (const double value : curves.back())
      if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  }
  if (!(low <= high)) return;
  const Axis x = axis_of(0.0, static_cast<double>(report.config.days - 1), kLeft, kWidth - 8);
  const Axis y = axis_of(low, high, kHeight - kBottom, 8);
  append_frame(html, x, y, info.title);
  auto out = std::back_inserter(html);
  for (std::size_t i = 0; i < curves.size(); ++i)
    fmt::format_to(out, "<path class=\"c s{}{}\" d=\"{}\"><title>{}</title></path>", i % kColours,
                   i < kColours ? "" : " dash", path_of(curves[i], x, y), html_escape(report.lines[i].name));
  html += "</svg></figure>\n";
}

// What people argue about: watch time against uploads, a point a policy.
void append_front(std::string& html, const PlatformReport& report) {
  std::vector<double> seconds, uploads;
  for (const PlatformReport::Line& line : report.lines) {
    const int from = report.config.burn_in, to = report.config.days;
    seconds.push_back(over_worlds(season_means(line, &DayMeasures::seconds, from, to)).mean);
    uploads.push_back(over_worlds(season_means(line, &DayMeasures::uploads, from, to)).mean);
  }
  const auto around = [](const std::vector<double>& values, double from, double to) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double room = 0.08 * (*high - *low) + 1e-9;
    return axis_of(*low - room, *high + room, from, to);
  };
  const Axis x = around(uploads, kLeft, kWidth - 60), y = around(seconds, kHeight - kBottom, 8);
  append_frame(html, x, y, "seconds a user-day against uploads a day");
  auto out = std::back_inserter(html);
  for (std::size_t i = 0; i < seconds.size(); ++i)
    fmt::format_to(
        out, "<circle class=\"s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/><text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
        i % kColours, x.at(uploads[i]), y.at(seconds[i]), x.at(uploads[i]) + 8, y.at(seconds[i]) + 4,
        html_escape(report.lines[i].name));
  html += "</svg></figure>\n";
}

void append_figures(std::string& html, const PlatformReport& report) {
  html += "<h2>Means of the days behind the burn-in</h2>\n<div class=\"wide\"><table><thead><tr><th>policy</th>";
  auto out = std::back_inserter(html);
  for (const MeasureInfo& info : day_measures()) fmt::format_to(out, "<th>{}</th>", html_escape(info.title));
  html += "</tr></thead><tbody>\n";
  for (const PlatformReport::Line& line : report.lines) {
    fmt::format_to(out, "<tr><th>{}</th>", html_escape(line.name));
    for (const MeasureInfo& info : day_measures()) {
      const Interval figure = over_worlds(season_means(line, info.value, report.config.burn_in, report.config.days));
      if (!std::isfinite(figure.mean))
        html += "<td>–</td>";
      else if (!std::isfinite(figure.low))
        fmt::format_to(out, "<td>{:.{}f}</td>", figure.mean, info.digits);
      else
        fmt::format_to(out, "<td>{0:.{3}f}<br><small>{1:.{3}f} … {2:.{3}f}</small></td>", figure.mean, figure.low,
                       figure.high, info.digits);
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
}

}  // namespace

std::string platform_page(const PlatformReport& report, const std::string& title,
                          const std::vector<std::string>& notes) {
  std::string html = html_head(title);
  auto out = std::back_inserter(html);
  fmt::format_to(out,
                 "<p class=\"lead\">{} users over {} days, {} worlds, the same for every policy. Curves are means over "
                 "worlds; the first {} days are the burn-in.</p>\n<p class=\"key\">",
                 report.config.users, report.config.days, report.lines.front().seed.size(), report.config.burn_in);
  for (std::size_t i = 0; i < report.lines.size(); ++i)
    fmt::format_to(out, "<span><i class=\"s{}\"></i>{}{}</span>", i % kColours, html_escape(report.lines[i].name),
                   i < kColours ? "" : " (dashed)");
  html += "</p>\n<div class=\"grid2\">\n";
  append_front(html, report);
  for (const MeasureInfo& info : day_measures()) append_curves(html, report, info);
  html += "</div>\n";
  append_figures(html, report);
  return html + html_foot(notes);
}

}  // namespace swipegym
