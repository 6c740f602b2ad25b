#include "evaluation/session_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "evaluation/session_runner.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

constexpr int kBarCells = 20;

// Eighths of a cell, so that a skip after a second still shows.
std::string bar(float ratio) {
  static constexpr std::array<const char*, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::lround(std::clamp(ratio, 0.0F, 1.0F) * kBarCells * 8));
  std::string out;
  int cells = eighths / 8;
  for (int i = 0; i < cells; ++i) out += "█";
  if (eighths % 8 != 0) out += kEighths[static_cast<std::size_t>(eighths % 8)], ++cells;
  for (; cells < kBarCells; ++cells) out += "·";
  return out;
}

std::string minutes(float seconds) {
  const long whole = std::lround(seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string signal_words(SignalBits signals) {
  static constexpr std::array<const char*, kNumSignals> kWords = {"click",   "like", "follow",    "comment",
                                                                  "forward", "hate", "long view", "profile"};
  std::string out;
  for (std::size_t s = 0; s < kNumSignals; ++s)
    if (signals >> s & 1U) out += (out.empty() ? "" : ", ") + std::string(kWords[s]);
  return out;
}

}  // namespace

SessionView play_session(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
                         const Policy& policy, const VectorEnvConfig& config, const Exploration& exploration,
                         std::uint64_t seed) {
  const Catalogue& catalogue = simulator->catalogue;
  SessionRunner runner(simulator, std::move(candidates), config, 1, 1, [seed](std::size_t) { return seed; });
  const Shown opening = runner.env().next_shown(0, 0);
  SessionView out{.policy = std::string(policy.name()),
                  .user_id = catalogue.raw_user_id[runner.env().observation().user[0]],
                  .start_ms = opening.time_ms,
                  .tab = opening.tab,
                  .no_tag = catalogue.num_tags - 1,
                  .videos = {}};

  std::vector<float> scores;
  std::vector<std::int32_t> actions(config.slate);
  while (runner.under_way()) {
    choose_actions(policy, runner.batch(), exploration, catalogue.num_videos(), scores, actions, config.slate);
    runner.step(actions, [&](std::size_t, std::size_t, const StepView& view) {
      for (std::uint32_t place = 0; place < view.consumed[0]; ++place) {
        const auto video = static_cast<std::size_t>(view.video[place]);
        out.videos.push_back({.video_id = catalogue.raw_video_id[video],
                              .tag = catalogue.tag[video],
                              .duration_s = static_cast<float>(catalogue.duration_ms[video]) / 1000.0F,
                              .watch_s = view.watch_s[place],
                              .watch_ratio = view.watch_ratio[place],
                              .signals = view.signals[place]});
      }
      out.reward += view.reward[0];
      out.left = view.terminated[0] != 0;
    });
  }
  return out;
}

std::string to_text(const SessionView& session) {
  const std::int16_t clock = hourmin_of_time(session.start_ms);
  std::string text = fmt::format("user {} opens tab {} on {} at {:02}:{:02}; {} chooses\n\n", session.user_id,
                                 session.tab, date_of_time(session.start_ms), clock / 100, clock % 100, session.policy);
  auto out = std::back_inserter(text);
  float watched = 0.0F;
  fmt::format_to(out, "{:>4} {:>12} {:>5} {:>7}  {:<{}} {:>7} {:>6}\n", "", "video", "tag", "length", "watched",
                 kBarCells, "", "");
  for (std::size_t i = 0; i < session.videos.size(); ++i) {
    const ShownVideo& video = session.videos[i];
    watched += video.watch_s;
    fmt::format_to(out, "{:>4} {:>12} {:>5} {:>7}  {} {:>6.1f}s {:>6}  {}\n", i + 1, video.video_id,
                   video.tag == session.no_tag ? "-" : std::to_string(video.tag), minutes(video.duration_s),
                   bar(video.watch_ratio), video.watch_s,
                   video.watch_ratio > 1.005F ? fmt::format("x{:.1f}", video.watch_ratio)
                                              : fmt::format("{:.0f}%", 100 * video.watch_ratio),
                   signal_words(video.signals));
  }
  fmt::format_to(out, "\n{} after {} video{}, {} watched; return {:.1f}\n",
                 session.left ? "left" : "still there at the step limit,", session.videos.size(),
                 session.videos.size() == 1 ? "" : "s", minutes(watched), session.reward);
  return text;
}

Json to_json(const SessionView& session) {
  Json videos = Json::array();
  for (const ShownVideo& video : session.videos) {
    Json line = {{"video_id", video.video_id},
                 {"tag", video.tag == session.no_tag ? Json(nullptr) : Json(video.tag)},
                 {"duration_s", video.duration_s},
                 {"watch_s", video.watch_s},
                 {"watch_ratio", video.watch_ratio}};
    for (std::size_t s = 0; s < kNumSignals; ++s) line[std::string(kSignalNames[s])] = video.signals >> s & 1;
    videos.push_back(std::move(line));
  }
  return {{"policy", session.policy}, {"user_id", session.user_id},  {"start_time_ms", session.start_ms},
          {"tab", session.tab},       {"videos", std::move(videos)}, {"left", session.left},
          {"reward", session.reward}};
}

}  // namespace swipegym
