#include "policy/value/value_policy.h"

#include <algorithm>
#include <cmath>

#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_pieces.h"
#include "policy/best_unseen.h"
#include "policy/value/stored_network.h"

namespace swipegym {
namespace {

// Slots scored together for a chunk of states; a fixed cut that keeps the full catalogue's work small.
constexpr std::size_t kSlotBlock = 64;

}  // namespace

StateEncoder make_state_encoder(const ValueModel& model) {
  const SequenceConfig& sequence = model.network_config.sequence;
  return {model.encoder_config, *model.items, sequence.enabled() ? sequence.length : 0};
}

std::shared_ptr<ValueModel> make_value_model(std::string name, const Catalogue& catalogue,
                                             const ValueNetworkConfig& network, const StateEncoderConfig& encoder,
                                             std::uint64_t seed) {
  auto model = std::make_shared<ValueModel>();
  model->header = {
      .model = "value", .policy = std::move(name), .seed = seed, .catalogue_until = catalogue.until, .config = "{}"};
  model->network_config = network;
  model->encoder_config = encoder;
  model->items = std::make_shared<const ItemInputs>(make_item_inputs(catalogue));
  const std::size_t state_size = StateEncoder(encoder, *model->items).state_size();
  model->network = ValueNetwork(network, state_size, *model->items, split(make_key(seed), Draw::kInit));
  return model;
}

ValuePolicy::ValuePolicy(std::shared_ptr<const ValueModel> model, ActBy by)
    : model_(std::move(model)), encoder_(make_state_encoder(*model_)), by_(by) {}

void ValuePolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items->num_videos());
  // Where a chunk's candidates outnumber the catalogue, each video's vector is computed once. Whether depends on the
  // slots alone: no score may change with the number of rows.
  const bool has_table = model_->item_table.size() > 0;
  Matrix own;
  if (!has_table && kChunk * slots >= model_->items->num_videos())
    own = model_->network.item_table(*model_->items, batch.threads);
  const Matrix& table = has_table ? model_->item_table : own;
  parallel_pieces(observation.rows, kChunk, batch.threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local ValueNetwork::Work work;
    const auto mine = scores.subspan(first * slots, count * slots);
    encode_chunk(observation, first, count, work);
    if (model_->is_product() && table.size() > 0)
      multiply_chunk(observation, first, count, slots, table, work, mine);
    else
      score_chunk(batch, first, count, slots, table, work, mine);
  });
}

void ValuePolicy::encode_chunk(const ObservationView& observation, std::size_t first, std::size_t count,
                               ValueNetwork::Work& work) const {
  work.states.resize(static_cast<Eigen::Index>(kChunk), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(observation, first, count, work.states, work.histories);
  work.states.bottomRows(static_cast<Eigen::Index>(kChunk - count)).setZero();
  model_->network.forward_states(*model_->items, work);
}

void ValuePolicy::multiply_chunk(const ObservationView& observation, std::size_t first, std::size_t count,
                                 std::size_t slots, const Matrix& table, ValueNetwork::Work& work,
                                 std::span<float> scores) const {
  thread_local Matrix queries;
  thread_local std::vector<float> offset;
  model_->network.queries(work, queries, offset);
  // Of millions of videos each row of the table comes from far away: it is asked for while those before are multiplied.
  constexpr std::size_t kAhead = 16;
  const auto width = static_cast<std::size_t>(table.cols());
  for (std::size_t i = 0; i < count; ++i) {
    const auto query = queries.row(static_cast<Eigen::Index>(i));
    const std::uint8_t* mask = observation.candidates > 0 ? observation.mask + (first + i) * slots : nullptr;
    const auto wanted = [&](std::size_t slot) { return slot < slots && (mask == nullptr || mask[slot] != 0); };
    for (std::size_t slot = 0; slot < slots; ++slot) {
      if (wanted(slot + kAhead)) {
        const float* ahead =
            table.data() + static_cast<std::size_t>(video_in_slot(observation, first + i, slot + kAhead)) * width;
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + width - 1);
      }
      float& score = scores[i * slots + slot];
      score = wanted(slot) ? query.dot(table.row(video_in_slot(observation, first + i, slot))) + offset[i] : 0.0F;
    }
  }
}

bool ValuePolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                              std::span<std::int32_t> out) const {
  if (!model_->is_product() || model_->item_table.size() == 0) return false;
  const auto width = static_cast<Eigen::Index>(model_->network_config.width + 1);
  Matrix all(static_cast<Eigen::Index>(rows.size()), width);
  parallel_pieces(rows.size(), kChunk, batch.threads, [&](std::size_t, std::size_t first, std::size_t here) {
    thread_local ValueNetwork::Work work;
    thread_local Matrix queries;
    thread_local std::vector<float> offset;  // the same for all videos of a row: it decides nothing
    work.states.setZero(static_cast<Eigen::Index>(kChunk), static_cast<Eigen::Index>(encoder_.state_size()));
    encoder_.encode(batch.observation, rows.subspan(first, here), work.states, work.histories);
    model_->network.forward_states(*model_->items, work);
    model_->network.queries(work, queries, offset);
    all.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(here)) =
        queries.topRows(static_cast<Eigen::Index>(here));
  });
  best_unseen(all, model_->item_table, batch, rows, count, out);
  return true;
}

// work.values of `keys.size()` states, `per_state` each, as what the policy goes by.
void ValuePolicy::go_by(std::span<const RandomKey> keys, std::size_t per_state, ValueNetwork::Work& work) const {
  thread_local Matrix outputs;
  model_->network.outputs(work, work.values, outputs);
  const auto members = static_cast<std::uint32_t>(outputs.cols());
  for (std::size_t pair = 0; pair < keys.size() * per_state; ++pair) {
    const auto own = outputs.row(static_cast<Eigen::Index>(pair));
    float& value = work.values[pair];
    if (by_.kind == ActBy::Kind::kMember)
      value = own(RandomStream(split(keys[pair / per_state], Draw::kExploration)).below(members));
    else
      value += by_.deviations * std::sqrt((own.array() - value).square().mean());
  }
}

void ValuePolicy::score_chunk(const DecisionBatch& batch, std::size_t first, std::size_t count, std::size_t slots,
                              const Matrix& table, ValueNetwork::Work& work, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const ValueNetwork& network = model_->network;
  const bool has_table = table.size() > 0;
  for (std::size_t begin = 0; begin < slots; begin += kSlotBlock) {
    const std::size_t block = std::min(kSlotBlock, slots - begin);
    const std::size_t pairs = kChunk * block;
    work.videos.assign(pairs, 0);
    work.cross.setZero(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(StateEncoder::kCross));
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t slot = 0; slot < block; ++slot) {
        const std::size_t pair = i * block + slot;
        work.videos[pair] = video_in_slot(observation, first + i, begin + slot);
        encoder_.cross(work.states, work.histories, i, work.videos[pair],
                       work.cross.data() + pair * StateEncoder::kCross);
      }
    if (!has_table) network.forward_items(*model_->items, work);
    work.values.resize(pairs);
    network.combine(has_table ? table : work.item.output(), has_table, pairs, block, work, work.values);
    if (by_.kind != ActBy::Kind::kMean) go_by(batch.keys.subspan(first, count), block, work);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(work.values.begin() + static_cast<std::ptrdiff_t>(i * block), block,
                  scores.begin() + static_cast<std::ptrdiff_t>(i * slots + begin));
  }
}

namespace {

// Beyond this many videos a table of their vectors costs more memory than computing those of the candidates is worth.
constexpr std::size_t kTableVideos = 500'000;

}  // namespace

void require_stored(const Hdf5Reader& file, const ValueNetworkConfig& c, std::size_t state_size,
                    const ItemInputs& items) {
  const std::size_t item_size = c.tag_dim + c.author_dim + c.id_dim;
  const SequenceConfig& sequence = c.sequence;
  if (sequence.enabled()) {
    check(sequence);
    require_stored(file, "the sequence encoder", {sequence.length, sequence.width, sequence.width});
    require_stored(file, "the sequence encoder", {sequence.blocks, sequence.width * sequence.width});
    require_stored(file, "the sequence encoder", {item_size, sequence.width});
  }
  const std::size_t read = state_size + (sequence.enabled() ? sequence.width : 0);
  require_stored(file, "the state tower", layer_sizes(read, c.state_hidden, c.width));
  require_stored(file, "the video tower", layer_sizes(item_size, c.item_hidden, c.width));
  require_stored(file, "the network of pairs", {c.width + c.outputs, c.interaction_hidden});
  require_stored(file, "the table of tags", {items.num_tags, c.tag_dim});
  require_stored(file, "the table of authors", {items.num_authors, c.author_dim});
  require_stored(file, "the table of ids", {items.num_ids, c.id_dim});
}

void ValuePolicy::write(Hdf5Writer& file) const {
  const ValueModel& model = *model_;
  file.write_text("architecture", config_to_json(model).dump());
  swipegym::save(file, "items", *model.items);
  model.network.save(file, "network", /*moments=*/false);
}

std::shared_ptr<const Policy> load_value_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  const auto model = read_model<ValueModel>(file);
  const ItemInputs own = load_item_inputs(file, "items");
  require_known_videos(file, own.raw_id, catalogue);
  const std::size_t state_size = StateEncoder(model->encoder_config, own).state_size();
  require_stored(file, model->network_config, state_size, own);
  model->network = ValueNetwork(model->network_config, state_size, own, RandomKey{});
  model->network.load(file, "network");
  model->items = std::make_shared<const ItemInputs>(match_item_inputs(own, catalogue));
  if (model->items->num_videos() <= kTableVideos) model->item_table = model->network.item_table(*model->items, 0);
  return std::make_shared<ValuePolicy>(model);
}

}  // namespace swipegym
