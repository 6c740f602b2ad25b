#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "core/error.h"
#include "evaluation/compare/play_sessions.h"
#include "evaluation/session_view.h"
#include "policy/make_policy.h"

namespace swipegym::cli {
namespace {

struct SessionSettings {
  std::filesystem::path simulator;
  std::string policy = "random";
  ActSettings act;
};

void show_session(const SessionSettings& settings, Run& run) {
  const std::shared_ptr<const Simulator> simulator =
      load_simulator_file(run, settings.simulator, settings.act.world.clock);
  const std::shared_ptr<const Policy> policy = make_policy(settings.policy, *simulator);
  const SessionView session = play_session(simulator, make_candidates(settings.act.world, simulator, run.seed), *policy,
                                           env_config(settings.act.world, {.threads = run.threads}),
                                           exploration(settings.act), session_seed(run.seed, 0, 0));
  run.print("{}", to_text(session));
  Json used = run.options->values({"simulator", "policy"});
  used.update(act_json(settings.act));
  run.write_json(to_json(session), used, simulator->data_fingerprint);
}

}  // namespace

void add_session_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<SessionSettings>();
  Command command{.name = "session", .group = CommandGroup::kSimulator, .summary = "play one session and print it"};
  command.about =
      "One user, one session: each video with its length, how much of it was watched, what else the user did, and when "
      "the user left. Another --seed is another user.";
  command.examples = {"swipegym session --simulator sim.h5 --policy random --seed 3",
                      "swipegym session --simulator sim.h5 --policy dqn.h5 --seed 3"};
  command.next = "swipegym compare --simulator sim.h5";
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE", "from 'swipegym fit'")
      .input("policy", settings->policy, "NAME|FILE", "who chooses: random, popularity, ..., oracle, or a policy file",
             false);
  add_act_options(command.options, settings->act);
  command.run = [settings](Run& run) { show_session(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
