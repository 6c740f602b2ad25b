#include "agents/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agents/dqn/dqn_learner.h"
#include "agents/dqn/full_output_learner.h"
#include "agents/policy_gradient/actor_agents.h"
#include "agents/policy_gradient/hierarchical_learner.h"
#include "agents/policy_gradient/rlur_learner.h"
#include "agents/policy_gradient/sasrec_actor.h"
#include "core/error.h"
#include "core/json_text.h"
#include "core/remarks.h"
#include "policy/policy_file.h"

namespace swipegym {
namespace {

// An agent's defaults beside what a user set: others suit drawn rewards.
template <class Config>
Config defaults_beside(const Json& settings, Config defaults) {
  if constexpr (requires { suit_drawn_rewards(defaults); })
    if (settings.value("rewards", Json()) == "drawn") suit_drawn_rewards(defaults);
  return defaults;
}

template <class Config, class Make>
AgentInfo entry(AgentInfo info, const Config& defaults, Make make) {
  info.fields = [defaults] { return list_fields(defaults); };
  info.check = [](const Json& settings, const std::string& where) { config_from_json<Config>(settings, where); };
  info.with = [defaults, make](const GivenSettings& settings) {
    return make(settings.read(defaults_beside(settings.all(), defaults)));
  };
  return info;
}

constexpr const char* kDraws =
    " Writes a policy whose scores are logits: 'compare' draws from their softmax, or takes the best with "
    "--temperature 0.";

AgentInfo actor_entry(const std::string& algorithm, std::string summary, const std::string& about) {
  const auto make = [algorithm](const ActorConfig& config) {
    if (config.algorithm != algorithm)
      throw InputError(fmt::format("its settings are of the algorithm '{}'; run 'swipegym train {}'", config.algorithm,
                                   config.algorithm));
    return actor_agent(config);
  };
  return entry({.name = algorithm, .summary = std::move(summary), .about = about + kDraws}, actor_defaults(algorithm),
               make);
}

struct ActorText {
  const char *name, *summary, *about;
};
constexpr ActorText kActors[] = {
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
    {"cpo", "train a policy under constraints by constrained policy optimisation",
     "One step an update within a trust region: the best that keeps the bounds as far as gradients tell, or where none "
     "does the shortest towards them."},
    {"tscac", "train a policy near others that serve one response each",
     "Two-stage constrained actor-critic: a policy for each constraint's response alone, then the main one, kept near "
     "those."},
};

std::vector<AgentInfo> make_agents() {
  std::vector<AgentInfo> all;
  all.push_back(entry({.name = "dqn",
                       .summary = "train a DQN in a simulator",
                       .about = "Learns by double Q-learning which of the candidates to show, in many sessions of the "
                                "simulator at once.",
                       .means_another = full_output_of_dqn},
                      DqnConfig{}, make_agent<DqnLearner, DqnConfig>));
  all.push_back(entry({.name = "full-output",
                       .summary = "train a DQN with one output a video, for comparison",
                       .about = "Q-learning by a network that knows nothing of a video but its place: what agent "
                                "libraries do, for shelves and catalogues of at most 10,000 videos."},
                      FullOutputConfig{}, make_agent<FullOutputLearner, FullOutputConfig>));
  for (const auto& [name, summary, about] : kActors) all.push_back(actor_entry(name, summary, about));
  all.push_back(entry(
      {.name = "rlur",
       .summary = "train a policy that brings users back, in a simulator",
       .about = std::string("PPO on the reward and on returns: users come back for their next session, a critic of "
                            "its own says what leaving in a state is worth, and what a user's habit foretells is no "
                            "merit.") +
                kDraws},
      RlurConfig{}, rlur_agent));
  all.push_back(entry({.name = "hierarchical",
                       .summary = "train a policy of tags, then videos, over the whole catalogue",
                       .about = "PPO on a choice in two steps, a tag and then a video of that tag: every video may be "
                                "shown, and a step scores the tags and some videos of one. Its policy draws by itself; "
                                "with the setting 'choice' as 'best' it takes the best tag and its best video."},
                      HierarchicalConfig{}, make_agent<HierarchicalLearner, HierarchicalConfig>));
  all.push_back(entry({.name = "sasrec-ppo",
                       .summary = "train a SASRec by proximal policy optimisation in a simulator",
                       .about = std::string("A SASRec whose softmax over the candidates is the policy, trained by PPO. "
                                            "--start gives it the weights of one that learned from a log, and "
                                            "'anchor' keeps its policy near that one's.") +
                                kDraws,
                       .start = "a policy of 'supervised' sqn, sac, sasrec-clicks or sasrec-next",
                       .former_names = {"sasrec"},
                       .config_file = "sasrec_actor.json"},
                      SasrecActorConfig{}, sasrec_ppo_agent));
  return all;
}

}  // namespace

const std::vector<AgentInfo>& agents() {
  static const std::vector<AgentInfo> all = make_agents();
  return all;
}

const AgentInfo& find_agent(std::string_view name) {
  std::vector<std::string> names;
  for (const AgentInfo& info : agents()) {
    if (info.name == name || std::count(info.former_names.begin(), info.former_names.end(), name) > 0) return info;
    names.push_back(info.name);
  }
  throw InputError(fmt::format("'{}' is no agent; there are {}", name, fmt::join(names, ", ")));
}

Agent read_agent(const AgentInfo& info, const GivenSettings& settings) {
  const std::string other = info.means_another ? info.means_another(settings.all()) : std::string();
  if (other.empty()) return info.with(settings);
  remark(fmt::format("{}: these are settings of 'train {}' now", settings.where(), other));
  return find_agent(other).with(settings);
}

bool is_finished(const std::filesystem::path& policy, const Agent& agent, std::uint64_t seed,
                 std::uint64_t data_fingerprint) {
  std::error_code ignored;
  if (!std::filesystem::exists(policy, ignored)) return false;
  try {
    const PolicyHeader header = read_policy_header(policy);
    if (header.seed != seed || header.data_fingerprint != data_fingerprint) return false;
    const Json stored = parse_json(header.config, "config");
    return stored == agent.config || agent.settings_of_today(stored) == agent.config;
  } catch (const InputError&) {
    return false;
  }
}

OnlineResult train_agent(const std::shared_ptr<const Simulator>& simulator, const Agent& agent, const OnlineRun& run) {
  agent.memory(*simulator).require();
  Json identity = agent.config;
  if (!run.start.empty()) {
    const PolicyHeader start = read_policy_header(run.start);
    identity["start"] = {
        {"name", start.policy}, {"seed", start.seed}, {"config", start.config}, {"data", start.data_fingerprint}};
  }
  VectorEnv env = agent.make_env(simulator, run.threads);
  OnlineResult result;
  result.learner = agent.make_learner(simulator, run);
  result.rounds = train_with_checkpoints(*result.learner, env,
                                         {.config = identity.dump(),
                                          .seed = run.seed,
                                          .data_fingerprint = simulator->data_fingerprint,
                                          .of_today = agent.settings_of_today,
                                          .steps_setting = run.goes_on ? agent.steps_setting : ""},
                                         agent.steps.env_steps, agent.steps.round_steps, run);
  result.policy = result.learner->snapshot();
  return result;
}

}  // namespace swipegym
