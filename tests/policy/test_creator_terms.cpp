#include <catch2/catch.hpp>
#include <vector>

#include "env/catalogue.h"
#include "policy/stages/creator_terms.h"
#include "tests/policy/stage_requests.h"

namespace swipegym {
namespace {

using test::StageFolder;
using test::StageRequests;

// A platform's world: videos 100 to 199 are of a creator who answers, 200 to 299 of a new one; users imitate more the
// higher their number, and an upload of the author of an even video brings four times what one of an odd video does.
struct PlatformToy {
  std::shared_ptr<Simulator> simulator = std::make_shared<Simulator>(*test::stage_world());
  std::shared_ptr<CreatorOutlook> outlook = std::make_shared<CreatorOutlook>();

  PlatformToy() {
    Catalogue& catalogue = simulator->catalogue;
    const std::size_t videos = catalogue.num_videos();
    catalogue.creator_uplift.assign(videos, 0.0F), catalogue.creator_days.assign(videos, 0xFFFF);
    for (std::size_t v = 100; v < 200; ++v) catalogue.creator_uplift[v] = 0.5F;
    for (std::size_t v = 200; v < 300; ++v) catalogue.creator_days[v] = 3;
    for (std::size_t v = 0; v < videos; ++v) {
      catalogue.video_features[v * kVideoFeatures + kVideoClickRate] = 0.25F;
      outlook->upload_value.push_back(v % 2 == 0 ? 160.0F : 40.0F);
    }
    outlook->mean_value = 100.0F, outlook->topic_share = 0.5F;
    outlook->topic_value.assign(catalogue.num_tags, 100.0F);
    outlook->topic_value[2] = 180.0F;
    outlook->own_value.assign(catalogue.num_users(), 60.0F);
    for (std::size_t user = 0; user < catalogue.num_users(); ++user)
      outlook->mimic_uplift.push_back(0.1F * static_cast<float>(user));
  }
};

std::int32_t hundred(std::int32_t video) {
  return video / 100;
}

}  // namespace

TEST_CASE("what a show brings to creators is its watch's uploads, and what these bring", "[policy][stages]") {
  const PlatformToy toy;
  const Catalogue& catalogue = toy.simulator->catalogue;
  const UploadsOfShow uploads = uploads_of_show(catalogue, toy.outlook.get(), 3, 150, 0.4);
  CHECK(uploads.encouraged == Approx(0.4 * 0.5));
  CHECK(uploads.imitated == Approx(0.4 * 0.3));
  CHECK(uploads_of_show(catalogue, nullptr, 3, 150, 0.4).imitated == 0.0);
  CHECK(uploads_of_show(test::stage_world()->catalogue, nullptr, 3, 150, 0.4).encouraged == 0.0);
  std::int32_t of_tag = 0;
  while (catalogue.tag[static_cast<std::size_t>(of_tag)] != 2) ++of_tag;
  CHECK(worth_of_uploads(catalogue, *toy.outlook, 3, of_tag).imitated == Approx(60.0 + 0.5 * 80.0));
  CHECK(worth_of_uploads(catalogue, *toy.outlook, 3, 150).encouraged == Approx(160.0));
  CHECK(is_new_creator(catalogue, 250, 7.0));
  CHECK_FALSE(is_new_creator(catalogue, 250, 3.0));
  CHECK_FALSE(is_new_creator(catalogue, 150, 7.0));

  const CreatorTerms terms{
      .uplift = 2.0F, .mimic = 3.0F, .new_creator = 5.0F, .catalogue = {toy.simulator, &toy.simulator->catalogue}};
  const double own = catalogue.tag[150] == 2 ? 100.0 : 60.0;
  CHECK(terms.add_to(7.0F, toy.outlook.get(), 3, 150, nullptr) ==
        Approx(7.0 + 2.0 * (0.25 * 0.5) * 160.0 + 3.0 * (0.25 * 0.3) * own));
  CreatorTerms by_head = terms;
  by_head.click = 1;
  const float heads[] = {9.0F, 0.75F};
  CHECK(by_head.add_to(7.0F, toy.outlook.get(), 0, 150, heads) == Approx(7.0 + 2.0 * (0.75 * 0.5) * 160.0));
  CHECK(terms.add_to(7.0F, toy.outlook.get(), 0, 250, nullptr) == Approx(7.0 + 5.0));
  CHECK(terms.add_to(7.0F, nullptr, 3, 150, nullptr) == 7.0F);
}

TEST_CASE("a composition weighs creators beside the heads of its scorer", "[policy][stages]") {
  const PlatformToy toy;
  const StageFolder folder("creator_terms");
  const StageRequests requests(toy.simulator, true);
  const auto first = [&](const std::string& value, bool platform) {
    const StagedPolicy policy = folder.policy(R"({"retrieve": [{"use": "policy", "file": "longest", "count": 400}],
                          "score": {"use": "policy", "file": "popularity"}, "value": )" +
                                                  value + "}",
                                              *toy.simulator);
    const auto serves = platform ? policy.with_creators(toy.outlook) : std::make_shared<StagedPolicy>(policy);
    const auto again = serves->refreshed({{toy.simulator, &toy.simulator->catalogue}, {0, 400}});
    CHECK(requests.slate_of(*again, 1, 8) == requests.slate_of(*serves, 1, 8));
    return requests.slate_of(*serves, 1, 8);
  };
  const auto plain = first(R"({"ranking": 1})", true);
  for (const std::int32_t video : first(R"({"ranking": 1e-6, "uplift": 10})", true)) {
    CHECK(hundred(video) == 1);
    CHECK(video % 2 == 0);  // whose uploads bring more
  }
  for (const std::int32_t video : first(R"({"ranking": 1e-6, "new_creator": 10})", true)) CHECK(hundred(video) == 2);
  for (const std::int32_t video : first(R"({"ranking": 1e-6, "mimic": 10})", true))
    CHECK(toy.simulator->catalogue.tag[static_cast<std::size_t>(video)] == 2);   // the topic worth imitating
  CHECK(first(R"({"ranking": 1, "uplift": 10, "mimic": 10})", false) == plain);  // nobody knows what an upload brings

  CHECK_THAT(folder.error(R"({"retrieve": [{"use": "random"}], "score": {"use": "policy", "file": "longest"},
                              "value": {"uplifts": 1}})",
                          *toy.simulator),
             Catch::Contains("unknown key 'value.uplifts'") && Catch::Contains("uplift"));
  CHECK_THAT(folder.error(R"({"retrieve": [{"use": "random"}], "score": {"use": "policy", "file": "longest"},
                              "value": {"ranking": 1, "uplift": 1}, "value_form": "product"})",
                          *toy.simulator),
             Catch::Contains("a product has no place for"));
}

TEST_CASE("a flow counts uploads, or values them by what they bring", "[policy][stages]") {
  const PlatformToy toy;
  const StageFolder folder("creator_flows");
  const StageRequests requests(toy.simulator, true);
  const auto first = [&](const std::string& settings, std::uint32_t row) {
    const StagedPolicy policy =
        folder.policy(R"({"retrieve": [{"use": "bucket", "edges": [], "shares": [1], "count": 8, )" + settings + "}]}",
                      *toy.simulator);
    return requests.slate_of(*policy.with_creators(toy.outlook), row, 8);
  };
  bool odd = false;
  for (const std::int32_t video : first(R"("uplift": 50)", 1)) {
    CHECK(hundred(video) == 1);
    odd |= video % 2 != 0;
  }
  CHECK(odd);
  for (const std::int32_t video : first(R"("uplift": 50, "uploads": "valued")", 1)) {
    CHECK(hundred(video) == 1);
    CHECK(video % 2 == 0);
  }
  // Imitation is worth most in the topic whose uploads bring most; not of a user who does not imitate.
  std::uint32_t nobody = 3, somebody = 3;
  for (std::uint32_t row = 0; row < 3; ++row) (requests.env.observation().user[row] == 0 ? nobody : somebody) = row;
  REQUIRE(somebody < 3);
  for (const std::int32_t video : first(R"("mimic": 50, "uploads": "valued")", somebody))
    CHECK(toy.simulator->catalogue.tag[static_cast<std::size_t>(video)] == 2);
  CHECK(first(R"("uplift": 0)", somebody) != first(R"("mimic": 50, "uploads": "valued")", somebody));
}

}  // namespace swipegym
