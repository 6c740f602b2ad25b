#include <cmath>
#include <map>
#include <mutex>

#include "agents/catalogue_ranking.h"
#include "agents/sasrec/sasrec_seed_protocol.h"
#include "agents/supervised_rows.h"
#include "cli/command.h"
#include "cli/day_options.h"
#include "cli/load.h"
#include "cli/policy_word.h"
#include "cli/supervised_output.h"
#include "cli/training_log.h"
#include "core/error.h"
#include "core/json_text.h"
#include "core/output_file.h"
#include "core/stopwatch.h"
#include "env/catalogue.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/studies/random_search.h"
#include "evaluation/supervised/scored_rows.h"
#include "evaluation/supervised/supervised_models.h"
#include "evaluation/text_table.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/policy_file.h"

namespace swipegym::cli {
namespace {

struct SupervisedSettings {
  std::string model, protocol = "correct";
  std::filesystem::path data, out, log, search;
  DaySettings days;
  int seeds = 1, trials = 20;
  bool resume = false;
  TableSettings tables;
};

// "mf.h5" for one training seed, "mf-s3.h5" for seed 3 of several.
std::filesystem::path policy_path(const SupervisedSettings& settings, std::uint64_t seed) {
  if (settings.seeds == 1) return settings.out;
  return settings.out.parent_path() /
         fmt::format("{}-s{}{}", settings.out.stem().string(), seed, settings.out.extension().string());
}

std::filesystem::path trials_path(const SupervisedSettings& settings) {
  return std::filesystem::path(settings.out).concat(".trials.csv");
}

// The folder of --log for one training seed, or of each of several in it: "runs/s3".
std::filesystem::path log_folder(const SupervisedSettings& settings, std::uint64_t seed) {
  return settings.log.empty() || settings.seeds == 1 ? settings.log : settings.log / fmt::format("s{}", seed);
}

// A policy and a checkpoint for each training seed, and the trials of a search; --out itself only for one seed.
void add_outputs(const SupervisedSettings& settings, std::uint64_t seed, FileUse& use) {
  if (settings.out.empty()) return;
  if (!settings.search.empty())
    use.outputs.push_back({.option = "the trials of --search", .path = trials_path(settings)});
  for (int s = 0; s < settings.seeds; ++s) {
    const std::filesystem::path policy = policy_path(settings, seed + static_cast<std::uint64_t>(s));
    add_checkpoint(use, policy);
    if (settings.seeds > 1)
      use.outputs.push_back({.option = "a policy of --out", .path = policy, .writing = Writing::kBinary});
  }
}

// What the search goes by: never the test days.
double validation_objective(const SupervisedModel& model, const SupervisedTask& task, const Json& settings,
                            const std::string& where, const std::string& objective) {
  const TrainedModel trained = model.train(task, settings, where);
  if (objective == "validation_metric") {
    double best = std::numeric_limits<double>::quiet_NaN();
    for (const EpochReport& e : trained.epochs)
      if (!(e.validation_metric <= best)) best = e.validation_metric;
    return best;
  }
  const std::vector<std::uint32_t> rows = rows_of_days(*task.data, {task.validate});
  const std::vector<float> scores = score_rows(*trained.policy, *task.data, *task.catalogue, rows, task.threads);
  std::vector<std::uint8_t> wanted;
  std::vector<std::uint32_t> user;
  for (const std::uint32_t row : rows) {
    wanted.push_back(is_wanted(task.data->log, row, 0.5F));
    user.push_back(index_of(task.data->log.user[row]));
  }
  return objective == "auc" ? auc(scores, wanted) : gauc(user, scores, wanted);
}

Json search_settings(const SupervisedSettings& given, const SupervisedModel& model, SupervisedTask task, Json base,
                     const std::string& where, Run& run) {
  if (given.search.empty()) return base;
  const SearchSpace space = read_search_space(given.search);
  for (const Json& edge : edges_of(space, base)) model.check(edge, given.search.string());
  task.checkpoint.clear(), task.resume = false, task.curve = {};
  task.threads = 1;  // the trials share the workers
  task.progress = {};
  if (task.validate.empty()) throw InputError("--search needs validation days: give --validate-until");
  std::mutex lock;
  std::uint64_t done = 0;
  const Stopwatch watch;
  const std::vector<SearchTrial> trials =
      random_search(space, base, given.trials, run.seed, run.threads, [&](const Json& settings) {
        const double objective = validation_objective(model, task, settings, where, space.objective);
        const std::lock_guard held(lock);
        report(run.progress, "searching", ++done, static_cast<std::uint64_t>(given.trials));
        return objective;
      });
  const SearchTrial& best = best_trial(trials);
  const std::filesystem::path table = trials_path(given);
  write_file(table, trials_csv(space, trials));
  run.note("{} trials in {:.0f} s, all in {}; the best is number {} with {} {:.4f} (defaults: {:.4f})", trials.size(),
           watch.seconds(), table.string(), best.trial, space.objective, best.objective, trials[0].objective);
  return best.settings;
}

// Whether the file is what a training of this task with these settings and this seed wrote when it ended.
bool is_finished(const std::filesystem::path& policy, const SupervisedTask& task, std::uint64_t seed,
                 const Json& settings) {
  std::error_code ignored;
  if (!std::filesystem::exists(policy, ignored)) return false;
  try {
    const PolicyHeader header = read_policy_header(policy);
    const bool refit = settings.value("refit", false);  // its policy has learned the validation days as well
    return header.seed == seed && header.data_fingerprint == task.data->fingerprint &&
           (header.catalogue_until == task.catalogue->until ||
            (refit && header.catalogue_until == task.validate.until)) &&
           parse_json(header.config, "config") == settings;
  } catch (const InputError&) {  // no policy, which is replaced
    return false;
  }
}

// Whether --resume has nothing to do, which is said.
bool is_done(const SupervisedSettings& given, const SupervisedTask& task, const Json& settings, const Run& run) {
  if (!given.resume || !given.search.empty()) return false;
  for (int s = 0; s < given.seeds; ++s) {
    const std::uint64_t seed = run.seed + static_cast<std::uint64_t>(s);
    const std::filesystem::path policy = policy_path(given, seed);
    if (std::filesystem::exists(checkpoint_of(policy)) || !is_finished(policy, task, seed, settings)) return false;
  }
  const std::string last =
      given.seeds > 1 ? " to " + policy_path(given, run.seed + static_cast<std::uint64_t>(given.seeds) - 1).string()
                      : "";
  run.print(
      "{}{} is finished by these settings, this seed and this last day; it stays as it is. Other days are\nnot "
      "compared: "
      "remove the file to train anew. 'swipegym tables' judges it; more epochs train longer.\n",
      policy_path(given, run.seed).string(), last);
  return true;
}

// Its figures as a line of a table.
std::vector<std::string> cells_of(std::string name, const Json& figures, int digits) {
  std::vector<std::string> cells = {std::move(name)};
  for (const Json& figure : figures) cells.push_back(fmt::format("{:.{}f}", figure.get<double>(), digits));
  return cells;
}

Json figures_json(const SeedProtocolFigures& f) {
  return {{"f1", f.f1}, {"recall", f.recall}, {"precision", f.precision}, {"accuracy", f.accuracy}, {"rmse", f.rmse}};
}

// The report's faulty set-up, to understand its figures; no policy comes of it.
void seed_protocol(const SupervisedTask& task, const Json& settings, const std::string& where, Run& run) {
  const auto config = config_from_json<SasrecConfig>(settings, where);
  const SeedProtocolResult made = run_seed_protocol(task, config);
  Table losses({"epoch", "train, running", "train, again", "no padding", "validation", "no padding"});
  Json epochs = Json::array();
  for (const SeedProtocolEpoch& e : made.epochs) {
    const Json figures = {{"train_running", e.train_running},
                          {"train_again", e.train_again},
                          {"train_unpadded", e.train_unpadded},
                          {"validate_padded", e.validate_padded},
                          {"validate_unpadded", e.validate_unpadded}};
    losses.add(cells_of(std::to_string(e.epoch), figures, 5));
    epochs.push_back({{"epoch", e.epoch}});
    epochs.back().update(figures);
  }
  const Json batches = figures_json(made.batches), pooled = figures_json(made.pooled),
             unpadded = figures_json(made.unpadded);
  Table figures({"test days", "F1", "recall", "precision", "accuracy", "RMSE"});
  figures.add(cells_of("means over batches, padding counted, as the report does", batches, 4));
  figures.add(cells_of("all positions at once, padding counted", pooled, 4));
  figures.add(cells_of("real rows alone", unpadded, 4));
  run.print("{}\n{}  padding: {:.1f} % of training positions, {:.1f} % of validation, {:.1f} % of test\n",
            losses.text(), figures.text(), 100.0 * made.train_padding, 100.0 * made.validate_padding,
            100.0 * made.test_padding);
  run.write_json({{"protocol", "seed"},
                  {"days", days_json(task)},
                  {"epochs", epochs},
                  {"padding", {made.train_padding, made.validate_padding, made.test_padding}},
                  {"batches", batches},
                  {"pooled", pooled},
                  {"unpadded", unpadded}},
                 settings, task.data->fingerprint);
}

void supervised(const SupervisedSettings& settings, Run& run) {
  const SupervisedModel& model = find_supervised_model(settings.model);
  for (int s = 0; s < settings.seeds; ++s)
    require_new_log(log_folder(settings, run.seed + static_cast<std::uint64_t>(s)), settings.resume);
  const GivenSettings given = run.given_settings();
  Json config = model.read(given);
  const std::string& where = given.where();
  LogTask log(run, settings.data, settings.days);
  SupervisedTask& task = log.task;
  run.note("train {}, hold-out {}, validate {}, test {}", show_days(task.train), show_days(task.holdout),
           show_days(task.validate), show_days(task.test));
  if (settings.protocol == "seed") {
    if (!model.name.starts_with("sasrec"))
      throw InputError(
          fmt::format("--protocol seed is how a report trained SASRec; '{}' has no such thing", model.name));
    if (!settings.log.empty()) throw InputError("--protocol seed is a study without a log; leave out --log");
    seed_protocol(task, config, where, run);
    return;
  }
  if (settings.out.empty()) throw InputError("give --out: where to write the policy");
  log.require_rows();
  if (is_done(settings, task, config, run)) return;
  SupervisedTableConfig tables = table_config(settings.tables, run);
  config = search_settings(settings, model, task, config, where, run);

  TabledPolicy line{.name = model.name, .seeds = {}, .catalogue = {}};
  line.catalogue = std::shared_ptr<const Catalogue>(task.catalogue, [](const Catalogue*) {});  // outlives the line
  Json runs = Json::array();
  for (int s = 0; s < settings.seeds; ++s) {
    task.seed = run.seed + static_cast<std::uint64_t>(s);
    const std::filesystem::path out = policy_path(settings, task.seed);
    task.checkpoint = checkpoint_of(out);
    task.resume = settings.resume;
    TrainingLog curve(run, log_folder(settings, task.seed),
                      {.command = "supervised " + model.name,
                       .out = out,
                       .seed = task.seed,
                       .data_fingerprint = task.data->fingerprint,
                       .config = config},
                      settings.resume);
    task.curve = curve.listener();
    const Stopwatch watch;
    const TrainedModel trained = model.train(task, config, where);
    const double seconds = watch.seconds();
    trained.policy->save(out);
    run.remove_at_end(task.checkpoint);
    if (!trained.epochs.empty()) run.print("{}\n", text_of(trained.epochs));
    if (!settings.log.empty() && !curve.has_begun())
      run.note("{} is not trained in epochs: nothing is written to --log", model.name);
    run.note("{}, seed {}: trained in {:.1f} s, written to {}", model.name, task.seed, seconds, out.string());
    line.seeds.push_back(trained.policy);
    Json one = {
        {"seed", task.seed}, {"epochs", epochs_json(trained.epochs)}, {"seconds", seconds}, {"policy", out.string()}};
    one.update(trained.details);
    runs.push_back(one);
  }
  Json result = {{"model", model.name}, {"days", days_json(task)}, {"runs", runs}};
  if (!task.test.empty()) {
    tables.train = task.train, tables.validate = task.validate, tables.test = task.test;
    const SupervisedTables made = make_supervised_tables({line}, log.data(), tables);
    run.print("{}", text_of(made));
    result.update(to_json(made));
  }
  run.write_json(result, config, log.data().fingerprint);
}

struct TablesSettings {
  std::filesystem::path data;
  std::vector<std::string> policies;
  std::string reference;
  DaySettings days;
  TableSettings tables;
};

// Files of one line, loaded for the catalogue of the day their policy knows.
TabledPolicy load_line(const std::string& word, const Dataset& data, std::int32_t until,
                       std::map<std::int32_t, std::shared_ptr<const Catalogue>>& catalogues) {
  const auto catalogue_of = [&](std::int32_t day) {
    auto& made = catalogues[day];
    if (!made) made = std::make_shared<const Catalogue>(build_catalogue(data, day));
    return made;
  };
  const auto [name, spec] = split_policy_word(word);
  TabledPolicy line{.name = name, .seeds = {}, .catalogue = catalogue_of(until)};
  if (!names_policy_file(spec)) {
    if (oracle_pessimism(spec)) throw InputError("the oracle knows a simulator, not a log; leave it out");
    line.seeds = {make_policy(spec, *line.catalogue)};
    return line;
  }
  for (const std::string& file : expand_pattern(spec)) {
    const PolicyHeader header = read_policy_header(file);
    if (header.catalogue_until != 0) line.catalogue = catalogue_of(header.catalogue_until);
    line.seeds.push_back(load_policy(file, *line.catalogue));
  }
  return line;
}

void tables(const TablesSettings& settings, Run& run) {
  const LogTask log(run, settings.data, settings.days);
  const SupervisedTask& task = log.task;
  log.require_rows();
  std::map<std::int32_t, std::shared_ptr<const Catalogue>> catalogues;
  std::vector<TabledPolicy> lines;
  for (const std::string& word : settings.policies) {
    lines.push_back(load_line(word, log.data(), settings.days.until, catalogues));
    if (lines.back().catalogue->until >= task.test.from)
      run.note("{} was made from rows up to {}: it knows of the days it is judged on", lines.back().name,
               lines.back().catalogue->until);
  }
  SupervisedTableConfig config = table_config(settings.tables, run);
  config.train = task.train, config.validate = task.validate, config.test = task.test;
  config.reference = settings.reference;
  const SupervisedTables made = make_supervised_tables(lines, log.data(), config);
  run.print("{}", text_of(made, settings.reference));
  Json result = {{"days", days_json(task)}};
  result.update(to_json(made));
  run.write_json(result, run.options->values({"policies", "reference"}), log.data().fingerprint);
}

Command supervised_command() {
  auto settings = std::make_shared<SupervisedSettings>();
  Command command{.name = "supervised",
                  .group = CommandGroup::kLearn,
                  .summary = "train a supervised recommender on a log and print its tables"};
  command.about = fmt::format(
      "Trains MODEL on the days up to --until, stops it early by the validation days, writes a policy file that "
      "'compare', 'score' and 'tables' run, and prints what its papers print for the test days. MODEL is one of {}; "
      "sac is the self-supervised actor-critic of Xin et al. (2020), not soft actor-critic.",
      fmt::join(supervised_model_names(), ", "));
  command.examples = {
      "swipegym supervised mf --data pure.h5 --until 20220502 --validate-until 20220504 --test-until 20220506 "
      "--out mf.h5",
      "swipegym supervised two-tower --data pure.h5 --until 20220502 --validate-until 20220504 --seeds 5 --out "
      "towers.h5",
      "swipegym supervised mf --data pure.h5 --until 20220502 --validate-until 20220504 --search "
      "configs/search/mf.json "
      "--trials 20 --out mf.h5"};
  command.next = "swipegym compare --simulator sim.h5 --policies random,popularity,oracle,mf.h5";
  for (const SupervisedModel& model : supervised_models())
    command.settings.push_back({"supervised " + model.name, model.fields, model.check});
  command.used_settings = [settings](const Run& run) {
    return find_supervised_model(settings->model).read(run.given_settings());
  };
  command.options.group("Input")
      .positional("model", settings->model, "MODEL", "what to train")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'");
  add_day_options(command.options, settings->days, DayParts::kTestOptional);
  command.options.group("Training")
      .add("seeds", settings->seeds, between(1, 10'000), "K", "training seeds, from --seed on; a policy file each")
      .input("search", settings->search, "FILE", "ranges of settings to search first, see configs/search", false)
      .add("trials", settings->trials, between(1, 100'000), "N", "of the search, the settings one begins with included")
      .choice(
          "protocol", settings->protocol, {"correct", "seed"},
          "seed: a report's faulty SASRec set-up, to understand its figures (docs/results/sasrec.md); writes no policy")
      .flag("resume", settings->resume, "go on from the checkpoint of an interrupted run with this --out");
  add_table_options(command.options, settings->tables);
  command.options.group("Output").output("out", settings->out, "FILE", "the policy; NAME-s1.h5, ... with --seeds",
                                         Writing::kBinary, false);
  add_log(command, settings->log);
  command.also_uses = [settings](const Run& run, FileUse& use) { add_outputs(*settings, run.seed, use); };
  command.run = [settings](Run& run) { supervised(*settings, run); };
  return command;
}

Command tables_command() {
  auto settings = std::make_shared<TablesSettings>();
  Command command{.name = "tables",
                  .group = CommandGroup::kLearn,
                  .summary = "judge policies on held-out rows of a log, side by side"};
  command.about =
      "Lets every policy score the rows of the test days and prints the tables of 'supervised' for all of them, with "
      "paired differences to one of them. Judges policies of any kind; a policy's features know rows up to its own "
      "last "
      "training day only.";
  command.examples = {
      "swipegym tables --data pure.h5 --policies popularity,'mf=mf-s*.h5',ranker.h5 --until 20220502 --validate-until "
      "20220504 --test-until 20220506 --reference mf"};
  command.next = "swipegym compare --simulator sim.h5 --policies random,oracle,'mf=mf-s*.h5',ranker.h5";
  command.options.group("Input")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .input(
          "policies", settings->policies, "LIST",
          "names, files, or NAME=PATTERN for the files of all training seeds of one policy; \\, is a comma in a name")
      .add("reference", settings->reference, "NAME", "the policy that the others are compared with");
  add_day_options(command.options, settings->days, DayParts::kTestRequired);
  add_table_options(command.options, settings->tables);
  command.run = [settings](Run& run) { tables(*settings, run); };
  return command;
}

}  // namespace

void add_supervised_commands(std::vector<Command>& table) {
  table.push_back(supervised_command());
  table.push_back(tables_command());
}

}  // namespace swipegym::cli
