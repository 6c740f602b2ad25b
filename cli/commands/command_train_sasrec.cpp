#include <chrono>

#include "agents/policy_gradient/sasrec_actor.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/table.h"
#include "core/error.h"
#include "policy/policy_file.h"

namespace swipegym::cli {
namespace {

struct SasrecActorSettings {
  std::filesystem::path simulator, start, out;
  bool resume = false;
};

std::string sasrec_rounds_table(const std::vector<RoundReport>& rounds) {
  Table table({"steps", "sessions", "return", "videos", "updates", "loss", "value"});
  for (const RoundReport& r : rounds)
    table.add({show_count(static_cast<std::uint64_t>(r.env_steps)), show_count(static_cast<std::uint64_t>(r.episodes)),
               fmt::format("{:.2f}", r.mean_return), fmt::format("{:.2f}", r.mean_length),
               show_count(static_cast<std::uint64_t>(r.learner.updates)), fmt::format("{:.4f}", r.learner.loss),
               fmt::format("{:.2f}", r.learner.mean_value)});
  return table.text();
}

void run_sasrec_actor(const SasrecActorSettings& settings, Run& run) {
  const auto config = run.read_config<SasrecActorConfig>();
  check(config);
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator);
  std::shared_ptr<const SasrecModel> start;
  if (!settings.start.empty()) start = load_sasrec_model(settings.start, simulator->catalogue);
  OnlineRun training{.seed = run.seed, .threads = run.threads};
  training.checkpoint = checkpoint_of(settings.out);
  training.resume = settings.resume;
  training.progress = run.progress;
  if (settings.resume && !std::filesystem::exists(training.checkpoint))
    run.note("{} is not there: training from the beginning", training.checkpoint.string());
  const auto begun = std::chrono::steady_clock::now();
  const TrainedSasrecActor trained = train_sasrec_actor(simulator, config, training, start.get());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  SasrecPolicy(trained.model).save(settings.out);
  run.remove_at_end(training.checkpoint);

  run.print("{}\n  trained in {:.0f} s; returns are of sessions whose videos were drawn by the policy of the time\n",
            sasrec_rounds_table(trained.rounds), seconds);
  Json rounds = Json::array();
  for (const RoundReport& r : trained.rounds)
    rounds.push_back({{"env_steps", r.env_steps},
                      {"episodes", r.episodes},
                      {"mean_return", r.mean_return},
                      {"mean_length", r.mean_length},
                      {"updates", r.learner.updates},
                      {"loss", r.learner.loss},
                      {"mean_value", r.learner.mean_value},
                      {"gradient_norm", r.learner.gradient_norm}});
  run.write_json({{"rounds", rounds}, {"seconds", seconds}}, config_to_json(config), simulator->data_fingerprint);
}

}  // namespace

void add_train_sasrec_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<SasrecActorSettings>();
  Command command{.name = "train sasrec",
                  .group = CommandGroup::kLearn,
                  .summary = "train a SASRec by policy gradients in a simulator"};
  command.about =
      "A SASRec whose softmax over the candidates is the policy, trained by PPO. --start gives it the weights of one "
      "that learned from a log, and 'anchor' keeps its policy near that one's. 'compare' draws from it, or takes the "
      "best "
      "candidate with --temperature 0. Keeps a checkpoint beside the output; --resume goes on from it with the same "
      "numbers.";
  command.examples = {
      "swipegym train sasrec --simulator sim.h5 --start sqn.h5 --seed 1 --out actor-s1.h5",
      "swipegym train sasrec --simulator sim.h5 --config configs/sasrec_actor.json --out actor.h5 --resume"};
  command.next = "swipegym compare --simulator sim.h5 --policies random,sqn.h5,oracle,'actor=actor-s*.h5'";
  command.settings = {settings_page<SasrecActorConfig>(command.name)};
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE|DIR",
             "a simulator from 'fit'; or the folder of a synthetic release, to learn in its truth")
      .input("start", settings->start, "FILE", "a policy of 'supervised' sqn, sac, sasrec-clicks or sasrec-next", false)
      .flag("resume", settings->resume, "go on from the checkpoint of an interrupted run with this --out")
      .group("Output")
      .output("out", settings->out, "FILE", "the policy", Writing::kBinary);
  command.also_uses = [settings](const Run&, FileUse& use) { add_checkpoint(use, settings->out); };
  command.run = [settings](Run& run) { run_sasrec_actor(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
