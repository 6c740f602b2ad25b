#include "policy/embedding/two_tower_policy.h"

#include <algorithm>

#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"

namespace swipegym {
namespace {

// What a policy file says of its network: enough to build one of the same shape.
struct TwoTowerShape {
  TwoTowerConfig network;
  StateEncoderConfig encoder;
  std::size_t history_length = 50;
};

template <class Visitor>
void visit_fields(Visitor& visit, TwoTowerShape& shape) {
  visit("network", shape.network);
  visit("encoder", shape.encoder);
  visit("history_length", shape.history_length, between(1, 500));
}

// Rows are encoded so many at a time, always full, so that a row's bits do not depend on the batch.
constexpr std::size_t kUserChunk = 32;

void require_stored(const Hdf5Reader& file, const TwoTowerConfig& c, std::size_t state_size, const ItemInputs& items) {
  require_stored(file, "the user tower", layer_sizes(state_size + 2 * c.history_dim, c.user_hidden, c.width));
  require_stored(file, "the video tower", layer_sizes(c.tag_dim + c.author_dim + c.id_dim, c.item_hidden, c.width));
  require_stored(file, "the table of tags", {items.num_tags, c.tag_dim});
  require_stored(file, "the table of authors", {items.num_authors, c.author_dim});
  require_stored(file, "the table of ids", {items.num_ids, c.id_dim});
  require_stored(file, "the table of watched videos", {items.num_ids, c.history_dim});
}

std::shared_ptr<TwoTowerModel> with_table(std::shared_ptr<TwoTowerModel> model) {
  if (model->item_table.size() == 0) model->item_table = model->network.item_table(model->items, 0);
  return model;
}

}  // namespace

TwoTowerPolicy::TwoTowerPolicy(std::shared_ptr<TwoTowerModel> model)
    : model_(with_table(std::move(model))), encoder_(model_->encoder_config, model_->items) {}

void TwoTowerPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items.num_videos());
  const std::size_t chunks = (observation.rows + kUserChunk - 1) / kUserChunk, width = model_->network_config.width;
  const float scale = 1.0F / model_->network_config.temperature;
  parallel_for(chunks, batch.threads, [&](std::size_t chunk, int) {
    thread_local RetrievalTowers::Work work;
    const std::size_t first = chunk * kUserChunk, count = std::min(kUserChunk, observation.rows - first);
    model_->network.forward_users(encoder_, model_->items, observation, first, count, kUserChunk, work);
    for (std::size_t i = 0; i < count; ++i) {
      const float* user = work.user_unit.data() + i * width;
      for (std::size_t slot = 0; slot < slots; ++slot) {
        const auto video = static_cast<std::size_t>(video_in_slot(observation, first + i, slot));
        const float* item = model_->item_table.data() + video * width;
        float sum = 0.0F;
        for (std::size_t d = 0; d < width; ++d) sum += user[d] * item[d];
        scores[(first + i) * slots + slot] = scale * sum;
      }
    }
  });
}

void TwoTowerPolicy::write(Hdf5Writer& file) const {
  const TwoTowerModel& model = *model_;
  const TwoTowerShape shape{model.network_config, model.encoder_config, model.history_length};
  file.write_text("architecture", config_to_json(shape).dump());
  swipegym::save(file, "items", model.items);
  model.network.save(file, "network");
}

std::shared_ptr<const Policy> load_two_tower_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<TwoTowerModel>();
  model->header = read_header(file);
  const auto shape = read_architecture<TwoTowerShape>(file);
  model->network_config = shape.network;
  model->encoder_config = shape.encoder;
  model->history_length = shape.history_length;
  const ItemInputs own = load_item_inputs(file, "items");
  const std::size_t state_size = StateEncoder(shape.encoder, own).state_size();
  require_stored(file, shape.network, state_size, own);
  model->network = RetrievalTowers(shape.network, state_size, own, RandomKey{});
  model->network.load(file, "network");
  model->items = match_item_inputs(own, catalogue);
  return std::make_shared<TwoTowerPolicy>(std::move(model));
}

}  // namespace swipegym
