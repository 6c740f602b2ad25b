#include <chrono>

#include "agents/policy_gradient/train_actor.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/table.h"
#include "core/error.h"

namespace swipegym::cli {
namespace {

struct ActorSettings {
  std::filesystem::path simulator, out;
  bool resume = false;
};

struct ActorCommand {
  const char* algorithm;
  const char* summary;
  const char* about;
};

constexpr ActorCommand kActorCommands[] = {
    {"ppo", "train a policy by proximal policy optimisation in a simulator",
     "Learns probabilities over the candidates by clipped policy gradients with a critic."},
    {"a2c", "train a policy by advantage actor-critic in a simulator",
     "Learns probabilities over the candidates by policy gradients, one pass over each short rollout."},
    {"reinforce", "train a policy, or slates, by REINFORCE in a simulator",
     "Learns by policy gradients of whole returns less a baseline; slates by the top-K correction."},
    {"rwr", "train a policy by reward-weighted regression in a simulator",
     "Imitates its own choices, those that paid the more the stronger."},
    {"rcpo", "train a policy under constraints by a penalised reward",
     "PPO on the reward less multipliers times what constraints are broken by; multipliers rise while they are."},
    {"lagrangian", "train a policy under constraints by Lagrangian PPO",
     "PPO on one critic a response; multipliers follow what constraints are broken by, through Adam or a PID "
     "controller."},
    {"tscac", "train a policy near others that serve one response each",
     "Two-stage constrained actor-critic: a policy for each constraint's response alone, then the main one, kept near "
     "those."},
};

ActorConfig read_actor_config(const char* algorithm, const Run& run) {
  const ActorConfig config = run.read_config(actor_defaults(algorithm));
  if (config.algorithm != algorithm)
    throw InputError(fmt::format("{}: its algorithm is '{}'; run 'swipegym train {}'", run.config_path.string(),
                                 config.algorithm, config.algorithm));
  check(config);
  return config;
}

// Reports of the updates of a round, averaged.
ActorReport report_of_round(const std::vector<ActorReport>& reports, std::int64_t begin, std::int64_t end) {
  ActorReport mean;
  double count = 0.0;
  const auto add = [](std::vector<double>& sum, const std::vector<double>& one) {
    sum.resize(one.size(), 0.0);
    for (std::size_t i = 0; i < one.size(); ++i) sum[i] += one[i];
  };
  for (const ActorReport& r : reports) {
    if (r.env_steps <= begin || r.env_steps > end) continue;
    mean.reward += r.reward, mean.entropy += r.entropy, mean.kl += r.kl;
    add(mean.rates, r.rates), add(mean.multipliers, r.multipliers);
    count += 1.0;
  }
  if (count == 0.0) return mean;
  mean.reward /= count, mean.entropy /= count, mean.kl /= count;
  for (double& one : mean.rates) one /= count;
  for (double& one : mean.multipliers) one /= count;
  return mean;
}

std::string actor_rounds_table(const ActorConfig& config, const TrainedActor& trained) {
  std::vector<std::string> head = {"steps", "sessions", "return", "videos", "a video", "entropy", "KL"};
  for (const ConstraintConfig& constraint : config.constraints) {
    head.push_back(constraint.signal);
    head.push_back("multiplier");
  }
  Table table(head);
  std::int64_t begin = 0;
  for (const RoundReport& round : trained.rounds) {
    const ActorReport mean = report_of_round(trained.reports, begin, round.env_steps);
    begin = round.env_steps;
    std::vector<std::string> row = {show_count(static_cast<std::uint64_t>(round.env_steps)),
                                    show_count(static_cast<std::uint64_t>(round.episodes)),
                                    fmt::format("{:.2f}", round.mean_return),
                                    fmt::format("{:.2f}", round.mean_length),
                                    fmt::format("{:.2f}", mean.reward),
                                    fmt::format("{:.2f}", mean.entropy),
                                    fmt::format("{:.4f}", mean.kl)};
    for (std::size_t i = 0; i < config.constraints.size(); ++i) {
      const bool measured = i < mean.rates.size();  // not in TSCAC's first stage
      row.push_back(measured ? fmt::format("{:.5f}", mean.rates[i]) : "-");
      row.push_back(measured ? fmt::format("{:.3f}", mean.multipliers[i]) : "-");
    }
    table.add(row);
  }
  return table.text();
}

std::string show_limit(const ConstraintConfig& constraint) {
  return constraint.at_least >= 0.0 ? fmt::format(">= {}", constraint.at_least)
                                    : fmt::format("<= {}", constraint.at_most);
}

bool is_kept(const ConstraintConfig& constraint, double rate) {
  return constraint.at_least >= 0.0 ? rate >= constraint.at_least : rate <= constraint.at_most;
}

std::string evaluation_table(const ActorConfig& config, const ActorEvaluation& worth) {
  Table table({"final policy", "value", "limit", "kept"});
  table.add({"return of a session", fmt::format("{:.2f} +- {:.2f}", worth.session_reward, 1.96 * worth.session_error),
             "", ""});
  table.add({"videos of a session", fmt::format("{:.2f}", worth.session_videos), "", ""});
  table.add({"reward of a video", fmt::format("{:.3f}", worth.video_reward), "", ""});
  for (std::size_t i = 0; i < config.constraints.size(); ++i)
    table.add({config.constraints[i].signal + (config.constraints[i].relative ? ", x uniform" : ", a video"),
               fmt::format("{:.6f}", worth.rates[i]), show_limit(config.constraints[i]),
               is_kept(config.constraints[i], worth.rates[i]) ? "yes" : "no"});
  return table.text();
}

Json actor_json(const ActorConfig& config, const TrainedActor& trained, const ActorEvaluation& worth, double seconds) {
  Json rounds = Json::array(), updates = Json::array(), kept = Json::array();
  for (const RoundReport& r : trained.rounds)
    rounds.push_back({{"env_steps", r.env_steps},
                      {"episodes", r.episodes},
                      {"mean_return", r.mean_return},
                      {"mean_length", r.mean_length},
                      {"loss", r.learner.loss},
                      {"mean_value", r.learner.mean_value},
                      {"gradient_norm", r.learner.gradient_norm}});
  for (const ActorReport& r : trained.reports)
    updates.push_back({{"env_steps", r.env_steps},
                       {"reward", r.reward},
                       {"entropy", r.entropy},
                       {"kl", r.kl},
                       {"passes", r.passes},
                       {"rates", r.rates},
                       {"multipliers", r.multipliers}});
  Json json = {{"rounds", rounds}, {"updates", updates}, {"seconds", seconds}};
  if (worth.sessions == 0) return json;
  for (std::size_t i = 0; i < config.constraints.size(); ++i)
    kept.push_back(is_kept(config.constraints[i], worth.rates[i]));
  json["final"] = {{"sessions", worth.sessions},
                   {"session_reward", worth.session_reward},
                   {"session_error", worth.session_error},
                   {"session_videos", worth.session_videos},
                   {"video_reward", worth.video_reward},
                   {"rates", worth.rates},
                   {"kept", kept}};
  return json;
}

void run_actor(const char* algorithm, const ActorSettings& settings, Run& run) {
  const ActorConfig config = read_actor_config(algorithm, run);
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator, config.world.clock);
  OnlineRun training{.seed = run.seed, .threads = run.threads};
  training.checkpoint = checkpoint_of(settings.out);
  training.resume = settings.resume;
  training.progress = run.progress;
  if (settings.resume && !std::filesystem::exists(training.checkpoint))
    run.note("{} is not there: training from the beginning", training.checkpoint.string());
  const auto start = std::chrono::steady_clock::now();
  run.require_memory(training_memory(*simulator, config));
  const TrainedActor trained = train_actor(simulator, config, training);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ValuePolicy(trained.model).save(settings.out);
  run.remove_at_end(training.checkpoint);

  run.print("{}\n  trained in {:.0f} s; returns are of sessions whose videos were drawn by the policy of the time\n",
            actor_rounds_table(config, trained), seconds);
  ActorEvaluation worth;
  if (config.evaluation_sessions > 0) {
    worth = evaluate_actor(simulator, config, ValuePolicy(trained.model), Exploration::boltzmann(1.0F),
                           config.evaluation_sessions, run.seed, run.threads);
    run.print("\n{}", evaluation_table(config, worth));
  }
  run.write_json(actor_json(config, trained, worth, seconds), config_to_json(config), simulator->data_fingerprint);
}

Command actor_command(const ActorCommand& kind) {
  auto settings = std::make_shared<ActorSettings>();
  const std::string name = std::string("train ") + kind.algorithm;
  Command command{.name = name, .group = CommandGroup::kLearn, .summary = kind.summary};
  command.about = std::string(kind.about) +
                  " Writes a policy whose scores are logits: 'compare' draws from their softmax, or takes the best "
                  "with --temperature 0. "
                  "Keeps a checkpoint beside the output; --resume goes on from it with the same numbers.";
  command.examples = {fmt::format("swipegym {} --simulator sim.h5 --seed 1 --out {}-s1.h5", name, kind.algorithm),
                      fmt::format("swipegym {} --simulator sim.h5 --config configs/{}.json --out {}.h5 --json {}.json",
                                  name, kind.algorithm, kind.algorithm, kind.algorithm)};
  command.next = fmt::format("swipegym compare --simulator sim.h5 --policies random,oracle,'{}={}-s*.h5'",
                             kind.algorithm, kind.algorithm);
  command.settings = {settings_page(command.name, actor_defaults(kind.algorithm))};
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE|DIR",
             "a simulator from 'fit'; or the folder of a synthetic release, to learn in its truth")
      .flag("resume", settings->resume, "go on from the checkpoint of an interrupted run with this --out")
      .group("Output")
      .output("out", settings->out, "FILE", "the policy", Writing::kBinary);
  command.also_uses = [settings](const Run&, FileUse& use) { add_checkpoint(use, settings->out); };
  command.run = [settings, kind](Run& run) { run_actor(kind.algorithm, *settings, run); };
  return command;
}

}  // namespace

void add_train_actor_commands(std::vector<Command>& table) {
  for (const ActorCommand& kind : kActorCommands) table.push_back(actor_command(kind));
}

}  // namespace swipegym::cli
