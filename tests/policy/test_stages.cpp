#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "policy/select.h"
#include "tests/policy/multitask_toy.h"
#include "tests/policy/stage_requests.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym {
namespace {

using test::StageRequests;

const std::filesystem::path kStagedConfigs = std::filesystem::path(SWIPEGYM_SOURCE_DIR) / "configs" / "staged";

// With a day of upload for every video, as compositions may ask for, means of which no two are alike, and videos in
// every bucket of shows.
std::shared_ptr<const Simulator> stage_world() {
  auto world = std::make_shared<Simulator>(*test::stage_world());
  for (std::size_t v = 0; v < world->catalogue.num_videos(); ++v)
    world->catalogue.upload_day.push_back(static_cast<std::uint16_t>(19'000 + v % 100));
  for (std::size_t v = 0; v < world->catalogue.num_videos(); ++v) {
    world->catalogue.item_mean[v] = 0.1F + 0.8F * static_cast<float>(v * 149 % 400) / 400.0F;
    world->catalogue.exposures[v] = std::array{1U, 12U, 40U, 200U}[v % 4] + static_cast<std::uint32_t>(v / 50);
  }
  return world;
}

// A composition of configs/staged; beside it the networks that some name, small ones of drawn weights.
StagedPolicy staged_policy(const std::string& file, const Simulator& simulator) {
  const test::StageFolder folder("staged_configs");
  TwoTowerPolicy(test::small_towers_model(simulator.catalogue, false)).save(folder.path() / "two_tower.h5");
  const auto model = test::small_multitask_model(simulator.catalogue);
  const MultitaskPolicy network(model);
  const StageRequests taught(std::make_shared<const Simulator>(simulator), false);
  test::teach_sums(*model, network, taught.batch(), 40);
  network.save(folder.path() / "multitask.h5");
  std::filesystem::copy_file(kStagedConfigs / file, folder.path() / file);
  Composition composition = read_composition(folder.path() / file, simulator.catalogue);
  composition.draws = 20'000;
  return {std::move(composition), simulator.catalogue.num_videos()};
}

// Holds what a policy says of a row's first video against 1e5 requests; how many videos come first often enough to
// tell.
int count_first_videos(const StagedPolicy& policy, StageRequests& requests, std::uint32_t row) {
  std::map<std::int32_t, double> said;
  const Outcomes outcomes = policy.first_videos(requests.batch(), row);
  for (const auto& [video, probability] : outcomes.all) said[video] += probability;
  double total = 0.0;
  for (const auto& [video, probability] : said) total += probability;
  CHECK(total == Approx(1.0));

  constexpr int kDraws = 100'000;
  std::map<std::int32_t, int> counts;
  for (int draw = 0; draw < kDraws; ++draw) {
    requests.streams.assign(3, static_cast<std::uint32_t>(draw) + 1);
    const Served served = policy.serve(requests.batch(), {&row, 1}, 1);
    ++counts[served.kept.video[served.place[0]]];
  }
  // Both sides are counts where the policy says a share of draws: their variances add up.
  const double own = outcomes.exact ? 0.0 : static_cast<double>(kDraws) / static_cast<double>(outcomes.all.size());
  double chi_square = 0.0;
  int cells = 0;
  for (const auto& [video, probability] : said) {
    const double expected = kDraws * probability;
    if (expected < 20.0) continue;
    chi_square += std::pow(counts[video] - expected, 2) / (expected * (1.0 + own));
    ++cells;
  }
  for (const auto& [video, count] : counts) CHECK((said.contains(video) || count < 60));
  // Wilson and Hilferty: three deviations above the mean of chi-square.
  const double spread = 2.0 / (9.0 * std::max(cells - 1, 1));
  CHECK(chi_square <= std::max(cells - 1, 1) * std::pow(1.0 - spread + 3.5 * std::sqrt(spread), 3));
  return cells;
}

TEST_CASE("compositions serve what they say they may, as often as they say", "[policy][stages]") {
  const auto simulator = stage_world();
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kStagedConfigs)) {
    const std::string file = entry.path().filename().string();
    CAPTURE(file);
    ++found;
    const StagedPolicy policy = staged_policy(file, *simulator);
    StageRequests requests(simulator, false);
    int cells = count_first_videos(policy, requests, 1);
    if (cells < 2) {  // of ten candidates all are retrieved, and nothing may be left to chance
      StageRequests all(simulator, true);
      cells = count_first_videos(policy, all, 1);
    }
    CHECK(cells > 1);
  }
  CHECK(found >= 6);
}

TEST_CASE("slates of compositions break none of their rules", "[policy][stages]") {
  const auto simulator = stage_world();
  const Catalogue& catalogue = simulator->catalogue;
  for (const std::string file : {"category_flow.json", "diverse.json", "four_stages.json"}) {
    CAPTURE(file);
    const int tag_cap = file == "diverse.json" ? 4 : 10;
    const StagedPolicy policy = staged_policy(file, *simulator);
    StageRequests requests(simulator, true);
    const std::vector<std::uint32_t> rows = {0, 1, 2};
    for (std::uint32_t step = 0; step < 200; ++step) {
      requests.streams.assign(3, step);
      const Served served = policy.serve(requests.batch(10), rows, 10);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        std::set<std::int32_t> distinct;
        std::map<std::uint16_t, int> of_tag;
        CHECK(served.violations[i] == 0);
        for (std::size_t k = 0; k < 10; ++k) {
          const auto video = static_cast<std::size_t>(served.video_at(i, k));
          if (catalogue.tag[video] + 1U != catalogue.num_tags) CHECK(++of_tag[catalogue.tag[video]] <= tag_cap);
          distinct.insert(static_cast<std::int32_t>(video));
          CHECK_FALSE(requests.env.seen(rows[i]).contains(static_cast<std::uint32_t>(video)));
          if (k == 0) continue;
          const auto before = static_cast<std::size_t>(served.video_at(i, k - 1));
          CHECK(catalogue.author[video] != catalogue.author[before]);
        }
        CHECK(distinct.size() == 10);
      }
    }
  }
}

TEST_CASE("rules that no order can keep are broken as seldom as can be, and each time is counted", "[policy][stages]") {
  auto world = std::make_shared<Simulator>(*stage_world());
  std::fill(world->catalogue.author.begin(), world->catalogue.author.end(), 0);
  const test::StageFolder folder("broken_rules");
  const StagedPolicy policy = folder.policy(R"({"retrieve": [{"use": "policy", "file": "popularity", "count": 400}],
                                                "order": [{"use": "slate", "rules": {"author_cap": 4}}]})",
                                            *world);
  StageRequests requests(world, true);
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  for (const std::uint32_t broken : policy.serve(requests.batch(10), rows, 10).violations) CHECK(broken == 6);
}

TEST_CASE("a flow gives every bucket its share of a long list", "[policy][stages]") {
  auto changed = std::make_shared<Simulator>(*stage_world());
  // A quarter of the videos in each bucket.
  for (std::size_t v = 0; v < changed->catalogue.num_videos(); ++v)
    changed->catalogue.exposures[v] = std::array{3U, 20U, 50U, 500U}[v % 4];
  const std::shared_ptr<const Simulator> simulator = changed;
  const StagedPolicy policy = staged_policy("bucket_flow.json", *simulator);
  StageRequests requests(simulator, true);
  const std::uint32_t row = 0;
  std::array<double, 4> found{};
  constexpr int kDraws = 2'000;
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    requests.streams.assign(3, draw);
    const Served served = policy.serve(requests.batch(10), {&row, 1}, 10);
    for (std::size_t k = 0; k < 10; ++k) found[static_cast<std::size_t>(served.kept.video[served.place[k]]) % 4] += 1;
  }
  const std::array shares = {0.05, 0.1, 0.15, 0.7};
  for (std::size_t b = 0; b < 4; ++b) CHECK(found[b] / (10.0 * kDraws) == Approx(shares[b]).margin(0.006));
}

TEST_CASE("a policy of drawn vectors says how often each slot comes first, alone and as a stage", "[policy][stages]") {
  const auto simulator = stage_world();
  const TwoTowerPolicy towers(test::small_towers_model(simulator->catalogue, true));
  REQUIRE(towers.draws_queries());
  StageRequests requests(simulator, false);
  const std::size_t row = 1;
  std::vector<double> probability(10);
  std::vector<float> scores(3 * 10);
  towers.score(requests.batch(), scores);
  choice_probabilities(towers, requests.batch(), row, std::span<const float>(scores).subspan(row * 10, 10), {},
                       Exploration::greedy(), probability);
  CHECK(std::accumulate(probability.begin(), probability.end(), 0.0) == Approx(1.0));
  CHECK(*std::max_element(probability.begin(), probability.end()) < 0.9);  // draws decide something

  constexpr int kDraws = 20'000;
  std::vector<double> share(10);
  for (int draw = 0; draw < kDraws; ++draw) {
    requests.streams.assign(3, static_cast<std::uint32_t>(draw) + 1);
    towers.score(requests.batch(), scores);
    const auto best = std::max_element(scores.begin() + 10, scores.begin() + 20) - (scores.begin() + 10);
    share[static_cast<std::size_t>(best)] += 1.0 / kDraws;
  }
  for (std::size_t slot = 0; slot < 10; ++slot) CHECK(probability[slot] == Approx(share[slot]).margin(0.06));
}

TEST_CASE("a scorer with several heads has those that were learned, and the seconds", "[policy][stages]") {
  const auto simulator = stage_world();
  const test::StageFolder folder("heads");
  MultitaskPolicy(test::small_multitask_model(simulator->catalogue)).save(folder.path() / "heads.h5");
  const auto read = [&](const std::string& value) {
    return folder.policy(R"({"retrieve": [{"use": "random", "count": 20}],
                             "score": {"use": "multitask", "file": "heads.h5"}, "value": )" +
                             value + "}",
                         *simulator);
  };
  CHECK_THROWS_WITH(read(R"({"click": 1})"), Catch::Contains("click"));  // not learned

  const StagedPolicy policy = read(R"({"watch_s": 1})");
  CHECK(policy.composition().score->heads() == std::vector<std::string>{"watch", "watched", "like", "watch_s"});
  const StageRequests requests(simulator, true);
  const std::uint32_t row = 1;
  const Served served = policy.serve(requests.batch(5), {&row, 1}, 5, /*every_head=*/true);
  const Served weighed = policy.serve(requests.batch(5), {&row, 1}, 5);
  CHECK(weighed.heads.col(2).isZero());  // nobody asked for likes
  CHECK(weighed.value == served.value);
  for (std::size_t k = 0; k < served.kept.video.size(); ++k) {
    const auto at = static_cast<Eigen::Index>(k);
    const auto video = static_cast<std::size_t>(served.kept.video[k]);
    CHECK(served.heads(at, 3) == Approx(served.heads(at, 0) * simulator->catalogue.duration_ms[video] * 1e-3F));
    CHECK(served.value[k] == served.heads(at, 3));
  }
}

TEST_CASE("who is known less is served more diversely, where vectors know how well", "[policy][stages]") {
  const auto simulator = stage_world();
  const test::StageFolder folder("boosted");
  const auto towers = test::small_towers_model(simulator->catalogue, true);
  TwoTowerPolicy(towers).save(folder.path() / "untold.h5");
  towers->mean_user_deviation = 0.001F;
  TwoTowerPolicy(towers).save(folder.path() / "deviations.h5");
  TwoTowerPolicy(test::small_towers_model(simulator->catalogue, false)).save(folder.path() / "plain.h5");
  const auto composed = [&](const std::string& order) {
    return folder.policy(R"({"retrieve": [{"use": "policy", "file": "popularity", "count": 60}],
                             "score": {"use": "policy", "file": "longest"},
                             "order": [{"use": "slate", "method": "mmr", "mmr_lambda": 0.8, )" +
                             order + "}]}",
                         *simulator);
  };
  StageRequests requests(simulator, true);
  const auto slate = [&](const StagedPolicy& policy) { return requests.slate_of(policy, 0, 8); };
  const std::string vectors = R"("vectors": "deviations.h5")";
  const auto even = slate(composed(vectors));
  CHECK(slate(composed(vectors + R"(, "variance": {"power": 0}, "mean_deviation": 0.001)")) == even);
  const auto boosted = slate(composed(vectors + R"(, "variance": {"power": 1}, "mean_deviation": 0.001)"));
  CHECK(boosted != even);
  CHECK(slate(composed(vectors + R"(, "variance": {"power": 1})")) == boosted);  // as the file tells
  CHECK_THROWS_WITH(composed(R"("vectors": "untold.h5", "variance": {"power": 1})"),
                    Catch::Contains("order[0].mean_deviation"));
  CHECK_THROWS_WITH(composed(R"("variance": {"power": 1})"), Catch::Contains("order[0].variance"));
  CHECK_THROWS_WITH(composed(R"("vectors": "plain.h5", "variance": {"power": 1})"),
                    Catch::Contains("order[0].variance"));
}

TEST_CASE("an index is of what is on offer, and until it is the search is exact", "[policy][stages]") {
  const auto simulator = stage_world();
  const test::StageFolder folder("index_offer");
  TwoTowerPolicy(test::small_towers_model(simulator->catalogue, false)).save(folder.path() / "towers.h5");
  const auto composed = [&](const std::string& search) {
    return folder.policy(R"({"retrieve": [{"use": "vectors", "count": 40, "file": "towers.h5", )" + search + "}]}",
                         *simulator);
  };
  const StagedPolicy exact = composed(R"("search": "exact")");
  const StagedPolicy indexed = composed(R"("search": "index", "index": {"links": 40, "ef": 400})");
  StageRequests requests(simulator, true);
  CHECK(requests.slate_of(indexed, 0, 40) == requests.slate_of(exact, 0, 40));
  const VideoRange offered{350, 400};  // fewer than what an index of all would find first
  requests.env.offer(offered);
  const auto best = requests.slate_of(exact, 0, 40);
  CHECK(requests.slate_of(indexed, 0, 40) == best);
  const auto now = indexed.refreshed({std::shared_ptr<const Catalogue>(simulator, &simulator->catalogue), offered});
  REQUIRE(now != nullptr);
  const auto found = requests.slate_of(*now, 0, 40);
  CHECK(found == best);
  CHECK(std::all_of(found.begin(), found.end(), [](std::int32_t video) { return video >= 350; }));
}

TEST_CASE("a composition keeps its index in a file, and refuses one of other vectors", "[policy][stages]") {
  const auto simulator = stage_world();
  const test::StageFolder own("index_file");
  const std::filesystem::path& folder = own.path();
  TwoTowerPolicy(test::small_towers_model(simulator->catalogue, false)).save(folder / "first.h5");
  TwoTowerPolicy(test::small_towers_model(simulator->catalogue, true)).save(folder / "other.h5");
  const auto composed = [&](const std::string& file, const std::string& search) {
    return own.policy(R"({"retrieve": [{"use": "vectors", "count": 40, "file": ")" + file + R"(", )" + search +
                          R"(}], "score": {"use": "policy", "file": "longest"}, "order": []})",
                      *simulator);
  };
  StageRequests requests(simulator, true);
  const auto slate = [&](const StagedPolicy& policy) { return requests.slate_of(policy, 0, 8); };
  const std::string index = R"("search": "index", "index": {"ef": 60})";
  const std::string kept = index + R"(, "index_file": "index.h5")";
  const auto made = slate(composed("first.h5", index));
  CHECK(slate(composed("first.h5", kept)) == made);
  REQUIRE(std::filesystem::exists(folder / "index.h5"));
  const auto written = std::filesystem::last_write_time(folder / "index.h5");
  CHECK(slate(composed("first.h5", kept)) == made);  // read this time
  CHECK(std::filesystem::last_write_time(folder / "index.h5") == written);
  const std::vector<std::uint32_t> row = {0};
  const auto recall = [&](const std::string& search) {
    return composed("first.h5", search).recalls(requests.batch(), row, 8)[0];
  };
  REQUIRE(recall(kept).has_value());
  CHECK(*recall(kept) == Approx(1.0).margin(0.1));
  CHECK(*recall(R"("search": "index", "index": {"links": 2, "ef_construction": 2, "ef": 1})") < 0.9);
  CHECK_FALSE(recall(R"("search": "exact")").has_value());
  CHECK_THROWS_WITH(composed("other.h5", kept), Catch::Contains("other vectors"));
  CHECK_THROWS_WITH(composed("first.h5", R"("index_file": "index.h5")"), Catch::Contains("index_file"));
}

}  // namespace
}  // namespace swipegym
