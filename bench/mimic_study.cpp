// Who imitates what they watch, in seasons whose truth is known: the mimic head learns from a season's first days and
// is judged on the days behind them, beside a rate by topic and one by how often a viewer uploads.
//
//   mimic_study SIMULATOR|DIR [WORLDS [DAYS [USERS [MIMIC_RATE [MIMICKING [POLICY]]]]]]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "bench/study_main.h"
#include "core/error.h"
#include "env/fitted/simulator_file.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/platform/platform_tables.h"
#include "evaluation/uplift/mimic_head.h"
#include "evaluation/uplift/uplift_scores.h"
#include "sim_data/dataset.h"

namespace swipegym {
namespace {

constexpr int kFirstDay = 10;     // rows before it are of a world that is not settled
constexpr double kLearned = 0.6;  // of the days
constexpr double kTopicPrior = 2.0, kAnswersPrior = 2.0;

std::shared_ptr<const Simulator> world_at(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return std::make_shared<Simulator>(load_simulator(path, Clock::kDense));
  const LoadedDataset loaded = load_dataset(path, {});
  return std::make_shared<Simulator>(make_truth_simulator(loaded.data.truth, loaded.data));
}

MimicRows rows_of(const MimicDays& days) {
  MimicRows rows;
  for (std::size_t i = 0; i < days.size(); ++i) {
    const double clicked = days.clicks[i] > 0 ? 1.0 : 0.0, uploads = days.uploads[i];
    const double answers = (days.answered[i] + 0.1 * kAnswersPrior) / (days.answers[i] + kAnswersPrior);
    double one[kMimicFeatures] = {};
    one[kMimicClicked] = clicked;
    one[kMimicShare] = static_cast<double>(days.clicks[i]) / days.all_clicks[i];
    one[kMimicMatched] = clicked * answers;
    one[kMimicClicks] = std::log1p(days.all_clicks[i]);
    one[kMimicRecent] = std::log1p(static_cast<double>(days.recent_clicks[i]));
    one[kMimicUploads] = std::log1p(uploads);
    one[kMimicRate] = (uploads + 1.0) / (std::min<double>(days.day[i] + 1, days.age[i]) + 10.0);
    one[kMimicIdle] = std::log1p(days.idle[i]);
    one[kMimicReception] = std::log1p(static_cast<double>(days.reception[i]));
    one[kMimicOwnTopic] =
        (days.topic_uploads[i] + kTopicPrior * static_cast<double>(days.topic_share[i])) / (uploads + kTopicPrior);
    one[kMimicTopic] = static_cast<double>(days.topic_share[i]);
    one[kMimicAnswers] = answers;
    rows.table.values.insert(rows.table.values.end(), one, one + kMimicFeatures);
    rows.followed.push_back(days.uploaded[i]);
    rows.creator.push_back(days.creator[i]), rows.topic.push_back(days.topic[i]);
  }
  return rows;
}

// What is said of the clicked rows that are judged, against what followed and against the truth.
struct Judged {
  std::vector<std::uint8_t> followed, mimicked;
  std::vector<double> truth;

  // Of chances of what follows, or of what is imitated.
  std::vector<double> figures(const std::vector<double>& said) const {
    const std::vector<float> scores(said.begin(), said.end());
    std::vector<float> chances;
    for (const float score : scores) chances.push_back(std::clamp(score, 0.0F, 1.0F));
    double mean = 0.0;
    for (const double one : said) mean += one / static_cast<double>(said.size());
    return {auc(scores, followed),
            auc(scores, mimicked),
            mean,
            expected_calibration_error(chances, followed),
            expected_calibration_error(chances, mimicked),
            uplift_calibration(said, truth).slope,
            truth_qini(said, truth)};
  }
};

std::string figure_text(const std::vector<double>& values) {
  const Interval over = over_worlds(values);
  if (!std::isfinite(over.low)) return fmt::format("{:.4f}", over.mean);
  return fmt::format("{:.4f} ± {:.4f}", over.mean, over.high - over.mean);
}

int run(int argc, char** argv) {
  const auto given = [&](int at, const char* otherwise) { return std::string(argc > at ? argv[at] : otherwise); };
  if (argc < 2)
    throw InputError("usage: mimic_study SIMULATOR|DIR [WORLDS [DAYS [USERS [RATE [MIMICKING [POLICY]]]]]]");
  SeasonConfig config;
  const int worlds = parse_number<int>("WORLDS", given(2, "5"), between(1, 1000));
  config.days = parse_number<int>("DAYS", given(3, "60"), between(25, 1000));
  config.users = parse_number<std::size_t>("USERS", given(4, "1000"), between(10, 1'000'000));
  config.world.creators.mimic_rate = parse_number<double>("RATE", given(5, "0.01"), between(0, 100));
  config.world.creators.mimicking = parse_number<double>("MIMICKING", given(6, "0.3"), between(0, 1));
  config.world.gap_scale = 0.2;  // KuaiRand-Pure keeps one visit of several, and so do the worlds made like it
  const std::string policy = given(7, "bayes-ucb");
  const std::shared_ptr<const Simulator> base = world_at(given(1, ""));
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::vector<double>>> figures;  // [name][figure][world]
  double learned = 0.0, judged_rows = 0.0, followed = 0.0, mimicked = 0.0, chance = 0.0;
  for (int world = 1; world <= worlds; ++world) {
    const RandomKey key = make_key(static_cast<std::uint64_t>(world));
    Season season(base, config, season_policy(policy, config.slate), static_cast<std::uint64_t>(world), 1);
    MimicMeter meter(split(key, 1));
    season.meter_mimicry(&meter);
    while (!season.over()) season.play_day();
    const MimicDays& days = meter.days();
    const MimicRows rows = rows_of(days);
    const int split_day = kFirstDay + static_cast<int>(kLearned * (config.days - kFirstDay));
    std::vector<std::uint32_t> learn, of;
    Judged judged;
    for (std::uint32_t row = 0; row < rows.size(); ++row) {
      if (days.day[row] >= kFirstDay && days.day[row] < split_day) learn.push_back(row);
      if (days.day[row] < split_day || days.clicks[row] == 0) continue;
      of.push_back(row);
      judged.followed.push_back(days.uploaded[row]), judged.mimicked.push_back(days.mimicked[row]);
      judged.truth.push_back(static_cast<double>(days.chance[row]));
      followed += days.uploaded[row], mimicked += days.mimicked[row], chance += static_cast<double>(days.chance[row]);
    }
    learned += static_cast<double>(learn.size()), judged_rows += static_cast<double>(of.size());
    const MimicHead head(rows, learn, MimicHead::usual_settings(), split(key, 2));
    const auto add = [&](const std::string& name, const std::vector<double>& said) {
      if (world == 1) names.push_back(name);
      std::vector<std::vector<double>>& into = figures[name];
      const std::vector<double> one = judged.figures(said);
      into.resize(one.size());
      for (std::size_t k = 0; k < one.size(); ++k) into[k].push_back(one[k]);
    };
    add("rate by topic", mimic_rate_by_topic(rows, learn, of));
    add("rate by activity", mimic_rate_by_activity(rows, learn, of));
    add("head: an upload of the topic follows", head.follows(rows, of));
    add("head: less what follows anyway", head.mimics(rows, of));
    add("the truth's chance", judged.truth);
    fmt::print(stderr, "world {} of {}\n", world, worlds);
  }
  const double n = judged_rows;
  fmt::print(
      "{} worlds, {} users x {} days, policy {}; {:g} of the creators imitate, rate {:g}\n"
      "{:.0f} rows a world to learn from, {:.0f} clicked ones to judge by: an upload of the topic followed {:.3f} % of "
      "them,\nan imitation {:.3f} %, the truth's chance {:.3f} % on average; {:.0f} s of a core\n\n",
      worlds, config.users, config.days, policy, config.world.creators.mimicking, config.world.creators.mimic_rate,
      learned / worlds, n / worlds, 100.0 * followed / n, 100.0 * mimicked / n, 100.0 * chance / n, core_seconds());
  fmt::print(
      "| | AUC, follows | AUC, imitates | mean | ECE, follows | ECE, imitates | slope of the truth | Qini by the truth "
      "|\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const std::string& name : names) {
    fmt::print("| {} |", name);
    for (const std::vector<double>& values : figures[name]) fmt::print(" {} |", figure_text(values));
    fmt::print("\n");
  }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
