#include <map>

#include "policy/embedding/factor_policy.h"
#include "policy/embedding/two_tower_policy.h"
#include "policy/label/label_policy.h"
#include "policy/multitask/multitask_policy.h"
#include "policy/policy_file.h"
#include "policy/retrieval.h"
#include "policy/sasrec/sasrec_policy.h"
#include "policy/value/full_output_policy.h"
#include "policy/value/hierarchical_policy.h"
#include "policy/value/value_policy.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/small_world.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym::fuzz {
namespace {

using Path = std::filesystem::path;

ValueNetworkConfig small_network() {
  return {.state_hidden = {2},
          .item_hidden = {2},
          .width = 2,
          .tag_dim = 2,
          .author_dim = 2,
          .id_dim = 2,
          .interaction_hidden = 2};
}

void save_value(const Catalogue& catalogue, const ValueNetworkConfig& network, const Path& path) {
  ValuePolicy(make_value_model("dqn", catalogue, network, {}, 1)).save(path);
}

void save_gru(const Catalogue& catalogue, const Path& path) {
  ValueNetworkConfig network = small_network();
  network.dueling = true;
  network.sequence.kind = "gru", network.sequence.width = 2;
  save_value(catalogue, network, path);
}

void save_transformer(const Catalogue& catalogue, const Path& path) {
  ValueNetworkConfig network = small_network();
  network.sequence.kind = "sasrec", network.sequence.width = 2;
  save_value(catalogue, network, path);
}

void save_product(const Catalogue& catalogue, const Path& path) {
  ValueNetworkConfig network = small_network();
  network.interaction_hidden = 0;
  ValuePolicy(make_value_model("dqn", catalogue, network, {.cross = false}, 1)).save(path);
}

void save_full_output(const Catalogue& catalogue, const Path& path) {
  FullOutputPolicy(make_full_output_model("dqn", catalogue, {0, 2, 3}, {2}, {}, 1)).save(path);
}

void save_hierarchical(const Catalogue& catalogue, const Path& path) {
  HierarchicalPolicy(make_hierarchical_model("hierarchical", catalogue, {small_network()}, {}, 1)).save(path);
}

void save_sasrec(const Catalogue& catalogue, SasrecObjective objective, const Path& path) {
  SasrecNetworkConfig network;
  network.width = 2, network.blocks = 1, network.inner = 2, network.max_length = 3;
  network.head_hidden = {2}, network.user_width = 2;
  auto made = std::make_shared<SasrecModel>();
  SasrecModel& model = *made;
  model.objective = objective;
  model.items = make_item_inputs(catalogue);
  model.users = make_sasrec_users(small_dataset());
  model.network = SasrecNetwork(network, model.items.num_ids, model.items.num_authors, kSasrecStepFeatures,
                                kSasrecCandidateFeatures, make_key(1), model.items.num_tags, model.users.table_rows);
  SasrecPolicy(made).save(path);
}

void save_factors(const Catalogue& catalogue, const Path& path) {
  auto made = std::make_shared<FactorModel>();
  FactorModel& model = *made;
  model.header = {.model = "factors", .policy = "mf", .config = "{}"};
  model.raw_user_id = catalogue.raw_user_id, model.raw_video_id = catalogue.raw_video_id;
  model.user.setConstant(static_cast<Eigen::Index>(catalogue.num_users()), 2, 0.5F);
  model.video.setConstant(static_cast<Eigen::Index>(catalogue.num_videos()), 2, 0.25F);
  model.user_bias.assign(catalogue.num_users(), 0.0F), model.video_bias.assign(catalogue.num_videos(), 0.1F);
  FactorPolicy(made, catalogue).save(path);
}

void save_two_tower(const Catalogue& catalogue, const Path& path) {
  auto made = std::make_shared<TwoTowerModel>();
  TwoTowerModel& model = *made;
  model.header = {.model = "two_tower", .policy = "two-tower", .config = "{}"};
  model.network_config = {
      .user_hidden = {2}, .item_hidden = {2}, .width = 2, .tag_dim = 2, .author_dim = 2, .id_dim = 2, .history_dim = 2};
  model.history_length = kHistory;
  model.items = make_item_inputs(catalogue);
  model.network = RetrievalTowers(model.network_config, StateEncoder(model.encoder_config, model.items).state_size(),
                                  model.items, make_key(1));
  TwoTowerPolicy(made).save(path);
}

void save_interests(const Catalogue& catalogue, const Path& path) {
  MultiInterestPolicy(test::small_interest_model(catalogue)).save(path);
}

void save_deviations(const Catalogue& catalogue, const Path& path) {
  TwoTowerPolicy(test::small_towers_model(catalogue, true)).save(path);
}

void save_label(const Catalogue& catalogue, const char* kind, const Path& path) {
  const LabelNetworkConfig network{
      .kind = kind, .embedding = 2, .attention_hidden = 2, .hidden = {2}, .history_length = 2};
  LabelPolicy(make_label_model("wt", catalogue, network, 1, 1)).save(path);
}

void save_multitask(const Catalogue& catalogue, const Path& path) {
  const MultitaskNetworkConfig network{.experts = 2,
                                       .state_hidden = {2},
                                       .item_hidden = {},
                                       .width = 2,
                                       .expert = {2},
                                       .tower = {},
                                       .tag_dim = 2,
                                       .author_dim = 2,
                                       .id_dim = 2};
  const auto model = make_multitask_model(catalogue, network, {}, {Head::kWatch, Head::kLike},
                                          {.edge = {0.5F, 1.0F}, .mean = {0.2F, 0.8F, 1.4F}}, 1);
  model->sums.assign(kHeadOutputs, LastLayerSums());
  const double x[] = {0.5, -0.25, 1.0};
  for (const HeadOutput output : {HeadOutput::kWatch, HeadOutput::kWatched, HeadOutput::kLike})
    (model->sums[static_cast<std::size_t>(output)] = LastLayerSums(3)).add(x, 1.0);
  MultitaskPolicy(model).save(path);
}

using Save = std::function<void(const Catalogue&, const Path&)>;
const std::map<std::string, Save>& kinds() {
  static const std::map<std::string, Save> kinds = {
      {"value", [](const Catalogue& c, const Path& p) { save_value(c, small_network(), p); }},
      {"value_gru", save_gru},
      {"value_transformer", save_transformer},
      {"value_product", save_product},
      {"full_output", save_full_output},
      {"hierarchical", save_hierarchical},
      {"sasrec_next", [](const Catalogue& c, const Path& p) { save_sasrec(c, SasrecObjective::kNext, p); }},
      {"sasrec_binary", [](const Catalogue& c, const Path& p) { save_sasrec(c, SasrecObjective::kBinary, p); }},
      {"factors", save_factors},
      {"two_tower", save_two_tower},
      {"variational", save_deviations},
      {"multi_interest", save_interests},
      {"multitask", save_multitask},
      {"label_din", [](const Catalogue& c, const Path& p) { save_label(c, "din", p); }},
      {"label_towers", [](const Catalogue& c, const Path& p) { save_label(c, "two_tower", p); }},
  };
  return kinds;
}

}  // namespace

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const auto& [name, save] : kinds()) names.push_back("policy_" + name);
  return names;
}

Target make_target(const std::string& name) {
  const auto simulator = small_simulator();
  const Save& save = kinds().at(name.substr(std::string("policy_").size()));
  std::string file = written_by([&](const Path& path) { save(simulator->catalogue, path); });
  return hdf5_target(std::move(file), [simulator](const Path& path) {
    read_policy_header(path);
    const auto policy = load_policy(path, *simulator);
    act(simulator, "random", *policy);
    act(simulator, "full", *policy, 1);
  });
}

}  // namespace swipegym::fuzz
