#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "evaluation/fidelity/fidelity.h"
#include "evaluation/json_number.h"
#include "evaluation/shown.h"
#include "evaluation/text_table.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

Json signal_json(const BinaryScore& score) {
  return {{"auc", json_number(score.auc)},         {"gauc", json_number(score.gauc)},
          {"logloss", json_number(score.logloss)}, {"ece", json_number(score.ece)},
          {"rate", json_number(score.rate)},       {"expected_rate", json_number(score.expected_rate)}};
}

Json predictor_json(const PredictorScore& score) {
  Json out = {
      {"crps", json_number(score.crps)}, {"pit", json_number(score.pit)}, {"log_score", json_number(score.log_score)}};
  for (std::size_t s = 0; s < kNumSignals; ++s)
    out["signals"][std::string(kSignalNames[s])] = signal_json(score.signal[s]);
  return out;
}

Json groups_json(const std::vector<GroupGap>& groups) {
  Json out = Json::array();
  for (const GroupGap& group : groups)
    out.push_back({{"group", group.group},
                   {"rows", group.rows},
                   {"real_ratio", json_number(group.real)},
                   {"drawn_ratio", json_number(group.drawn)},
                   {"real_click", json_number(group.real_click)},
                   {"drawn_click", json_number(group.drawn_click)}});
  return out;
}

Json pit_json(const std::vector<Interval>& shares) {
  Json out = Json::array();
  for (std::size_t bin = 0; bin < shares.size(); ++bin)
    out.push_back({{"from", static_cast<double>(bin) / static_cast<double>(shares.size())},
                   {"to", static_cast<double>(bin + 1) / static_cast<double>(shares.size())},
                   {"share", json_interval(shares[bin])}});
  return out;
}

Json reliability_json(const std::vector<ReliabilityBin>& bins) {
  Json out = Json::array();
  for (const ReliabilityBin& bin : bins)
    out.push_back({{"rows", bin.rows}, {"expected", json_number(bin.expected)}, {"rate", json_interval(bin.rate)}});
  return out;
}

Json ratios_json(const std::vector<RatioHistogram>& groups) {
  Json out = Json::array();
  for (const RatioHistogram& group : groups) {
    Json bins = Json::array();
    for (std::size_t bin = 0; bin < kRatioBins.size(); ++bin)
      bins.push_back({{"from", std::round(kRatioBins[bin] * 100.0) / 100.0},  // as it is written, not as a float32 is
                      {"real", json_interval(group.real[bin])},
                      {"drawn", json_number(group.drawn[bin])}});
    out.push_back({{"from_s", group.from_s}, {"to_s", group.to_s}, {"rows", group.rows}, {"bins", std::move(bins)}});
  }
  return out;
}

// ".1234", as people write shares; "-" when undefined.
std::string digits(double value, int places = 4) {
  return fmt::format(fmt::runtime(fmt::format("{{:.{}f}}", places)), shown(value));
}

void append_predictor(std::string& text, const PredictorScore& score) {
  fmt::format_to(std::back_inserter(text), "{:<16} {:>8} {:>8} {:>10}\n", score.name, digits(score.crps),
                 digits(score.pit), digits(score.log_score, 3));
}

void append_groups(std::string& text, const char* title, const std::vector<GroupGap>& groups) {
  if (groups.empty()) return;
  fmt::format_to(std::back_inserter(text), "\n{:<18} {:>8} {:>11} {:>11} {:>11} {:>11}\n", title, "rows", "ratio life",
                 "simulated", "click life", "simulated");
  for (const GroupGap& group : groups)
    fmt::format_to(std::back_inserter(text), "{:<18} {:>8} {:>11} {:>11} {:>11} {:>11}\n", group.group,
                   show_count(group.rows), digits(group.real), digits(group.drawn), digits(group.real_click),
                   digits(group.drawn_click));
}

}  // namespace

Json to_json(const FidelityReport& report) {
  Json out = predictor_json(report.simulator);
  for (std::size_t s = 0; s < kNumSignals; ++s)
    out["signals"][std::string(kSignalNames[s])]["sampled_rate"] = json_number(report.sampled_rate[s]);
  out["draw_pit"] = json_number(report.draw_pit);
  out["gap_tab"] = json_number(report.gap_tab);
  out["gap_duration"] = json_number(report.gap_duration);
  out["tabs"] = groups_json(report.tabs);
  out["durations"] = groups_json(report.durations);
  for (const PredictorScore& reference : report.references)
    out["references"][reference.name] = predictor_json(reference);
  if (report.truth) {
    out["references"]["truth"] = predictor_json(*report.truth);
    out["crps_above_truth"] = json_number(report.crps_above_truth());
  }
  out["cells"] = {{"cells", report.cells.cells},
                  {"agree_ratio", report.cells.ratio},
                  {"agree_click", report.cells.click},
                  {"agree", report.cells.both}};
  out["pit_histogram"] = pit_json(report.pit_histogram);
  for (std::size_t s = 0; s < kNumSignals; ++s)
    out["reliability"][std::string(kSignalNames[s])] = reliability_json(report.reliability[s]);
  out["ratio_by_duration"] = ratios_json(report.ratio_by_duration);
  out["rows"] = report.rows;
  out["users"] = report.users;
  out["from"] = report.window.from;
  out["until"] = report.window.until;
  out["log"] = report.window.random ? "random" : "standard";
  return out;
}

std::string to_text(const FidelityReport& report) {
  std::string text =
      fmt::format("{} rows of {} users of the {} log, {}\n\n", show_count(report.rows), show_count(report.users),
                  report.window.random ? "random" : "standard", days_text(report.window.from, report.window.until));
  fmt::format_to(std::back_inserter(text), "{:<16} {:>8} {:>8} {:>10}   (watch ratio; CRPS and PIT lower is better)\n",
                 "", "CRPS", "PIT dev.", "log score");
  append_predictor(text, report.simulator);
  for (const PredictorScore& reference : report.references) append_predictor(text, reference);
  if (report.truth) {
    append_predictor(text, *report.truth);
    fmt::format_to(std::back_inserter(text), "CRPS above that of the truth, which nothing can beat: {:+.2f} %{}\n",
                   shown(100.0 * report.crps_above_truth()),
                   report.truth->crps > 0.0 ? "" : " (that is 0: each row is known beforehand)");
  }
  fmt::format_to(std::back_inserter(text), "\n{:<17} {:>7} {:>7} {:>8} {:>7} {:>8} {:>8} {:>8}   {:>9} {:>9}\n",
                 "signal", "AUC", "GAUC", "log loss", "ECE", "rate", "expected", "sampled", "cell AUC", "log loss");
  for (std::size_t s = 0; s < kNumSignals; ++s) {
    const BinaryScore& score = report.simulator.signal[s];
    const BinaryScore& cells = report.references.back().signal[s];
    fmt::format_to(std::back_inserter(text), "{:<17} {:>7} {:>7} {:>8} {:>7} {:>8} {:>8} {:>8}   {:>9} {:>9}\n",
                   kSignalNames[s], digits(score.auc), digits(score.gauc), digits(score.logloss), digits(score.ece),
                   digits(score.rate), digits(score.expected_rate), digits(report.sampled_rate[s]), digits(cells.auc),
                   digits(cells.logloss));
  }
  append_groups(text, "tab", report.tabs);
  append_groups(text, "duration", report.durations);
  fmt::format_to(std::back_inserter(text), "\nlargest gap of the mean watch ratio: over tabs {}, over durations {}\n",
                 digits(report.gap_tab), digits(report.gap_duration));
  if (report.cells.cells > 0)
    fmt::format_to(std::back_inserter(text),
                   "tab x duration cells of at least 300 rows within 3 standard errors: {} of {} in the mean ratio, {} "
                   "in the click rate, {} in both\n",
                   report.cells.ratio, report.cells.cells, report.cells.click, report.cells.both);
  return text;
}

}  // namespace swipegym
