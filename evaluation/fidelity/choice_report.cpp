#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "evaluation/fidelity/choice_check.h"
#include "evaluation/json_number.h"
#include "evaluation/shown.h"
#include "evaluation/text_table.h"

namespace swipegym {
namespace {

constexpr std::array<std::string_view, kChoiceFigures.size()> kHeadings = {"seconds", "watch ratio", "click",
                                                                           "long view"};
constexpr std::array<int, kChoiceFigures.size()> kPlaces = {2, 3, 3, 3};

Json figures_json(const ChoiceMeans& means) {
  Json out = Json::object();
  for (std::size_t f = 0; f < means.size(); ++f) out[std::string(kChoiceFigures[f])] = json_number(means[f]);
  return out;
}

Json stratum_json(const ChoiceStratum& stratum) {
  Json quarters = Json::array(), excess = Json::object();
  for (const ChoiceQuarter& quarter : stratum.quarter)
    quarters.push_back({{"from", json_number(quarter.from)},
                        {"rows", quarter.rows},
                        {"life", figures_json(quarter.life)},
                        {"simulated", figures_json(quarter.expected)}});
  for (std::size_t f = 0; f < stratum.excess.size(); ++f)
    excess[std::string(kChoiceFigures[f])] = json_interval(stratum.excess[f]);
  return {{"quarters", std::move(quarters)}, {"excess", std::move(excess)}};
}

std::string what_strata_mean(const std::string& name) {
  if (name == "popularity") return "by the video's exposures";
  if (name == "item-mean") return "by the video's mean ratio";
  if (name == "duration") return "by the video's seconds";
  if (name == "activity") return "by the user's rows";
  return "by the seconds expected";
}

std::string signed_figure(double value, int places) {
  return std::isfinite(value) ? fmt::format("{:+.{}f}", value, places) : "-";
}

std::string signed_range(const Interval& interval, int places) {
  if (!std::isfinite(interval.low)) return "";
  return fmt::format("[{}, {}]", signed_figure(interval.low, places), signed_figure(interval.high, places));
}

void append_quarter(std::string& text, std::size_t number, const ChoiceQuarter& quarter) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "  {} from {:<8.4g} {:>10}", number, shown(quarter.from), show_count(quarter.rows));
  for (std::size_t f = 0; f < kHeadings.size(); ++f)
    fmt::format_to(out, " {:>8} {:>8}", show_figure(quarter.life[f], kPlaces[f]),
                   show_figure(quarter.expected[f], kPlaces[f]));
  text += '\n';
}

void append_stratum(std::string& text, const ChoiceStratum& stratum, bool brief) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "\n{:<28}", what_strata_mean(stratum.name));
  for (const std::string_view heading : kHeadings) fmt::format_to(out, "{:>18}", heading);
  text += '\n';
  if (!brief) {
    fmt::format_to(out, "  quarter{:>19}", "rows");
    for (std::size_t f = 0; f < kHeadings.size(); ++f) fmt::format_to(out, " {:>8} {:>8}", "life", "sim.");
    text += '\n';
    for (std::size_t q = 0; q < stratum.quarter.size(); ++q) append_quarter(text, q + 1, stratum.quarter[q]);
  }
  fmt::format_to(out, "{:<28}", "  excess");
  for (std::size_t f = 0; f < kHeadings.size(); ++f)
    fmt::format_to(out, "{:>18}", signed_figure(stratum.excess[f].mean, kPlaces[f]));
  fmt::format_to(out, "\n{:<28}", "");
  for (std::size_t f = 0; f < kHeadings.size(); ++f)
    fmt::format_to(out, "{:>18}", signed_range(stratum.excess[f], kPlaces[f]));
  text += '\n';
}

std::string policies_text(const ChoiceReport& report) {
  Table table({"policy", "life", "simulated", "lift in life", "simulated", "gap of lift", "ESS"});
  for (const ChoiceValue& value : report.policies) {
    const bool is_random = &value == &report.policies.front();
    const auto lift = [&](const Interval& interval) {
      return is_random ? "" : signed_figure(interval.mean, 2) + " " + signed_range(interval, 2);
    };
    table.add({value.policy, show_figure(value.life, 2), show_figure(value.expected, 2), lift(value.life_lift),
               is_random ? "" : signed_figure(value.expected_lift.mean, 2), lift(value.gap),
               show_count(static_cast<unsigned long long>(std::lround(value.effective_rows)))});
  }
  return table.text(0);
}

}  // namespace

Json to_json(const ChoiceReport& report) {
  Json out = {{"rows", report.rows},
              {"users", report.users},
              {"pool", report.pool},
              {"candidates", report.candidates},
              {"resamples", report.resamples},
              {"known_until", report.known_until},
              {"tau", json_number(report.all.tau)},
              {"pairs", report.all.pairs},
              {"tau_told_apart", json_number(report.told_apart.tau)},
              {"pairs_told_apart", report.told_apart.pairs}};
  for (const ChoiceStratum& stratum : report.strata) out["strata"][stratum.name] = stratum_json(stratum);
  for (const ChoiceValue& value : report.policies)
    out["policies"][value.policy] = {{"life", json_number(value.life)},
                                     {"simulated", json_number(value.expected)},
                                     {"life_lift", json_interval(value.life_lift)},
                                     {"simulated_lift", json_interval(value.expected_lift)},
                                     {"gap_of_lift", json_interval(value.gap)},
                                     {"effective_rows", json_number(value.effective_rows)}};
  return out;
}

std::string to_text(const ChoiceReport& report, std::string_view title, bool brief) {
  std::string text = fmt::format("{}: {} rows of {} users, {} resamples of users\n", title, show_count(report.rows),
                                 show_count(report.users), show_count(report.resamples));
  if (!brief)
    fmt::format_to(
        std::back_inserter(text),
        "(videos and users as standard rows until {} show them. Excess: life less simulated in the\n"
        "upper half of the rows, less the same in the lower half; 0: an effect is seen as large as it is.)\n",
        report.known_until);
  for (const ChoiceStratum& stratum : report.strata) append_stratum(text, stratum, brief);
  fmt::format_to(std::back_inserter(text),
                 "\nseconds a video of policies that take the best of {} videos drawn from {}\n\n{}\n",
                 report.candidates, show_count(report.pool), policies_text(report));
  fmt::format_to(std::back_inserter(text),
                 "Kendall's tau: {:.2f} over {} pairs of policies, {:.2f} over the {} that life tells apart\n",
                 shown(report.all.tau), report.all.pairs, shown(report.told_apart.tau), report.told_apart.pairs);
  return text;
}

}  // namespace swipegym
