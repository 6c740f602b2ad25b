#include <algorithm>
#include <cmath>

#include "cli/command.h"
#include "cli/day_options.h"
#include "cli/load.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/off_policy/offline_study.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

struct ConstrainSettings {
  std::filesystem::path data;
  DaySettings days;
  std::size_t seeds = 5, resamples = 1000;
};

// Likes and the like are so rare that they are shown a hundred, a thousand, ten thousand videos.
struct ShownUnit {
  const char* title;
  double factor;
};
constexpr std::array<ShownUnit, kOfflineResponses> kUnits = {
    {{"click", 1.0}, {"like e-2", 1e2}, {"comment e-3", 1e3}, {"hate e-4", 1e4}, {"watch, s", 1.0}}};

std::string values_text(const OfflineStudyResult& result) {
  std::vector<std::string> header = {"method"};
  for (const ShownUnit& unit : kUnits) header.emplace_back(unit.title);
  for (const char* title : {"ESS", "largest weight", "cut, %", "chosen on validation days"}) header.emplace_back(title);
  Table table(header);
  const auto add = [&](const std::string& method, auto value, const std::vector<std::string>& rest) {
    std::vector<std::string> cells = {method};
    for (std::size_t i = 0; i < kOfflineResponses; ++i)
      cells.push_back(fmt::format("{:.4g}", kUnits[i].factor * value(i)));
    cells.insert(cells.end(), rest.begin(), rest.end());
    table.add(cells);
  };
  for (const OfflineLine& line : result.lines)
    add(line.method, [&](std::size_t i) { return line.value[i].mean; },
        {fmt::format("{:.0f}", line.effective_rows), fmt::format("{:.3g}", line.largest_weight),
         fmt::format("{:.2f}", 100.0 * line.cut_rows), line.setting});
  add("(logged)", [&](std::size_t i) { return result.logged[i]; }, {std::to_string(result.test_rows), "1", "-", "-"});
  return table.text();
}

// A change with its interval, or as a number alone.
std::string show_change(const Interval& by) {
  if (std::isfinite(by.low))
    return fmt::format("{:+.1f} [{:+.1f}, {:+.1f}]", 100.0 * by.mean, 100.0 * by.low, 100.0 * by.high);
  return std::isfinite(by.mean) ? fmt::format("{:+.1f}", 100.0 * by.mean) : "-";
}

template <class Change>
std::string changes_text(const OfflineStudyResult& result, const char* title, Change change_of) {
  std::vector<std::string> header = {title};
  for (const std::string_view name : kOfflineResponseNames) header.emplace_back(name);
  Table table(header);
  for (const OfflineLine& line : result.lines) {
    if (line.method == "bc") continue;
    std::vector<std::string> cells = {line.method};
    for (std::size_t i = 0; i < kOfflineResponses; ++i) cells.push_back(change_of(line, i));
    table.add(cells);
  }
  return table.text();
}

void constrain(const ConstrainSettings& settings, Run& run) {
  OfflineStudySettings study{
      .config = run.read_config<OfflineConfig>(), .seeds = settings.seeds, .resamples = settings.resamples};
  check(study.config);
  const LogTask log(run, settings.data, settings.days);
  const SupervisedTask& task = log.task;
  log.require_rows();
  run.note("train {}, validate {}, test {}", show_days(task.train), show_days(task.validate), show_days(task.test));
  const OfflineRows rows = make_offline_rows(task, study.config);
  const OfflineStudyResult result = run_offline_study(rows, study, run.seed, run.threads, run.progress);

  run.print(
      "{} videos; rows: {} training, {} validation, {} test of {} users with {:.0f} clicks, {:.0f} likes, {:.0f} "
      "comments, {:.0f} hates\n",
      rows.actions, show_count(result.train_rows), show_count(result.validation_rows), show_count(result.test_rows),
      show_count(result.test_users), result.test_sum[0], result.test_sum[1], result.test_sum[2], result.test_sum[3]);
  run.print(
      "behaviour model, fitted on training days: -log p {:.3f} a test row ({:.3f} by popularity, {:.3f} by "
      "chance)\n\n",
      result.behaviour_loss, result.popularity_loss, std::log(static_cast<double>(rows.actions)));
  run.print("NCIS on test days, mean over {} training seeds, most watch time first\n\n{}\n{}\n{}\n", settings.seeds,
            values_text(result),
            changes_text(result, "% against bc", [](const auto& line, auto i) { return show_change(line.change[i]); }),
            changes_text(result, "% by another behaviour model", [](const auto& line, auto i) {
              return fmt::format("{:+.1f}", 100.0 * line.other_change[i]);
            }));
  run.print(
      "These values depend on the behaviour model, which stands for a platform that was not logged: read them as\n"
      "'were the model right'. Intervals are 95 % over users alone.\n");
  Json json = {{"days", days_json(task)}, {"seeds", settings.seeds}};
  json.update(to_json(result));
  run.write_json(json, config_to_json(study.config), log.data().fingerprint);
}

}  // namespace

void add_constrain_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<ConstrainSettings>();
  Command command{.name = "constrain",
                  .group = CommandGroup::kLearn,
                  .summary = "learn constrained policies from a log alone and judge them on later days"};
  command.about =
      "Takes the most shown videos of the training days as actions, clones the behaviour that showed them, trains "
      "reward-weighted regression, weighted sums, RCPO with one critic and with many, and TSCAC on the logged rows, "
      "lets "
      "validation days choose each one's setting, and prints clicks, likes, comments, hates and seconds watched a "
      "video "
      "on the test days, by capped importance sampling (NCIS).";
  command.examples = {
      "swipegym constrain --data pure.h5 --until 20220502 --validate-until 20220504 --test-until 20220506 --seeds 5 "
      "--json constrain.json"};
  command.next = "swipegym train tscac --simulator sim.h5 --out tscac.h5";
  command.settings = {settings_page<OfflineConfig>(command.name)};
  command.used_settings = [](const Run& run) { return used_settings<OfflineConfig>(run.given_settings()); };
  command.options.group("Input").input("data", settings->data, "DIR|FILE",
                                       "a KuaiRand release, or a store from 'data import'");
  add_day_options(command.options, settings->days, DayParts::kWithoutHoldout);
  command.options.group("Training")
      .add("seeds", settings->seeds, between(1, 10'000), "K", "training seeds, from --seed on");
  command.options.group("Tables").add("resamples", settings->resamples, between(1, 1'000'000), "N",
                                      "of users, for the intervals");
  command.run = [settings](Run& run) { constrain(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
