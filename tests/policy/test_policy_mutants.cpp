#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/remarks.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/vector_env.h"
#include "policy/embedding/factor_policy.h"
#include "policy/embedding/two_tower_policy.h"
#include "policy/label/label_policy.h"
#include "policy/multitask/multitask_policy.h"
#include "policy/sasrec/sasrec_policy.h"
#include "policy/select.h"
#include "policy/value/full_output_policy.h"
#include "policy/value/hierarchical_policy.h"
#include "policy/value/value_policy.h"
#include "tests/hdf5_mutants.h"
#include "tests/policy/two_tower_toy.h"
#include "tests/sanitized.h"

// Every object of every kind of policy file, damaged in every way: the file is refused, or its policy acts by finite
// scores. None crashes, and none acts as if nothing was wrong by scores that are no numbers.

namespace swipegym {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMutantRows = 6, kMutantSlots = 4, kMutantLength = 5;

struct MutantWorld {
  std::shared_ptr<const Simulator> simulator =
      make_constant_simulator({.leave_after = 20}, {.num_users = 8, .num_videos = 12, .history = 3});
  VectorEnv env{simulator,
                make_candidate_source("random", simulator->catalogue, kMutantSlots),
                {.num_envs = kMutantRows, .threads = 1, .history_length = kMutantLength, .max_steps = 4}};
  VectorEnv full{simulator,
                 make_candidate_source("full", simulator->catalogue, 0),
                 {.num_envs = kMutantRows, .threads = 1, .history_length = kMutantLength, .max_steps = 4}};

  MutantWorld() {
    const std::vector<std::uint64_t> seeds = {1, 2, 3, 4, 5, 6};
    for (VectorEnv* one : {&env, &full}) one->reset(seeds);
  }
  // Chooses for every row, from candidates and from the full catalogue.
  void act(const Policy& policy) {
    std::vector<float> scores;
    std::vector<std::int32_t> actions(kMutantRows);
    const std::vector<RandomKey> keys(kMutantRows);
    const std::vector<std::uint32_t> streams(kMutantRows);
    for (VectorEnv* one : {&env, &full})
      choose_actions(policy, {one->observation(), one, keys, streams, 1}, {}, 12, scores, actions);
  }
};

struct Kind {
  std::string name;
  std::function<void(const Catalogue& catalogue, const fs::path& path)> save;
};

void save_value(const Catalogue& catalogue, const fs::path& path, const SequenceConfig& sequence, bool dueling,
                std::size_t interaction) {
  const ValueNetworkConfig network{.state_hidden = {4},
                                   .item_hidden = {3},
                                   .width = 2,
                                   .tag_dim = 2,
                                   .author_dim = 1,
                                   .id_dim = 1,
                                   .interaction_hidden = interaction,
                                   .dueling = dueling,
                                   .sequence = sequence};
  auto model = make_value_model("dqn", catalogue, network, {.recent = 1, .cross = interaction > 0}, 3);
  model->header.config = "{}", model->header.temperature = 0.5F;
  ValuePolicy(model).save(path);
}

void save_label(const Catalogue& catalogue, const fs::path& path, const char* kind) {
  LabelNetworkConfig config{.kind = kind, .embedding = 2, .attention_hidden = 3, .hidden = {3}, .history_length = 4};
  const auto model = make_label_model("wt", catalogue, config, 2, 3);
  model->header.config = "{}", model->score = LabelScore::kSigmoidSum;
  LabelPolicy(model).save(path);
}

const std::vector<Kind> kKinds = {
    {"value", [](const Catalogue& c, const fs::path& p) { save_value(c, p, {}, true, 3); }},
    {"value, a product", [](const Catalogue& c, const fs::path& p) { save_value(c, p, {}, false, 0); }},
    {"value, gru", [](const Catalogue& c,
                      const fs::path& p) { save_value(c, p, {.kind = "gru", .length = 3, .width = 2}, false, 3); }},
    {"value, sasrec",
     [](const Catalogue& c, const fs::path& p) {
       save_value(c, p, {.kind = "sasrec", .length = 3, .width = 2}, false, 3);
     }},
    {"full_output",
     [](const Catalogue& c, const fs::path& p) {
       const auto model = make_full_output_model("dqn_full_output", c, {0, 1, 2, 5}, {3}, {.recent = 1}, 3);
       model->header.config = "{}";
       FullOutputPolicy(model).save(p);
     }},
    {"hierarchical",
     [](const Catalogue& c, const fs::path& p) {
       HierarchicalNetworkConfig network;
       network.towers = {.state_hidden = {3},
                         .item_hidden = {3},
                         .width = 2,
                         .tag_dim = 2,
                         .author_dim = 1,
                         .id_dim = 1,
                         .interaction_hidden = 2};
       HierarchicalPolicy(make_hierarchical_model("hierarchical", c, network, {.recent = 1}, 3)).save(p);
     }},
    {"sasrec",
     [](const Catalogue& c, const fs::path& p) {
       auto made = std::make_shared<SasrecModel>();
       SasrecModel& model = *made;
       SasrecNetworkConfig config{.width = 4, .blocks = 1, .inner = 3, .max_length = 4};
       config.head_hidden = {3}, config.user_width = 2;
       model.header.config = "{}";
       model.items = make_item_inputs(c);
       model.network = SasrecNetwork(config, model.items.num_ids, model.items.num_authors, kSasrecStepFeatures,
                                     kSasrecCandidateFeatures, make_key(3), model.items.num_tags, 3);
       model.users.raw_id = c.raw_user_id, model.users.table_rows = 3;
       model.users.code.assign(c.num_users(), 1);
       SasrecPolicy(made).save(p);
     }},
    {"factors",
     [](const Catalogue& c, const fs::path& p) {
       auto made = std::make_shared<FactorModel>();
       FactorModel& model = *made;
       model.header = {.model = "factors", .policy = "mf", .config = "{}"};
       model.raw_user_id = c.raw_user_id, model.raw_video_id = c.raw_video_id;
       model.user.setOnes(static_cast<Eigen::Index>(c.num_users()), 2);
       model.video.setOnes(static_cast<Eigen::Index>(c.num_videos()), 2);
       model.user_bias.assign(c.num_users(), 0.1F), model.video_bias.assign(c.num_videos(), 0.2F);
       FactorPolicy(made, c).save(p);
     }},
    {"two_tower",
     [](const Catalogue& c, const fs::path& p) {
       auto made = std::make_shared<TwoTowerModel>();
       TwoTowerModel& model = *made;
       model.header = {.model = "two_tower", .policy = "two-tower", .config = "{}"};
       model.network_config = {.user_hidden = {3},
                               .item_hidden = {3},
                               .width = 2,
                               .tag_dim = 2,
                               .author_dim = 1,
                               .id_dim = 1,
                               .history_dim = 2};
       model.encoder_config = {.recent = 1};
       model.history_length = 5;
       model.items = make_item_inputs(c);
       model.network =
           RetrievalTowers(model.network_config, StateEncoder(model.encoder_config, model.items).state_size(),
                           model.items, make_key(3));
       TwoTowerPolicy(made).save(p);
     }},
    {"two_tower, deviations",
     [](const Catalogue& c, const fs::path& p) { TwoTowerPolicy(test::small_towers_model(c, true)).save(p); }},
    {"multi_interest",
     [](const Catalogue& c, const fs::path& p) { MultiInterestPolicy(test::small_interest_model(c)).save(p); }},
    {"multitask",
     [](const Catalogue& c, const fs::path& p) {
       const MultitaskNetworkConfig network{.experts = 2,
                                            .state_hidden = {3},
                                            .item_hidden = {},
                                            .width = 2,
                                            .expert = {3, 2},
                                            .tower = {2},
                                            .tag_dim = 2,
                                            .author_dim = 1,
                                            .id_dim = 1};
       const auto model = make_multitask_model(c, network, {.recent = 1}, {Head::kWatch, Head::kLike},
                                               {.edge = {0.5F, 1.0F}, .mean = {0.2F, 0.8F, 1.4F}}, 3);
       model->history_length = 4;
       model->sums.assign(kHeadOutputs, LastLayerSums());
       const double x[] = {0.5, -0.25, 1.0};
       for (const HeadOutput output : {HeadOutput::kWatch, HeadOutput::kWatched, HeadOutput::kLike})
         (model->sums[static_cast<std::size_t>(output)] = LastLayerSums(3)).add(x, 1.0);
       MultitaskPolicy(model).save(p);
     }},
    {"label, din", [](const Catalogue& c, const fs::path& p) { save_label(c, p, "din"); }},
    {"label, two_tower", [](const Catalogue& c, const fs::path& p) { save_label(c, p, "two_tower"); }},
};

TEST_CASE("a damaged policy file is refused, or acts by finite scores", "[policy]") {
  MutantWorld world;
  const auto path = fs::temp_directory_path() / "swipegym_policy_mutants.h5";
  const std::size_t stride = testing::mutant_stride();
  for (const Kind& kind : kKinds) {
    kind.save(world.simulator->catalogue, path);
    const testing::FileImage image = testing::read_image(path);
    REQUIRE_NOTHROW(world.act(*load_policy(path, *world.simulator)));
    const std::vector<testing::Hdf5Mutation> all = testing::hdf5_mutations(image);
    std::size_t refused = 0, tried = 0;
    for (std::size_t i = 0; i < all.size(); i += stride, ++tried) {
      INFO(kind.name << ": " << all[i].object << ": " << all[i].change);
      const testing::MemoryFile file(testing::mutated(image, all[i]));
      std::shared_ptr<const Policy> policy;
      try {
        policy = load_policy(file.path(), *world.simulator);
      } catch (const InputError& error) {
        ++refused;
        CHECK(std::string(error.what()).find(file.path().filename().string()) != std::string::npos);
      }
      if (!policy) continue;
      try {
        world.act(*policy);
      } catch (const NotScored&) {  // finite numbers whose products are not
      }
    }
    INFO(kind.name << ": " << refused << " of " << tried);
    CHECK(3 * refused > tried);  // what a sanitizer's sample holds may be harmless for the most part
  }
  fs::remove(path);
}

TEST_CASE("ids of a policy file stand once, and features a row a video", "[policy]") {
  const MutantWorld world;
  const auto path = fs::temp_directory_path() / "swipegym_policy_ids.h5";
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [](const Kind& one) { return std::string(one.name) == "full_output"; });
  REQUIRE(kind != std::end(kKinds));
  kind->save(world.simulator->catalogue, path);
  const testing::FileImage image = testing::read_image(path);
  fs::remove(path);
  const auto said = [&](const testing::Hdf5Mutation& mutation) {
    const testing::MemoryFile file(testing::mutated(image, mutation));
    try {
      load_policy(file.path(), *world.simulator);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  CHECK_THAT(said({"outputs", "all minus one"}), Catch::Contains("stands twice in outputs"));
  CHECK_THAT(said({"items/raw_id", "all minus one"}), Catch::Contains("stands twice in items/raw_id"));
  CHECK_THAT(said({"items/features", "transposed"}), Catch::Contains("'items/features' has shape"));
}

// Two networks for other videos would serve by features alone, as if nothing was wrong.
TEST_CASE("a policy of another catalogue is refused, and one that knows few of the videos says so", "[policy]") {
  const MutantWorld world;
  const auto path = fs::temp_directory_path() / "swipegym_policy_elsewhere.h5";
  const Catalogue& own = world.simulator->catalogue;
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    kind.save(own, path);
    std::vector<std::string> heard;
    const RemarkListener listener([&](const std::string& text) { heard.push_back(text); });
    Catalogue elsewhere = own;
    for (std::size_t v = 0; v < elsewhere.num_videos(); ++v) {
      elsewhere.raw_video_id[v] += 1'000'000;
      if (v + 1 == elsewhere.num_videos() / 2) {  // half of them are strangers: nothing is said
        CHECK_NOTHROW(load_policy(path, elsewhere));
        CHECK(heard.empty());
      }
    }
    CHECK_THROWS_AS(load_policy(path, elsewhere), InputError);
    CHECK_THROWS_WITH(load_policy(path, elsewhere), Catch::Contains("elsewhere.h5: knows none of the 12 videos"));
    CHECK(heard.empty());
    elsewhere.raw_video_id[7] = own.raw_video_id[3];
    CHECK_NOTHROW(load_policy(path, elsewhere));
    REQUIRE(heard.size() == 1);
    CHECK_THAT(heard[0], Catch::Contains("elsewhere.h5: knows 1 of the 12 videos"));
  }
  fs::remove(path);
}

// What `compare` once scored as if nothing was wrong.
TEST_CASE("a policy file with one tensor that is NaN is refused by its name", "[policy]") {
  MutantWorld world;
  const auto path = fs::temp_directory_path() / "swipegym_policy_nan.h5";
  for (const Kind& kind : kKinds) {
    kind.save(world.simulator->catalogue, path);
    const testing::FileImage image = testing::read_image(path);
    for (const testing::Hdf5Mutation& mutation : testing::hdf5_mutations(image)) {
      if (mutation.change != "first nan" && mutation.change != "all nan" && mutation.change != "last inf") continue;
      INFO(kind.name << ": " << mutation.object << ": " << mutation.change);
      const testing::MemoryFile file(testing::mutated(image, mutation));
      const std::string object = mutation.object.substr(mutation.object.starts_with('@') ? 1 : 0);
      CHECK_THROWS_AS(load_policy(file.path(), *world.simulator), InputError);
      CHECK_THROWS_WITH(load_policy(file.path(), *world.simulator),
                        Catch::Contains(object.substr(object.rfind('/') + 1)));
    }
  }
  fs::remove(path);
}

}  // namespace
}  // namespace swipegym
