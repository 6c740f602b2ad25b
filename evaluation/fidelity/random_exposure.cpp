#include "evaluation/fidelity/random_exposure.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "evaluation/compare/play_sessions.h"
#include "evaluation/shown.h"
#include "policy/make_policy.h"

namespace swipegym {
namespace {

ExposureMeans real_means(const Log& log, const RandomExposureOptions& options) {
  const JudgedWindow window{.from = options.from, .until = options.until, .random = true};
  ExposureMeans means;
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (!is_judged(log, row, window) || log.tab[row] != options.tab) continue;
    ++means.videos;
    means.watch_s += log.play_ms[row] / 1000.0;
    means.watch_ratio +=
        std::min(static_cast<double>(log.play_ms[row]) / log.duration_ms[row], static_cast<double>(kJudgedRatioCap));
    for (std::size_t s = 0; s < kNumSignals; ++s) means.rate[s] += log.signals[row] >> s & 1U;
  }
  return means;
}

ExposureMeans simulated_means(const PlayedSessions& played) {
  ExposureMeans means;
  for (const SessionResult& session : played.session) {
    means.videos += session.videos;
    means.watch_s += session.watch_s;
    means.watch_ratio += session.watch_ratio;
    for (std::size_t s = 0; s < kNumSignals; ++s) means.rate[s] += session.signals[s];
  }
  return means;
}

void divide(ExposureMeans& means) {
  const double n = static_cast<double>(std::max<std::uint64_t>(means.videos, 1));
  means.watch_s /= n, means.watch_ratio /= n;
  for (double& rate : means.rate) rate /= n;
}

// The same world with only those sessions that open in `tab`.
std::shared_ptr<const Simulator> only_tab(const Simulator& simulator, std::uint8_t tab) {
  auto out = std::make_shared<Simulator>(simulator);
  const Population& all = simulator.population;
  Population& kept = out->population;
  kept.start_user.clear(), kept.start_time_ms.clear(), kept.start_tab.clear();
  for (std::size_t i = 0; i < all.start_user.size(); ++i) {
    if (all.start_tab[i] != tab) continue;
    kept.start_user.push_back(all.start_user[i]);
    kept.start_time_ms.push_back(all.start_time_ms[i]);
    kept.start_tab.push_back(tab);
  }
  if (kept.start_user.empty())
    throw InputError(
        fmt::format("no session of the fitted log opens in tab {}: random exposure cannot be checked there", tab));
  return out;
}

Json means_json(const ExposureMeans& means) {
  Json out = {{"videos", means.videos}, {"watch_ratio", means.watch_ratio}, {"watch_s", means.watch_s}};
  for (std::size_t s = 0; s < kNumSignals; ++s) out[std::string(kSignalNames[s])] = means.rate[s];
  return out;
}

}  // namespace

RandomExposureReport check_random_exposure(std::shared_ptr<const Simulator> simulator, const Dataset& data,
                                           const RandomExposureOptions& options) {
  RandomExposureReport report{.tab = options.tab, .real = real_means(data.log, options), .simulated = {}};
  const std::shared_ptr<const Simulator> world = only_tab(*simulator, options.tab);
  // One candidate drawn uniformly is a uniform choice from the catalogue, without scoring the rest of it.
  const auto one = std::make_shared<RandomCandidates>(world->catalogue.num_videos(), 1);
  PlayConfig config{.sessions = options.sessions, .seeds = 1, .seed = options.seed};
  config.engine.threads = options.threads;
  report.simulated = simulated_means(play_sessions(world, one, RandomPolicy(), config, options.progress));
  divide(report.real);
  divide(report.simulated);
  return report;
}

Json to_json(const RandomExposureReport& report) {
  return {{"tab", report.tab}, {"real", means_json(report.real)}, {"simulated", means_json(report.simulated)}};
}

std::string to_text(const RandomExposureReport& report) {
  std::string text =
      fmt::format("a uniform policy in tab {} beside {} random exposures there\n\n", report.tab, report.real.videos);
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{:<17} {:>9} {:>10}\n", "a video's", "life", "simulated");
  const auto line = [&](std::string_view name, double real, double simulated) {
    fmt::format_to(out, "{:<17} {:>9.4f} {:>10.4f}\n", name, shown(real), shown(simulated));
  };
  line("watch ratio", report.real.watch_ratio, report.simulated.watch_ratio);
  line("watch time (s)", report.real.watch_s, report.simulated.watch_s);
  for (std::size_t s = 0; s < kNumSignals; ++s) line(kSignalNames[s], report.real.rate[s], report.simulated.rate[s]);
  return text;
}

}  // namespace swipegym
