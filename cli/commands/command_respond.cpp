#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "core/error.h"
#include "env/fitted/replay_log.h"
#include "evaluation/fidelity/respond_csv.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

struct RespondSettings {
  std::filesystem::path simulator, data, out;
  std::int32_t from = 0, until = 99999999;
  std::string log = "standard";
};

void respond(const RespondSettings& settings, Run& run) {
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator, "log");
  const LoadedDataset loaded = load_data(run, settings.data);
  const bool random = settings.log == "random";
  judged_rows(loaded.data, {.from = settings.from, .until = settings.until, .random = random});  // throws without rows
  RespondCsv csv(settings.out, loaded.data);
  replay_log(
      fitted_model(*simulator), loaded.data, {.from = settings.from, .until = settings.until, .random = random},
      run.seed, run.threads, [&](const RowPrediction& row) { csv.add(row); }, run.progress);
  csv.commit();
  run.print("{} rows answered: {}\n", show_count(csv.rows()), settings.out.string());
  Json json = {{"rows", csv.rows()}};
  json.update(run.options->values({"from", "until", "log", "out"}));
  run.write_json(json, simulator->fit.all, loaded.data.fingerprint);
}

}  // namespace

void add_respond_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<RespondSettings>();
  Command command{.name = "respond",
                  .group = CommandGroup::kSimulator,
                  .summary = "answer logged rows: one draw and the predictive distribution each"};
  command.about =
      "Replays logged rows in file order: each row's context and the user's own earlier rows go in, one joint draw, "
      "the probability of each signal, the mean seconds (e_play_s) and 99 quantiles of the watch ratio come out.";
  command.examples = {
      "swipegym respond --simulator sim.h5 --data KuaiRand-Pure --from 20220505 --until 20220506 --out responses.csv",
      "swipegym respond --simulator sim.h5 --data KuaiRand-Pure --from 20220501 --log random --out responses.csv"};
  command.next = "swipegym fidelity --simulator sim.h5 --data KuaiRand-Pure --from 20220505";
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE", "from 'swipegym fit'")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .date("from", settings->from, "the first day answered", true)
      .date("until", settings->until, "the last day answered; the log's when absent")
      .choice("log", settings->log, {"standard", "random"},
              "standard rows get the logged response, random ones that to a policy's choice")
      .group("Output")
      .output("out", settings->out, "FILE", "CSV with a line a row", Writing::kText);
  command.run = [settings](Run& run) { respond(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
