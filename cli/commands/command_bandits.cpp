#include "cli/command.h"
#include "evaluation/studies/upload_season.h"

namespace swipegym::cli {
namespace {

struct BanditsSettings {
  std::vector<std::string> impressions = {"10", "50", "200"};
  std::vector<std::string> policies;  // none: the usual ones
  int seeds = 50;
  bool daily = false;
};

int read_impressions(const std::string& word) {
  return parse_number<int>("--impressions", word, between(1, 1'000'000));
}

void play_bandits(const BanditsSettings& settings, Run& run) {
  SeasonStudy study;
  study.config = run.read_config<UploadSeasonConfig>();
  if (!settings.policies.empty()) study.policies = settings.policies;
  study.impressions.clear();
  for (const std::string& word : settings.impressions) study.impressions.push_back(read_impressions(word));
  study.daily = settings.daily;
  study.worlds = settings.seeds;
  study.seed = run.seed;
  study.threads = run.threads;
  study.progress = run.progress;
  const std::vector<SeasonRow> rows = run_upload_season(study);
  const UploadSeasonConfig& config = study.config;
  run.print("{} uploads a day live {} days, rates Beta({}, {}); slates of {}, feedback {}; {} worlds\n\n",
            config.uploads_a_day, config.life_days, config.prior.alpha, config.prior.beta, config.slate,
            settings.daily ? "at midnight" : "after each", settings.seeds);
  run.print("{}\n", season_table(rows));
  run.print("value at so many impressions an upload: 0 is the uploads' mean rate, 1 that of the best live ones\n");
  run.print("found: share of the best {:g} % of uploads shown {} times; ± is half a 95 % interval of worlds\n",
            100.0 * config.best_share, config.found_shows);
  Json used = config_to_json(config);
  used["impressions"] = study.impressions;
  used["policies"] = study.policies;
  used["seeds"] = settings.seeds;
  used["daily"] = settings.daily;
  run.write_json(season_json(rows), used, 0);
}

}  // namespace

void add_bandits_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<BanditsSettings>();
  Command command{
      .name = "bandits", .group = CommandGroup::kLearn, .summary = "compare bandits on uploads that come and go"};
  command.about =
      "Plays seasons in which every day brings uploads that live some days, each with a rate of success of its own, "
      "and "
      "shows slates of distinct ones. Prints how near each bandit comes to the best live uploads, and which share of "
      "the best ones it finds.";
  command.examples = {"swipegym bandits --impressions 10,50 --seeds 10",
                      "swipegym bandits --impressions 50 --daily --policies bayes-ucb,thompson,buckets --json b.json"};
  command.next = "swipegym settings bandits";
  command.settings = {settings_page<UploadSeasonConfig>(command.name)};
  command.used_settings = [](const Run& run) { return used_settings<UploadSeasonConfig>(run.given_settings()); };
  command.options.group("Study")
      .add("impressions", settings->impressions, "LIST", "impressions an upload, 1 to 1000000 each")
      .checked([](const std::string& text) {
        for (const std::string& word : split_list("--impressions", text)) read_impressions(word);
      })
      .add("policies", settings->policies, "LIST",
           "of uniform, greedy, epsilon-greedy, ucb1, bayes-ucb, bayes-quantile, thompson, thompson-flat, buckets, "
           "wide-buckets, buckets-thompson; absent: all but bayes-quantile")
      .add("seeds", settings->seeds, between(1, 1'000'000), "N", "worlds, the same ones for every policy")
      .flag("daily", settings->daily, "feedback is counted at midnight, not after each slate");
  command.run = [settings](Run& run) { play_bandits(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
