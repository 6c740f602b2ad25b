#include <algorithm>
#include <cmath>

#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/json_number.h"
#include "evaluation/off_policy/session_values.h"
#include "evaluation/text_table.h"
#include "policy/make_policy.h"
#include "policy/policy_file.h"
#include "sim_data/day_text.h"

namespace swipegym::cli {
namespace {

struct EvaluateSettings {
  std::filesystem::path data, logged_candidates, simulator;
  std::string policy;
  std::int32_t from = 0, until = 99999999, known_until = 0;
  ActSettings act;
  std::size_t draws = 4, folds = 5, resamples = 1000;
  bool sessions = false;
  double discount = 1.0;
  int window = -1;
};

// The policy and what it may know of the videos: of a simulator, or of the log's own earlier rows.
struct JudgedPolicy {
  std::shared_ptr<const Simulator> made_for;  // only its catalogue when it was made of rows
  std::shared_ptr<const Policy> policy;
};

std::shared_ptr<const Simulator> simulator_of_data(const EvaluateSettings& settings, const Dataset& data, Run& run) {
  auto simulator = load_simulator_file(run, settings.simulator);
  if (simulator->catalogue.raw_video_id != data.videos.raw_id || simulator->catalogue.raw_user_id != data.users.raw_id)
    throw InputError(
        fmt::format("{} and {} know different users or videos; give the simulator that the log was made "
                    "with, or that was fitted on this data",
                    settings.simulator.string(), settings.data.string()));
  return simulator;
}

std::shared_ptr<const Simulator> known_rows(const EvaluateSettings& settings, const Dataset& data) {
  const bool named = !names_policy_file(settings.policy);
  std::int32_t known = settings.known_until;
  if (known == 0 && !named && std::filesystem::exists(settings.policy))
    known = read_policy_header(settings.policy).catalogue_until;
  if (known == 0) known = settings.from - 1;  // compared with days, so it need not be one
  if (std::none_of(data.log.date.begin(), data.log.date.end(), [&](std::int32_t date) { return date <= known; }))
    throw InputError(
        fmt::format("{} has no row up to {} to tell a policy of its videos: give the simulator the log was "
                    "made with by --simulator, or a later --from",
                    settings.data.string(), known));
  auto world = std::make_shared<Simulator>();
  world->catalogue = build_catalogue(data, known);
  return world;
}

JudgedPolicy read_policy(const EvaluateSettings& settings, const Dataset& data, Run& run) {
  JudgedPolicy judged;
  judged.made_for = settings.simulator.empty() ? known_rows(settings, data) : simulator_of_data(settings, data, run);
  judged.policy = make_policy(settings.policy, *judged.made_for);
  const std::int32_t known = judged.made_for->catalogue.until;
  if (known >= settings.from)
    run.note("features of videos and users know rows up to {}, of the days that are judged", known);
  return judged;
}

// Which rows are judged, among what.
struct JudgedLog {
  std::vector<std::uint32_t> rows;
  LoggedCandidates offered;
  CandidatesOf candidates;
  bool uniform = true;
  std::size_t slots = 0;
};

void take_offered(const EvaluateSettings& settings, const Dataset& data, JudgedLog& judged) {
  if (data.log.propensity.empty())
    throw InputError(
        fmt::format("{} has no propensities, so it cannot tell how likely its videos were shown: judge by a "
                    "log that 'swipegym generate' wrote, or by random rows, without --logged-candidates",
                    settings.data.string()));
  judged.offered = load_candidates(settings.logged_candidates, data.videos);
  judged.candidates = offered_candidates(judged.offered, data.log);
  judged.uniform = false, judged.slots = judged.offered.slots;
}

void take_random(const EvaluateSettings& settings, const Dataset& data, Run& run, JudgedLog& judged) {
  const std::vector<std::uint32_t> pool = random_pool(data.log);
  if (pool.empty())
    throw InputError(
        data.log.propensity.empty()
            ? fmt::format("{} has no propensities and no random-exposure rows (log_random_*.csv), so nothing tells how "
                          "likely its videos were shown: add KuaiRand's random log, or judge by a log of 'swipegym "
                          "generate --keep-candidates'",
                          settings.data.string())
            : fmt::format(
                  "{} has propensities, but a choice depends on what was offered too: write the log by 'swipegym "
                  "generate --keep-candidates FILE' and give that file by --logged-candidates",
                  settings.data.string()));
  judged.slots = settings.act.world.candidates;
  if (judged.slots < 2 || judged.slots > pool.size())
    throw InputError(fmt::format("--candidates is {}, expected 2 to {}, the number of videos random rows show",
                                 judged.slots, pool.size()));
  judged.candidates = redrawn_candidates(data.log, pool, split(make_key(run.seed), Draw::kCandidates));
}

JudgedLog choose_rows(const EvaluateSettings& settings, const Dataset& data, Run& run) {
  JudgedLog judged;
  if (settings.logged_candidates.empty())
    take_random(settings, data, run, judged);
  else
    take_offered(settings, data, judged);
  const Log& log = data.log;
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.date[row] >= settings.from && log.date[row] <= settings.until &&
        (!judged.uniform || log.is_random[row] != 0))
      judged.rows.push_back(static_cast<std::uint32_t>(row));
  if (judged.rows.empty())
    throw InputError(fmt::format("no {}row of {} is dated {}", judged.uniform ? "random-exposure " : "",
                                 settings.data.string(), days_text(settings.from, settings.until)));
  return judged;
}

std::string figure_text(double value) {
  return std::isfinite(value) ? fmt::format("{:.5g}", value) : "-";
}

std::string range_text(const Interval& value) {
  return std::isfinite(value.low) ? fmt::format("[{:.5g}, {:.5g}]", value.low, value.high) : "-";
}

Json print_one_step(const JudgedRows& judged, const EvaluateSettings& settings,
                    const swipegym::TableSettings& table_settings, Run& run) {
  const WeightDiagnostics weights = diagnose(judged.row);
  const auto estimates = one_step_table(judged, table_settings, make_key(run.seed));
  Table table({"reward a video", "estimate", "95 %", "lambda", "ESS", "largest weight"});
  Json lines = Json::object();
  for (const OffPolicyEstimate& line : estimates) {
    const bool weighted = line.name != "dm" && line.name != "logged";
    table.add({std::string(line.name), figure_text(line.value.mean), range_text(line.value), figure_text(line.lambda),
               weighted ? figure_text(line.effective_rows) : "-", weighted ? figure_text(line.max_weight) : "-"});
    Json one = json_interval(line.value);
    one.update({{"lambda", json_number(line.lambda)},
                {"effective_rows", json_number(line.effective_rows)},
                {"max_weight", json_number(line.max_weight)}});
    lines[std::string(line.name)] = one;
  }
  run.print("{} rows of {} users, {} candidates{}: {} rows' worth, mean weight {:.3f}\n\n{}", show_count(weights.rows),
            show_count(weights.users), settings.act.world.candidates,
            settings.logged_candidates.empty() ? fmt::format(", {} sets a row", settings.draws) : " as offered",
            figure_text(std::round(weights.effective_rows)), weights.mean_weight, table.text());
  return {{"rows", weights.rows},
          {"users", weights.users},
          {"effective_rows", weights.effective_rows},
          {"max_weight", weights.max_weight},
          {"mean_weight", weights.mean_weight},
          {"estimates", lines}};
}

Json print_sessions(const JudgedRows& judged, const EvaluateSettings& settings,
                    const swipegym::TableSettings& table_settings, Run& run) {
  const RandomKey key = make_key(run.seed);
  const SessionValues values =
      session_values(judged, {.fit = table_settings.fit, .discount = settings.discount}, split(key, Draw::kBatch));
  if (!values.model_converged)
    run.note("fitted Q evaluation did not converge: no model, no doubly robust estimate; try a smaller --discount");
  const SequenceSettings sequence{
      .discount = settings.discount,
      .window = settings.window < 0 ? kWholePast : static_cast<std::size_t>(settings.window)};
  const SequenceEstimates found = estimate_sequences(values.log, sequence, key, table_settings.bootstrap);
  const Interval logged = logged_session_value(values.log, settings.discount, key, table_settings.bootstrap);
  Table table({"reward a session", "estimate", "95 %"});
  Json out = {{"sessions", values.log.size()}};
  const auto line = [&](const std::string& name, const Interval& value) {
    table.add({name, figure_text(value.mean), range_text(value)});
    out[name] = json_interval(value);
  };
  line("logged", logged);
  line("fqe", found.model);
  line("per_decision", found.per_decision);
  line("weighted_per_decision", found.weighted);
  line("doubly_robust", found.doubly_robust);
  run.print("\n{} sessions\n\n{}", show_count(values.log.size()), table.text());
  return out;
}

void evaluate(EvaluateSettings settings, Run& run) {
  const LoadedDataset loaded = load_data(run, settings.data);
  const JudgedLog log = choose_rows(settings, loaded.data, run);
  if (settings.sessions && log.uniform)
    throw InputError(
        "--sessions needs whole sessions that one policy chose; random rows stand among the platform's: "
        "give a log of 'swipegym generate' and its --logged-candidates");
  const JudgedPolicy judged = read_policy(settings, loaded.data, run);
  settings.act.world.candidates = log.slots;
  const JudgeSettings judge{.slots = log.slots,
                            .draws = log.uniform ? std::max<std::size_t>(1, settings.draws) : 1,
                            .exploration = exploration(settings.act),
                            .reward = settings.act.world.reward,
                            .uniform = log.uniform,
                            .threads = run.threads,
                            .progress = run.progress};
  const JudgedRows rows =
      judge_rows(*judged.policy, loaded.data, judged.made_for->catalogue, log.rows, log.candidates, judge);
  const swipegym::TableSettings table{.fit = {.folds = settings.folds},
                                      .bootstrap = {.resamples = settings.resamples, .threads = run.threads}};
  Json result = {{"policy", judged.policy->name()}, {"known_until", judged.made_for->catalogue.until}};
  result.update(print_one_step(rows, settings, table, run));
  if (settings.sessions) result["sessions"] = print_sessions(rows, settings, table, run);
  Json used =
      run.options->values({"policy", "data", "logged-candidates", "simulator", "from", "until", "candidates", "draws"});
  used["candidates"] = log.slots, used["draws"] = judge.draws;
  used["reward"] = ConfigWriter::write(settings.act.world.reward);
  used.update(run.options->values({"epsilon", "temperature", "folds", "resamples", "discount", "window"}));
  run.write_json(result, used, loaded.data.fingerprint);
}

}  // namespace

void add_evaluate_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<EvaluateSettings>();
  Command command{
      .name = "evaluate", .group = CommandGroup::kLearn, .summary = "value a policy by a log that another one made"};
  command.about =
      "Estimates what a policy would have earned where a log's own choices are known by chance: logs of 'generate', "
      "whose "
      "propensities and candidates were kept, or KuaiRand's random exposures, among redrawn candidates. One line an "
      "estimator (docs/guide/off_policy.md), intervals from a bootstrap over users.";
  command.examples = {
      "swipegym evaluate --policy ranker.h5 --data KuaiRand-Pure --from 20220430 --candidates 10",
      "swipegym evaluate --policy item-mean --data KuaiRand-Pure --from 20220430 --reward like=1 --candidates 100",
      "swipegym evaluate --policy dqn.h5 --data logged --logged-candidates sets.h5 --simulator sim.h5 --from 20220509 "
      "--sessions"};
  command.next = "swipegym compare --simulator sim.h5 --policies random,item-mean,ranker.h5";
  command.options.group("Input")
      .input("policy", settings->policy, "NAME|FILE", "random, popularity, ..., or a policy file: who is judged")
      .input("data", settings->data, "DIR|FILE", "the log: a KuaiRand release, of 'generate' too, or a store")
      .date("from", settings->from, "the first day that is judged", true)
      .date("until", settings->until, "the last day that is judged; all days when absent")
      .input("logged-candidates", settings->logged_candidates, "FILE",
             "what 'generate --keep-candidates' wrote beside the log; without it, random rows are judged", false)
      .input("simulator", settings->simulator, "FILE|DIR",
             "what the policy knows of videos and users is this simulator's, not the log's; for generated logs", false)
      .date("known-until", settings->known_until,
            "the last day whose rows may enter features; the policy's own, or the day before --from, when absent")
      .group("Policy and reward")
      .add("candidates", settings->act.world.candidates, ranges::kSlots, "M",
           "random rows: videos a choice is made among, the logged one in it")
      .add("draws", settings->draws, between(1, 10'000), "K",
           "random rows: candidate sets drawn a row, their weights averaged");
  add_choice_options(command.options, settings->act);
  command.options.group("Estimators")
      .add("folds", settings->folds, between(2, 1'000), "K",
           "users are dealt into K folds; rewards are predicted by models of the other folds")
      .add("resamples", settings->resamples, between(1, 1'000'000), "N", "of the bootstrap behind the intervals")
      .flag("sessions", settings->sessions, "also estimate the reward a session, with --logged-candidates")
      .add("discount", settings->discount, between(0, 1), "G", "of later rewards of a session, 0 to 1")
      .add("window", settings->window, between(-1, 1'000'000), "H",
           "earlier steps whose weights enter a step's product; -1: all");
  command.run = [settings](Run& run) { evaluate(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
