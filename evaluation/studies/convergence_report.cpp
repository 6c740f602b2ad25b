#include <fmt/format.h>
#include <fmt/ranges.h>

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

// A line's figures by name, in the order of the CSV files.
Json json_of(const ConvergenceRow& r) {
  return {{"size", r.size},
          {"agent", r.agent},
          {"reward", json_interval(r.reward)},
          {"normalised", json_interval(r.normalised)},
          {"above_popularity", json_interval(r.above_popularity)},
          {"steps_to_80", r.steps_to_80},
          {"reached_80", r.reached_80},
          {"converged", r.converged},
          {"diverged", r.diverged},
          {"over_estimation", r.over_estimation},
          {"realised", r.realised},
          {"largest_value", r.largest},
          {"loss", r.loss},
          {"gradient_norm", r.gradient_norm},
          {"visits_gini", r.visits_gini},
          {"tried", r.tried},
          {"seconds", r.seconds},
          {"steps_per_s", r.steps_per_s},
          {"update_ms", r.update_ms},
          {"replay_mb", r.replay_mb},
          {"network_mb", r.network_mb}};
}

Json json_of(const BaselineRow& r) {
  return {{"size", r.size},
          {"policy", r.policy},
          {"reward", json_interval(r.reward)},
          {"normalised", json_interval(r.normalised)},
          {"recall", r.recall}};
}

Json json_of(const ConvergenceSlope& s) {
  return {{"agent", s.agent}, {"figure", s.figure}, {"slope", json_interval(s.slope)}, {"sizes", s.sizes}};
}

template <class Row>
Json list_of(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) list.push_back(json_of(row));
  return list;
}

std::string cell_of(const Json& value) {
  if (value.is_null()) return "nan";
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// An interval is three columns: name, name_low, name_high.
template <class Row>
std::string csv_of(const std::vector<Row>& rows) {
  const auto line = [](const Json& row, auto cell) {
    std::vector<std::string> cells;
    for (const auto& [name, value] : row.items())
      if (value.is_object())
        for (const char* end : {"mean", "low", "high"}) cells.push_back(cell(name, end, value[end]));
      else if (name != "recall")
        cells.push_back(cell(name, "mean", value));
    return fmt::format("{}\n", fmt::join(cells, ","));
  };
  std::string text = line(json_of(Row{}), [](const std::string& name, const std::string& end, const Json&) {
    return end == "mean" ? name : name + "_" + end;
  });
  for (const Row& row : rows)
    text += line(json_of(row), [](const std::string&, const char*, const Json& value) { return cell_of(value); });
  return text;
}

}  // namespace

Json to_json(const ConvergenceReport& report) {
  return {{"rows", list_of(report.rows)}, {"baselines", list_of(report.baselines)}, {"slopes", list_of(report.slopes)}};
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
  return csv_of(report.rows);
}

std::string baselines_csv(const ConvergenceReport& report) {
  return csv_of(report.baselines);
}

std::string slopes_csv(const ConvergenceReport& report) {
  return csv_of(report.slopes);
}

}  // namespace swipegym
