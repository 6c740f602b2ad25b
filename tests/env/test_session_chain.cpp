#include <catch2/catch.hpp>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/seen_videos.h"
#include "env/vector_env.h"

namespace swipegym {
namespace {

constexpr std::size_t kEnvs = 3;
constexpr std::int64_t kGapMs = 7'200'000;

VectorEnv make_chain_env(AutoresetMode autoreset = AutoresetMode::kDisabled) {
  return VectorEnv(make_constant_simulator({.leave_after = 2, .watch_ratio = 0.5F, .return_gap_ms = kGapMs}),
                   std::make_shared<RandomCandidates>(500, 4),
                   {.num_envs = kEnvs, .history_length = 8, .autoreset = autoreset});
}

const std::vector<std::uint64_t> kSeeds = {11, 12, 13};
const std::vector<SessionStart> kStarts = {
    {5, 1'650'100'000'000, 0}, {9, 1'650'200'000'000, 4}, {5, 1'650'300'000'000, 1}};

}  // namespace

TEST_CASE("a session begins with whom, when and where the caller says", "[env]") {
  VectorEnv env = make_chain_env();
  const ObservationView seen = env.reset_at(kSeeds, kStarts);
  for (std::size_t row = 0; row < kEnvs; ++row) {
    const Shown next = env.next_shown(row, 7);
    CHECK(seen.user[row] == kStarts[row].user);
    CHECK(index_of(next.user) == kStarts[row].user);
    CHECK(index_of(next.video) == 7);
    CHECK(next.time_ms == kStarts[row].time_ms);
    CHECK(next.tab == kStarts[row].tab);
    CHECK(next.duration_ms == env.simulator().catalogue.duration_ms[7]);
    CHECK(env.session_videos(row) == 0);
  }
  const std::vector<SessionStart> nobody(kEnvs, {.user = 20});
  CHECK_THROWS_AS(env.reset_at(kSeeds, nobody), InputError);
}

TEST_CASE("a user comes back after the model's gap, with the session as history", "[env]") {
  VectorEnv env = make_chain_env();
  env.reset_at(kSeeds, kStarts);
  const std::vector<std::int32_t> first(kEnvs, 0);
  const std::vector<std::uint8_t> some = {1, 0, 1};
  env.step(first);
  CHECK_THROWS_AS(env.next_session(some), InputError);  // still watching
  const StepView& step = env.step(first);
  const std::int32_t last_video = step.video[0];
  const std::int64_t over_ms = env.next_shown(0, 0).time_ms;
  const ObservationView seen = env.next_session(some);
  CHECK(env.session_start_ms(0) == over_ms + kGapMs);
  CHECK(env.next_shown(0, 0).time_ms == over_ms + kGapMs);
  CHECK(env.next_shown(0, 0).tab == kStarts[0].tab);
  CHECK(env.session_videos(0) == 0);
  CHECK(env.session_videos(1) == 2);  // not in the mask
  CHECK(seen.user[0] == kStarts[0].user);
  CHECK(seen.history_video[7] == last_video);
  CHECK(seen.history_ratio[7] == 0.5F);
  CHECK(env.seen(0).contains(static_cast<std::uint32_t>(last_video)));
  CHECK(seen.context[0] == 0.0F);
  env.next_session(std::vector<std::uint8_t>{0, 1, 0});
  env.step(first);
  CHECK(env.step(first).terminated[0] == 1);  // the second session is as long as the first
}

TEST_CASE("chained sessions offer fresh candidates, and the same ones again for the same seed", "[env]") {
  const std::vector<std::uint8_t> all(kEnvs, 1);
  const std::vector<std::int32_t> first(kEnvs, 0);
  const auto offered = [&] {
    VectorEnv env = make_chain_env();
    env.reset_at(kSeeds, kStarts);
    std::vector<std::int32_t> out(env.observation().candidate, env.observation().candidate + 4);
    for (int i = 0; i < 2; ++i) env.step(first);
    const ObservationView seen = env.next_session(all);
    out.insert(out.end(), seen.candidate, seen.candidate + 4);
    return out;
  };
  const std::vector<std::int32_t> once = offered();
  CHECK(offered() == once);
  CHECK(std::vector<std::int32_t>(once.begin(), once.begin() + 4) !=
        std::vector<std::int32_t>(once.begin() + 4, once.end()));
}

TEST_CASE("chains need an env that does not reset by itself", "[env]") {
  VectorEnv env = make_chain_env(AutoresetMode::kNextStep);
  env.reset(kSeeds);
  CHECK_THROWS_AS(env.next_session(std::vector<std::uint8_t>(kEnvs, 0)), InputError);
}

}  // namespace swipegym
