#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "policy/embedding/multi_interest_policy.h"
#include "policy/embedding/two_tower_policy.h"
#include "policy/multitask/multitask_policy.h"
#include "tests/policy/multitask_toy.h"
#include "tests/policy/stage_requests.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym {
namespace {

constexpr VideoRange kStillOffered{150, 250};

// The catalogue as it is after some hours: the videos on offer have other statistics, and so have those that are gone,
// which nobody has asked for.
std::shared_ptr<const Catalogue> counted(const Catalogue& before, VideoRange changed) {
  auto now = std::make_shared<Catalogue>(before);
  for (std::uint32_t v = changed.begin; v < changed.end; ++v) {
    float* features = &now->video_features[v * kVideoFeatures];
    features[kVideoMeanRatio] += 0.01F * static_cast<float>(v % 37);
    features[kVideoClickRate] += 0.5F;
  }
  return now;
}

// Scores of all videos for the requests' rows.
std::vector<float> scores(const Policy& policy, const test::StageRequests& requests) {
  const DecisionBatch batch = requests.batch();
  std::vector<float> out(batch.observation.rows * 400);
  policy.score(batch, out);
  return out;
}

std::vector<std::shared_ptr<const Policy>> learned_policies(const Catalogue& catalogue) {
  return {std::make_shared<MultitaskPolicy>(test::small_multitask_model(catalogue)),
          std::make_shared<TwoTowerPolicy>(test::small_towers_model(catalogue, true)),
          std::make_shared<MultiInterestPolicy>(test::small_interest_model(catalogue))};
}

TEST_CASE("networks know of what is on offer what is counted of it now", "[policy][refreshed]") {
  const auto simulator = test::stage_world();
  const Catalogue& before = simulator->catalogue;
  const CatalogueNow now{counted(before, kStillOffered), kStillOffered};
  const CatalogueNow more{counted(before, {0, 400}), kStillOffered};
  test::StageRequests requests(simulator, true);
  const auto policies = learned_policies(before), fresh = learned_policies(*now.catalogue);
  for (std::size_t i = 0; i < policies.size(); ++i) {
    INFO(policies[i]->name());
    const std::vector<float> old = scores(*policies[i], requests), wanted = scores(*fresh[i], requests);
    REQUIRE(old != wanted);
    const auto refreshed = policies[i]->refreshed(now);
    REQUIRE(refreshed != nullptr);
    CHECK(scores(*refreshed, requests) == wanted);
    CHECK(scores(*policies[i]->refreshed(more), requests) == wanted);  // what is gone stays as it was
    CHECK(scores(*policies[i], requests) == old);                      // and whoever holds the earlier one has it still
  }
}

TEST_CASE("stages rank by what is counted now", "[policy][stages][refreshed]") {
  const auto simulator = test::stage_world();
  const Catalogue& before = simulator->catalogue;
  const test::StageFolder folder("refreshed");
  const auto model = test::small_multitask_model(before);
  const auto policy = std::make_shared<MultitaskPolicy>(model);
  test::StageRequests requests(simulator, true);
  test::teach_sums(*model, *policy, requests.batch(), 60);
  policy->save(folder.path() / "heads.h5");
  TwoTowerPolicy(test::small_towers_model(before, false)).save(folder.path() / "towers.h5");
  requests.env.offer(kStillOffered);
  const CatalogueNow now{counted(before, kStillOffered), kStillOffered};
  const std::string network = R"("file": "heads.h5")";
  const std::vector<std::string> compositions = {
      R"({"retrieve": [{"use": "vectors", "file": "towers.h5", "count": 20}]})",
      R"({"retrieve": [{"use": "random", "count": 100}], "score": {"use": "multitask", )" + network +
          R"(}, "value": {"watch": 1}})",
      R"({"retrieve": [{"use": "random", "count": 100}], "score": {"use": "policy", )" + network +
          R"(}, "value": {"watch_ratio": 1}})",
      R"({"retrieve": [{"use": "random", "count": 100}], "score": {"use": "neural_linear", "head": "like", )" +
          network + R"(}, "value": {"watch": 1}})",
      R"({"retrieve": [{"use": "random", "count": 100}],
          "prune": [{"keep": 12, "use": "multitask", )" +
          network + R"(}]})"};
  for (const std::string& text : compositions) {
    INFO(text);
    const StagedPolicy staged = folder.policy(text, *simulator);
    const auto refreshed = staged.refreshed(now);
    const auto again = refreshed->refreshed({{simulator, &before}, kStillOffered});
    bool changed = false;
    for (std::uint32_t row = 0; row < 3; ++row) {
      changed |= requests.slate_of(*refreshed, row, 10) != requests.slate_of(staged, row, 10);
      CHECK(requests.slate_of(*again, row, 10) == requests.slate_of(staged, row, 10));
    }
    CHECK(changed);
  }
}

}  // namespace
}  // namespace swipegym
