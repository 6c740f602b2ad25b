#include <fmt/format.h>

#include <unordered_map>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "nn/mlp.h"
#include "policy/label/label_policy.h"
#include "policy/policy_file.h"

namespace swipegym {
namespace {

struct LabelArchitecture {
  LabelNetworkConfig network;
  std::size_t heads = 1;
  int score = 0;
  float feedback_weight = 1.0F;
};

template <class Visitor>
void visit_fields(Visitor& visit, LabelArchitecture& architecture) {
  visit("network", architecture.network);
  visit("heads", architecture.heads, between(1, 2));
  visit("score", architecture.score, between(0, static_cast<int>(LabelScore::kNormalSum)));
  visit("feedback_weight", architecture.feedback_weight, ranges::kWeight);
}

void require_stored(const Hdf5Reader& file, const LabelNetworkConfig& c, const LabelInputs& inputs) {
  require_stored(file, "the network", layer_sizes(c.embedding, c.hidden, 1));
  if (c.kind == "din") require_stored(file, "the attention", {c.embedding, c.attention_hidden});
  for (const std::size_t rows : {inputs.users, inputs.videos, inputs.tags})
    require_stored(file, "a table of embeddings", {rows, c.embedding});
}

}  // namespace

void LabelPolicy::write(Hdf5Writer& file) const {
  const LabelModel& model = *model_;
  const LabelArchitecture architecture{model.network_config, model.network->heads(), static_cast<int>(model.score),
                                       model.feedback_weight};
  file.write_text("architecture", config_to_json(architecture).dump());
  swipegym::save(file, "items", model.items);
  file.write("users", model.raw_user);
  for (const NamedParameter& part : named_state(*model.network))
    swipegym::save(file, "network/" + part.name, *part.parameter, /*moments=*/false);
}

std::shared_ptr<const Policy> load_label_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<LabelModel>();
  model->header = read_header(file);
  const auto architecture = read_architecture<LabelArchitecture>(file);
  if (architecture.heads != (architecture.score == 0 ? 1U : 2U))
    throw InputError(fmt::format("{}: {} outputs scored by rule {}, which this version does not know",
                                 file.path().string(), architecture.heads, architecture.score));
  model->network_config = architecture.network;
  model->score = static_cast<LabelScore>(architecture.score);
  model->feedback_weight = architecture.feedback_weight;
  model->raw_user = file.read<std::int64_t>("users");
  model->items = load_item_inputs(file, "items");
  check(model->network_config);
  require_stored(file, model->network_config, label_inputs(*model));
  model->network =
      make_label_network<float>(model->network_config, label_inputs(*model), architecture.heads, RandomKey{});
  for (const NamedParameter& part : named_state(*model->network)) load(file, "network/" + part.name, *part.parameter);
  file.check(*model->network);
  model->items = match_item_inputs(model->items, catalogue);
  model->bucket = duration_buckets(model->items);
  std::unordered_map<std::int64_t, std::int32_t> row_of;
  for (std::size_t row = 0; row < model->raw_user.size(); ++row)
    row_of.emplace(model->raw_user[row], static_cast<std::int32_t>(row));
  for (const std::int64_t raw : catalogue.raw_user_id) {
    const auto found = row_of.find(raw);
    model->user_row.push_back(found == row_of.end() ? -1 : found->second);
  }
  return std::make_shared<LabelPolicy>(std::move(model));
}

}  // namespace swipegym
