#include "policy/label/label_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_pieces.h"
#include "env/catalogue.h"
#include "nn/mlp.h"
#include "policy/policy_file.h"

namespace swipegym {
namespace {

constexpr std::size_t kPairBlock = 256;
// The position in the session (context 0 and 1) is left out: logged rows do not know it.
constexpr std::size_t kFirstContext = 2;

}  // namespace

std::shared_ptr<LabelModel> make_label_model(std::string name, const Catalogue& catalogue,
                                             const LabelNetworkConfig& config, std::size_t heads, std::uint64_t seed) {
  check(config);
  auto model = std::make_shared<LabelModel>();
  model->header = {.model = "label", .policy = std::move(name), .seed = seed, .config = "{}"};
  model->network_config = config;
  model->items = make_item_inputs(catalogue);
  model->bucket = duration_buckets(model->items);
  model->raw_user = catalogue.raw_user_id;
  model->user_row.resize(catalogue.num_users());
  for (std::size_t u = 0; u < model->user_row.size(); ++u) model->user_row[u] = static_cast<std::int32_t>(u);
  model->network = make_label_network<float>(config, label_inputs(*model), heads, split(make_key(seed), Draw::kInit));
  return model;
}

LabelInputs label_inputs(const LabelModel& model) {
  const bool statistics = model.network_config.statistics;
  return {.users = model.raw_user.size(),
          .videos = model.items.num_ids,
          .tags = model.items.num_tags,
          .user_statistics = statistics ? kUserFeatures + kContextFeatures - kFirstContext : 0,
          .video_statistics = statistics ? kVideoFeatures + kDerivedItemFeatures : 0};
}

std::vector<std::int32_t> duration_buckets(const ItemInputs& items) {
  std::vector<std::int32_t> bucket(items.num_videos());
  for (std::size_t v = 0; v < bucket.size(); ++v)
    bucket[v] = duration_bucket(std::exp(1.5 * items.features(static_cast<Eigen::Index>(v), kVideoLogDuration) + 3.5));
  return bucket;
}

void LabelEncoder::clear(LabelRows& rows, std::size_t capacity) const {
  for (auto* column :
       {&rows.user, &rows.video, &rows.bucket, &rows.tag, &rows.history_video, &rows.history_bucket, &rows.history_tag})
    column->clear();
  rows.history.clear();
  const LabelInputs inputs = label_inputs(model_);
  rows.user_statistics.setZero(static_cast<Eigen::Index>(capacity), static_cast<Eigen::Index>(inputs.user_statistics));
  rows.video_statistics.setZero(static_cast<Eigen::Index>(capacity),
                                static_cast<Eigen::Index>(inputs.video_statistics));
}

void LabelEncoder::add_padding(LabelRows& rows) const {
  for (auto* column : {&rows.user, &rows.video, &rows.bucket, &rows.tag}) column->push_back(-1);
  rows.history.push_back({});
}

void LabelEncoder::add(const ObservationView& observation, std::size_t row, std::int32_t video, bool repeat_history,
                       std::size_t at, LabelRows& rows) const {
  const ItemInputs& items = model_.items;
  const bool duration = model_.network_config.duration;
  const auto known = static_cast<std::size_t>(std::max(video, 0));
  rows.user.push_back(model_.user_row[observation.user[row]]);
  rows.video.push_back(video < 0 ? -1 : items.id[known]);
  rows.bucket.push_back(video < 0 || !duration ? -1 : model_.bucket[known]);
  rows.tag.push_back(video < 0 ? -1 : items.tag[known]);
  if (repeat_history) {
    rows.history.push_back(rows.history.back());
  } else {
    const auto begin = static_cast<std::uint32_t>(rows.history_video.size());
    const std::size_t length = observation.history_length;
    const std::int32_t* history = observation.history_video + row * length;
    for (std::size_t j = length - std::min(length, model_.network_config.history_length); j < length; ++j) {
      if (history[j] < 0) continue;
      const auto watched = static_cast<std::size_t>(history[j]);
      rows.history_video.push_back(items.id[watched]);
      rows.history_bucket.push_back(duration ? model_.bucket[watched] : -1);
      rows.history_tag.push_back(items.tag[watched]);
    }
    rows.history.push_back({begin, static_cast<std::uint32_t>(rows.history_video.size())});
  }
  if (!model_.network_config.statistics) return;
  float* user = rows.user_statistics.row(static_cast<Eigen::Index>(at)).data();
  std::copy_n(observation.user_features + row * kUserFeatures, kUserFeatures, user);
  std::copy_n(observation.context + row * kContextFeatures + kFirstContext, kContextFeatures - kFirstContext,
              user + kUserFeatures);
  if (video < 0) return;
  auto statistics = rows.video_statistics.row(static_cast<Eigen::Index>(at));
  statistics << items.features.row(video), items.derived.row(video);
  if (!duration)
    statistics[kVideoLogDuration] = statistics[kVideoFeatures + kItemMeanSeconds] =
        statistics[kVideoFeatures + kItemClickRoot] = 0.0F;
}

float label_score(const LabelModel& model, const float* output) noexcept {
  const auto sigmoid = [](float x) { return 1.0F / (1.0F + std::exp(-x)); };
  switch (model.score) {
    case LabelScore::kSigmoidSum:
      return sigmoid(output[0]) + model.feedback_weight * sigmoid(output[1]);
    case LabelScore::kNormalSum:
      return 0.5F * std::erfc(-output[0] * 0.70710678F) + model.feedback_weight * sigmoid(output[1]);
    case LabelScore::kFirst:
      break;
  }
  return output[0];
}

void LabelPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items.num_videos());
  const LabelEncoder encoder(*model_);
  parallel_pieces(observation.rows * slots, kPairBlock, batch.threads,
                  [&](std::size_t, std::size_t first, std::size_t count) {
                    LabelRows rows;
                    LabelNetwork::Pass pass;
                    encoder.clear(rows, kPairBlock);
                    for (std::size_t pair = first; pair < first + count; ++pair)
                      encoder.add(observation, pair / slots, video_in_slot(observation, pair / slots, pair % slots),
                                  pair > first && pair % slots != 0, pair - first, rows);
                    while (rows.size() < kPairBlock) encoder.add_padding(rows);
                    model_->network->predict(rows, pass);
                    const Matrix& output = pass.shards[0]->output;
                    for (std::size_t i = 0; i < count; ++i)
                      scores[first + i] = label_score(*model_, output.row(static_cast<Eigen::Index>(i)).data());
                  });
}

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
  require_known_videos(file, model->items.raw_id, catalogue);
  check(model->network_config);
  require_stored(file, model->network_config, label_inputs(*model));
  model->network =
      make_label_network<float>(model->network_config, label_inputs(*model), architecture.heads, RandomKey{});
  for (const NamedParameter& part : named_state(*model->network)) load(file, "network/" + part.name, *part.parameter);
  file.check(*model->network);
  model->items = match_item_inputs(model->items, catalogue);
  model->bucket = duration_buckets(model->items);
  model->user_row = match_ids(model->raw_user, catalogue.raw_user_id);
  return std::make_shared<LabelPolicy>(std::move(model));
}

}  // namespace swipegym
