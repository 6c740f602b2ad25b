#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/seen_videos.h"
#include "policy/make_policy.h"
#include "policy/policy_file.h"
#include "policy/retrieval.h"
#include "policy/value/value_policy.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym {
namespace {

constexpr std::size_t kRetrievedUsers = 12, kRetrievedVideos = 700, kRetrievedSlots = 20, kRandomSlots = 2;

std::shared_ptr<const Simulator> retrieval_world() {
  return make_constant_simulator({.leave_after = 60},
                                 {.num_users = kRetrievedUsers, .num_videos = kRetrievedVideos, .history = 30});
}

struct RetrievedSet {
  std::vector<std::int32_t> videos = std::vector<std::int32_t>(kRetrievedSlots);
  std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(kRetrievedSlots);
};
RetrievedSet offer(const CandidateSource& source, std::uint32_t user, const SeenVideos& seen, std::uint32_t step = 0) {
  RetrievedSet out;
  source.fill({.user = user, .seen = &seen, .key = make_key(4), .stream = step}, out.videos, out.mask);
  return out;
}

TEST_CASE("a user is offered what the retriever puts first and has not been seen, and a few random videos",
          "[policy]") {
  const auto simulator = retrieval_world();
  const auto retriever = make_longest_policy(simulator->catalogue);
  const auto source = retrieve_candidates(simulator, *retriever, kRetrievedSlots, 1);
  VectorEnv env(simulator, source, {.num_envs = kRetrievedUsers, .threads = 1});
  std::vector<std::uint64_t> seeds(kRetrievedUsers);
  for (std::size_t i = 0; i < kRetrievedUsers; ++i) seeds[i] = i;
  env.reset(seeds);
  std::set<std::int32_t> fillers;
  for (int step = 0; step < 40; ++step) {
    const ObservationView now = env.observation();
    for (std::size_t row = 0; row < kRetrievedUsers; ++row) {
      const std::int32_t* offered = now.candidate + row * kRetrievedSlots;
      CHECK(std::set<std::int32_t>(offered, offered + kRetrievedSlots).size() == kRetrievedSlots);
      // Nobody who may be shown and is longer was left out.
      const std::int32_t last =
          simulator->catalogue.duration_ms[static_cast<std::size_t>(offered[kRetrievedSlots - kRandomSlots - 1])];
      for (std::size_t v = 0; v < kRetrievedVideos; ++v) {
        if (simulator->catalogue.duration_ms[v] <= last || env.seen(row).contains(static_cast<std::uint32_t>(v)))
          continue;
        const auto video = static_cast<std::int32_t>(v);
        if (std::find(offered, offered + kRetrievedSlots, video) == offered + kRetrievedSlots)
          FAIL("video " << v << " was left out");
      }
      fillers.insert(offered + kRetrievedSlots - kRandomSlots, offered + kRetrievedSlots);
    }
    env.step(std::vector<std::int32_t>(kRetrievedUsers, step % static_cast<int>(kRetrievedSlots)));
  }
  CHECK(fillers.size() > kRetrievedVideos / 2);
}

TEST_CASE("lists are the same for any number of threads", "[policy]") {
  const auto simulator = retrieval_world();
  const auto model = make_value_model("ranker", simulator->catalogue, {}, {}, 5);
  model->item_table = model->network.item_table(*model->items, 1);
  const ValuePolicy retriever(model);
  const auto one = retrieve_candidates(simulator, retriever, kRetrievedSlots, 1);
  const auto three = retrieve_candidates(simulator, retriever, kRetrievedSlots, 3);
  const SeenVideos seen(kRetrievedVideos, 10);
  std::set<std::vector<std::int32_t>> different;
  for (std::uint32_t user = 0; user < kRetrievedUsers; ++user) {
    CHECK(offer(*one, user, seen).videos == offer(*three, user, seen).videos);
    different.insert(offer(*one, user, seen).videos);
  }
  CHECK(different.size() > 1);  // a personal retriever retrieves by person
}

TEST_CASE("over an index a user is offered what an exact search finds", "[policy]") {
  const auto simulator = retrieval_world();
  const TwoTowerPolicy towers(test::small_towers_model(simulator->catalogue, false, 8));
  const auto exact = retrieve_candidates(simulator, towers, kRetrievedSlots, 1);
  const auto index = retrieve_candidates(simulator, towers, kRetrievedSlots, 1, RetrievalIndexConfig{.ef = 700});
  const SeenVideos seen(kRetrievedVideos, 10);
  std::size_t found = 0;
  for (std::uint32_t user = 0; user < kRetrievedUsers; ++user) {
    const RetrievedSet one = offer(*exact, user, seen), other = offer(*index, user, seen);
    const auto end = one.videos.begin() + (kRetrievedSlots - kRandomSlots);
    for (std::size_t i = 0; i < kRetrievedSlots - kRandomSlots; ++i)
      found += std::find(one.videos.begin(), end, other.videos[i]) != end;
  }
  CHECK(static_cast<double>(found) > 0.97 * kRetrievedUsers * (kRetrievedSlots - kRandomSlots));
  CHECK_THROWS_WITH(retrieve_candidates(simulator, *make_longest_policy(simulator->catalogue), kRetrievedSlots, 1,
                                        RetrievalIndexConfig{}),
                    Catch::Contains("asks by no vectors"));
}

TEST_CASE("where a list runs out random videos take its place, and lists that are none are refused", "[policy]") {
  const RankedCandidates source("lists", kRetrievedVideos, kRetrievedSlots, kRandomSlots, {5, 9, -1, /**/ 7, -1, -1},
                                3);
  const SeenVideos seen(kRetrievedVideos, 10);
  const RetrievedSet first = offer(source, 0, seen), second = offer(source, 1, seen);
  CHECK(first.videos[0] == 5);
  CHECK(first.videos[1] == 9);
  CHECK(second.videos[0] == 7);
  const std::set<std::int32_t> distinct(first.videos.begin(), first.videos.end());
  CHECK(distinct.size() == kRetrievedSlots);
  CHECK(*distinct.begin() >= 0);
  CHECK_THROWS_AS(RankedCandidates("lists", kRetrievedVideos, kRetrievedSlots, kRandomSlots, {5, 9, 700}, 3),
                  InputError);
  CHECK_THROWS_AS(RankedCandidates("lists", kRetrievedVideos, kRetrievedSlots, kRandomSlots, {5, 9}, 3), InputError);
  CHECK_THROWS_AS(RankedCandidates("lists", kRetrievedVideos, kRetrievedSlots, kRetrievedSlots + 1, {5, 9, 3}, 3),
                  InputError);
  CHECK_THROWS_AS(RankedCandidates("lists", kRetrievedVideos, kRetrievedVideos + 1, 1, {5, 9, 3}, 3), InputError);
  CHECK_THROWS_AS(make_candidates("no_such_file.h5", retrieval_world(), kRetrievedSlots), InputError);
}

}  // namespace
}  // namespace swipegym
