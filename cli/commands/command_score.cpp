#include <algorithm>

#include "cli/command.h"
#include "cli/load.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/supervised/scored_rows.h"
#include "evaluation/text_table.h"
#include "policy/policy_file.h"
#include "sim_data/day_text.h"

namespace swipegym::cli {
namespace {

struct ScoreSettings {
  std::filesystem::path policy, data, out;
  std::int32_t from = 0, until = 99999999, catalogue_until = 0;
};

void score(const ScoreSettings& settings, Run& run) {
  const PolicyHeader header = read_policy_header(settings.policy);
  const LoadedDataset loaded = load_data(run, settings.data);
  const Log& log = loaded.data.log;
  const std::int32_t known = settings.catalogue_until != 0 ? settings.catalogue_until : header.catalogue_until;
  if (known == 0)
    throw InputError(
        fmt::format("{}: does not say which day its features go up to; give --known-until, the last day it "
                    "was trained on",
                    settings.policy.string()));
  if (known >= settings.from)
    run.note("the policy knows rows up to {}, of the days it scores: its features look ahead there", known);
  const Catalogue catalogue = build_catalogue(loaded.data, known);
  const std::shared_ptr<const Policy> policy = load_policy(settings.policy, catalogue);
  std::vector<std::uint8_t> met(loaded.data.videos.size(), 0);
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.date[row] <= known) met[index_of(log.video[row])] = 1;
  std::vector<std::uint32_t> rows;
  std::size_t without_history = 0, of_unmet_videos = 0;
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.date[row] < settings.from || log.date[row] > settings.until) continue;
    rows.push_back(static_cast<std::uint32_t>(row));
    without_history += row == loaded.data.user_offset[index_of(log.user[row])];
    of_unmet_videos += met[index_of(log.video[row])] == 0;
  }
  if (rows.empty())
    throw InputError(
        fmt::format("no row of {} is dated {}", settings.data.string(), days_text(settings.from, settings.until)));
  std::sort(rows.begin(), rows.end(),
            [&](std::uint32_t a, std::uint32_t b) { return log.source_row[a] < log.source_row[b]; });
  const std::vector<float> scores = score_rows(*policy, loaded.data, catalogue, rows, run.threads, run.progress);
  write_scores(settings.out, loaded.data, rows, scores, policy->head());
  Table table({"scored", ""});
  table.add({"policy", std::string(policy->name())});
  table.add({"what a score estimates", std::string(policy->head())});
  table.add({"rows", show_count(rows.size())});
  table.add({"rows of users without an earlier row", show_count(without_history)});
  table.add({"rows of videos the policy never met", show_count(of_unmet_videos)});
  table.add({"features from rows up to", std::to_string(known)});
  run.print("{}", table.text());
  run.write_json({{"policy", policy->name()},
                  {"head", policy->head()},
                  {"rows", rows.size()},
                  {"rows_without_history", without_history},
                  {"rows_of_unmet_videos", of_unmet_videos},
                  {"known_until", known}},
                 run.options->values({"policy", "from", "until"}), loaded.data.fingerprint);
}

}  // namespace

void add_score_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<ScoreSettings>();
  Command command{
      .name = "score", .group = CommandGroup::kLearn, .summary = "write a policy's score of each logged row"};
  command.about =
      "Scores every row from its context and its user's earlier rows, for judges of one's own: user_id, video_id, "
      "time_ms, score, head, in the order of the log's files. Works for every policy file; what it knows of users and "
      "videos comes from rows up to its last training day.";
  command.examples = {"swipegym score --policy mf.h5 --data pure.h5 --from 20220505 --out mf.csv"};
  command.next = "python3 tests/judge/ranking_metrics.py --data KuaiRand-Pure/data --scores mf.csv";
  command.uses_seed = false;
  command.options.group("Input")
      .input("policy", settings->policy, "FILE", "a policy file")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .date("from", settings->from, "the first day that is scored", true)
      .date("until", settings->until, "the last day that is scored; all days when absent")
      .date("known-until", settings->catalogue_until,
            "the last day whose rows may enter features; the policy's own when absent")
      .group("Output")
      .output("out", settings->out, "FILE", "the scores, as CSV", Writing::kText);
  command.run = [settings](Run& run) { score(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
