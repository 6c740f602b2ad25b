#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/seen_videos.h"
#include "env/vector_env.h"
#include "tests/env/noisy_user_model.h"

namespace swipegym {
namespace {

struct SeatWorld {
  SeatWorld() {
    const ToyWorld size;
    simulator = make_noisy_simulator(size);
    source = std::make_shared<FullCatalogue>();
  }
  std::shared_ptr<const Simulator> simulator;
  std::shared_ptr<const CandidateSource> source;

  VectorEnv env(std::size_t envs) const {
    return VectorEnv(simulator, source,
                     {.num_envs = envs,
                      .history_length = 8,
                      .max_steps = 20,
                      .slate = 2,
                      .autoreset = AutoresetMode::kDisabled,
                      .draw_gaps = true,
                      .exclude_history = 20});
  }
};

// The first two videos that may be shown from `from` on.
void choose_next(const VectorEnv& env, std::size_t row, std::uint32_t from, std::int32_t* out) {
  for (std::size_t k = 0; k < 2; ++from)
    if (env.may_show(row, from)) out[k++] = static_cast<std::int32_t>(from);
}

// Plays the session of a lone row to its end; seconds and the gap behind it.
std::pair<double, float> play_row(VectorEnv& env, std::uint32_t from) {
  double seconds = 0.0;
  std::int32_t actions[2];
  for (;;) {
    choose_next(env, 0, from, actions);
    const StepView& view = env.step(actions);
    for (std::size_t k = 0; k < view.consumed[0]; ++k) seconds += view.watch_s[k];
    if (view.terminated[0] || view.truncated[0]) return {seconds, view.gap_h[0]};
  }
}

const std::vector<std::uint64_t> kSeatSeeds = {5, 6, 7};

}  // namespace

TEST_CASE("users who take turns in a seat live as in an env of their own", "[env][threads]") {
  const SeatWorld world;
  VectorEnv users = world.env(3), seat = world.env(1);
  users.reset(kSeatSeeds);
  std::vector<std::pair<double, float>> turns;
  for (int visit = 0; visit < 3; ++visit)
    for (const std::uint32_t user : {2U, 0U, 1U}) {
      seat.seat(users, std::vector<std::uint32_t>{user});
      CHECK(seat.finished(0) == (visit > 0));
      if (visit > 0) seat.next_session(std::vector<std::uint8_t>{1});
      turns.push_back(play_row(seat, 10 * user));
      users.take_back(seat, 0, user);
      CHECK(users.finished(user));
      CHECK(users.time_ms(user) == seat.time_ms(0));
    }
  for (const std::uint32_t user : {2U, 0U, 1U}) {
    VectorEnv alone = world.env(1);
    alone.reset(std::vector<std::uint64_t>{kSeatSeeds[user]});
    for (int visit = 0; visit < 3; ++visit) {
      if (visit > 0) alone.next_session(std::vector<std::uint8_t>{1});
      const std::size_t turn = static_cast<std::size_t>(visit) * 3 + (user == 2 ? 0 : user == 0 ? 1 : 2);
      CHECK(play_row(alone, 10 * user) == turns[turn]);
    }
  }
  CHECK_THROWS_AS(seat.seat(users, std::vector<std::uint32_t>{0, 1}), InputError);
  CHECK_THROWS_AS(seat.seat(users, std::vector<std::uint32_t>{3}), InputError);
  const VectorEnv elsewhere = SeatWorld().env(3);
  CHECK_THROWS_AS(seat.seat(elsewhere, std::vector<std::uint32_t>{0}), InputError);
}

TEST_CASE("what is not on offer cannot be chosen, and sessions end when nothing is left", "[env][threads]") {
  const SeatWorld world;
  VectorEnv env = world.env(1);
  env.reset(std::vector<std::uint64_t>{3});
  env.offer({100, 106});
  CHECK(env.may_show(0, 100) != env.seen(0).contains(100));
  CHECK_FALSE(env.may_show(0, 99));
  CHECK_FALSE(env.may_show(0, 106));
  CHECK_THROWS_WITH(env.step(std::vector<std::int32_t>{99, 100}), Catch::Matchers::Contains("not on offer"));
  std::size_t left = env.choices(0), shown = 0;
  REQUIRE(left >= 2);
  for (;;) {
    std::int32_t actions[2];
    choose_next(env, 0, 100, actions);
    const StepView& view = env.step(actions);
    shown += view.consumed[0];
    CHECK(env.choices(0) == left - shown);
    if (view.terminated[0]) break;  // the model may let the user go before
    if (!view.truncated[0]) continue;
    CHECK(env.choices(0) < 2);
    break;
  }
  CHECK_THROWS_AS(env.offer({5, 5}), InputError);
  CHECK_THROWS_AS(env.offer({0, 100'000}), InputError);
}

TEST_CASE("envs that were saved go on as if nothing had happened", "[env][threads]") {
  const SeatWorld world;
  VectorEnv users = world.env(3), again = world.env(3), seat = world.env(1);
  users.reset(kSeatSeeds);
  seat.seat(users, std::vector<std::uint32_t>{1});
  play_row(seat, 4);
  users.take_back(seat, 0, 1);
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("seats-" + std::to_string(::getpid()) + ".h5");
  {
    Hdf5Writer file(path);
    file.attribute("kind", "seats");
    file.attribute("schema_version", std::int64_t{1});
    users.save(file, "users");
    file.commit();
  }
  again.load(Hdf5Reader(path, "seats", 1), "users");
  for (const std::uint32_t user : {0U, 1U, 2U}) {
    CHECK(again.time_ms(user) == users.time_ms(user));
    REQUIRE(again.finished(user) == users.finished(user));
    std::pair<double, float> played[2];
    for (const bool loaded : {false, true}) {
      seat.seat(loaded ? again : users, std::vector<std::uint32_t>{user});
      if (seat.finished(0)) seat.next_session(std::vector<std::uint8_t>{1});
      played[loaded ? 1 : 0] = play_row(seat, 7);
    }
    CHECK(played[0] == played[1]);
  }
  VectorEnv other = world.env(2);
  CHECK_THROWS_AS(other.load(Hdf5Reader(path, "seats", 1), "users"), InputError);
  std::filesystem::remove(path);
}

}  // namespace swipegym
