#include <chrono>

#include "agents/dqn/full_output_learner.h"
#include "agents/dqn/train_dqn.h"
#include "agents/retrieval/ranker.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/table.h"
#include "core/error.h"
#include "env/fitted/simulator_file.h"

namespace swipegym::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct DqnSettings {
  std::filesystem::path simulator, out;
  bool resume = false;
};

Json rounds_json(const std::vector<RoundReport>& rounds) {
  Json list = Json::array();
  for (const RoundReport& r : rounds)
    list.push_back({{"env_steps", r.env_steps},
                    {"episodes", r.episodes},
                    {"mean_return", r.mean_return},
                    {"mean_length", r.mean_length},
                    {"epsilon", r.epsilon},
                    {"updates", r.learner.updates},
                    {"loss", r.learner.loss},
                    {"mean_value", r.learner.mean_value},
                    {"gradient_norm", r.learner.gradient_norm}});
  return list;
}

std::string rounds_table(const std::vector<RoundReport>& rounds) {
  Table table({"steps", "sessions", "return", "videos", "epsilon", "updates", "loss", "value"});
  for (const RoundReport& r : rounds)
    table.add({show_count(static_cast<std::uint64_t>(r.env_steps)), show_count(static_cast<std::uint64_t>(r.episodes)),
               fmt::format("{:.2f}", r.mean_return), fmt::format("{:.2f}", r.mean_length),
               fmt::format("{:.2f}", r.epsilon), show_count(static_cast<std::uint64_t>(r.learner.updates)),
               fmt::format("{:.4f}", r.learner.loss), fmt::format("{:.2f}", r.learner.mean_value)});
  return table.text();
}

// Trains the network that the settings name, saves it, and returns the log.
std::vector<RoundReport> train_and_save(std::shared_ptr<const Simulator> simulator, const DqnConfig& config,
                                        const DqnTraining& training, const std::filesystem::path& out) {
  if (config.network_kind == "full_output") {
    TrainedFullOutput trained = train_full_output(std::move(simulator), config, training);
    FullOutputPolicy(trained.model).save(out);
    return std::move(trained.rounds);
  }
  TrainedPolicy trained = train_dqn(std::move(simulator), config, training);
  ValuePolicy(trained.model).save(out);
  return std::move(trained.rounds);
}

void run_dqn(const DqnSettings& settings, Run& run) {
  const auto config = run.read_config<DqnConfig>();
  check(config);
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator, config.world.clock);
  run.require_memory(training_memory(*simulator, config));
  DqnTraining training;
  training.seed = run.seed;
  training.threads = run.threads;
  training.checkpoint = checkpoint_of(settings.out);
  training.resume = settings.resume;
  training.progress = run.progress;
  if (settings.resume && !std::filesystem::exists(training.checkpoint))
    run.note("{} is not there: training from the beginning", training.checkpoint.string());
  const auto start = Clock::now();
  const std::vector<RoundReport> rounds = train_and_save(simulator, config, training, settings.out);
  const double seconds = seconds_since(start);
  run.remove_at_end(training.checkpoint);

  run.print("{}\n  trained in {:.0f} s; returns are of exploring sessions, 'compare' evaluates\n", rounds_table(rounds),
            seconds);
  run.write_json({{"rounds", rounds_json(rounds)}, {"seconds", seconds}}, config_to_json(config),
                 simulator->data_fingerprint);
}

struct RankerSettings {
  std::filesystem::path data, out;
  std::int32_t until = 99999999;
};

void run_ranker(const RankerSettings& settings, Run& run) {
  const auto config = run.read_config<RankerConfig>();
  check(config);
  const LoadedDataset loaded = load_data(run, settings.data);
  SupervisedTask task;
  task.data = &loaded.data, task.train = {0, settings.until};
  task.seed = run.seed, task.threads = run.threads, task.progress = run.progress;
  const auto start = Clock::now();
  const TrainedModel trained = train_ranker(task, config);
  Json figures = trained.details;
  figures["seconds"] = seconds_since(start);
  trained.policy->save(settings.out);

  Table table({"trained ranker", ""});
  table.add({"rows", show_count(figures["rows"])});
  table.add({"updates", show_count(figures["updates"])});
  table.add({config.label + ", mean", fmt::format("{:.4f}", figures["label_mean"].get<double>())});
  table.add({config.label + ", deviation", fmt::format("{:.4f}", figures["label_deviation"].get<double>())});
  table.add({"loss, first tenth", fmt::format("{:.5f}", figures["first_loss"].get<double>())});
  table.add({"loss, last tenth", fmt::format("{:.5f}", figures["last_loss"].get<double>())});
  table.add({"seconds", fmt::format("{:.1f}", figures["seconds"].get<double>())});
  run.print("{}", table.text());
  run.write_json(figures, config_to_json(config), loaded.data.fingerprint);
}

Command dqn_command() {
  auto settings = std::make_shared<DqnSettings>();
  Command command{.name = "train dqn", .group = CommandGroup::kLearn, .summary = "train a DQN in a simulator"};
  command.about =
      "Learns by double Q-learning which of the candidates to show, in many sessions of the simulator at once. Keeps a "
      "checkpoint beside the output until the policy is written; --resume goes on from it with the same numbers.";
  command.examples = {
      "swipegym train dqn --simulator sim.h5 --seed 1 --out dqn-s1.h5",
      "swipegym train dqn --simulator sim.h5 --config configs/dqn.json --seed 1 --out dqn-s1.h5 --resume"};
  command.next = "swipegym compare --simulator sim.h5 --policies random,popularity,oracle,'dqn=dqn-s*.h5'";
  command.settings = {settings_page<DqnConfig>(command.name)};
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE|DIR",
             "a simulator from 'fit'; or the folder of a synthetic release, to learn in its truth")
      .flag("resume", settings->resume, "go on from the checkpoint of an interrupted run with this --out")
      .group("Output")
      .output("out", settings->out, "FILE", "the policy", Writing::kBinary);
  command.also_uses = [settings](const Run&, FileUse& use) { add_checkpoint(use, settings->out); };
  command.run = [settings](Run& run) { run_dqn(*settings, run); };
  return command;
}

Command ranker_command() {
  auto settings = std::make_shared<RankerSettings>();
  Command command{.name = "train ranker",
                  .group = CommandGroup::kLearn,
                  .summary = "train a supervised watch-ratio ranker on a log"};
  command.about =
      "Learns to predict the watch ratio of logged rows from user, earlier rows and video, and ranks candidates by it. "
      "The baseline that reinforcement learning has to beat.";
  command.examples = {"swipegym train ranker --data KuaiRand-Pure --until 20220504 --out ranker.h5"};
  command.next = "swipegym compare --simulator sim.h5 --policies random,oracle,ranker.h5";
  command.settings = {settings_page<RankerConfig>(command.name)};
  command.options.group("Input")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .date("until", settings->until, "the last day that is learned from; all days when absent")
      .group("Output")
      .output("out", settings->out, "FILE", "the policy", Writing::kBinary);
  command.run = [settings](Run& run) { run_ranker(*settings, run); };
  return command;
}

}  // namespace

void add_train_commands(std::vector<Command>& table) {
  table.push_back(dqn_command());
  table.push_back(ranker_command());
}

}  // namespace swipegym::cli
