#include <fmt/format.h>

#include "evaluation/json_number.h"
#include "evaluation/shown.h"
#include "evaluation/studies/convergence_figures.h"
#include "evaluation/text_table.h"

namespace swipegym {
namespace {

// The line of a baseline, which neither learns nor converges.
std::vector<std::string> cells_of(const BaselineRow& row) {
  return {show_count(row.size), row.policy, show_interval(row.reward, 1), show_interval(row.normalised, 2)};
}

std::vector<std::string> cells_of(const ConvergenceRow& row) {
  return {show_count(row.size),
          row.agent,
          show_interval(row.reward, 1),
          show_interval(row.normalised, 2),
          row.reached_80 > 0 ? show_count(static_cast<std::size_t>(row.steps_to_80)) : "-",
          row.diverged > 0 ? fmt::format("{} diverged", row.diverged)
          : row.converged  ? "yes"
                           : "no",
          fmt::format("{:.2f}x", shown((row.realised + row.over_estimation) / row.realised)),
          fmt::format("{:.0f}%", 100.0 * row.tried),
          show_count(static_cast<std::size_t>(row.steps_per_s))};
}

}  // namespace

Json to_json(const ConvergenceReport& report) {
  Json rows = Json::array(), lines = Json::array(), slopes = Json::array();
  for (const ConvergenceRow& r : report.rows)
    rows.push_back({{"size", r.size},
                    {"agent", r.agent},
                    {"reward", json_interval(r.reward)},
                    {"normalised", json_interval(r.normalised)},
                    {"above_popularity", json_interval(r.above_popularity)},
                    {"steps_to_80", r.steps_to_80},
                    {"reached_80", r.reached_80},
                    {"converged", r.converged},
                    {"diverged", r.diverged},
                    {"over_estimation", json_number(r.over_estimation)},
                    {"realised", json_number(r.realised)},
                    {"largest_value", json_number(r.largest)},
                    {"loss", json_number(r.loss)},
                    {"gradient_norm", json_number(r.gradient_norm)},
                    {"visits_gini", r.visits_gini},
                    {"tried", r.tried},
                    {"seconds", r.seconds},
                    {"steps_per_s", r.steps_per_s},
                    {"update_ms", r.update_ms},
                    {"replay_mb", r.replay_mb},
                    {"network_mb", r.network_mb}});
  for (const BaselineRow& r : report.baselines)
    lines.push_back({{"size", r.size},
                     {"policy", r.policy},
                     {"reward", json_interval(r.reward)},
                     {"normalised", json_interval(r.normalised)},
                     {"recall", r.recall}});
  for (const ConvergenceSlope& s : report.slopes)
    slopes.push_back({{"agent", s.agent}, {"figure", s.figure}, {"slope", json_interval(s.slope)}, {"sizes", s.sizes}});
  return {{"rows", std::move(rows)}, {"baselines", std::move(lines)}, {"slopes", std::move(slopes)}};
}

std::string to_text(const ConvergenceReport& report) {
  Table table({"videos", "policy", "reward a session", "0 random, 1 oracle", "steps to 80%", "converged", "promised",
               "tried", "steps/s"});
  std::string shortlists;
  std::size_t before = 0;
  for (const ConvergenceRow& r : report.rows) {
    if (r.size != before)
      for (const BaselineRow& y : report.baselines) {
        if (y.size != r.size) continue;
        table.add(cells_of(y));
        if (y.recall < 1.0)
          shortlists += fmt::format("  {} of {}: on a shortlist that held the best video in {:.0f} % of states tried\n",
                                    y.policy, show_count(y.size), 100.0 * y.recall);
      }
    before = r.size;
    table.add(cells_of(r));
  }
  Table slopes({"agent", "for ten times the videos", "slope", "sizes"});
  for (const ConvergenceSlope& s : report.slopes)  // a line through one point has any slope
    slopes.add({s.agent, s.figure, s.sizes > 1 ? show_interval(s.slope, 3) : "-", std::to_string(s.sizes)});
  return table.text() + "\n  promised: Q of a session's first choice over the discounted return that came\n" +
         shortlists + "\n" + slopes.text();
}

std::string curves_csv(const ConvergenceMeasurements& measured) {
  std::string text =
      "size,agent,seed,env_steps,updates,seconds,reward,normalised,discounted,promised,largest,loss,gradient_norm\n";
  for (const auto& [cell, result] : measured.cells) {
    const std::pair<double, double> scale = baseline_scale(measured, cell.size);
    for (const CurvePoint& p : result.curve)
      text += fmt::format("{},{},{},{},{},{:.3f},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n",
                          std::min(cell.size, measured.num_videos), cell.agent, cell.seed, p.env_steps, p.updates,
                          p.seconds, p.reward, (p.reward - scale.first) / scale.second, p.discounted, p.promised,
                          p.largest, p.loss, p.gradient_norm);
  }
  return text;
}

std::string table_csv(const ConvergenceReport& report) {
  std::string text =
      "size,agent,reward,reward_low,reward_high,normalised,normalised_low,normalised_high,above_popularity,"
      "above_popularity_low,above_popularity_high,steps_to_80,reached_80,converged,diverged,over_estimation,realised,"
      "largest_value,loss,gradient_norm,visits_gini,tried,seconds,steps_per_s,update_ms,replay_mb,network_mb\n";
  for (const ConvergenceRow& r : report.rows)
    text += fmt::format(
        "{},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{},{},{},{:.6g},{:.6g},{:.6g},{:."
        "6g},"
        "{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n",
        r.size, r.agent, r.reward.mean, r.reward.low, r.reward.high, r.normalised.mean, r.normalised.low,
        r.normalised.high, r.above_popularity.mean, r.above_popularity.low, r.above_popularity.high, r.steps_to_80,
        r.reached_80, r.converged, r.diverged, r.over_estimation, r.realised, r.largest, r.loss, r.gradient_norm,
        r.visits_gini, r.tried, r.seconds, r.steps_per_s, r.update_ms, r.replay_mb, r.network_mb);
  return text;
}

std::string baselines_csv(const ConvergenceReport& report) {
  std::string text = "size,policy,reward,reward_low,reward_high,normalised,normalised_low,normalised_high\n";
  for (const BaselineRow& r : report.baselines)
    text += fmt::format("{},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n", r.size, r.policy, r.reward.mean,
                        r.reward.low, r.reward.high, r.normalised.mean, r.normalised.low, r.normalised.high);
  return text;
}

std::string slopes_csv(const ConvergenceReport& report) {
  std::string text = "agent,figure,slope,slope_low,slope_high,sizes\n";
  for (const ConvergenceSlope& s : report.slopes)
    text += fmt::format("{},{},{:.6g},{:.6g},{:.6g},{}\n", s.agent, s.figure, s.slope.mean, s.slope.low, s.slope.high,
                        s.sizes);
  return text;
}

}  // namespace swipegym
