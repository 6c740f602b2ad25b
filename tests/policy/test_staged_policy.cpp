#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "policy/make_policy.h"
#include "policy/select.h"
#include "policy/stages/own_stages.h"
#include "policy/stages/staged_policy.h"
#include "tests/policy/stage_requests.h"

namespace swipegym {
namespace {

constexpr std::size_t kStagedVideos = 300, kStagedRows = 5;

std::shared_ptr<const Simulator> staged_world() {
  return make_constant_simulator({.leave_after = 60}, {.num_users = 20, .num_videos = kStagedVideos, .history = 30});
}

TEST_CASE("stages that draw nothing choose as the policy does that they are made of", "[policy][stages]") {
  const auto simulator = staged_world();
  const test::StageFolder folder("staged");
  const StagedPolicy staged = folder.policy(R"({"retrieve": [{"use": "policy", "file": "popularity", "count": 300}],
                                 "score": {"use": "policy", "file": "item-mean"}})",
                                            *simulator);
  const auto plain = make_policy("item-mean", *simulator);
  for (const bool full : {true, false}) {
    CAPTURE(full);
    test::StageRequests sessions(simulator, full, kStagedRows);
    std::vector<float> scores;
    for (std::uint32_t step = 0; step < 20; ++step) {
      std::vector<std::int32_t> by_stages(kStagedRows), by_score(kStagedRows);
      sessions.streams.assign(kStagedRows, step);
      choose_actions(staged, sessions.batch(), {}, kStagedVideos, scores, by_stages);
      choose_actions(*plain, sessions.batch(), {}, kStagedVideos, scores, by_score);
      // Equal values may come in another order: what they promise is the same.
      for (std::size_t row = 0; row < kStagedRows; ++row)
        CHECK(simulator->catalogue.item_mean[static_cast<std::size_t>(
                  video_in_slot(sessions.env.observation(), row, static_cast<std::size_t>(by_stages[row])))] ==
              simulator->catalogue.item_mean[static_cast<std::size_t>(
                  video_in_slot(sessions.env.observation(), row, static_cast<std::size_t>(by_score[row])))]);
      sessions.env.step(by_stages);
    }
  }
}

// Puts a slate in the opposite order.
class Backwards final : public Orderer {
 public:
  std::string_view name() const noexcept override { return "backwards"; }
  std::uint32_t order(const Requests&, std::size_t, std::span<const std::int32_t>, std::span<float>,
                      std::vector<std::uint32_t>& places) const override {
    std::reverse(places.begin(), places.end());
    return 0;
  }
};

TEST_CASE("a composition takes stages that whoever reads it brings along", "[policy][stages]") {
  const auto simulator = staged_world();
  const auto read = [&](const std::string& order) {
    OwnStages own;
    std::get<OwnStagesOf<Orderer>>(own)["backwards"] = std::make_shared<Backwards>();
    return StagedPolicy(
        parse_composition(R"({"retrieve": [{"use": "policy", "file": "popularity", "count": 20}])" + order + "}", "own",
                          simulator->catalogue, policy_files(), own),
        kStagedVideos);
  };
  const StagedPolicy plain = read(""), turned = read(R"(, "order": [{"use": "backwards"}])");
  const test::StageRequests sessions(simulator, true, kStagedRows);
  std::vector<std::int32_t> first = sessions.slate_of(plain, 1, 20), last = sessions.slate_of(turned, 1, 20);
  std::reverse(last.begin(), last.end());
  CHECK(first == last);
  CHECK_THROWS_WITH(read(R"(, "order": [{"use": "backwards", "twice": 1}])"), Catch::Contains("order[0].twice"));
  CHECK_THROWS_WITH(read(R"(, "filter": [{"use": "backwards"}])"), Catch::Contains("filter[0].use"));
}

TEST_CASE("retrieved videos are distinct, unseen, and said to be found by whoever found them first",
          "[policy][stages]") {
  const auto simulator = staged_world();
  const test::StageFolder folder("staged");
  const StagedPolicy staged = folder.policy(R"({"retrieve": [{"use": "policy", "file": "popularity", "count": 20},
                                              {"use": "category", "categories": 2, "count": 30},
                                              {"use": "random", "count": 50}]})",
                                            *simulator);
  test::StageRequests sessions(simulator, true, kStagedRows);
  const std::vector<std::uint32_t> rows = {0, 2, 4};
  const Served served = staged.serve(sessions.batch(), rows, 3);
  REQUIRE(served.retrieved.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto videos = served.retrieved.of(i);
    CHECK(std::set<std::int32_t>(videos.begin(), videos.end()).size() == videos.size());
    for (const std::int32_t video : videos)
      CHECK_FALSE(sessions.env.seen(rows[i]).contains(static_cast<std::uint32_t>(video)));
    std::map<int, std::size_t> found;
    for (std::size_t j = 0; j < videos.size(); ++j) ++found[served.retrieved.retriever[served.retrieved.begin(i) + j]];
    CHECK(found[0] == 20);
    CHECK(found[2] > 20);
    CHECK(videos.size() > 70);
  }
}

TEST_CASE("how often a video comes first is what the policy says", "[policy][stages]") {
  const auto simulator = staged_world();
  // Three of ten candidates by chance, then the best of them: the k-th best is first with C(10 - k, 2) / C(10, 3).
  const test::StageFolder folder("staged");
  const StagedPolicy staged = folder.policy(R"({"retrieve": [{"use": "random", "count": 3}],
                                 "score": {"use": "policy", "file": "longest"}, "draws": 20000})",
                                            *simulator);
  test::StageRequests sessions(simulator, false, kStagedRows);
  const std::size_t row = 3;
  std::vector<double> probability(10);
  REQUIRE(staged.best_probabilities(sessions.batch(), row, probability));
  CHECK(std::accumulate(probability.begin(), probability.end(), 0.0) == Approx(1.0));

  std::vector<std::size_t> slots(10);
  std::iota(slots.begin(), slots.end(), std::size_t{0});
  const ObservationView now = sessions.env.observation();
  const auto length = [&](std::size_t slot) {
    return simulator->catalogue.duration_ms[static_cast<std::size_t>(video_in_slot(now, row, slot))];
  };
  std::stable_sort(slots.begin(), slots.end(), [&](std::size_t a, std::size_t b) { return length(a) > length(b); });
  for (std::size_t place = 0; place < 10; ++place) {
    const double left = static_cast<double>(9 - place);
    CHECK(probability[slots[place]] == Approx(left * (left - 1) / 2 / 120).margin(0.012));
  }

  constexpr int kDraws = 100'000;
  std::vector<int> counts(10);
  std::vector<float> scores(kStagedRows * 10);
  for (int draw = 0; draw < kDraws / static_cast<int>(kStagedRows); ++draw) {
    // Row `row` alone matters; its five copies would need five envs, so the step numbers are spread instead.
    for (std::uint32_t part = 0; part < kStagedRows; ++part) {
      sessions.streams.assign(kStagedRows, static_cast<std::uint32_t>(draw) * kStagedRows + part + 1);
      const std::uint32_t only = static_cast<std::uint32_t>(row);
      const Served served = staged.serve(sessions.batch(), {&only, 1}, 1);
      const std::int32_t first = served.kept.video[served.place[0]];
      for (std::size_t slot = 0; slot < 10; ++slot) counts[slot] += video_in_slot(now, row, slot) == first;
    }
  }
  double chi_square = 0.0;
  for (std::size_t place = 0; place < 8; ++place) {
    const double left = static_cast<double>(9 - place), expected = kDraws * left * (left - 1) / 2 / 120;
    chi_square += std::pow(counts[slots[place]] - expected, 2) / expected;
  }
  CHECK(chi_square < 24.3);  // 7 degrees of freedom, p = .001
  CHECK(counts[slots[8]] + counts[slots[9]] == 0);

  const std::vector<ChanceShare> shares = staged.chance_shares(sessions.batch(), static_cast<std::uint32_t>(row));
  REQUIRE(shares.size() == 1);
  CHECK(shares[0].chance == Chance::kFiller);
}

TEST_CASE("probabilities with epsilon mix the policy's own with even ones, and a temperature is refused",
          "[policy][stages]") {
  const auto simulator = staged_world();
  const test::StageFolder folder("staged");
  const StagedPolicy staged =
      folder.policy(R"({"retrieve": [{"use": "policy", "file": "shortest", "count": 10}]})", *simulator);
  test::StageRequests sessions(simulator, false, kStagedRows);
  std::vector<float> scores(kStagedRows * 10);
  staged.score(sessions.batch(), scores);
  std::vector<double> probability(10);
  const std::span<const float> row_scores = std::span<const float>(scores).first(10);
  choice_probabilities(staged, sessions.batch(), 0, row_scores, {}, Exploration::epsilon_greedy(0.2F), probability);
  const auto best =
      static_cast<std::size_t>(std::max_element(row_scores.begin(), row_scores.end()) - row_scores.begin());
  CHECK(probability[best] == Approx(0.82));
  CHECK(std::accumulate(probability.begin(), probability.end(), 0.0) == Approx(1.0));
  CHECK_THROWS_WITH(
      choice_probabilities(staged, sessions.batch(), 0, row_scores, {}, Exploration::boltzmann(1.0F), probability),
      Catch::Contains("temperature"));
}

TEST_CASE("slates are the same for any number of threads", "[policy][stages]") {
  const auto simulator = staged_world();
  const test::StageFolder folder("staged");
  const StagedPolicy staged =
      folder.policy(R"({"retrieve": [{"use": "category", "count": 20}, {"use": "random", "count": 20}],
                                 "score": {"use": "policy", "file": "item-mean"}})",
                    *simulator);
  test::StageRequests sessions(simulator, true, kStagedRows, 4);
  std::vector<float> scores;
  std::vector<std::int32_t> one(kStagedRows * 4), three(kStagedRows * 4);
  choose_actions(staged, sessions.batch(1), {}, kStagedVideos, scores, one, 4);
  choose_actions(staged, sessions.batch(1, 3), {}, kStagedVideos, scores, three, 4);
  CHECK(one == three);
  CHECK(scores.empty());  // nobody needed a score for each video
}

TEST_CASE("pruning keeps what scores best, step by step", "[policy][stages]") {
  const auto simulator = staged_world();
  const test::StageFolder folder("staged");
  const StagedPolicy staged = folder.policy(R"({"retrieve": [{"use": "random", "count": 60}],
                                 "prune": [{"use": "policy", "file": "longest", "keep": 20},
                                           {"use": "policy", "file": "popularity", "keep": 5}],
                                 "score": {"use": "policy", "file": "shortest"}})",
                                            *simulator);
  test::StageRequests sessions(simulator, true, kStagedRows);
  const std::vector<std::uint32_t> rows = {1, 3};
  const Served served = staged.serve(sessions.batch(), rows, 2);
  const Catalogue& catalogue = simulator->catalogue;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::int32_t> expected(served.retrieved.of(i).begin(), served.retrieved.of(i).end());
    const auto keep = [&](std::size_t count, const auto& column) {
      std::stable_sort(expected.begin(), expected.end(), [&](std::int32_t a, std::int32_t b) {
        return column[static_cast<std::size_t>(a)] > column[static_cast<std::size_t>(b)];
      });
      expected.resize(count);
    };
    keep(20, catalogue.duration_ms);
    keep(5, catalogue.exposures);
    CHECK(std::vector<std::int32_t>(served.kept.of(i).begin(), served.kept.of(i).end()) == expected);
    CHECK(served.pruned[i] == 55);
  }
}

TEST_CASE("what no composition may say is refused with its place", "[policy][stages]") {
  const auto simulator = staged_world();
  const auto error = [&](const char* text) { return test::StageFolder("staged").error(text, *simulator); };
  CHECK_THAT(error(R"({"retrieve": [{"use": "two-towers"}]})"),
             Catch::Contains(".json:1:") && Catch::Contains("retrieve[0].use") && Catch::Contains("category"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "random", "count": 0}]})"), Catch::Contains("retrieve[0].count"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "random", "number": 3}]})"),
             Catch::Contains("unknown key 'retrieve[0].number'"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "random"}],
                       "prune": [{"use": "policy", "file": "longest", "keep": 20},
                                 {"use": "policy", "file": "longest", "keep": 30}]})"),
             Catch::Contains("prune[1].keep") && Catch::Contains("at most the 20"));
  CHECK_THAT(error(R"({"retrieve": []})"), Catch::Contains("nothing is retrieved"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "policy", "file": "none.h5"}]})"), Catch::Contains("a file that is there"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "policy", "file": "oracle"}]})"), Catch::Contains("retrieve[0].file"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "random"}], "score": {"use": "policy", "file": "longest"},
                       "value": {"likes": 1}})"),
             Catch::Contains("unknown key 'value.likes'") && Catch::Contains("ranking"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "random"}], "value": {"watch": 1}})"), Catch::Contains("no \"score\""));
  CHECK_THAT(error(R"({"retrieve": [{"use": "random"}], "filters": []})"), Catch::Contains("unknown key 'filters'"));
  CHECK_THAT(error(R"({"retrieve": [{"use": "random"}], "draws": 1e9})"), Catch::Contains("draws"));
  CHECK_THAT(error("[]"), Catch::Contains("an object"));
}

}  // namespace
}  // namespace swipegym
