#include <optional>

#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "cli/policy_word.h"
#include "core/output_file.h"
#include "core/text.h"
#include "env/fitted/fitted_user_model.h"
#include "evaluation/platform/platform_page.h"
#include "evaluation/platform/platform_study.h"
#include "evaluation/platform/platform_tables.h"
#include "evaluation/text_table.h"
#include "policy/stages/flow_policies.h"

namespace swipegym::cli {
namespace {

struct PlatformCommand {
  std::filesystem::path simulator, out;
  std::vector<std::string> policies = {"uniform", "thompson", "bayes-ucb", "flow"};
  std::size_t seeds = 3;
  double visits = 1.0;
  std::string split;
  bool logs = false;
  std::filesystem::path data;
  SeasonConfig season;  // of which options may say the first lines
};

constexpr const char* kPlatformTables[] = {"season.csv", "season.json", "index.html"};

SeasonConfig season_of(const PlatformCommand& settings, const Run& run) {
  SeasonConfig config = run.read_config<SeasonConfig>();
  if (run.given("days")) config.days = settings.season.days;
  if (run.given("users")) config.users = settings.season.users;
  if (run.given("burn-in")) config.burn_in = settings.season.burn_in;
  if (run.given("effect")) config.world.effect = settings.season.world.effect;
  if (run.given("wrong-tags")) config.world.wrong_tags = settings.season.world.wrong_tags;
  if (run.given("creators-a-user")) config.world.creators_a_user = settings.season.world.creators_a_user;
  if (run.given("visits")) config.world.gap_scale = 1.0 / settings.visits;
  if (run.given("random-share")) config.random_share = settings.season.random_share;
  if (run.given("refit-every")) config.refit.every = settings.season.refit.every;
  if (run.given("tick-hours")) config.tick_hours = settings.season.tick_hours;
  config.check();
  return config;
}

// What no log says, and every table must.
std::string assumptions(const SeasonConfig& config) {
  const PlatformSettings& world = config.world;
  return fmt::format(
      "assumed: creators answer by effect '{}', {:g} a user at the start, {:.1f} % newcomers a day; uploads live {} "
      "days;\n"
      "users come {} as in the log; policies learn every {:g} h{}{}\n",
      world.effect, world.creators_a_user, 100.0 * world.creators.arrivals, world.life_days,
      world.gap_scale == 1.0 ? std::string("as often") : fmt::format("{:g} times as often", 1.0 / world.gap_scale),
      config.tick_hours,
      world.creators.mimic_rate > 0.0 && world.effect != "none"
          ? fmt::format(";\n{:g} of the creators imitate what they watch, at a rate of {:g} a day",
                        world.creators.mimicking, world.creators.mimic_rate)
          : std::string(),
      world.wrong_tags > 0.0 ? fmt::format("; {:g} % of the tags are wrong", 100.0 * world.wrong_tags) : std::string());
}

// A fitted model of returns knows use as it is in the log alone.
void warn_of_visits(const Simulator& simulator, const SeasonConfig& config, const Run& run) {
  if (config.world.gap_scale < 1.0 && dynamic_cast<const FittedUserModel*>(simulator.model.get()) != nullptr)
    run.note(
        "users of a fitted simulator come back by how much they watched: {:g} times the visits look to it like so\n"
        "much more use, and visits grow from week to week; leave --visits at 1, or use a known world",
        1.0 / config.world.gap_scale);
}

std::string flow_list() {
  std::string text;
  for (const FlowPolicy& flow : flow_policies())
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", flow.name, flow.summary);
  return text;
}

void play_platform(const PlatformCommand& settings, Run& run) {
  PlatformStudy study;
  study.config = season_of(settings, run);
  for (const std::string& word : settings.policies) {
    const auto [name, spec] = split_policy_word(word);
    study.policies.push_back({name, spec});
  }
  study.split = settings.split;
  study.seeds = settings.seeds;
  study.seed = run.seed;
  study.folder = settings.out;
  study.threads = run.threads;
  study.progress = run.progress;
  if (run.given("data") && !settings.logs) throw InputError("--data is what --logs takes its tables from: give both");
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator);
  warn_of_visits(*simulator, study.config, run);
  run.require_memory(platform_memory(*simulator, study));
  std::optional<LoadedDataset> logged;
  if (settings.logs) {
    const bool truth = std::filesystem::is_directory(settings.simulator);
    logged = truth ? load_data(run, settings.simulator) : load_fitted_data(run, *simulator, settings.data);
    study.logged = &logged->data;
  }
  const PlatformReport report = run_platform(simulator, study);
  run.print("{} users, {} days of which {} are not counted, {} worlds; requests of {} videos; {} videos shown\n{}\n",
            show_count(study.config.users), study.config.days, study.config.burn_in, settings.seeds, study.config.slate,
            show_count([&] {
              std::uint64_t videos = 0;
              for (const PlatformReport::Line& line : report.lines) videos += line.videos;
              return videos;
            }()),
            assumptions(study.config));
  run.print("{}\n", platform_table(report));
  if (!settings.split.empty())
    run.print("half of the users are served by {} in the same world:\n{}\n", settings.split, split_table(report));
  run.print(
      "seconds: watched a user-day; - first: less the first policy's, world by world; regret: click appeal a video\n"
      "below the best on offer; found: best tenth of uploads shown {} times; uploads a day; active creators; "
      "newcomers\n"
      "active after {} days; Gini of creators' views. ± is half a 95 % interval over worlds.\n",
      kFoundShows, kSurvivalDays);
  Json used = config_to_json(study.config);
  used.update(run.options->values({"simulator", "policies", "seeds", "split"}));
  const std::vector<std::string> notes = {
      assumptions(study.config), fmt::format("data {:016x}, first seed {}", simulator->data_fingerprint, run.seed),
      build_text(), "settings " + json_text(used)};
  write_file(settings.out / kPlatformTables[0], platform_csv(report));
  run.write_result(settings.out / kPlatformTables[1], run.command, platform_json(report), used,
                   simulator->data_fingerprint);
  write_file(settings.out / kPlatformTables[2], as_utf8(platform_page(report, "A season of a platform", notes)));
  run.note("curves: {}", (settings.out / kPlatformTables[2]).string());
  run.write_json(platform_json(report), used, simulator->data_fingerprint);
}

}  // namespace

void add_platform_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<PlatformCommand>();
  Command command{.name = "platform",
                  .group = CommandGroup::kLearn,
                  .summary = "play seasons of a platform whose creators answer what they get"};
  command.about =
      "Users come back, watch and tire; creators upload, are encouraged and give up; a policy serves them. Every "
      "policy "
      "meets the same worlds. Prints a table by policy with paired intervals and writes every day's measures and a "
      "page "
      "with curves. A season is a file in the output folder, checkpointed daily: an interrupted study goes on where it "
      "stopped.";
  command.examples = {"swipegym platform --simulator pure --days 60 --users 1000 --logs --out season",
                      "swipegym platform --simulator sim.h5 --policies "
                      "uniform,thompson,flow=configs/staged/bucket_flow.json --seeds 10 "
                      "--out flows"};
  command.next = "swipegym settings platform";
  command.goes_on = true;
  command.settings = {settings_page<SeasonConfig>(command.name)};
  command.used_settings = [settings](const Run& run) { return config_to_json(season_of(*settings, run)); };
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE|DIR",
             "a simulator from 'fit'; or the folder of a synthetic release, whose truth the world then is")
      .input("policies", settings->policies, "LIST",
             "rules, policy files, compositions (.json), NAME=FILE; the rules are " + flow_list(), false)
      .group("Season")
      .add("days", settings->season.days, between(1, 10'000), "N", "days")
      .add("users", settings->season.users, between(1, 1'000'000), "N", "users who visit")
      .add("burn-in", settings->season.burn_in, between(0, 10'000), "N", "first days that tables leave out")
      .add("seeds", settings->seeds, between(1, 10'000), "K", "worlds, the same ones for every policy")
      .choice("effect", settings->season.world.effect, {"none", "mild", "strong"},
              "how strongly creators answer what they get")
      .add("creators-a-user", settings->season.world.creators_a_user, above(0, 1'000), "X",
           "creators at the start, for each user")
      .add("wrong-tags", settings->season.world.wrong_tags, between(0, 1), "X",
           "share of the videos whose tag the platform has wrong")
      .add("tick-hours", settings->season.tick_hours, between(0.25, 24), "H",
           "hours until what was counted reaches the policy")
      .add("refit-every", settings->season.refit.every, between(0, 10'000), "N",
           "two-tower and multitask networks learn from the season's own rows every N nights; 0: never")
      .add("visits", settings->visits, between(0.01, 100), "X",
           "users come so many times as often as in the log, which may be thinned; sets world.gap_scale")
      .add("random-share", settings->season.random_share, between(0, 1), "X",
           "share of requests whose videos are drawn uniformly: the random log")
      .input("split", settings->split, "POLICY",
             "a policy that serves half of the users of every world: what a test inside one world would say", false)
      .group("Output")
      .flag("logs", settings->logs, "also write every season as a KuaiRand release, and what its creators got and did")
      .input("data", settings->data, "DIR|FILE", "for --logs: the data, when it is no longer where the fit read it",
             false)
      .output("out", settings->out, "DIR", "a folder for the seasons, the table and the page", Writing::kWorkFolder);
  command.also_uses = [settings](const Run&, FileUse& use) {
    for (const char* name : kPlatformTables)
      use.outputs.push_back({.option = fmt::format("{} in --out", name), .path = settings->out / name});
  };
  command.run = [settings](Run& run) { play_platform(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
