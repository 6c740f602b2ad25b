#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "evaluation/compare/compare.h"
#include "evaluation/html_page.h"

namespace swipegym {
namespace {

constexpr double kBarHeight = 13, kRowGap = 9, kLabelWidth = 118, kPlotWidth = 300, kValueWidth = 62;

// Four significant digits, without an exponent where people would not write one.
std::string number(double value) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  const int digits = size == 0.0 ? 0 : std::clamp(3 - static_cast<int>(std::floor(std::log10(size))), 0, 6);
  return fmt::format("{:.{}f}", value, digits);
}

std::string interval_text(const Interval& figure) {
  if (!std::isfinite(figure.low)) return number(figure.mean);
  return fmt::format("{} [{}, {}]", number(figure.mean), number(figure.low), number(figure.high));
}

struct Scale {
  double low = 0.0, high = 1.0;
  double at(double value) const { return kLabelWidth + kPlotWidth * (value - low) / (high - low); }
};

Scale scale_of(const CompareReport& report, std::size_t metric) {
  Scale scale{0.0, 0.0};
  for (const SimulatorFigures& simulator : report.simulator) {
    for (const PolicyFigures& policy : simulator.policy) {
      const Interval& figure = policy.metric[metric];
      for (const double value : {figure.mean, figure.low, figure.high})
        if (std::isfinite(value)) scale.low = std::min(scale.low, value), scale.high = std::max(scale.high, value);
    }
  }
  if (scale.high <= scale.low) scale.high = scale.low + 1.0;
  return scale;
}

void append_bar(std::string& html, const Scale& scale, const Interval& figure, double y, std::size_t simulator,
                const std::string& hint) {
  if (!std::isfinite(figure.mean)) return;
  auto out = std::back_inserter(html);
  const double zero = scale.at(0.0), end = scale.at(figure.mean), middle = y + kBarHeight / 2;
  fmt::format_to(out,
                 "<g><title>{}</title><rect class=\"s{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" "
                 "rx=\"2\"/>",
                 html_escape(hint), simulator, std::min(zero, end), y, std::max(std::abs(end - zero), 0.5), kBarHeight);
  if (std::isfinite(figure.low))
    fmt::format_to(
        out, "<path class=\"ci\" d=\"M{0:.1f} {2:.1f}H{1:.1f}M{0:.1f} {3:.1f}V{4:.1f}M{1:.1f} {3:.1f}V{4:.1f}\"/>",
        scale.at(figure.low), scale.at(figure.high), middle, middle - 4, middle + 4);
  fmt::format_to(out, "<text class=\"v\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text></g>",
                 kLabelWidth + kPlotWidth + kValueWidth, middle + 4, number(figure.mean));
}

// One metric: a group of bars a policy, one bar a simulator, whiskers for the interval.
void append_chart(std::string& html, const CompareReport& report, const std::vector<std::size_t>& order,
                  std::size_t metric) {
  auto out = std::back_inserter(html);
  const Scale scale = scale_of(report, metric);
  const double group = kBarHeight * static_cast<double>(report.simulator.size()) + kRowGap;
  const double height = group * static_cast<double>(order.size()), width = kLabelWidth + kPlotWidth + kValueWidth + 4;
  fmt::format_to(
      out, "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">",
      html_escape(compare_metrics()[metric].title), width, height + 20, html_escape(compare_metrics()[metric].title));
  const double step = html_tick_step(scale.high - scale.low);
  for (double tick = std::ceil(scale.low / step) * step; tick <= scale.high + 1e-9 * step; tick += step)
    fmt::format_to(
        out,
        "<path class=\"grid\" d=\"M{0:.1f} 0V{1:.1f}\"/><text class=\"t\" x=\"{0:.1f}\" y=\"{2:.1f}\">{3:g}</text>",
        scale.at(tick), height, height + 14, std::abs(tick) < 1e-9 * step ? 0.0 : tick);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double top = group * static_cast<double>(i) + kRowGap / 2;
    fmt::format_to(out, "<text class=\"l\" x=\"{}\" y=\"{:.1f}\">{}</text>", kLabelWidth - 8,
                   top + (group - kRowGap) / 2 + 4, html_escape(report.simulator[0].policy[order[i]].name));
    for (std::size_t s = 0; s < report.simulator.size(); ++s) {
      const Interval& figure = report.simulator[s].policy[order[i]].metric[metric];
      append_bar(html, scale, figure, top + kBarHeight * static_cast<double>(s), s,
                 fmt::format("{} in {}: {}", report.simulator[0].policy[order[i]].name, report.simulator[s].name,
                             interval_text(figure)));
    }
  }
  html += "</svg></figure>\n";
}

void append_table(std::string& html, const SimulatorFigures& simulator, const std::vector<std::size_t>& order) {
  auto out = std::back_inserter(html);
  fmt::format_to(out,
                 "<h2>All figures in {}</h2>\n<div class=\"wide\"><table><thead><tr><th>policy</th>"
                 "<th>0 random, 1 oracle</th><th>return – random's</th>",
                 html_escape(simulator.name));
  for (const MetricInfo& metric : compare_metrics()) fmt::format_to(out, "<th>{}</th>", html_escape(metric.title));
  html += "</tr></thead><tbody>\n";
  const auto cell = [&](const Interval& figure) {
    if (!std::isfinite(figure.mean)) return void(html += "<td>–</td>");
    fmt::format_to(out, "<td>{}<br><small>{} … {}</small></td>", number(figure.mean), number(figure.low),
                   number(figure.high));
  };
  for (const std::size_t p : order) {
    const PolicyFigures& policy = simulator.policy[p];
    fmt::format_to(
        out, "<tr><th>{}{}</th>", html_escape(policy.name),
        policy.training_seeds > 1 ? fmt::format("<br><small>{} training seeds</small>", policy.training_seeds) : "");
    cell(policy.normalised);
    cell(policy.versus_random);
    for (const Interval& figure : policy.metric) cell(figure);
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
}

void append_agreement(std::string& html, const CompareReport& report, const Agreement& agreement) {
  fmt::format_to(
      std::back_inserter(html),
      "<p>{} ranks the policies as {} does with Kendall τ <b>{}</b>. Choosing by the first, one would take "
      "<b>{}</b>; the second's best is <b>{}</b>; that choice gives away {} of the distance from random to the "
      "best.</p>\n",
      html_escape(report.simulator[0].name), html_escape(agreement.judge), interval_text(agreement.kendall_tau),
      html_escape(agreement.choice), html_escape(agreement.best), interval_text(agreement.regret));
}

}  // namespace

std::string to_html(const CompareReport& report, const std::string& title, const std::vector<std::string>& notes) {
  const CompareConfig& config = report.config;
  const std::size_t reward = metric_index("reward");
  const std::vector<std::size_t> order = best_first(report.simulator[0]);
  std::string html = html_head(title);
  auto out = std::back_inserter(html);
  fmt::format_to(out,
                 "<p class=\"lead\">{} policies, each on the same {} × {} sessions; {}. Whiskers are 95 % intervals "
                 "over training seeds and sessions; hover a bar for its numbers.</p>\n",
                 order.size(), config.seeds, config.sessions,
                 config.world.offers_all() ? "choosing from the full catalogue"
                                           : fmt::format("{} {} candidates a step", config.world.candidates,
                                                         html_escape(config.world.source)));
  html += "<p class=\"key\">";
  for (std::size_t s = 0; s < report.simulator.size(); ++s)
    fmt::format_to(out, "<span><i class=\"s{}\"></i>{}</span>", s, html_escape(report.simulator[s].name));
  html += "</p>\n";
  const PolicyFigures& winner = report.simulator[0].policy[order[0]];
  fmt::format_to(out, "<p>Highest return: <b>{}</b> with {} a session, where random choice makes {}{}.</p>\n",
                 html_escape(winner.name), interval_text(winner.metric[reward]),
                 number(report.simulator[0].random.mean),
                 config.oracle ? " and the one-step oracle " + number(report.simulator[0].oracle.mean) : "");
  for (const Agreement& agreement : report.agreement) append_agreement(html, report, agreement);
  html += "<div class=\"grid2\">\n";
  // What people ask first stands first; the return says nothing new when it is the watch time.
  for (const char* name : {"reward", "watch_s_per_session", "depth", "watch_s_per_video", "watch_ratio_per_video",
                           "watch_ratio_per_session", "is_click", "long_view", "is_like", "is_profile_enter",
                           "is_follow", "is_comment", "is_forward", "is_hate", "tag_entropy", "catalogue_share"})
    append_chart(html, report, order, metric_index(name));
  html += "</div>\n";
  for (const SimulatorFigures& simulator : report.simulator) append_table(html, simulator, order);
  return html + html_foot(notes);
}

}  // namespace swipegym
