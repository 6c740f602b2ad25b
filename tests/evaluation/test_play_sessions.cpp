#include <catch2/catch.hpp>
#include <cmath>

#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "evaluation/compare/play_sessions.h"
#include "evaluation/metrics/mean_variance.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "tests/env/noisy_user_model.h"
#include "tests/evaluation/toy_model.h"

using namespace swipegym;

namespace {

std::shared_ptr<const CandidateSource> ten_random() {
  return std::make_shared<RandomCandidates>(500, 10);
}

bool same(const SessionResult& a, const SessionResult& b) {
  return a.watch_s == b.watch_s && a.watch_ratio == b.watch_ratio && a.reward == b.reward && a.videos == b.videos &&
         a.tag_entropy == b.tag_entropy && a.signals == b.signals && a.gap_h == b.gap_h;
}

// The oracle, counting the rows it is asked about.
class CountingOracle final : public Policy {
 public:
  std::string_view name() const noexcept override { return "counting"; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override {
    asked += batch.observation.rows;
    OneStepOracle().score(batch, scores);
  }
  mutable std::size_t asked = 0;
};

}  // namespace

TEST_CASE("a played adds up what the constant user does", "[evaluation]") {
  const auto simulator =
      make_constant_simulator({.leave_after = 3,
                               .watch_ratio = 0.5F,
                               .signals = static_cast<SignalBits>(bit(Signal::kLike) | bit(Signal::kClick))});
  PlayConfig config{.sessions = 40, .seeds = 2};
  config.world.reward = {.watch_s = 0.0F, .watch_ratio = 2.0F, .signal = {0, 10}};
  const PlayedSessions played = play_sessions(simulator, ten_random(), RandomPolicy(), config);
  REQUIRE(played.session.size() == 80);
  for (const SessionResult& session : played.session) {
    CHECK(session.videos == 3);
    CHECK(session.watch_ratio == 1.5F);
    CHECK(session.signals[0] == 3);
    CHECK(session.signals[1] == 3);
    CHECK(session.signals[2] == 0);
    CHECK(session.reward == Approx(3 * (2.0 * 0.5 + 10.0)));
    CHECK(session.gap_h == 24.0F);  // the constant user's
    CHECK(session.returns_in_day);
    CHECK(session.tag_entropy >= 0.0F);
    CHECK(session.tag_entropy <= Approx(std::log(3.0)));
  }
  REQUIRE(played.catalogue.size() == 2);
  CHECK(played.catalogue[0].share > 0.1);  // 120 draws of 500 videos, some twice
  CHECK(played.catalogue[0].share <= 120.0 / 500);
  CHECK(played.catalogue[0].author_gini > 0.0);
  CHECK(played.catalogue[0].author_gini < 1.0);
}

TEST_CASE("a session's numbers do not depend on which row or batch it runs in", "[evaluation]") {
  const auto simulator = test::toy_simulator({.session = 4});
  const PlayedSessions few = play_sessions(simulator, ten_random(), RandomPolicy(), {.sessions = 10});
  const PlayedSessions many = play_sessions(simulator, ten_random(), RandomPolicy(), {.sessions = 700});
  for (std::size_t i = 0; i < 10; ++i) CHECK(same(few.session[i], many.session[i]));
  PlayConfig threaded{.sessions = 700};
  threaded.engine.threads = 3;
  const PlayedSessions other = play_sessions(simulator, ten_random(), RandomPolicy(), threaded);
  for (std::size_t i = 0; i < 700; ++i) CHECK(same(other.session[i], many.session[i]));
}

TEST_CASE("a share of the sessions is played as among all of them", "[evaluation]") {
  const auto simulator = test::toy_simulator({.session = 4});
  const PlayedSessions all = play_sessions(simulator, ten_random(), RandomPolicy(), {.sessions = 700});
  const PlayedSessions share =
      play_sessions(simulator, ten_random(), RandomPolicy(), {.sessions = 300, .first_session = 400});
  for (std::size_t i = 0; i < 300; ++i) CHECK(same(share.session[i], all.session[400 + i]));
}

TEST_CASE("policies meet the same sessions, so that equal choices give equal numbers", "[evaluation]") {
  // With one candidate every policy must choose it: whatever differs would be luck that is not shared.
  const auto simulator = test::toy_simulator();
  const auto one = std::make_shared<RandomCandidates>(500, 1);
  const PlayConfig config{.sessions = 50};
  const PlayedSessions random = play_sessions(simulator, one, RandomPolicy(), config);
  const PlayedSessions longest = play_sessions(simulator, one, *make_longest_policy(simulator->catalogue), config);
  for (std::size_t i = 0; i < 50; ++i) CHECK(same(random.session[i], longest.session[i]));
}

TEST_CASE("sharing random numbers makes differences of policies narrower", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  const PlayConfig config{.sessions = 400};
  PlayConfig fresh = config;
  fresh.seed = 2;
  const PlayedSessions longest =
      play_sessions(simulator, ten_random(), *make_longest_policy(simulator->catalogue), config);
  const PlayedSessions shared = play_sessions(simulator, ten_random(), OneStepOracle(), config);
  const PlayedSessions unshared = play_sessions(simulator, ten_random(), OneStepOracle(), fresh);
  MeanVariance paired, unpaired;
  for (std::size_t i = 0; i < 400; ++i) {
    paired.add(shared.session[i].watch_s - longest.session[i].watch_s);
    unpaired.add(unshared.session[i].watch_s - longest.session[i].watch_s);
  }
  CHECK(paired.mean() > 0.0);
  CHECK(paired.standard_error() < 0.9 * unpaired.standard_error());
}

TEST_CASE("evaluation seeds and runs have sessions of their own", "[evaluation]") {
  CHECK(session_seed(1, 0, 0) != session_seed(1, 1, 0));
  CHECK(session_seed(1, 1, 0) != session_seed(2, 0, 0));
  CHECK(session_seed(1, 0, 1) != session_seed(1, 1, 0));
}

TEST_CASE("slates are consumed in order and counted by what was shown", "[evaluation]") {
  const auto simulator = make_constant_simulator({.leave_after = 8, .watch_ratio = 1.0F});
  PlayConfig config{.sessions = 20};
  config.world.slate = 6;
  const PlayedSessions played = play_sessions(simulator, ten_random(), RandomPolicy(), config);
  for (const SessionResult& session : played.session) CHECK(session.videos == 8);  // six, then two of the next slate
}

TEST_CASE("nobody is asked about a session that is over, and those that last are what they are alone", "[evaluation]") {
  // Sessions end at any time, so that rows run out one by one and others move into their places.
  const auto simulator = make_noisy_simulator();
  PlayConfig config{.sessions = 300};
  config.world.slate = 2;
  const CountingOracle policy;
  const PlayedSessions played = play_sessions(simulator, ten_random(), policy, config);
  std::size_t decisions = 0, longest = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    const SessionResult& session = played.session[i];
    decisions += (session.videos + 1) / 2;
    longest = std::max<std::size_t>(longest, session.videos);
    PlayConfig alone = config;
    alone.sessions = 1, alone.first_session = i;
    if (i % 7 == 0) CHECK(same(play_sessions(simulator, ten_random(), OneStepOracle(), alone).session[0], session));
  }
  CHECK(longest > 30);  // of 10 on average: without moving rows most would be asked about for nothing
  CHECK(policy.asked == decisions);
}
