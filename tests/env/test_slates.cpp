#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/environment.h"

namespace swipegym {
namespace {

const std::array<std::uint64_t, 1> kSeed{11};

Environment make_session(std::size_t slate, int leave_after, std::size_t history_length = 50) {
  return Environment(make_constant_simulator({.leave_after = leave_after}), std::make_shared<RandomCandidates>(500, 12),
                     {.history_length = history_length, .slate = slate});
}

float seconds(const Environment& session, std::int32_t video) {
  return 0.5F *
         static_cast<float>(session.sessions().simulator().catalogue.duration_ms[static_cast<std::size_t>(video)]) /
         1000.0F;
}

}  // namespace

TEST_CASE("a slate is watched in its order and its rewards are summed", "[env]") {
  for (const std::size_t slate : {std::size_t{1}, std::size_t{6}}) {
    CAPTURE(slate);
    Environment session = make_session(slate, 100);
    const ObservationView start = session.reset(kSeed[0]);
    const std::vector<std::int32_t> offered(start.candidate, start.candidate + 12);
    const std::array<std::int32_t, 6> slots{7, 2, 11, 0, 5, 9};
    const StepResult result = session.step(std::span(slots).first(slate));
    REQUIRE(result.video.size() == slate);
    float sum = 0.0F;
    for (std::size_t place = 0; place < slate; ++place) {
      const std::int32_t video = offered[static_cast<std::size_t>(slots[place])];
      CHECK(result.video[place] == video);
      CHECK(result.watch_s[place] == Approx(seconds(session, video)));
      CHECK(result.observation.history_video[50 - slate + place] == video);
      sum += seconds(session, video);
    }
    CHECK(result.reward == Approx(sum));
    CHECK_FALSE(result.terminated);
    // All play times and a pause after each video have passed.
    CHECK(result.observation.context[1] * 1800.0F == Approx(sum + static_cast<float>(slate)).epsilon(1e-4));
  }
}

TEST_CASE("a slate is cut where the user leaves: what comes behind is not shown, not rewarded, not remembered",
          "[env]") {
  Environment session = make_session(6, 9);
  session.reset(kSeed[0]);
  const std::array<std::int32_t, 6> slots{7, 2, 11, 0, 5, 9};
  CHECK_FALSE(session.step(slots).terminated);
  const ObservationView before = session.sessions().observation();
  const std::vector<std::int32_t> offered(before.candidate, before.candidate + 12);
  const StepResult result = session.step(slots);  // the ninth video is the third of this slate
  CHECK(result.terminated);
  CHECK_FALSE(result.truncated);
  REQUIRE(result.video.size() == 3);
  float sum = 0.0F;
  for (std::size_t place = 0; place < 3; ++place)
    sum += seconds(session, offered[static_cast<std::size_t>(slots[place])]);
  CHECK(result.reward == Approx(sum));
  CHECK(result.observation.history_video[49] == offered[11]);
  CHECK(result.video.data()[3] == -1);
  CHECK(result.watch_s.data()[3] == 0.0F);
}

TEST_CASE("a slate longer than the history leaves its newest videos there", "[env]") {
  Environment session = make_session(6, 100, 4);
  session.reset(kSeed[0]);
  const StepResult result = session.step(std::array<std::int32_t, 6>{0, 1, 2, 3, 4, 5});
  for (std::size_t i = 0; i < 4; ++i) CHECK(result.observation.history_video[i] == result.video[2 + i]);
}

TEST_CASE("a slate that names a slot twice, or is longer than the candidate set, is an error", "[env]") {
  Environment session = make_session(3, 100);
  session.reset(kSeed[0]);
  CHECK_THROWS_WITH(session.step(std::array<std::int32_t, 3>{4, 1, 4}), Catch::Contains("action 4 stands twice"));
  CHECK_THROWS_WITH(make_session(13, 100), Catch::Contains("slates of 13"));
}

TEST_CASE("redrawing makes a slate of distinct slots out of any actions", "[env]") {
  Environment session(make_constant_simulator({.leave_after = 100}), std::make_shared<RandomCandidates>(500, 4),
                      {.slate = 4, .invalid_action = InvalidAction::kRedraw});
  session.reset(kSeed[0]);
  const ObservationView start = session.sessions().observation();
  std::vector<std::int32_t> offered(start.candidate, start.candidate + 4);
  const StepResult result = session.step(std::array<std::int32_t, 4>{2, 2, -7, 99});
  CHECK(result.video[0] == offered[2]);
  std::vector<std::int32_t> shown(result.video.begin(), result.video.end());
  std::sort(shown.begin(), shown.end());
  std::sort(offered.begin(), offered.end());
  CHECK(shown == offered);
}

TEST_CASE("a session that runs out of slates is truncated", "[env]") {
  Environment session(make_constant_simulator({.leave_after = 100}),
                      std::make_shared<FixedCandidates>(std::vector{1, 2, 3, 4, 5}), {.slate = 2});
  session.reset(kSeed[0]);
  CHECK_FALSE(session.step(std::array<std::int32_t, 2>{0, 1}).truncated);
  CHECK(session.step(std::array<std::int32_t, 2>{2, 3}).truncated);  // one video is left, a slate needs two
}

}  // namespace swipegym
