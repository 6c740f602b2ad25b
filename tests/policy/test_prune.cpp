#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "policy/ordering/prune.h"

namespace swipegym {
namespace {

float step_score(std::size_t step, std::int32_t video) {
  return static_cast<float>(RandomStream(split(make_key(step), static_cast<std::uint64_t>(video))).below(400));
}

}  // namespace

TEST_CASE("stepwise pruning keeps what sorting by each score in turn keeps, ties as they came", "[policy]") {
  std::vector<std::int32_t> list(2000);
  std::iota(list.begin(), list.end(), 100);
  std::vector<std::int32_t> expected = list;
  const PruneSettings settings;
  for (std::size_t step = 0; step < settings.keep.size(); ++step) {
    std::stable_sort(expected.begin(), expected.end(),
                     [&](std::int32_t a, std::int32_t b) { return step_score(step, a) > step_score(step, b); });
    expected.resize(settings.keep[step]);
  }
  PruneWorkspace workspace;
  std::vector<std::size_t> scored;
  const auto left = prune_stepwise(
      std::span(list), settings.keep,
      [&](std::size_t step, std::span<const std::int32_t> videos, std::span<float> scores) {
        scored.push_back(videos.size());
        for (std::size_t i = 0; i < videos.size(); ++i) scores[i] = step_score(step, videos[i]);
      },
      workspace);
  CHECK(std::equal(left.begin(), left.end(), expected.begin(), expected.end()));
  CHECK(scored == std::vector<std::size_t>{2000, 500, 100});
  REQUIRE(workspace.score.size() == 30);
  for (std::size_t i = 0; i < 30; ++i) CHECK(workspace.score[i] == step_score(2, left[i]));
}

TEST_CASE("pruning takes short lists whole, and refuses what it cannot compare", "[policy]") {
  PruneWorkspace workspace;
  std::vector<std::int32_t> list = {4, 9, 2};
  const auto by_number = [](std::size_t, std::span<const std::int32_t> videos, std::span<float> scores) {
    for (std::size_t i = 0; i < videos.size(); ++i) scores[i] = static_cast<float>(videos[i]);
  };
  const auto left = prune_stepwise(std::span(list), std::vector<std::size_t>{10, 5}, by_number, workspace);
  CHECK(std::vector<std::int32_t>(left.begin(), left.end()) == std::vector<std::int32_t>{9, 4, 2});
  CHECK(prune_stepwise(std::span(list).first(0), std::vector<std::size_t>{10}, by_number, workspace).empty());
  CHECK_THROWS_WITH(prune_stepwise(std::span(list), std::vector<std::size_t>{1, 2}, by_number, workspace),
                    "prune: step 2 keeps 2, expected at most the 1 of the step before");
  const auto none = [](std::size_t, std::span<const std::int32_t>, std::span<float> scores) {
    std::fill(scores.begin(), scores.end(), std::numeric_limits<float>::quiet_NaN());
  };
  CHECK_THROWS_AS(prune_stepwise(std::span(list), std::vector<std::size_t>{2}, none, workspace), InputError);
}

}  // namespace swipegym
