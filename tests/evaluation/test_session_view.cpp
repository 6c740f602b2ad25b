#include <algorithm>
#include <catch2/catch.hpp>

#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "evaluation/compare/play_sessions.h"
#include "evaluation/session_view.h"
#include "policy/make_policy.h"

using namespace swipegym;

TEST_CASE("a session view is the same session that a played counts", "[evaluation]") {
  const auto simulator =
      make_constant_simulator({.leave_after = 4, .watch_ratio = 0.5F, .signals = bit(Signal::kLike)});
  const auto source = std::make_shared<RandomCandidates>(500, 10);
  const auto longest = make_longest_policy(simulator->catalogue);
  const SessionView view = play_session(simulator, source, *longest, {}, {}, session_seed(9, 0, 0));
  const PlayedSessions played = play_sessions(simulator, source, *longest, {.sessions = 1, .seed = 9});
  REQUIRE(view.videos.size() == 4);
  float watched = 0.0F;
  for (const ShownVideo& video : view.videos) watched += video.watch_s;
  CHECK(watched == Approx(played.session[0].watch_s));
  CHECK(view.reward == Approx(played.session[0].reward));
  CHECK(view.left);
}

TEST_CASE("the text shows a bar a video and how it ended", "[evaluation]") {
  SessionView view{.policy = "random", .user_id = 77, .start_ms = 1651377600000, .tab = 1, .no_tag = 3, .videos = {}};
  view.videos = {
      {.video_id = 5, .tag = 3, .duration_s = 90, .watch_s = 45, .watch_ratio = 0.5F},
      {.video_id = 6, .tag = 1, .duration_s = 10, .watch_s = 18, .watch_ratio = 1.8F, .signals = bit(Signal::kLike)}};
  view.left = true;
  view.reward = 63;
  const std::string text = to_text(view);
  CHECK(text.find("user 77 opens tab 1 on 20220501 at 12:00") != std::string::npos);
  CHECK(text.find("██████████··········   45.0s    50%") != std::string::npos);
  CHECK(text.find("████████████████████   18.0s   x1.8  like") != std::string::npos);
  CHECK(text.find("left after 2 videos, 1:03 watched; return 63.0") != std::string::npos);
  CHECK(to_json(view)["videos"][0]["tag"].is_null());
  CHECK(to_json(view)["videos"][1]["is_like"] == 1);
}
