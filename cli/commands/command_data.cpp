#include <memory>

#include "cli/command.h"
#include "cli/load.h"
#include "core/error.h"
#include "core/output_file.h"
#include "core/output_folder.h"
#include "core/stopwatch.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/generate/synthesise.h"
#include "evaluation/platform/season.h"
#include "evaluation/text_table.h"
#include "sim_data/csv/interactions_csv.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/data_sets/data_sets.h"
#include "sim_data/fingerprint.h"
#include "sim_data/statistics.h"
#include "sim_data/store/log_store.h"

namespace swipegym::cli {
namespace {

struct DataSettings {
  std::filesystem::path data, out;
  std::string format = "kuairand";
  bool skip_bad_rows = false;
  InteractionFormat interactions;
  bool no_header = false;
};

struct SynthSettings {
  std::filesystem::path out;
  std::string preset = "pure";
  std::uint64_t rows = 0, rows_per_part = 0;
  double hidden_signal = TruthOptions{}.hidden_signal;
  double session_videos = 0.0, taste_drift = TruthOptions{}.taste_drift, return_listens = TruthOptions{}.return_listens;
  bool no_satiation = false, replace = false;
  bool creators = false;
  int days = 120;
  std::size_t users = 0;
  double creators_a_user = 0.05;
  std::string policy = "thompson";
  double random_share = 0.1;
};

std::string show_number(double value) {
  return fmt::format("{:.4g}", value);
}

std::string show_rate(double value) {
  return fmt::format("{:.4f}", value);
}

Json report_json(const LoadReport& report) {
  return {{"rows_read", report.rows_read},
          {"rows_kept", report.rows_kept},
          {"dropped", Json(report.dropped)},
          {"noted", Json(report.noted)}};
}

void add_counts(Table& table, const std::string& prefix, const std::map<std::string, std::uint64_t>& counts) {
  for (const auto& [what, count] : counts) table.add({prefix + what, show_count(count)});
}

std::vector<std::string> import_formats() {
  std::vector<std::string> formats = {"kuairand", "interactions"};
  formats.insert(formats.end(), kDataSetNames.begin(), kDataSetNames.end());
  return formats;
}

InteractionFormat interaction_format(const DataSettings& settings, const Run& run) {
  for (const char* option : {"columns", "separator", "no-header"})
    if (settings.format != "interactions" && run.given(option))
      throw InputError(fmt::format("--{} is for --format interactions; {} has its own columns", option,
                                   settings.format == "kuairand" ? "a KuaiRand release" : settings.format));
  InteractionFormat format = settings.interactions;
  format.has_header = !settings.no_header;
  return format;
}

void import(const DataSettings& settings, Run& run) {
  const InteractionFormat format = interaction_format(settings, run);
  const Stopwatch watch;
  const LoadOptions options{.skip_bad_rows = settings.skip_bad_rows, .threads = run.threads, .progress = run.progress};
  const LoadReport report =
      settings.format == "interactions" ? import_interactions(settings.data, settings.out, options, format)
      : settings.format == "kuairand"   ? import_logs(settings.data, settings.out, options)
                                        : import_data_set(settings.format, settings.data, settings.out, options);
  const double seconds = watch.seconds();
  const std::uint64_t fingerprint = LogStoreReader(where_written(settings.out)).fingerprint();
  const std::uintmax_t bytes = std::filesystem::file_size(where_written(settings.out));
  Table table({"imported", ""});
  table.add({"rows read", show_count(report.rows_read)});
  table.add({"rows kept", show_count(report.rows_kept)});
  add_counts(table, "dropped: ", report.dropped);
  add_counts(table, "noted: ", report.noted);
  table.add({"bytes written", show_count(bytes)});
  table.add({"seconds", fmt::format("{:.2f}", seconds)});
  table.add({"fingerprint", fingerprint_text(fingerprint)});
  run.print("{}", table.text());
  Json json = report_json(report);
  json["bytes"] = bytes;
  json["seconds"] = seconds;
  Json config = {
      {"data", settings.data.string()}, {"format", settings.format}, {"skip_bad_rows", settings.skip_bad_rows}};
  if (settings.format == "interactions") {
    config["columns"] = format.columns;
    config["separator"] = format.separator;
    config["no_header"] = settings.no_header;
  }
  run.write_json(json, config, fingerprint);
}

// Of the rows of one log.
struct SynthesisedPart {
  const DataStatistics& log;
  const RowStatistics& row;

  double rate(Signal signal) const { return row.signal[static_cast<std::size_t>(signal)]; }
};

Json part_json(const SynthesisedPart& part) {
  Json signal = Json::object();
  for (std::size_t s = 0; s < kNumSignals; ++s) signal[std::string(kSignalNames[s])] = part.row.signal[s];
  return {{"rows", part.log.rows},
          {"users", part.log.rows_per_user.count},
          {"videos", part.log.rows_per_video.count},
          {"signal", signal},
          {"duration_s", part.row.duration_s.mean},
          {"play_s", part.row.play_s.mean},
          {"watch_ratio", part.row.watch_ratio.mean},
          {"complete", part.row.complete},
          {"session_rows", part.log.session_rows.mean},
          {"next_day_return", part.log.next_day_return}};
}

// A season of the world behind a synthetic month: creators answer what they get, and the rows are the season's.
void synth_creators(const SynthSettings& settings, const SynthesisOptions& options, Run& run) {
  const SeasonPolicy policy = season_policy(settings.policy, SeasonConfig{}.slate);  // refused before the work
  const Dataset month = synthesise_dataset(options);
  const auto base = std::make_shared<Simulator>(make_truth_simulator(month.truth, month, kNoDateLimit, run.threads));
  SeasonConfig config;
  config.days = settings.days, config.burn_in = 0;
  config.users = settings.users == 0 ? base->catalogue.num_users() : settings.users;
  config.world.creators_a_user = settings.creators_a_user;
  config.random_share = settings.random_share;
  OutputFolder folder(settings.out, is_release_file, settings.replace);
  SeasonLog log(folder.temporary(), month.users, month.videos);
  Season season(base, config, policy, run.seed, run.threads);
  season.log_to(&log);
  while (!season.over()) {
    report(run.progress, "play the season", static_cast<std::uint64_t>(season.day()),
           static_cast<std::uint64_t>(config.days));
    season.play_day();
  }
  log.finish(season.world());
  write_file(folder.temporary() / "creators.csv", creator_days_csv(season.creator_days()));
  folder.commit();
  const std::size_t uploads = season.world().catalogue()->num_videos() - base->catalogue.num_videos();
  Table table({"synthetic season", ""});
  table.add({"days", show_count(static_cast<std::uint64_t>(config.days))});
  table.add({"users", show_count(config.users)});
  table.add({"rows", show_count(season.videos_shown())});
  table.add({"uploads", show_count(uploads)});
  table.add({"creators, active at the end", show_count(season.world().creators().num_active())});
  run.print("{}\n  served by {}, {:g} % of requests at random; its truth is in {}\n", table.text(), settings.policy,
            100.0 * config.random_share, (settings.out / "truth.json").string());
  run.write_json({{"rows", season.videos_shown()}, {"uploads", uploads}}, config_to_json(config), 0);
}

void require_season_options(const SynthSettings& settings, const Run& run) {
  for (const char* option : {"days", "users", "creators-a-user", "policy", "random-share"})
    if (!settings.creators && run.given(option))
      throw InputError(fmt::format("--{} is of a season: give --creators too, or leave it out", option));
  if (settings.creators && run.given("rows-per-part"))
    throw InputError("--rows-per-part is of a month: a season writes a pair of files a day; leave it out");
}

void synth(const SynthSettings& settings, Run& run) {
  require_season_options(settings, run);
  for (const char* option : {"taste-drift", "return-listens"})
    if (settings.no_satiation && run.given(option))
      throw InputError(fmt::format("--{} is of worlds with satiation: leave out --no-satiation, or it", option));
  SynthesisOptions options{.truth = {.preset = parse_preset(settings.preset),
                                     .seed = run.seed,
                                     .satiation = !settings.no_satiation,
                                     .taste_drift = settings.taste_drift,
                                     .return_listens = settings.return_listens,
                                     .hidden_signal = settings.hidden_signal,
                                     .mean_session_videos = settings.session_videos},
                           .standard_rows = settings.rows,
                           .rows_per_part = settings.rows_per_part,
                           .replace = settings.replace,
                           .threads = run.threads,
                           .progress = run.progress};
  check(options.truth);
  if (settings.creators) return synth_creators(settings, options, run);
  const SynthesisReport made = synthesise(options, settings.out);
  const SynthesisedPart standard{made.standard, made.standard.standard}, random{made.random, made.random.random};
  Table table({"synthetic log", "standard", "random"});
  const auto add = [&](const char* what, auto shown) {
    table.add({what, shown(standard), made.random.rows > 0 ? shown(random) : "-"});
  };
  const auto add_count = [&](const char* what, auto count) {
    add(what, [&](const SynthesisedPart& part) { return show_count(count(part)); });
  };
  const auto add_rate = [&](const char* what, auto rate) {
    add(what, [&](const SynthesisedPart& part) { return show_rate(rate(part)); });
  };
  add_count("rows", [](const auto& part) { return part.log.rows; });
  add_count("users with rows", [](const auto& part) { return part.log.rows_per_user.count; });
  add_count("videos with rows", [](const auto& part) { return part.log.rows_per_video.count; });
  add_rate("mean watch ratio", [](const auto& part) { return part.row.watch_ratio.mean; });
  add_rate("watched to the end", [](const auto& part) { return part.row.complete; });
  add_rate("click", [](const auto& part) { return part.rate(Signal::kClick); });
  add_rate("long view", [](const auto& part) { return part.rate(Signal::kLongView); });
  add_rate("like", [](const auto& part) { return part.rate(Signal::kLike); });
  add_rate("rows a session", [](const auto& part) { return part.log.session_rows.mean; });
  add_rate("back the next day", [](const auto& part) { return part.log.next_day_return; });
  run.print("{}\n  its truth is in {}\n", table.text(), (settings.out / "truth.json").string());
  run.write_json({{"standard", part_json(standard)}, {"random", part_json(random)}},
                 parse_json(truth_json(options.truth), "truth.json"), 0);
}

std::string distribution_table(const DataStatistics& s) {
  Table table({"", "count", "mean", "p10", "p50", "p90", "p99", "max"});
  const auto add = [&](const std::string& name, const Distribution& d) {
    if (d.count == 0) return;
    table.add({name, show_count(d.count), show_number(d.mean), show_number(d.p10), show_number(d.p50),
               show_number(d.p90), show_number(d.p99), show_number(d.max)});
  };
  const auto add_rows = [&](const std::string& kind, const RowStatistics& rows) {
    add(kind + ": duration, s", rows.duration_s);
    add(kind + ": watched, s", rows.play_s);
    add(kind + ": watch ratio", rows.watch_ratio);
  };
  add_rows("standard", s.standard);
  add_rows("random", s.random);
  add("rows a user", s.rows_per_user);
  add("rows a video", s.rows_per_video);
  add("rows a session", s.session_rows);
  add("minutes a session", s.session_minutes);
  return table.text();
}

std::string rate_table(const DataStatistics& s) {
  Table table({"rows of", "rows", "click", "long view", "like", "comment", "follow", "forward", "hate", "profile",
               "mean ratio", "play 0"});
  const auto add = [&](const std::string& name, std::uint64_t rows, const std::array<double, kNumSignals>& rate,
                       double ratio, double zero_play) {
    if (rows == 0) return;
    std::vector<std::string> cells = {name, show_count(rows)};
    for (const Signal signal : {Signal::kClick, Signal::kLongView, Signal::kLike, Signal::kComment, Signal::kFollow,
                                Signal::kForward, Signal::kHate, Signal::kProfile})
      cells.push_back(show_rate(rate[static_cast<std::size_t>(signal)]));
    cells.push_back(show_rate(ratio));
    cells.push_back(show_rate(zero_play));
    table.add(cells);
  };
  add("standard", s.standard.rows, s.standard.signal, s.standard.watch_ratio.mean, s.standard.zero_play);
  add("random", s.random.rows, s.random.signal, s.random.watch_ratio.mean, s.random.zero_play);
  for (const TabStatistics& tab : s.tabs)
    add(fmt::format("tab {}", tab.tab), tab.rows, tab.signal, tab.watch_ratio, tab.zero_play);
  return table.text();
}

void stats(const DataSettings& settings, Run& run) {
  const LoadedDataset loaded = load_data(run, settings.data, {.skip_bad_rows = settings.skip_bad_rows});
  const DataStatistics s = describe_data(loaded.data, run.threads);
  Table head({"log", ""});
  head.add({"rows kept", show_count(s.rows)});
  head.add({"users", show_count(s.users)});
  head.add({"videos", show_count(s.videos)});
  head.add({"authors", show_count(s.authors)});
  head.add({"dates", fmt::format("{} to {}", s.first_date, s.last_date)});
  add_counts(head, "dropped: ", loaded.report.dropped);
  add_counts(head, "noted: ", loaded.report.noted);
  head.add({"watched to the end, standard", show_rate(s.standard.complete)});
  if (s.random.rows > 0) head.add({"watched to the end, random", show_rate(s.random.complete)});
  head.add({"back the next day", show_rate(s.next_day_return)});
  head.add({"rows on the top 20 % of videos", show_rate(s.top_fifth)});
  head.add({"Gini of rows over videos", show_rate(s.gini)});
  head.add({"fingerprint", fingerprint_text(loaded.data.fingerprint)});
  run.print("{}\n{}\n{}", head.text(), rate_table(s), distribution_table(s));
  Json json = report_json(loaded.report);
  json.update(statistics_to_json(s));
  run.write_json(json, {{"data", settings.data.string()}}, loaded.data.fingerprint);
}

}  // namespace

void add_data_commands(std::vector<Command>& table) {
  auto synth_settings = std::make_shared<SynthSettings>();
  Command synth_command{
      .name = "data synth", .group = CommandGroup::kData, .summary = "make a synthetic log whose truth is known"};
  synth_command.about =
      "Draws a month of a synthetic KuaiRand from a known user model behind a platform that knows more than the "
      "features tell, and writes it as CSV files in KuaiRand's schema, with truth.json beside them.";
  synth_command.examples = {"swipegym data synth --preset pure --seed 1 --out pure",
                            "swipegym data synth --preset 1k --rows-per-part 3000000 --out 1k"};
  synth_command.next = "swipegym data stats pure";
  synth_command.options.group("World")
      .choice("preset", synth_settings->preset, {"tiny", "pure", "1k"},
              "sizes and aggregates: of KuaiRand-Pure, of KuaiRand-1K, or tiny for trials")
      .add("hidden-signal", synth_settings->hidden_signal, kHiddenSignal, "X",
           "how strongly what only the platform knows selects the standard log; 0: not at all")
      .flag("no-satiation", synth_settings->no_satiation, "nothing that is shown changes anything later")
      .add("taste-drift", synth_settings->taste_drift, kTasteDrift, "X",
           "times the drift of tastes with what is watched; 0: they stand still")
      .add("return-listens", synth_settings->return_listens, kReturnListens, "X",
           "times what a session's satisfaction does to the gap until the next visit; 0: nothing")
      .add("session-videos", synth_settings->session_videos, kTruthSessionVideos, "X",
           "the platform's mean session in videos, 2 to 200; 0: as in the log")
      .group("Creators")
      .flag(
          "creators", synth_settings->creators,
          "instead of a month: a season behind it, in which creators upload by what they get (docs/guide/platform.md)")
      .add("days", synth_settings->days, between(1, 10'000), "N", "of the season")
      .add("users", synth_settings->users, between(0, 1'000'000), "N", "who visit; 0: all of the preset")
      .add("creators-a-user", synth_settings->creators_a_user, above(0, 1'000), "X",
           "creators at the start, for each user")
      .add("policy", synth_settings->policy, "NAME", "what serves: a rule of 'swipegym platform'")
      .add("random-share", synth_settings->random_share, between(0, 1), "X",
           "share of requests whose videos are drawn uniformly: the random log")
      .group("Output")
      .output("out", synth_settings->out, "DIR", "the folder; one of an earlier run is replaced", Writing::kFolder,
              /*is_required=*/true, [synth_settings](OutputUse& use) { use.replaces_any = synth_settings->replace; })
      .flag("replace", synth_settings->replace, "replace a release in --out that has no manifest or was changed")
      .add("rows", synth_settings->rows, between(0, 1'000'000'000'000), "N",
           "stop adding users at so many standard rows; 0: all users")
      .add("rows-per-part", synth_settings->rows_per_part, between(0, 1'000'000'000'000), "N",
           "cut each log into files of so many rows; 0: one file");
  synth_command.run = [synth_settings](Run& run) { synth(*synth_settings, run); };
  table.push_back(std::move(synth_command));

  auto settings = std::make_shared<DataSettings>();
  Command import_command{
      .name = "data import", .group = CommandGroup::kData, .summary = "turn CSV files into one HDF5 store"};
  import_command.about =
      "Reads a KuaiRand release, plain or packed (.csv.gz, .csv.zst), checks every cell, drops repeated rows and "
      "writes one compressed HDF5 file, which loads faster and of which days or users can be read alone. Memory does "
      "not grow with the rows. With --format interactions it reads any log of user, item, timestamp and perhaps "
      "rating, or duration and play. The other formats are public data sets in their own files: KuaiRec, KuaiSAR, "
      "MovieLens, Tenrec and the WeChat Big Data Challenge of 2021 (docs/guide/data.md).";
  import_command.examples = {"swipegym data import KuaiRand-Pure --out pure.h5",
                             "swipegym data import ratings.csv --format interactions --out movies.h5",
                             "swipegym data import sales.csv.gz --format interactions --columns "
                             "user=customer,item=sku,time=sold_at --out sales.h5",
                             "swipegym data import KuaiRand-27K --out 27k.h5 --skip-bad-rows"};
  import_command.next = "swipegym data stats pure.h5";
  import_command.uses_seed = false;
  import_command.options.group("Input")
      .positional_input("dir", settings->data, "DIR|FILE",
                        "the release: its root or the folder with the CSV files; or the file of interactions")
      .choice("format", settings->format, import_formats(),
              "a KuaiRand release, one file with a row an interaction, or a public data set")
      .flag("skip-bad-rows", settings->skip_bad_rows, "count malformed rows by reason instead of stopping at the first")
      .group("Interactions")
      .add("columns", settings->interactions.columns, "ROLE=NAME,...",
           "which column is the user, item, time, rating, duration, play or ratio: by name, or by number from 1; "
           "NAME:ms "
           "and the like tell a unit, - leaves one out")
      .add("separator", settings->interactions.separator, "TEXT",
           "what stands between cells: comma, tab, semicolon, pipe, :: or the characters; found when absent")
      .flag("no-header", settings->no_header, "the first line is a row; --columns then has numbers")
      .group("Output")
      .output("out", settings->out, "FILE", "the store", Writing::kBinary);
  import_command.run = [settings](Run& run) { import(*settings, run); };
  table.push_back(std::move(import_command));

  auto stats_settings = std::make_shared<DataSettings>();
  Command stats_command{.name = "data stats", .group = CommandGroup::kData, .summary = "describe a log"};
  stats_command.about =
      "Prints counts, rates by exposure and tab, quantiles of durations and watch times, rows a user, session lengths "
      "(runs with gaps of at most 30 minutes) and next-day return.";
  stats_command.examples = {"swipegym data stats KuaiRand-Pure", "swipegym data stats pure.h5 --json stats.json"};
  stats_command.next = "swipegym fit --data pure.h5 --until 20220504 --out sim.h5";
  stats_command.uses_seed = false;
  stats_command.options.group("Input")
      .positional_input("data", stats_settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .flag("skip-bad-rows", stats_settings->skip_bad_rows,
            "count malformed rows by reason instead of stopping at the first");
  stats_command.run = [stats_settings](Run& run) { stats(*stats_settings, run); };
  table.push_back(std::move(stats_command));
}

}  // namespace swipegym::cli
