
#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "cli/training_log.h"
#include "core/error.h"
#include "core/stopwatch.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/simulator_file.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

struct FitSettings {
  std::filesystem::path data, out, log_folder;
  std::int32_t until = 99999999;
  std::string fold;
  std::string log = "both", head;
  int members = 1;
};

// "0/2": fold 0 of 2.
void read_fold(const std::string& text, FitConfig& config) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos)
    throw InputError(fmt::format("--users-fold is '{}', expected i/k with i < k, as in 0/2", text));
  config.fold = parse_number<std::uint32_t>("I of --users-fold", text.substr(0, slash), between(0, 999));
  config.folds = parse_number<std::uint32_t>("K of --users-fold", text.substr(slash + 1), between(1, 1'000));
  if (config.fold >= config.folds)
    throw InputError(fmt::format("--users-fold is '{}', expected i/k with i < k, as in 0/2", text));
}

FitConfig config_of(const FitSettings& settings, const Run& run) {
  FitConfig config = run.read_config<FitConfig>();
  if (!settings.fold.empty()) read_fold(settings.fold, config);
  if (!settings.head.empty()) config.watch_head = settings.head;
  if (run.given("members")) config.members = settings.members;
  return config;
}

void fit(const FitSettings& settings, Run& run) {
  FitConfig config = config_of(settings, run);
  config.training.seed = config.exposure.seed = run.seed;
  config.training.threads = run.threads;
  require_new_log(settings.log_folder, /*resume=*/false, /*advice=*/"");
  const LoadedDataset loaded =
      load_data(run, settings.data, {.standard = settings.log != "random", .random = settings.log != "standard"});
  TrainingLog log(run, settings.log_folder,
                  {.command = "fit",
                   .out = settings.out,
                   .seed = run.seed,
                   .data_fingerprint = loaded.data.fingerprint,
                   .config = config_to_json(config)},
                  /*resume=*/false);
  const Stopwatch watch;
  FitResult result = fit_simulator(loaded.data, settings.until, config, run.progress, log.listener());
  const double seconds = watch.seconds();
  remember_data(result.simulator, settings.data);
  save_simulator(result.simulator, settings.out);

  Table table({"fitted simulator", ""});
  table.add({"rows", show_count(result.rows)});
  table.add({"users", show_count(loaded.data.users.size())});
  if (config.members > 1) table.add({"members", show_count(static_cast<unsigned long long>(config.members))});
  table.add({"videos", show_count(loaded.data.videos.size())});
  table.add({"seconds", fmt::format("{:.1f}", seconds)});
  run.print("{}\n  {}\n  {}\n", table.text(), exposure_note(result.exposure, "  "), clock_note(result.simulator));
  run.write_json({{"rows", result.rows},
                  {"seconds", seconds},
                  {"random_rows", result.exposure.random_rows},
                  {"exposure", to_json(result.exposure)},
                  {"curve", result.curve}},
                 result.simulator.fit.all, loaded.data.fingerprint);
}

}  // namespace

void add_fit_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<FitSettings>();
  Command command{.name = "fit", .group = CommandGroup::kSimulator, .summary = "fit a user simulator to a log"};
  command.about =
      "Fits watch time, feedback, leaving and returning by maximum likelihood on the rows up to a day, standard and "
      "random exposures together, and writes the simulator to a file.";
  command.examples = {"swipegym fit --data KuaiRand-Pure --until 20220504 --out sim.h5",
                      "swipegym fit --data KuaiRand-Pure --users-fold 1/2 --watch-head hazard --seed 7 --out judge.h5"};
  command.next = "swipegym fidelity --simulator sim.h5 --data KuaiRand-Pure --from 20220505";
  command.settings = {settings_page<FitConfig>(command.name)};
  command.used_settings = [settings](const Run& run) { return config_to_json(config_of(*settings, run)); };
  command.options.group("Input")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .date("until", settings->until, "the last day that is fitted; all days when absent")
      .add("users-fold", settings->fold, "I/K",
           "fit on the users of fold I of K, counted from 0, for simulators that judge each other")
      .checked([](const std::string& text) {
        FitConfig ignored;
        read_fold(text, ignored);
      })
      .choice("watch-head", settings->head, {"bins", "hazard"},
              "how the watch distribution is modelled; another head makes a more independent judge")
      .add("members", settings->members, between(1, kMostMembers), "N",
           "of a posterior, which differ by what the log leaves open: each session is answered by one")
      .choice("log", settings->log, {"both", "standard", "random"}, "which exposures are fitted")
      .group("Output")
      .output("out", settings->out, "FILE", "the simulator", Writing::kBinary);
  add_log(command, settings->log_folder, "log-dir");  // --log says which exposures are fitted
  command.run = [settings](Run& run) { fit(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
