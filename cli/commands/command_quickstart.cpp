#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/registry.h"
#include "agents/retrieval/ranker.h"
#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "cli/policy_list.h"
#include "core/error.h"
#include "core/stopwatch.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/replay_log.h"
#include "env/fitted/simulator_file.h"
#include "evaluation/compare/compare.h"
#include "evaluation/compare/play_sessions.h"
#include "evaluation/fidelity/choice_check.h"
#include "evaluation/fidelity/fidelity.h"
#include "evaluation/generate/synthesise.h"
#include "evaluation/session_view.h"
#include "evaluation/shown.h"
#include "evaluation/text_table.h"
#include "policy/make_policy.h"
#include "sim_data/statistics.h"

namespace swipegym::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTrainingSteps = 300'000;  // less than `train dqn`'s default: minutes are for the whole story
constexpr std::int64_t kRoundSteps = 30'000;      // ten points of a learning curve
constexpr std::size_t kSessions = 400, kSeeds = 5;
constexpr std::size_t kShownSessions = 8;  // of each policy, to look at
constexpr int kUserFolds = 2;

// What the page of a run is made of.
constexpr const char *kData = "data.json", *kFidelity = "fidelity.json", *kCompare = "compare.json",
                     *kSessionsFile = "sessions.json", *kTraining = "dqn.json";

struct QuickstartSettings {
  fs::path data;
  fs::path out = "out/quickstart";
  bool replace = false;
};

void add_outputs(const QuickstartSettings& settings, FileUse& use) {
  const auto add = [&](const char* name, Writing writing) {
    use.outputs.push_back({.option = fmt::format("{} in --out", name),
                           .path = settings.out / name,
                           .writing = writing,
                           .replaces_any = settings.replace});
  };
  if (settings.data.empty()) add("data", Writing::kFolder);
  for (const char* name : {"sim.h5", "half-a.h5", "half-b.h5", "dqn.h5", "ranker.h5"}) add(name, Writing::kBinary);
  for (const char* name : {kData, kFidelity, kCompare, kSessionsFile, kTraining}) add(name, Writing::kText);
}

/// One telling: each stage leaves what the next one needs.
class Quickstart {
 public:
  Quickstart(const QuickstartSettings& settings, Run& run) : settings_(settings), run_(run) {}

  void tell() {
    make_folder();
    const Stopwatch watch;
    stage(data_is_real() ? "The log" : "A log: synthetic KuaiRand, whose truth is known", [&] { load(); });
    stage("A user simulator, fitted to the earlier days", [&] { fit(); });
    stage("Is it faithful? The held-out days, beside two reference models", [&] { judge(); });
    stage("A DQN that learns to choose among ten candidates", [&] { train(); });
    stage("Policies compared on the same sessions, with 95 % intervals", [&] { compare_policies(); });
    keep_sessions();
    run_.print("All of it took {:.0f} s.\n\n", watch.seconds());
    tell_what_is_next();
    run_.write_json(std::move(result_), config_, data_.fingerprint);
  }

 private:
  bool data_is_real() const { return !settings_.data.empty(); }
  fs::path data_path() const { return data_is_real() ? settings_.data : settings_.out / "data"; }

  template <class Work>
  void stage(const std::string& title, Work work) {
    const Stopwatch watch;
    run_.print("{}. {}\n\n", ++stages_, title);
    work();
    const double seconds = watch.seconds();
    run_.print("\n   {}\n\n", seconds < 1.0 ? "under a second" : fmt::format("{:.1f} s", seconds));
    run_.check_interrupt();
  }

  void make_folder() const {
    std::error_code error;
    fs::create_directories(settings_.out, error);
    if (error)
      throw InputError(
          fmt::format("{}: cannot be made: {}; choose another --out", settings_.out.string(), error.message()));
  }

  void load() {
    if (!data_is_real())
      synthesise({.truth = {.seed = run_.seed},
                  .replace = settings_.replace,
                  .threads = run_.threads,
                  .progress = run_.progress},
                 data_path());
    data_ = load_data(run_, where_written(data_path()), {}, data_path()).data;
    hold_out_days();
    run_.print("   {} rows of {} users and {} videos; days from {} on are held out\n", show_count(data_.log.size()),
               show_count(data_.users.size()), show_count(data_.videos.size()), from_);
    write(kData, "data stats", statistics_to_json(describe_data(data_, run_.threads)),
          {{"data", data_path().string()}});
  }

  // The last sixth of the standard log's days, and two at least.
  void hold_out_days() {
    std::set<std::int32_t> days;
    for (std::size_t row = 0; row < data_.log.size(); ++row)
      if (data_.log.is_random[row] == 0) days.insert(data_.log.date[row]);
    const std::size_t held_out = std::max<std::size_t>(2, days.size() / 6);
    if (days.size() <= held_out)
      throw InputError(fmt::format("the standard log has {} days; {} are held out, so at least {} are needed",
                                   days.size(), held_out, held_out + 1));
    const auto first = std::prev(days.end(), static_cast<std::ptrdiff_t>(held_out));
    from_ = *first, until_ = *std::prev(first);
  }

  FitResult fit_fold(std::uint32_t fold, std::uint32_t folds) {
    FitConfig config;
    config.fold = fold, config.folds = folds;
    config.training.seed = config.exposure.seed = run_.seed + fold;
    config.training.threads = run_.threads;
    config_["fit"] = config_to_json(config);
    FitResult fitted = fit_simulator(data_, until_, config, run_.progress);
    remember_data(fitted.simulator, data_path());
    return fitted;
  }

  void fit() {
    FitResult fitted = fit_fold(0, 1);
    run_.print("   {} rows; {}\n", show_count(fitted.rows), exposure_note(fitted.exposure, "   "));
    save_simulator(fitted.simulator, settings_.out / "sim.h5");
    simulator_ = std::make_shared<const Simulator>(std::move(fitted.simulator));
  }

  void judge() {
    FidelityScorer scorer(data_, {.from = from_});
    const FittedUserModel& model = fitted_model(*simulator_);
    replay_log(
        model, data_, {.from = from_}, run_.seed, run_.threads, [&](const RowPrediction& row) { scorer.add(row); },
        run_.progress);
    const FidelityReport report = scorer.finish();
    run_.print("{}", to_text(report));
    result_["fidelity"] = to_json(report);
    judge_choices(model);
    write(kFidelity, "fidelity", result_["fidelity"], simulator_->fit.all);
  }

  // Random exposures of the held-out days, where the log has any.
  void judge_choices(const FittedUserModel& model) {
    std::vector<ExpectedAnswer> answers;
    for (std::size_t row = 0; row < data_.log.size() && answers.empty(); ++row)
      if (is_judged(data_.log, row, {.from = from_, .random = true}))
        replay_log(
            model, data_, {.from = from_, .random = true}, run_.seed, run_.threads,
            [&](const RowPrediction& one) { answers.push_back(expected_answer(one)); }, run_.progress);
    if (answers.empty()) return;
    const ChoiceReport report =
        check_choices(data_, answers, {.known_until = until_, .seed = run_.seed, .threads = run_.threads});
    run_.print(
        "\n{} random exposures of these days put {} policies in an order; the simulator's agrees with it by\n"
        "Kendall's tau {:.2f}, over the {} pairs that the exposures tell apart by {:.2f}\n",
        show_count(report.rows), report.policies.size(), shown(report.all.tau), report.told_apart.pairs,
        shown(report.told_apart.tau));
    result_["fidelity"]["choices"] = to_json(report);
  }

  // Policies can exploit the errors of the simulator they train in, so another world judges: the truth where it is
  // known, else a second simulator, the two fitted to disjoint halves of the users.
  void choose_worlds() {
    if (!simulator_->truth.empty()) {
      worlds_ = {{"simulator", simulator_}, {"truth", truth_behind(*simulator_, data_, "dense", run_.threads)}};
      return;
    }
    for (std::uint32_t fold = 0; fold < kUserFolds; ++fold) {
      FitResult fitted = fit_fold(fold, kUserFolds);
      const std::string name = fold == 0 ? "half-a" : "half-b";
      save_simulator(fitted.simulator, settings_.out / (name + ".h5"));
      worlds_.push_back({name, std::make_shared<const Simulator>(std::move(fitted.simulator))});
    }
    run_.print("   It learns in a simulator of one half of the users; one of the other half will judge.\n");
  }

  void train() {
    choose_worlds();
    const Agent agent =
        find_agent("dqn").with({Json{{"env_steps", kTrainingSteps}, {"round_steps", kRoundSteps}}, "quickstart"});
    config_["dqn"] = agent.config;
    const OnlineResult dqn = train_agent(worlds_[0].simulator, agent,
                                         {.seed = run_.seed, .threads = run_.threads, .progress = run_.progress});
    Table curve({"steps", "episodes", "seconds watched a session, exploring"});
    for (const RoundReport& round : dqn.rounds)
      curve.add({show_count(static_cast<std::uint64_t>(round.env_steps)),
                 show_count(static_cast<std::uint64_t>(round.episodes)), fmt::format("{:.1f}", round.mean_return)});
    run_.print("{}", curve.text(3));
    dqn.policy->save(settings_.out / "dqn.h5");
    Json rounds = Json::array();
    for (const RoundReport& round : dqn.rounds) rounds.push_back(to_json(round));
    write(kTraining, "train dqn", {{"rounds", std::move(rounds)}}, agent.config);

    const RankerConfig ranker_config;
    config_["ranker"] = config_to_json(ranker_config);
    SupervisedTask task;
    task.data = &data_, task.train = {0, until_};
    task.seed = run_.seed, task.threads = run_.threads, task.progress = run_.progress;
    const TrainedModel ranker = train_ranker(task, ranker_config);
    run_.print("\n   Beside it a supervised ranker of the watch ratio, from {} logged rows.\n",
               show_count(ranker.details["rows"]));
    ranker.policy->save(settings_.out / "ranker.h5");
  }

  void compare_policies() {
    const Simulator& world = *worlds_[0].simulator;
    policies_ = read_policies(policy_names(), worlds_[0].simulator, worlds_.size() > 1);
    for (const std::string name : {"ranker", "dqn"})
      policies_.push_back({name, {load_policy(where_written(settings_.out / (name + ".h5")), world)}});
    CompareConfig config{.sessions = kSessions, .seeds = kSeeds, .seed = run_.seed};
    config.engine.threads = run_.threads;
    const CompareReport report = compare(policies_, worlds_, config, run_.progress);
    run_.print("{}\n{}\n", to_text(report), clock_note(world));
    result_["compare"] = to_json(report);
    write(kCompare, "compare", result_["compare"], config_);
  }

  // The same users under every policy, to look at.
  void keep_sessions() {
    const WorldConfig world;
    const std::shared_ptr<const Simulator>& simulator = worlds_[0].simulator;
    const std::shared_ptr<const CandidateSource> candidates = make_candidates(world, simulator, run_.seed);
    Json sessions = Json::array();
    for (const ComparedPolicy& policy : policies_)
      for (std::size_t i = 0; i < kShownSessions; ++i) {
        SessionView session =
            play_session(simulator, candidates, *policy.seeds.front(), env_config(world, {.threads = run_.threads}), {},
                         session_seed(run_.seed, 0, i));
        session.policy = policy.name;
        sessions.push_back(to_json(session));
      }
    write(kSessionsFile, "session", {{"sessions", std::move(sessions)}}, config_to_json(world));
  }

  // As the command would, so that one page shows both.
  void write(const char* name, const std::string& command, const Json& result, const Json& config) const {
    run_.write_result(settings_.out / name, command, result, config, data_.fingerprint);
  }

  void tell_what_is_next() const {
    const std::string out = settings_.out.string();
    const std::string simulator = out + "/" + (worlds_[0].name == "simulator" ? "sim" : worlds_[0].name) + ".h5";
    const std::string judge = worlds_[1].name == "truth" ? "truth" : out + "/half-b.h5";
    run_.print(
        "What to type next\n\n"
        "  # watch one session\n"
        "  swipegym session --simulator {0} --policy {1}/dqn.h5\n"
        "  # train longer, with another seed, and compare both under one name\n"
        "  swipegym train dqn --simulator {0} --seed 2 --out {1}/dqn-2.h5\n"
        "  swipegym compare --simulator {0} --judge {2} --policies random,popularity,'dqn={1}/dqn*.h5'\n"
        "  # write simulated logs in KuaiRand's columns\n"
        "  swipegym generate --simulator {0} --policy {1}/dqn.h5 --sessions 10000 --out {1}/generated\n"
        "  # play a month of a platform whose creators answer what they get\n"
        "  swipegym platform --simulator {0} --days 30 --burn-in 10 --users 500 --out {1}/season\n"
        "  # all of it on one page, with charts\n"
        "  swipegym report {1}\n"
        "  # everything else\n"
        "  swipegym --help\n",
        simulator, out, judge);
  }

  const QuickstartSettings& settings_;
  Run& run_;
  int stages_ = 0;
  Dataset data_;
  std::int32_t until_ = 0, from_ = 0;
  std::shared_ptr<const Simulator> simulator_;
  std::vector<ComparedSimulator> worlds_;  // the one trained in, then the judge
  std::vector<ComparedPolicy> policies_;
  Json result_, config_;
};

}  // namespace

void add_quickstart_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<QuickstartSettings>();
  Command command{.name = "quickstart", .group = CommandGroup::kStart, .summary = "the whole story in minutes"};
  command.about =
      "Makes a small synthetic KuaiRand (or reads a real one), fits the user simulator, shows how faithful it is on "
      "held-out days, trains a DQN on candidate sets and compares it with its baselines. Every stage leaves its files "
      "in --out, where the other commands find them.";
  command.examples = {"swipegym quickstart", "swipegym quickstart --data KuaiRand-Pure --out out/kuairand"};
  command.next = "swipegym session --simulator out/quickstart/sim.h5 --policy out/quickstart/dqn.h5";
  command.options.group("Input and output")
      .input("data", settings->data, "DIR|FILE", "KuaiRand's files or a store; a synthetic log is made when absent",
             false)
      .output("out", settings->out, "DIR", "folder for what is made", Writing::kWorkFolder, /*is_required=*/false)
      .flag("replace", settings->replace, "replace a synthetic log in --out that has no manifest or was changed");
  command.also_uses = [settings](const Run&, FileUse& use) { add_outputs(*settings, use); };
  command.run = [settings](Run& run) { Quickstart(*settings, run).tell(); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
