#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "cli/policy_list.h"
#include "core/error.h"
#include "evaluation/studies/convergence.h"

namespace swipegym::cli {
namespace {

struct ConvergeSettings {
  std::filesystem::path simulator, out, retriever;
  std::vector<std::string> sizes = {"10", "30", "100", "300", "1000", "3000", "all"};
  std::vector<std::string> agents = convergence_agents();
  std::vector<std::string> policies;
  std::size_t seeds = 5;
};

// How many candidates a word of --sizes names.
std::size_t read_size(const std::string& word, std::size_t num_videos) {
  return word == "all" ? num_videos : parse_number<std::size_t>("--sizes", word, between(2, 1'000'000'000));
}

std::vector<std::size_t> read_sizes(const std::vector<std::string>& words, std::size_t num_videos) {
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) sizes.push_back(read_size(word, num_videos));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > num_videos)
      throw InputError(
          fmt::format("--sizes names {}, the simulator has {} videos: say 'all' for every one", sizes[i], num_videos));
    if (i > 0 && sizes[i] <= sizes[i - 1]) throw InputError("--sizes must rise from one to the next");
  }
  return sizes;
}

// "dqn: as configured; ...".
std::string variants_text() {
  std::string text;
  for (const ConvergenceVariant& variant : convergence_variants())
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", variant.name, variant.about);
  return text;
}

ConvergenceConfig config_of(const ConvergeSettings& settings, const Run& run) {
  ConvergenceConfig config = run.read_config<ConvergenceConfig>();
  if (run.given("seed")) config.session_seed = run.seed;
  if (!settings.retriever.empty()) config.retrieval.file = settings.retriever.string();
  return config;
}

void converge(const ConvergeSettings& settings, Run& run) {
  ConvergenceStudy study;
  study.config = config_of(settings, run);
  const std::shared_ptr<const Simulator> simulator =
      load_simulator_file(run, settings.simulator, study.config.dqn.world.clock);
  study.sizes = read_sizes(settings.sizes, simulator->catalogue.num_videos());
  study.agents = settings.agents;
  study.seeds = settings.seeds;
  study.folder = settings.out;
  study.threads = run.threads;
  study.progress = run.progress;
  std::vector<Baseline> baselines;
  for (const ComparedPolicy& policy : read_policies(settings.policies, simulator, false))
    baselines.push_back({policy.name, policy.seeds.front()});
  for (const std::size_t size : study.sizes)
    run.require_memory(cell_agent(study.config, {.size = size}, simulator->catalogue.num_videos()).memory(*simulator));
  const ConvergenceReport report = run_convergence(simulator, study, baselines);
  run.print("{}", to_text(report));
  if (const std::string clock = clock_note(*simulator); !clock.empty()) run.print("{}\n", clock);
  run.note("curves, table, baselines and slopes as CSV: {}", settings.out.string());
  Json used = config_to_json(study.config);
  used.update(run.options->values({"sizes", "agents", "seeds"}));
  run.write_json(to_json(report), used, simulator->data_fingerprint);
}

}  // namespace

void add_converge_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<ConvergeSettings>();
  Command command{.name = "converge",
                  .group = CommandGroup::kLearn,
                  .summary = "study how Q-learning converges as the action space shrinks"};
  command.about =
      "Trains the same DQN on action spaces from ten candidates to every video of the catalogue, several seeds each, "
      "and "
      "holds the greedy policy against random choice, popularity and the one-step oracle along the way. Each training "
      "is a file in the output folder: an interrupted study goes on where it stopped.";
  command.examples = {
      "swipegym converge --simulator sim.h5 --sizes 10,100,1000,all --seeds 5 --out study",
      "swipegym converge --simulator sim.h5 --sizes 10,100,all --agents dqn,bandit --policies 'sasrec=sasrec-s1.h5' "
      "--out bandit",
      "swipegym converge --simulator sim.h5 --sizes all --agents dqn,retrieved,wolpertinger --retriever two_tower.h5 "
      "--out retrieved"};
  command.next = "python3 bench/plot_convergence.py study study/convergence.png";
  command.goes_on = true;
  command.settings = {settings_page<ConvergenceConfig>(command.name)};
  command.used_settings = [settings](const Run& run) {
    const ConvergenceConfig config = config_of(*settings, run);
    check(config);
    return config_to_json(config);
  };
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE|DIR",
             "a simulator from 'fit'; or the folder of a synthetic release, to learn in its truth")
      .input("policies", settings->policies, "LIST", "further policies to hold it against, as in 'compare'", false)
      .input("retriever", settings->retriever, "FILE",
             "what the agents 'retrieved' and 'wolpertinger' choose among: a policy file such as a two-tower's", false)
      .group("Study")
      .add("sizes", settings->sizes, "LIST",
           "candidates a step, drawn anew each time, 2 to 1000000000; 'all' is every video")
      .checked([](const std::string& text) {
        for (const std::string& word : split_list("--sizes", text)) read_size(word, 2);
      })
      .add("agents", settings->agents, "LIST", variants_text())
      .add("seeds", settings->seeds, between(1, 10'000), "K", "trainings of each agent on each size")
      .group("Output")
      .output("out", settings->out, "DIR", "a folder for the trainings and the CSV files", Writing::kWorkFolder);
  command.also_uses = [settings](const Run&, FileUse& use) {
    for (const char* name : kConvergenceTables)
      use.outputs.push_back({.option = fmt::format("{} in --out", name), .path = settings->out / name});
  };
  command.run = [settings](Run& run) { converge(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
