#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "evaluation/compare/compare.h"
#include "evaluation/json_number.h"

namespace swipegym {
namespace {

Json policies_json(const SimulatorFigures& simulator, bool versus) {
  Json out = Json::array();
  for (const PolicyFigures& policy : simulator.policy) {
    Json metrics;
    for (std::size_t m = 0; m < policy.metric.size(); ++m)
      metrics[std::string(compare_metrics()[m].name)] = json_interval(policy.metric[m]);
    out.push_back({{"name", policy.name},
                   {"training_seeds", policy.training_seeds},
                   {"metrics", std::move(metrics)},
                   {"normalised_score", json_interval(policy.normalised)},
                   {"versus_random", json_interval(policy.versus_random)}});
    if (versus) out.back()["versus"] = json_interval(policy.versus);
  }
  return out;
}

std::string plain(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-";
}

std::string with_interval(const Interval& figure, int digits) {
  if (!std::isfinite(figure.low)) return plain(figure.mean, digits);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", figure.mean, digits, figure.low, digits, figure.high, digits);
}

// Policies from the highest return to the lowest.
std::vector<const PolicyFigures*> ranked(const SimulatorFigures& simulator) {
  std::vector<const PolicyFigures*> order;
  for (const PolicyFigures& policy : simulator.policy) order.push_back(&policy);
  const std::size_t reward = metric_index("reward");
  std::stable_sort(order.begin(), order.end(), [reward](const PolicyFigures* a, const PolicyFigures* b) {
    return a->metric[reward].mean > b->metric[reward].mean;
  });
  return order;
}

std::size_t name_width(const CompareReport& report) {
  std::size_t width = 6;
  for (const PolicyFigures& policy : report.simulator[0].policy) width = std::max(width, policy.name.size());
  return width;
}

void append_simulator(std::string& text, const SimulatorFigures& simulator, std::size_t width) {
  auto out = std::back_inserter(text);
  const auto mean = [](const PolicyFigures& policy, std::string_view metric) {
    return policy.metric[metric_index(metric)].mean;
  };
  fmt::format_to(out, "in {}\n\n{:<{}}  {:>24}  {:>20}  {:>24}  {:>7} {:>8} {:>11} {:>13} {:>8} {:>7} {:>8} {:>6}\n",
                 simulator.name, "policy", width, "return a session", "0 random, 1 oracle", "watch s a session",
                 "depth", "s/video", "ratio/video", "ratio/session", "entropy", "shown", "back 1 d", "gap h");
  for (const PolicyFigures* policy : ranked(simulator))
    fmt::format_to(out, "{:<{}}  {:>24}  {:>20}  {:>24}  {:>7} {:>8} {:>11} {:>13} {:>8} {:>7} {:>8} {:>6}\n",
                   policy->name, width, with_interval(policy->metric[metric_index("reward")], 1),
                   with_interval(policy->normalised, 2),
                   with_interval(policy->metric[metric_index("watch_s_per_session")], 1),
                   plain(mean(*policy, "depth"), 2), plain(mean(*policy, "watch_s_per_video"), 2),
                   plain(mean(*policy, "watch_ratio_per_video"), 4), plain(mean(*policy, "watch_ratio_per_session"), 2),
                   plain(mean(*policy, "tag_entropy"), 3), plain(mean(*policy, "catalogue_share"), 4),
                   plain(mean(*policy, "returns_in_day"), 3), plain(mean(*policy, "gap_h"), 1));
  fmt::format_to(out, "\n{:<{}}", "per 1000 videos", std::max<std::size_t>(width, 15));
  constexpr std::array<const char*, kNumSignals> kShort = {"click",   "like", "follow",    "comment",
                                                           "forward", "hate", "long view", "profile"};
  for (const char* name : kShort) fmt::format_to(out, " {:>9}", name);
  text += '\n';
  for (const PolicyFigures* policy : ranked(simulator)) {
    fmt::format_to(out, "{:<{}}", policy->name, std::max<std::size_t>(width, 15));
    for (const std::string_view signal : kSignalNames)
      fmt::format_to(out, " {:>9}", plain(1000 * mean(*policy, signal), 2));
    text += '\n';
  }
}

void append_versus(std::string& text, const SimulatorFigures& simulator, const std::string& versus, std::size_t width) {
  fmt::format_to(std::back_inserter(text), "\nreturn less {}'s, session by session\n", versus);
  for (const PolicyFigures* policy : ranked(simulator))
    if (policy->name != versus)
      fmt::format_to(std::back_inserter(text), "{:<{}}  {:>24}\n", policy->name, width,
                     with_interval(policy->versus, 2));
}

void append_agreement(std::string& text, const CompareReport& report, const Agreement& agreement, std::size_t width) {
  auto out = std::back_inserter(text);
  fmt::format_to(out,
                 "\n{} against {}: Kendall tau of the returns {}; it would choose {}, best there is {}, regret {} of "
                 "(best - random)\n",
                 report.simulator[0].name, agreement.judge, with_interval(agreement.kendall_tau, 2), agreement.choice,
                 agreement.best, with_interval(agreement.regret, 3));
  fmt::format_to(out, "{:<{}}  {:>28}\n", "policy", width, "return here - return there");
  for (std::size_t p = 0; p < agreement.gap.size(); ++p)
    fmt::format_to(out, "{:<{}}  {:>28}\n", report.simulator[0].policy[p].name, width,
                   with_interval(agreement.gap[p], 2));
}

}  // namespace

Json to_json(const CompareReport& report) {
  Json out;
  const bool versus = !report.config.versus.empty();
  out["policies"] = policies_json(report.simulator[0], versus);
  for (const SimulatorFigures& simulator : report.simulator)
    out["simulators"].push_back({{"name", simulator.name},
                                 {"random_reward", json_interval(simulator.random)},
                                 {"oracle_reward", json_interval(simulator.oracle)},
                                 {"policies", policies_json(simulator, versus)}});
  out["agreement"] = Json::array();
  for (const Agreement& agreement : report.agreement) {
    Json gap;
    for (std::size_t p = 0; p < agreement.gap.size(); ++p)
      gap[report.simulator[0].policy[p].name] = json_interval(agreement.gap[p]);
    out["agreement"].push_back({{"judge", agreement.judge},
                                {"kendall_tau", json_interval(agreement.kendall_tau)},
                                {"choice", agreement.choice},
                                {"best", agreement.best},
                                {"regret", json_interval(agreement.regret)},
                                {"gap", std::move(gap)}});
  }
  if (versus) out["versus"] = report.config.versus;
  out["sessions"] = report.config.sessions;
  out["seeds"] = report.config.seeds;
  out["candidates"] = report.config.candidates;
  out["slots"] = report.config.slots;
  return out;
}

std::string to_text(const CompareReport& report) {
  const CompareConfig& config = report.config;
  const std::size_t width = name_width(report);
  std::string text =
      fmt::format("{} sessions of {} evaluation seeds, the same for every policy; ", config.sessions, config.seeds);
  text += config.candidates == "full" ? "the full catalogue"
                                      : fmt::format("{} {} candidates", config.slots, config.candidates);
  text += config.env.slate > 1 ? fmt::format(", slates of {}\n", config.env.slate) : "\n";
  for (std::size_t s = 0; s < report.simulator.size(); ++s) {
    text += '\n';
    append_simulator(text, report.simulator[s], width);
    if (!config.versus.empty()) append_versus(text, report.simulator[s], config.versus, width);
  }
  for (const Agreement& agreement : report.agreement) append_agreement(text, report, agreement, width);
  text += "\n[low, high]: 95 % interval, hierarchical bootstrap over training seeds and sessions\n";
  for (const PolicyFigures& policy : report.simulator[0].policy)
    if (policy.training_seeds > 1)
      fmt::format_to(std::back_inserter(text), "{}: {} training seeds\n", policy.name, policy.training_seeds);
  return text;
}

}  // namespace swipegym
