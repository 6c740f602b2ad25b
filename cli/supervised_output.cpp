#include "cli/supervised_output.h"

#include <cmath>

#include "evaluation/json_number.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

// The figure and half the width of its interval, which is near enough to symmetric to read that way; JSON has the ends.
std::string show_spread(const Interval& interval, int digits) {
  if (std::isnan(interval.mean)) return "-";
  if (std::isnan(interval.low)) return show_figure(interval.mean, digits);
  return fmt::format("{:.{}f} ±{:.{}f}", interval.mean, digits, 0.5 * (interval.high - interval.low), digits);
}

std::vector<std::size_t> read_depths(const std::vector<std::string>& words) {
  std::vector<std::size_t> depths;
  for (const std::string& word : words)
    depths.push_back(parse_number<std::size_t>("--depths", word, between(1, 1'000)));
  return depths;
}

}  // namespace

void add_table_options(Options& options, TableSettings& settings) {
  options.group("Tables")
      .add("wanted-above", settings.wanted_above, between(0, 1e6), "X",
           "the binary task: was a larger share of the video watched")
      .add("ratio-clip", settings.ratio_clip, between(1e-3, 1e6), "X",
           "watch ratios are clipped here before errors are taken")
      .add("depths", settings.depths, "LIST", "k of the ranking figures, 1 to 1000 each")
      .checked([](const std::string& text) { read_depths(split_list("--depths", text)); })
      .add("duration-groups", settings.fairness_groups, between(1, 10'000), "N",
           "groups of videos about as long whose rankings are compared")
      .add("recall-at", settings.recall_at, between(1, 1'000'000), "K", "depth of retrieval from the whole catalogue")
      .add("resamples", settings.resamples, between(1, 1'000'000), "N",
           "of the bootstrap over users behind the intervals");
}

SupervisedTableConfig table_config(const TableSettings& settings, const Run& run) {
  SupervisedTableConfig config;
  config.wanted_above = settings.wanted_above;
  config.ratio_clip = settings.ratio_clip;
  config.fairness_groups = settings.fairness_groups;
  config.recall_at = settings.recall_at;
  config.resamples = settings.resamples;
  config.depths = read_depths(settings.depths);
  config.seed = run.seed;
  config.threads = run.threads;
  config.progress = run.progress;
  return config;
}

std::string text_of(const SupervisedTables& tables, const std::string& reference) {
  std::string out;
  for (const SupervisedTable& table : tables.tables) {
    std::vector<std::string> header = {table.title};
    for (const TableColumn& column : table.columns) header.push_back(column.title);
    Table text(header);
    for (const TableLine& line : table.lines) {
      std::vector<std::string> cells = {line.seeds > 1 ? fmt::format("{} ({} seeds)", line.policy, line.seeds)
                                                       : line.policy};
      for (std::size_t c = 0; c < table.columns.size(); ++c)
        cells.push_back(show_spread(line.figure[c], table.columns[c].digits));
      text.add(cells);
    }
    std::vector<std::string> users = {"users"};
    for (const TableColumn& column : table.columns) users.push_back(show_count(column.users));
    text.add(users);
    out += text.text();
    if (!table.note.empty()) out += fmt::format("  {}\n", table.note);
    out += "\n";
    if (reference.empty() || table.key == "labelcraft_code" || table.lines[0].difference.empty()) continue;
    header[0] = "minus " + reference + " (p, Holm)";
    Table gaps(header);
    for (const TableLine& line : table.lines) {
      if (line.policy == reference) continue;
      std::vector<std::string> cells = {line.policy};
      for (std::size_t c = 0; c < table.columns.size(); ++c)
        cells.push_back(std::isnan(line.difference[c].mean)
                            ? "-"
                            : fmt::format("{} ({})", show_spread(line.difference[c], table.columns[c].digits),
                                          show_figure(line.p_value[c], 3)));
      gaps.add(cells);
    }
    out += gaps.text() + "\n";
  }
  return out + fmt::format(
                   "  {} rows of {} users; ± is half a 95 % interval over users and training seeds; users: whom "
                   "the figures rest on\n",
                   show_count(tables.rows), show_count(tables.users));
}

std::string text_of(const std::vector<EpochReport>& epochs) {
  Table table({"epoch", "train loss", "validation loss", "validation metric", "s"});
  for (const EpochReport& e : epochs)
    table.add({std::to_string(e.epoch), show_figure(e.train_loss, 5), show_figure(e.validation_loss, 5),
               show_figure(e.validation_metric, 5), fmt::format("{:.1f}", e.seconds)});
  return table.text();
}

Json epochs_json(const std::vector<EpochReport>& epochs) {
  Json list = Json::array();
  for (const EpochReport& epoch : epochs) list.push_back(to_json(epoch));
  return list;
}

}  // namespace swipegym::cli
