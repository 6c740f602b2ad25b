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
  std::size_t sessions = 1;
  ActSettings act;
};

void show_session(const SessionSettings& settings, Run& run) {
  const std::shared_ptr<const Simulator> simulator =
      load_simulator_file(run, settings.simulator, settings.act.world.clock);
  const std::shared_ptr<const Policy> policy = make_policy(settings.policy, *simulator);
  const std::shared_ptr<const CandidateSource> candidates = make_candidates(settings.act.world, simulator, run.seed);
  const VectorEnvConfig engine = env_config(settings.act.world, {.threads = run.threads});
  Json played = Json::array();
  for (std::size_t i = 0; i < settings.sessions; ++i) {
    const SessionView session =
        play_session(simulator, candidates, *policy, engine, exploration(settings.act), session_seed(run.seed, 0, i));
    run.print("{}{}", i == 0 ? "" : "\n", to_text(session));
    played.push_back(to_json(session));
    run.check_interrupt();
  }
  const Json result = settings.sessions == 1 ? played[0] : Json{{"sessions", played}};
  Json used = run.options->values({"simulator", "policy"});
  used.update(act_json(settings.act));
  run.write_json(result, used, simulator->data_fingerprint);
}

}  // namespace

void add_session_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<SessionSettings>();
  Command command{
      .name = "session", .group = CommandGroup::kSimulator, .summary = "play a session, or some, and print it"};
  command.about =
      "One user, one session: each video with its length, how much of it was watched, what else the user did, and when "
      "the user left. Another --seed is another user.";
  command.examples = {"swipegym session --simulator sim.h5 --policy random --seed 3",
                      "swipegym session --simulator sim.h5 --policy dqn.h5 --seed 3",
                      "swipegym session --simulator sim.h5 --policy dqn.h5 --sessions 8 --json sessions-dqn.json"};
  command.next = "swipegym compare --simulator sim.h5";
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE", "from 'swipegym fit'")
      .input("policy", settings->policy, "NAME|FILE", "who chooses: random, popularity, ..., oracle, or a policy file",
             false)
      .add("sessions", settings->sessions, between(1, 1000), "N", "how many, each of another user");
  add_act_options(command.options, settings->act);
  command.run = [settings](Run& run) { show_session(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
