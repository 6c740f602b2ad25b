#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/listed_candidates.h"
#include "env/seen_videos.h"
#include "env/vector_env.h"

namespace swipegym {
namespace {

struct Filled {
  std::vector<std::int32_t> videos;
  std::vector<std::uint8_t> mask;
};

Filled fill(const CandidateSource& source, const SeenVideos& seen, std::uint64_t seed, std::uint32_t step = 0) {
  Filled filled{std::vector<std::int32_t>(source.slots(), -1), std::vector<std::uint8_t>(source.slots(), 2)};
  source.fill({0, &seen, make_key(seed), step}, filled.videos, filled.mask);
  return filled;
}

// Chi square of counts against expectations over its mean under the null, in standard deviations.
double chi_square_z(const std::vector<double>& counts, const std::vector<double>& expected) {
  double chi = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    chi += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  const double freedom = static_cast<double>(counts.size() - 1);
  return (chi - freedom) / std::sqrt(2.0 * freedom);
}

}  // namespace

TEST_CASE("every source offers distinct videos of the catalogue, the same for the same key", "[env]") {
  const ToyWorld world{.num_videos = 300};
  const Catalogue catalogue = make_toy_catalogue(world);
  SeenVideos seen(300, 60);
  for (std::uint32_t video = 0; video < 60; ++video) seen.insert(video * 5);
  for (const NamedSource& named : named_sources()) {
    if (named.name == "full") continue;  // which offers no candidates
    const auto source = make_candidate_source(named.name, catalogue, 25, 3);
    CAPTURE(named.name);
    CHECK(source->slots() == 25);
    bool step_matters = false;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const Filled filled = fill(*source, seen, seed);
      REQUIRE(std::set<std::int32_t>(filled.videos.begin(), filled.videos.end()).size() == 25);
      for (std::size_t slot = 0; slot < 25; ++slot) {
        REQUIRE(filled.videos[slot] >= 0);
        REQUIRE(filled.videos[slot] < 300);
        REQUIRE(filled.mask[slot] == !seen.contains(static_cast<std::uint32_t>(filled.videos[slot])));
      }
      REQUIRE(fill(*source, seen, seed).videos == filled.videos);
      step_matters |= fill(*source, seen, seed, 1).videos != filled.videos;
    }
    CHECK(step_matters != named.is_shelf);
  }
}

TEST_CASE("random candidates are uniform over the unseen videos, in every slot", "[env]") {
  constexpr std::size_t kVideos = 40;
  constexpr int kDraws = 40'000;
  const std::size_t seen_count =
      GENERATE(std::size_t{5}, std::size_t{28});  // rejection, and the pass over a small rest
  SeenVideos seen(kVideos, seen_count);
  for (std::uint32_t video = 0; video < seen_count; ++video) seen.insert(video);
  const RandomCandidates source(kVideos, 4);
  std::vector<double> first(kVideos - seen_count), any(kVideos - seen_count);
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const Filled filled = fill(source, seen, seed);
    first[static_cast<std::size_t>(filled.videos[0]) - seen_count] += 1;
    for (const std::int32_t video : filled.videos) any[static_cast<std::size_t>(video) - seen_count] += 1;
  }
  const double unseen = static_cast<double>(kVideos - seen_count);
  CAPTURE(seen_count);
  CHECK(std::abs(chi_square_z(first, std::vector<double>(first.size(), kDraws / unseen))) < 4.0);
  // Without replacement the counts vary less than independent ones, so only the upper side can fail.
  CHECK(chi_square_z(any, std::vector<double>(any.size(), 4.0 * kDraws / unseen)) < 4.0);
}

TEST_CASE("random candidates come from a catalogue of millions without touching it", "[env]") {
  constexpr std::size_t kVideos = 4'369'953;
  SeenVideos seen(kVideos, 300);
  for (std::uint32_t i = 0; i < 300; ++i) seen.insert(i * 8192);  // all on one bit of the filter
  const RandomCandidates source(kVideos, 100);
  double sum = 0.0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Filled filled = fill(source, seen, seed);
    REQUIRE(std::set<std::int32_t>(filled.videos.begin(), filled.videos.end()).size() == 100);
    for (const std::int32_t video : filled.videos) {
      REQUIRE((video % 8192 != 0 || video >= 300 * 8192));
      sum += video;
    }
  }
  const double mean = sum / 50'000 / kVideos;
  CHECK(mean == Approx(0.5).margin(4 * 0.2887 / std::sqrt(50'000)));
}

TEST_CASE("when too few unseen videos are left, the other slots are masked", "[env]") {
  SeenVideos seen(12, 9);
  for (std::uint32_t video = 0; video < 9; ++video) seen.insert(video);
  const Filled filled = fill(RandomCandidates(12, 5), seen, 1);
  CHECK(std::set<std::int32_t>(filled.videos.begin(), filled.videos.begin() + 3) == std::set<std::int32_t>{9, 10, 11});
  CHECK(filled.mask == std::vector<std::uint8_t>{1, 1, 1, 0, 0});
  CHECK(std::set<std::int32_t>(filled.videos.begin(), filled.videos.end()).size() == 5);
}

TEST_CASE("popularity candidates are drawn in proportion to exposures", "[env]") {
  Catalogue catalogue = make_toy_catalogue({.num_videos = 30});
  for (std::size_t v = 0; v < 30; ++v) catalogue.exposures[v] = static_cast<std::uint32_t>(v % 3 == 0 ? 0 : v * v);
  const PopularityCandidates source(catalogue, 1);
  const SeenVideos seen(30, 0);
  constexpr int kDraws = 60'000;
  std::vector<double> counts, expected;
  std::vector<double> drawn(30);
  for (std::uint64_t seed = 0; seed < kDraws; ++seed)
    drawn[static_cast<std::size_t>(fill(source, seen, seed).videos[0])] += 1;
  double total = 0.0;
  for (const std::uint32_t e : catalogue.exposures) total += e;
  for (std::size_t v = 0; v < 30; ++v) {
    if (catalogue.exposures[v] == 0) {
      CHECK(drawn[v] == 0);
      continue;
    }
    counts.push_back(drawn[v]);
    expected.push_back(kDraws * catalogue.exposures[v] / total);
  }
  CHECK(std::abs(chi_square_z(counts, expected)) < 4.0);
}

TEST_CASE("popularity candidates fill up with other videos when the popular ones are seen", "[env]") {
  Catalogue catalogue = make_toy_catalogue({.num_videos = 200});
  std::fill(catalogue.exposures.begin(), catalogue.exposures.end(), 0);
  for (std::size_t v = 0; v < 6; ++v) catalogue.exposures[v] = 100;
  SeenVideos seen(200, 4);
  for (std::uint32_t video = 0; video < 4; ++video) seen.insert(video);
  const Filled filled = fill(PopularityCandidates(catalogue, 8), seen, 5);
  CHECK(std::set<std::int32_t>(filled.videos.begin(), filled.videos.begin() + 2) == std::set<std::int32_t>{4, 5});
  CHECK(std::set<std::int32_t>(filled.videos.begin(), filled.videos.end()).size() == 8);
  CHECK(std::count(filled.mask.begin(), filled.mask.end(), 1) == 8);
}

TEST_CASE("what is listed for a chunk of sessions comes first in each of them", "[env]") {
  const auto simulator =
      make_constant_simulator({.leave_after = 50}, {.num_users = 40, .num_videos = 300, .history = 0});
  std::size_t asked = 0;
  const auto source = std::make_shared<ListedCandidates>(
      "listing", 300, 4, [&asked](const CandidateRows& rows, std::vector<std::int32_t>& out) {
        ++asked;
        for (std::size_t row = rows.begin; row < rows.end; ++row) {
          const auto user = static_cast<std::int32_t>(rows.now.user[row]);
          out.insert(out.end(), {user, -1, user + 2});
        }
      });
  VectorEnv env(simulator, source, {.num_envs = 70, .threads = 1, .history_length = 5, .max_steps = 20});
  std::vector<std::uint64_t> seeds(70);
  std::iota(seeds.begin(), seeds.end(), std::uint64_t{0});
  const ObservationView first = env.reset(seeds);
  CHECK(asked == 2);  // 64 and 6 rows
  for (std::size_t row = 0; row < 70; ++row) {
    const auto user = static_cast<std::int32_t>(first.user[row]);
    REQUIRE(first.candidate[row * 4] == user);
    REQUIRE(first.candidate[row * 4 + 1] == user + 2);
    const std::span<const std::int32_t> offered(first.candidate + row * 4, 4);
    REQUIRE(std::set<std::int32_t>(offered.begin(), offered.end()).size() == 4);
  }
  const ObservationView next = env.step(std::vector<std::int32_t>(70, 0)).observation;
  for (std::size_t row = 0; row < 70; ++row)  // the first one has been seen
    REQUIRE(next.candidate[row * 4] == static_cast<std::int32_t>(next.user[row]) + 2);
  CHECK_THROWS_WITH(ListedCandidates("listing", 300, 301, {}), Catch::Contains("1 to 300"));
}

TEST_CASE("the fixed sets are the most exposed videos and a sample that keeps its places", "[env]") {
  Catalogue catalogue = make_toy_catalogue({.num_videos = 50});
  catalogue.exposures[17] = 100'000;
  catalogue.exposures[0] = catalogue.exposures[1] = 600;
  CHECK(most_exposed(catalogue, 3) == std::vector<std::int32_t>{17, 0, 1});
  const auto sample = random_videos(50, 10, make_key(1));
  CHECK(std::set<std::int32_t>(sample.begin(), sample.end()).size() == 10);
  CHECK(random_videos(50, 10, make_key(1)) == sample);
  CHECK(random_videos(50, 10, make_key(2)) != sample);
  SeenVideos seen(50, 2);
  seen.insert(static_cast<std::uint32_t>(sample[4]), true);  // in the log: stays on the shelf
  CHECK(fill(FixedCandidates(sample), seen, 1).mask[4] == 1);
  seen.insert(static_cast<std::uint32_t>(sample[4]));  // watched in this session
  CHECK(fill(FixedCandidates(sample), seen, 1).mask[4] == 0);
}

TEST_CASE("impossible candidate sets are errors that say what is possible", "[env]") {
  Catalogue catalogue = make_toy_catalogue({.num_videos = 50});
  CHECK_THROWS_WITH(make_candidate_source("random", catalogue, 51), Catch::Contains("1 to 50"));
  CHECK_THROWS_AS(make_candidate_source("popularity", catalogue, 0), InputError);
  CHECK_THROWS_WITH(make_candidate_source("nearest", catalogue, 10), Catch::Contains("random, popularity"));
  CHECK_THROWS_WITH(FixedCandidates({3, 4, 3}), Catch::Contains("video 3 twice"));
  std::fill(catalogue.exposures.begin(), catalogue.exposures.end(), 0);
  CHECK_THROWS_WITH(PopularityCandidates(catalogue, 5), Catch::Contains("exposures"));
}

TEST_CASE("seen videos are exact for small and for large catalogues", "[env]") {
  for (const std::size_t videos : {std::size_t{100}, std::size_t{8192}, std::size_t{1'000'000}}) {
    CAPTURE(videos);
    SeenVideos seen(videos, 50);
    std::set<std::uint32_t> truth, now;
    RandomStream random(make_key(videos));
    for (int i = 0; i < 40; ++i) {
      const std::uint32_t video = random.below(static_cast<std::uint32_t>(videos));
      const bool logged = i < 20;
      const bool is_new = truth.insert(video).second;
      // A logged video that is watched again counts again, once.
      CHECK(seen.insert(video, logged) == (logged ? is_new : now.insert(video).second));
      CHECK(seen.watched_now(video) == !logged);
    }
    for (std::uint32_t video = 0; video < std::min<std::size_t>(videos, 20'000); ++video)
      REQUIRE(seen.contains(video) == (truth.count(video) == 1));
    for (const std::uint32_t video : truth) REQUIRE(seen.contains(video));
    seen.clear();
    CHECK(seen.size() == 0);
    for (const std::uint32_t video : truth) REQUIRE_FALSE(seen.contains(video));
  }
}

}  // namespace swipegym
