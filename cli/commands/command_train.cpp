#include "agents/registry.h"
#include "agents/retrieval/ranker.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/training_log.h"
#include "core/error.h"
#include "core/stopwatch.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

struct TrainSettings {
  std::filesystem::path simulator, start, out, log;
  bool resume = false, keeps_checkpoint = false;
  std::int64_t more_steps = 0;
};

Json rounds_json(const std::vector<RoundReport>& rounds) {
  Json list = Json::array();
  for (const RoundReport& round : rounds) list.push_back(to_json(round));
  return list;
}

std::string count_text(std::int64_t count) {
  return show_count(static_cast<std::uint64_t>(count));
}

// What every agent tells of its rounds, and what this one adds.
std::string rounds_table(const OnlineResult& trained) {
  std::vector<std::string> head = {"steps", "sessions", "return", "videos", "epsilon", "updates", "loss", "value"};
  for (const AgentFigure& figure : trained.learner->figures(0, 0)) head.push_back(figure.title);
  Table table(head);
  for (const RoundReport& r : trained.rounds) {
    std::vector<std::string> cells = {count_text(r.env_steps),
                                      count_text(r.episodes),
                                      fmt::format("{:.2f}", r.mean_return),
                                      fmt::format("{:.2f}", r.mean_length),
                                      fmt::format("{:.2f}", r.epsilon),
                                      count_text(r.learner.updates),
                                      fmt::format("{:.4f}", r.learner.loss),
                                      fmt::format("{:.2f}", r.learner.mean_value)};
    for (const AgentFigure& figure : r.figures) cells.push_back(show_figure(figure.value, figure.digits));
    table.add(cells);
  }
  return table.text();
}

std::string final_text(const FinalFigures& figures) {
  Table table(figures.table.front());
  for (std::size_t i = 1; i < figures.table.size(); ++i) table.add(figures.table[i]);
  return table.text();
}

// With --more-steps as if its settings had said so many to begin with.
Agent asked_agent(const AgentInfo& info, const TrainSettings& settings, const Run& run) {
  GivenSettings given = run.given_settings();
  Agent agent = read_agent(info, given);
  if (settings.more_steps == 0) return agent;
  given.type_over({.key = agent.steps_setting,
                   .value = agent.steps.env_steps + settings.more_steps,
                   .where = fmt::format("--more-steps {}", settings.more_steps)});
  const RemarkListener heard_already({});
  return read_agent(info, given);
}

std::string finished_text(const TrainSettings& settings, const Agent& agent, bool has_checkpoint) {
  return fmt::format("{} is finished: {} steps by these settings and this seed; it stays as it is.\n{}\n",
                     settings.out.string(), count_text(agent.steps.env_steps),
                     has_checkpoint
                         ? "To go on: the same command with --more-steps N, N steps more than its settings say."
                         : "To go on from where it ended, a training must have been given --keep-checkpoint.");
}

// Whether there is nothing to do, which is said; throws InputError for --more-steps without a state to go on from.
bool is_done(const TrainSettings& settings, const Agent& agent, const Simulator& simulator, const Run& run) {
  if (!settings.resume && settings.more_steps == 0) return false;
  const std::filesystem::path checkpoint = checkpoint_of(settings.out);
  const bool has_checkpoint = std::filesystem::exists(checkpoint);
  // A policy does not say what it was started from; with --start it is trained again.
  if (settings.start.empty() && is_finished(settings.out, agent, run.seed, simulator.data_fingerprint)) {
    run.print("{}", finished_text(settings, agent, has_checkpoint));
    return true;
  }
  if (has_checkpoint) return false;
  if (settings.more_steps > 0)
    throw InputError(
        fmt::format("{}: no such file, and --more-steps goes on from it; train with --keep-checkpoint, which keeps it",
                    checkpoint.string()));
  run.note("{} is not there: training from the beginning", checkpoint.string());
  return false;
}

void train(const AgentInfo& info, const TrainSettings& settings, Run& run) {
  require_new_log(settings.log, settings.resume || settings.more_steps > 0);
  const Agent agent = asked_agent(info, settings, run);
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator, agent.clock);
  if (is_done(settings, agent, *simulator, run)) return;
  run.require_memory(agent.memory(*simulator));
  OnlineRun training{.seed = run.seed, .threads = run.threads, .start = settings.start};
  training.checkpoint = checkpoint_of(settings.out);
  training.goes_on = settings.more_steps > 0;
  training.resume = settings.resume || training.goes_on;
  training.keeps_checkpoint = settings.keeps_checkpoint || training.goes_on;
  training.progress = run.progress;
  TrainingLog log(run, settings.log,
                  {.command = "train " + info.name,
                   .out = settings.out,
                   .seed = run.seed,
                   .data_fingerprint = simulator->data_fingerprint,
                   .config = agent.config},
                  training.resume);
  training.curve = log.listener();
  const Stopwatch watch;
  const OnlineResult trained = train_agent(simulator, agent, training);
  const double seconds = watch.seconds();
  trained.policy->save(settings.out);
  if (!training.keeps_checkpoint) run.remove_at_end(training.checkpoint);

  run.print("{}\n  trained in {:.0f} s; returns are of sessions that explored, 'compare' evaluates\n",
            rounds_table(trained), seconds);
  Json result = {{"rounds", rounds_json(trained.rounds)}, {"seconds", seconds}};
  result.update(trained.learner->details());
  if (agent.measure) {
    const FinalFigures final = agent.measure(simulator, *trained.policy, training);
    run.print("\n{}", final_text(final));
    result["final"] = final.json;
  }
  run.write_json(result, agent.config, simulator->data_fingerprint);
}

Command train_command(const AgentInfo& info) {
  auto settings = std::make_shared<TrainSettings>();
  Command command{.name = "train " + info.name, .group = CommandGroup::kLearn, .summary = info.summary};
  command.about = info.about +
                  " Keeps a checkpoint beside the output until the policy is written; --resume goes on from it with "
                  "the same numbers.";
  command.examples = {
      fmt::format("swipegym {} --simulator sim.h5 {}--seed 1 --out {}-s1.h5", command.name,
                  info.start.empty() ? "" : "--start sqn.h5 ", info.name),
      fmt::format("swipegym {} --simulator sim.h5 --config configs/{} --seed 1 --out {}-s1.h5 --resume", command.name,
                  info.config_file.empty() ? info.name + ".json" : info.config_file, info.name)};
  command.next = fmt::format("swipegym compare --simulator sim.h5 --policies random,popularity,oracle,'{}={}-s*.h5'",
                             info.name, info.name);
  for (const std::string& former : info.former_names) command.former_names.push_back("train " + former);
  command.settings = {{command.name, info.fields, info.check}};
  command.used_settings = [settings, &info](const Run& run) { return asked_agent(info, *settings, run).config; };
  command.options.group("Input").input(
      "simulator", settings->simulator, "FILE|DIR",
      "a simulator from 'fit'; or the folder of a synthetic release, to learn in its truth");
  if (!info.start.empty()) command.options.input("start", settings->start, "FILE", info.start, false);
  command.options.flag("resume", settings->resume, "go on from the checkpoint of an interrupted run with this --out")
      .add("more-steps", settings->more_steps, between(0, 1'000'000'000'000), "N",
           "go on from the kept or last checkpoint, to N steps more than the settings say")
      .flag("keep-checkpoint", settings->keeps_checkpoint,
            "keep it beside the policy, for --more-steps; of a DQN it holds the replay, some 100 bytes a step")
      .group("Output")
      .output("out", settings->out, "FILE", "the policy", Writing::kBinary);
  add_log(command, settings->log);
  command.also_uses = [settings](const Run&, FileUse& use) { add_checkpoint(use, settings->out); };
  command.run = [settings, &info](Run& run) { train(info, *settings, run); };
  return command;
}

struct RankerSettings {
  std::filesystem::path data, out, log;
  std::int32_t until = 99999999;
};

// What 'supervised ranker' does, by the options that this command had before.
void run_ranker(const RankerSettings& settings, Run& run) {
  run.note("'train ranker' is 'supervised ranker', which also stops early and prints tables");
  require_new_log(settings.log, /*resume=*/false, /*advice=*/"");
  const auto config = run.read_config<RankerConfig>();
  check(config);
  const LoadedDataset loaded = load_data(run, settings.data);
  TrainingLog log(run, settings.log,
                  {.command = "train ranker",
                   .out = settings.out,
                   .seed = run.seed,
                   .data_fingerprint = loaded.data.fingerprint,
                   .config = config_to_json(config)},
                  /*resume=*/false);
  SupervisedTask task;
  task.curve = log.listener();
  task.data = &loaded.data, task.train = {0, settings.until};
  task.seed = run.seed, task.threads = run.threads, task.progress = run.progress;
  const Stopwatch watch;
  const TrainedModel trained = train_ranker(task, config);
  Json figures = trained.details;
  figures["seconds"] = watch.seconds();
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

Command ranker_command() {
  auto settings = std::make_shared<RankerSettings>();
  Command command{.name = "train ranker",
                  .group = CommandGroup::kLearn,
                  .summary = "the same as 'supervised ranker', by its days alone"};
  command.about =
      "Learns to predict the watch ratio of logged rows from user, earlier rows and video, and ranks candidates by it. "
      "The baseline that reinforcement learning has to beat.";
  command.examples = {"swipegym train ranker --data KuaiRand-Pure --until 20220504 --out ranker.h5"};
  command.next = "swipegym compare --simulator sim.h5 --policies random,oracle,ranker.h5";
  command.settings = {settings_page<RankerConfig>(command.name)};
  command.used_settings = [](const Run& run) { return used_settings<RankerConfig>(run.given_settings()); };
  command.options.group("Input")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .date("until", settings->until, "the last day that is learned from; all days when absent")
      .group("Output")
      .output("out", settings->out, "FILE", "the policy", Writing::kBinary);
  add_log(command, settings->log);
  command.run = [settings](Run& run) { run_ranker(*settings, run); };
  return command;
}

}  // namespace

void add_train_commands(std::vector<Command>& table) {
  for (const AgentInfo& info : agents()) table.push_back(train_command(info));
  table.push_back(ranker_command());
}

}  // namespace swipegym::cli
