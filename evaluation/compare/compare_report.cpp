#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "evaluation/compare/compare.h"
#include "evaluation/json_number.h"
#include "evaluation/text_table.h"

namespace swipegym {
namespace {

Json policies_json(const SimulatorFigures& simulator, const CompareConfig& config) {
  const bool versus = !config.versus.empty();
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
    if (config.expected) {
      out.back()["expected"] = {{"reward", json_interval(policy.expected.reward)},
                                {"share", json_interval(policy.expected.share)}};
      if (versus) out.back()["expected"]["versus"] = json_interval(policy.expected.versus);
    }
    if (simulator.members > 1)
      out.back()["members"] = {{"reward", json_number(policy.reward_members.members)},
                               {"reward_noise", json_number(policy.reward_members.sessions)},
                               {"versus_random", json_number(policy.versus_random_members.members)},
                               {"versus_random_noise", json_number(policy.versus_random_members.sessions)}};
  }
  return out;
}

std::vector<const PolicyFigures*> ranked(const SimulatorFigures& simulator) {
  std::vector<const PolicyFigures*> order;
  for (const std::size_t policy : best_first(simulator)) order.push_back(&simulator.policy[policy]);
  return order;
}

const Interval& figure(const PolicyFigures& policy, std::string_view metric) {
  return policy.metric[metric_index(metric)];
}

// The policy of this name, in another simulator's list.
const PolicyFigures& same_policy(const SimulatorFigures& simulator, const std::string& name) {
  return *std::ranges::find(simulator.policy, name, &PolicyFigures::name);
}

// What decides: how the policies do where they were trained, what a judge says of it, and how long sessions are.
std::string short_table(const CompareReport& report) {
  const SimulatorFigures& first = report.simulator[0];
  std::vector<std::string> head = {"policy", "return a session", "0 random, 1 oracle"};
  for (std::size_t s = 1; s < report.simulator.size(); ++s)
    head.push_back(fmt::format("return in {}", report.simulator[s].name));
  head.insert(head.end(), {"videos", "s a video"});
  Table table(head);
  for (const PolicyFigures* policy : ranked(first)) {
    std::vector<std::string> row = {policy->name, show_interval(figure(*policy, "reward"), 1),
                                    show_interval(policy->normalised, 2)};
    for (std::size_t s = 1; s < report.simulator.size(); ++s)
      row.push_back(show_interval(figure(same_policy(report.simulator[s], policy->name), "reward"), 1));
    row.push_back(show_figure(figure(*policy, "depth").mean, 2));
    row.push_back(show_figure(figure(*policy, "watch_s_per_video").mean, 2));
    table.add(std::move(row));
  }
  return "in " + first.name + "\n\n" + table.text(0);
}

// Every figure there is of one simulator.
std::string wide_tables(const SimulatorFigures& simulator) {
  Table figures({"policy", "return a session", "0 random, 1 oracle", "watch s a session", "videos", "s a video",
                 "ratio a video", "ratio a session", "entropy", "shown", "Gini", "back 1 d", "gap h"});
  std::vector<std::string> head = {"per 1000 videos", "click", "like",      "follow", "comment",
                                   "forward",         "hate",  "long view", "profile"};
  static_assert(kNumSignals == 8);
  Table signals(head);
  for (const PolicyFigures* policy : ranked(simulator)) {
    const auto mean = [&](std::string_view metric, int digits) {
      return show_figure(figure(*policy, metric).mean, digits);
    };
    figures.add({policy->name, show_interval(figure(*policy, "reward"), 1), show_interval(policy->normalised, 2),
                 show_interval(figure(*policy, "watch_s_per_session"), 1), mean("depth", 2),
                 mean("watch_s_per_video", 2), mean("watch_ratio_per_video", 4), mean("watch_ratio_per_session", 2),
                 mean("tag_entropy", 3), mean("catalogue_share", 4), mean("author_gini", 3), mean("returns_in_day", 3),
                 mean("gap_h", 1)});
    std::vector<std::string> row = {policy->name};
    for (const std::string_view signal : kSignalNames)
      row.push_back(show_figure(1000 * figure(*policy, signal).mean, 2));
    signals.add(std::move(row));
  }
  return "in " + simulator.name + "\n\n" + figures.text(0) + "\n" + signals.text(0);
}

std::string versus_table(const SimulatorFigures& simulator, const std::string& versus) {
  Table table({"policy", fmt::format("return in {} less {}'s", simulator.name, versus)});
  for (const PolicyFigures* policy : ranked(simulator))
    if (policy->name != versus) table.add({policy->name, show_interval(policy->versus, 2)});
  return "\nsession by session\n\n" + table.text(0);
}

// What choices are expected to earn at once, on states of uniform sessions, beside the return's share.
std::string expected_table(const SimulatorFigures& simulator, const std::string& versus) {
  std::vector<std::string> head = {"policy", "a choice", "0 random, 1 oracle", "of the return"};
  if (!versus.empty()) head.push_back("share less " + versus + "'s");
  Table table(head);
  for (const PolicyFigures* policy : ranked(simulator)) {
    std::vector<std::string> row = {policy->name, show_figure(policy->expected.reward.mean, 2),
                                    show_interval(policy->expected.share, 3), show_figure(policy->normalised.mean, 2)};
    if (!versus.empty()) row.push_back(policy->name == versus ? "" : show_interval(policy->expected.versus, 3));
    table.add(std::move(row));
  }
  return fmt::format("\nexpected at once in {}, on states of uniform sessions (random {}, oracle {})\n\n",
                     simulator.name, show_figure(simulator.expected_random.mean, 2),
                     show_figure(simulator.expected_oracle.mean, 2)) +
         table.text(0);
}

// How far returns may be off: members of a posterior disagree, and sessions differ.
std::string members_table(const SimulatorFigures& simulator) {
  const auto off = [](const Disagreement& one) {
    return std::pair{show_figure(one.members, 1), show_figure(one.sessions, 1)};
  };
  Table table({"policy", "return: members", "sessions", "less random's: members", "sessions"});
  for (const PolicyFigures* policy : ranked(simulator)) {
    const auto [return_members, return_sessions] = off(policy->reward_members);
    const auto [random_members, random_sessions] = off(policy->versus_random_members);
    table.add({policy->name, return_members, return_sessions, random_members, random_sessions});
  }
  return fmt::format("\n{} has {} members: deviation of a member's mean, and of the mean by the number of sessions\n\n",
                     simulator.name, simulator.members) +
         table.text(0);
}

std::string agreement_text(const CompareReport& report, const Agreement& agreement, bool wide) {
  const SimulatorFigures& first = report.simulator[0];
  std::string text = fmt::format(
      "\n{} against {}: Kendall tau of the returns {}\n"
      "it would choose {}, best there is {}\n"
      "regret {} of (best - random)\n",
      first.name, agreement.judge, show_interval(agreement.kendall_tau, 2), agreement.choice, agreement.best,
      show_interval(agreement.regret, 3));
  if (!wide) return text;
  Table table({"policy", fmt::format("return in {} less that in {}", first.name, agreement.judge)});
  for (std::size_t p = 0; p < agreement.gap.size(); ++p)
    table.add({first.policy[p].name, show_interval(agreement.gap[p], 2)});
  return text + "\n" + table.text(0);
}

}  // namespace

std::vector<std::size_t> best_first(const SimulatorFigures& simulator) {
  std::vector<std::size_t> order(simulator.policy.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&, reward = metric_index("reward")](std::size_t a, std::size_t b) {
    return simulator.policy[a].metric[reward].mean > simulator.policy[b].metric[reward].mean;
  });
  return order;
}

Json to_json(const CompareReport& report) {
  Json out;
  const bool versus = !report.config.versus.empty();
  out["policies"] = policies_json(report.simulator[0], report.config);
  for (const SimulatorFigures& simulator : report.simulator) {
    out["simulators"].push_back({{"name", simulator.name},
                                 {"random_reward", json_interval(simulator.random)},
                                 {"oracle_reward", json_interval(simulator.oracle)},
                                 {"policies", policies_json(simulator, report.config)}});
    if (report.config.expected)
      out["simulators"].back()["expected"] = {{"random", json_interval(simulator.expected_random)},
                                              {"oracle", json_interval(simulator.expected_oracle)}};
  }
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
  out["source"] = report.config.world.source;
  out["candidates"] = report.config.world.candidates;
  return out;
}

std::string to_text(const CompareReport& report, bool wide) {
  const CompareConfig& config = report.config;
  std::string text =
      fmt::format("{} sessions of {} evaluation seeds, the same for every policy; ", config.sessions, config.seeds);
  text += config.world.offers_all() ? "the full catalogue"
                                    : fmt::format("{} {} candidates", config.world.candidates, config.world.source);
  text += config.world.slate > 1 ? fmt::format(", slates of {}\n", config.world.slate) : "\n";
  if (!wide) text += "\n" + short_table(report);
  for (const SimulatorFigures& simulator : report.simulator) {
    if (wide) text += "\n" + wide_tables(simulator);
    if (!config.versus.empty()) text += versus_table(simulator, config.versus);
    if (config.expected) text += expected_table(simulator, config.versus);
    if (simulator.members > 1) text += members_table(simulator);
  }
  for (const Agreement& agreement : report.agreement) text += agreement_text(report, agreement, wide);
  text += "\n[low, high]: 95 % interval, hierarchical bootstrap over training seeds and sessions\n";
  for (const PolicyFigures& policy : report.simulator[0].policy)
    if (policy.training_seeds > 1)
      fmt::format_to(std::back_inserter(text), "{}: {} training seeds\n", policy.name, policy.training_seeds);
  return text;
}

}  // namespace swipegym
