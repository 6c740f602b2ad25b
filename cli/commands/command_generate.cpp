#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "core/error.h"
#include "evaluation/generate/generate.h"
#include "evaluation/generate/generated_release.h"
#include "evaluation/off_policy/logged_candidates.h"
#include "evaluation/text_table.h"
#include "policy/make_policy.h"
#include "sim_data/store/log_store.h"

namespace swipegym::cli {
namespace {

struct GenerateSettings {
  std::filesystem::path simulator, data, out, keep_candidates;
  std::string policy = "random", format = "csv";
  std::uint64_t sessions = 1000, rows_per_part = 0;
  bool replace = false;
  ActSettings act;
};

GenerateConfig generate_config(const GenerateSettings& settings, const Run& run) {
  return {.sessions = settings.sessions,
          .seed = run.seed,
          .world = settings.act.world,
          .engine = {.threads = run.threads},
          .exploration = exploration(settings.act)};
}

// Where rows come from: the policy's choices, or the platform's.
class Source {
 public:
  Source(const GenerateSettings& settings, std::shared_ptr<const Simulator> simulator, const Dataset& data)
      : simulator_(std::move(simulator)) {
    if (settings.policy == "logged")
      feed_ = std::make_unique<LoggedFeed>(data, FeedRows{.until = fitted_until(*simulator_)});
    else
      policy_ = make_policy(settings.policy, *simulator_);
  }

  bool has_propensity() const noexcept { return policy_ != nullptr; }
  bool is_uniform(const WorldConfig& world) const {
    return policy_ && policy_->scores_are_random() && (world.source == "random" || world.offers_all());
  }
  GenerateReport run(const GenerateConfig& config, const RowSink& sink, const Progress& progress) const {
    return policy_ ? generate_log(simulator_, *policy_, config, sink, progress)
                   : generate_platform_log(*simulator_, *feed_, config, sink, progress);
  }

 private:
  std::shared_ptr<const Simulator> simulator_;
  std::shared_ptr<const Policy> policy_;
  std::unique_ptr<LoggedFeed> feed_;
};

// The candidate sets of the rows written, kept in memory until the log is whole.
class KeptSets {
 public:
  KeptSets(const GenerateSettings& settings, const VideoTable& videos)
      : path_(settings.keep_candidates), videos_(path_.empty() ? VideoTable{} : videos) {
    kept_.slots = settings.act.world.candidates;
  }
  void attach(GenerateConfig& config) {
    if (path_.empty()) return;
    config.candidate_sink = [this](std::span<const std::int32_t> sets) {
      kept_.video.insert(kept_.video.end(), sets.begin(), sets.end());
    };
  }
  void save() const {
    if (!path_.empty()) save_candidates(kept_, videos_, path_);
  }

 private:
  std::filesystem::path path_;
  VideoTable videos_;  // a store takes the data's own away
  LoggedCandidates kept_;
};

GenerateReport write_csv(const GenerateSettings& settings, const GenerateConfig& config, const Source& source,
                         const Dataset& data, Run& run) {
  GeneratedRelease release(settings.out, data.users, data.videos,
                           {.random_log = source.is_uniform(settings.act.world),
                            .propensity = source.has_propensity(),
                            .rows_per_part = settings.rows_per_part,
                            .replace = settings.replace});
  const GenerateReport report = source.run(
      config, [&](std::span<const LogRow> rows) { release.add(rows); }, run.progress);
  release.commit();
  return report;
}

GenerateReport write_hdf5(const GenerateSettings& settings, const GenerateConfig& config, const Source& source,
                          Dataset&& data, Run& run) {
  LogStoreBuilder store(settings.out, std::move(data.users), std::move(data.videos), "", run.threads, run.progress);
  const GenerateReport report = source.run(
      config, [&](std::span<const LogRow> rows) { store.add(rows); }, run.progress);
  store.finish();
  return report;
}

void generate(const GenerateSettings& settings, Run& run) {
  const std::shared_ptr<const Simulator> simulator =
      load_simulator_file(run, settings.simulator, settings.act.world.clock);
  LoadedDataset loaded = load_fitted_data(run, *simulator, settings.data);
  if (!settings.keep_candidates.empty() && settings.policy == "logged")
    throw InputError("the platform ('logged') has no candidate sets to keep; let a policy show videos");
  const Source source(settings, simulator, loaded.data);
  KeptSets kept(settings, loaded.data.videos);
  GenerateConfig config = generate_config(settings, run);
  kept.attach(config);
  const GenerateReport report = settings.format == "csv"
                                    ? write_csv(settings, config, source, loaded.data, run)
                                    : write_hdf5(settings, config, source, std::move(loaded.data), run);
  kept.save();
  run.print("{} sessions of {} users, {} rows, {} to {}: {}\n", show_count(report.sessions), show_count(report.users),
            show_count(report.rows), report.first_date, report.last_date, settings.out.string());
  const std::string clock = clock_note(*simulator, settings.act.world.clock);
  if (!clock.empty()) run.print("{}\n", clock);
  Json used = run.options->values({"simulator", "policy", "format", "sessions", "rows-per-part"});
  used.update(act_json(settings.act));
  run.write_json({{"sessions", report.sessions},
                  {"users", report.users},
                  {"rows", report.rows},
                  {"first_date", report.first_date},
                  {"last_date", report.last_date},
                  {"is_random", report.is_random},
                  {"out", settings.out.string()}},
                 used, simulator->data_fingerprint);
}

}  // namespace

void add_generate_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<GenerateSettings>();
  Command command{
      .name = "generate", .group = CommandGroup::kSimulator, .summary = "write a synthetic log made by a policy"};
  command.about =
      "Lets users live through the days behind the fitted log while a policy (or 'logged', the platform) shows them "
      "videos, and writes KuaiRand's columns plus the propensity of each shown video. The output is valid --data.";
  command.examples = {
      "swipegym generate --simulator sim.h5 --policy random --sessions 100000 --out synthetic",
      "swipegym generate --simulator sim.h5 --policy dqn.h5 --epsilon 0.1 --sessions 100000 --out logged",
      "swipegym generate --simulator sim.h5 --policy item-mean --epsilon 0.5 --out logged --keep-candidates sets.h5",
      "swipegym generate --simulator sim.h5 --policy logged --clock log --sessions 100000 --out again"};
  command.next = "swipegym data stats synthetic";
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE", "from 'swipegym fit'")
      .input(
          "policy", settings->policy, "NAME|FILE",
          "who shows videos: random, popularity, ..., oracle, a policy file, or logged (what the platform would show)",
          false)
      .input("data", settings->data, "DIR|FILE", "the data of the fit, when it is no longer where the fit read it",
             false)
      .add("sessions", settings->sessions, between(1, 1'000'000'000'000), "N",
           "sessions to make; memory does not grow with them");
  add_act_options(command.options, settings->act);
  command.options.group("Output")
      .output("out", settings->out, "DIR|FILE", "a folder for csv, a file for hdf5; an earlier run's is replaced",
              Writing::kFolder, /*is_required=*/true,
              [settings](OutputUse& use) {
                use.replaces_any = settings->replace;
                if (settings->format != "csv") use.writing = Writing::kBinary;
              })
      .flag("replace", settings->replace, "replace a release in --out that has no manifest or was changed")
      .choice("format", settings->format, {"csv", "hdf5"}, "KuaiRand's files, or one store")
      .output("keep-candidates", settings->keep_candidates, "FILE",
              "also write what each video was chosen from, which 'evaluate' needs; kept in memory until then",
              Writing::kBinary, false)
      .add("rows-per-part", settings->rows_per_part, between(0, 1'000'000'000'000), "N",
           "rows of a CSV part; 0: one file");
  command.run = [settings](Run& run) { generate(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
