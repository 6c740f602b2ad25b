// Estimators of creator uplift on seasons whose truth is known: worlds in which a share of all requests is drawn
// uniformly among the creators whose coin of the day says so, and every estimator of evaluation/uplift on what their
// creators got and did.
//
//   uplift_study SIMULATOR|DIR [WORLDS [DAYS [USERS [SHARE [EFFECT [POLICY]]]]]]
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "bench/study_main.h"
#include "core/error.h"
#include "env/fitted/simulator_file.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/platform/season.h"
#include "evaluation/uplift/uplift_table.h"
#include "sim_data/dataset.h"

namespace swipegym {
namespace {

constexpr int kFirstDay = 10;  // rows before it are of a world that is not settled

std::shared_ptr<const Simulator> world_at(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return std::make_shared<Simulator>(load_simulator(path, Clock::kDense));
  const LoadedDataset loaded = load_dataset(path, {});
  return std::make_shared<Simulator>(make_truth_simulator(loaded.data.truth, loaded.data));
}

// Rows whose whole horizon lies inside the season, and by how much one more watch raised what followed, truly.
std::pair<UpliftRows, std::vector<double>> rows_of(const CreatorDays& days, const SeasonConfig& config) {
  const int horizon = config.world.uplift_days;
  std::map<std::pair<std::uint32_t, std::int32_t>, std::uint8_t> uploads;
  for (std::size_t i = 0; i < days.size(); ++i) uploads[{days.creator[i], days.day[i]}] = days.uploads[i];
  std::pair<UpliftRows, std::vector<double>> out;
  UpliftRows& rows = out.first;
  rows.num_features = 4;
  for (std::size_t i = 0; i < days.size(); ++i) {
    if (days.day[i] < kFirstDay || days.day[i] + horizon > config.days) continue;
    double followed = 0.0;
    for (int ahead = 0; ahead < horizon; ++ahead)
      if (const auto found = uploads.find({days.creator[i], days.day[i] + ahead}); found != uploads.end())
        followed += found->second;
    rows.treated.push_back(days.treated[i]);
    rows.propensity.push_back(config.treated_share);
    rows.exposure.push_back(days.watches[i]);
    rows.impressions.push_back(days.random_shows[i]);
    rows.outcome.push_back(followed);
    rows.creator.push_back(days.creator[i]);
    for (const double feature :
         {std::log1p(static_cast<double>(days.reception[i])), static_cast<double>(days.idle[i]),
          static_cast<double>(std::min(days.age[i], 60)), static_cast<double>(days.idle[i] < config.world.life_days)})
      rows.features.push_back(feature);
    out.second.push_back(static_cast<double>(days.uplift[i]));
  }
  return out;
}

// One estimator over worlds.
struct Line {
  double mean = 0.0, truth = 0.0, width = 0.0, pehe = 0.0, qini = 0.0, slope = 0.0;
  int held = 0, worlds = 0;
};

int run(int argc, char** argv) {
  const auto given = [&](int at, const char* otherwise) { return std::string(argc > at ? argv[at] : otherwise); };
  if (argc < 2) throw InputError("usage: uplift_study SIMULATOR|DIR [WORLDS [DAYS [USERS [SHARE [EFFECT [POLICY]]]]]]");
  SeasonConfig config;
  const int worlds = parse_number<int>("WORLDS", given(2, "10"), between(1, 1000));
  config.days = parse_number<int>("DAYS", given(3, "60"), between(20, 1000));
  config.users = parse_number<std::size_t>("USERS", given(4, "1000"), between(10, 1'000'000));
  config.random_share = parse_number<double>("SHARE", given(5, "0.2"), between(0, 1));
  config.world.effect = given(6, "strong");
  config.world.gap_scale = 0.2;  // KuaiRand-Pure keeps one visit of several, and so do the worlds made like it
  const std::string policy = given(7, "thompson");
  const std::shared_ptr<const Simulator> base = world_at(given(1, ""));
  std::vector<std::string> names;
  std::map<std::string, Line> lines;
  double truths = 0.0, count = 0.0, spread = 0.0;
  for (int world = 1; world <= worlds; ++world) {
    Season season(base, config, season_policy(policy, config.slate), static_cast<std::uint64_t>(world), 1);
    while (!season.over()) season.play_day();
    const auto [rows, truth] = rows_of(season.creator_days(), config);
    double mean = 0.0, squares = 0.0;
    for (const double tau : truth) mean += tau / static_cast<double>(truth.size());
    for (const double tau : truth) squares += (tau - mean) * (tau - mean) / static_cast<double>(truth.size());
    truths += mean, count += static_cast<double>(truth.size()), spread += std::sqrt(squares);
    for (const UpliftLine& one : uplift_table(rows, truth, {}, make_key(static_cast<std::uint64_t>(world)))) {
      if (world == 1) names.push_back(one.name);
      Line& line = lines[one.name];
      const Interval& average = one.estimate.average;
      line.mean += average.mean, line.width += 0.5 * (average.high - average.low);
      // Each average counts rows in its own way, and the truth is counted in the same.
      line.held += average.low <= one.average_truth && one.average_truth <= average.high ? 1 : 0;
      line.truth += one.average_truth;
      line.pehe += one.pehe, line.qini += one.truth_qini, line.slope += one.slope, ++line.worlds;
    }
    fmt::print(stderr, "world {} of {}\n", world, worlds);
  }
  const double n = worlds;
  fmt::print("{} worlds, {} users x {} days, {:g} % of requests at random, policy {}, effect {}; {:.0f} rows a world\n",
             worlds, config.users, config.days, 100.0 * config.random_share, policy, config.world.effect, count / n);
  fmt::print(
      "truth: one more watch brings {:.5f} uploads in {} days on average, deviation over rows {:.5f}; {:.0f} s of a "
      "core\n\n",
      truths / n, config.world.uplift_days, spread / n, core_seconds());
  fmt::print(
      "| estimator | mean | truth so counted | half interval | holds the truth | PEHE | Qini by the truth | slope |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const std::string& name : names) {
    const Line& line = lines[name];
    fmt::print("| {} | {:.5f} | {:.5f} | {:.5f} | {} of {} | {:.5f} | {:.3f} | {:.2f} |\n", name, line.mean / n,
               line.truth / n, line.width / n, line.held, line.worlds, line.pehe / n, line.qini / n, line.slope / n);
  }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
