#include <catch2/catch.hpp>
#include <filesystem>

#include "core/error.h"
#include "core/hdf5_writer.h"
#include "policy/make_policy.h"
#include "policy/policy_file.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

Catalogue three_videos() {
  Catalogue catalogue;
  catalogue.raw_video_id = {30, 10, 20};
  catalogue.duration_ms = {5000, 6000, 7000};
  catalogue.tag = {0, 1, 0};
  catalogue.author = {0, 0, 1};
  catalogue.exposures = {3, 2, 1};
  catalogue.item_mean = {.5F, .4F, .3F};
  catalogue.video_features.assign(3 * kVideoFeatures, .1F);
  catalogue.num_tags = 2, catalogue.num_authors = 2;
  catalogue.until = 20220502;
  return catalogue;
}

struct File {
  std::filesystem::path path;
  explicit File(const char* name) : path(std::filesystem::temp_directory_path() / name) {}
  ~File() { std::filesystem::remove(path); }
};

TEST_CASE("a policy file says which model reads it and up to which day its catalogue goes", "[policy]") {
  const File file("swipegym_policy_header.h5");
  const Catalogue catalogue = three_videos();
  auto model = make_value_model("ranker", catalogue, {}, {}, 5);
  model->header.config = "{}";
  model->header.temperature = 0.5F;
  ValuePolicy(model).save(file.path);
  const PolicyHeader header = read_policy_header(file.path);
  CHECK(header.model == "value");
  CHECK(header.policy == "ranker");
  CHECK(header.seed == 5);
  CHECK(header.catalogue_until == 20220502);
  const auto policy = load_policy(file.path, catalogue);
  CHECK(policy->name() == "ranker");
  CHECK(policy->temperature() == 0.5F);
}

// Of a later version, or of somebody's own program.
class Seer final : public Policy {
 public:
  std::string_view name() const noexcept override { return "seer"; }
  PolicyHeader header() const override { return {.model = "crystal_ball", .policy = "seer"}; }
  void score(const DecisionBatch&, std::span<float>) const override {}
};

TEST_CASE("a file of an unknown model is refused with the models there are", "[policy]") {
  const File file("swipegym_policy_unknown.h5");
  Seer().save(file.path);
  CHECK_THROWS_WITH(load_policy(file.path, three_videos()),
                    Catch::Contains("crystal_ball") && Catch::Contains("value"));
}

TEST_CASE("a policy that learned nothing is not saved, and its message says what to give instead", "[policy]") {
  const File file("swipegym_policy_rule.h5");
  for (const RulePolicy& rule : rule_policies())
    CHECK_THROWS_WITH(rule.make(three_videos())->save(file.path),
                      Catch::Contains(rule.name) && Catch::Contains("name instead"));
  CHECK_FALSE(std::filesystem::exists(file.path));
}

}  // namespace
}  // namespace swipegym
