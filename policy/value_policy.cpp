#include "policy/value_policy.h"

#include <algorithm>

#include "core/parallel_for.h"

namespace swipegym {
namespace {

// Slots scored together for a chunk of states; a fixed cut that keeps the full catalogue's work small.
constexpr std::size_t kSlotBlock = 64;

}  // namespace

std::shared_ptr<ValueModel> make_value_model(std::string name, const Catalogue& catalogue,
                                             const ValueNetworkConfig& network, const StateEncoderConfig& encoder,
                                             std::uint64_t seed) {
  auto model = std::make_shared<ValueModel>();
  model->name = std::move(name);
  model->seed = seed;
  model->network_config = network;
  model->encoder_config = encoder;
  model->items = make_item_inputs(catalogue);
  model->catalogue_until = catalogue.until;
  const std::size_t state_size = StateEncoder(encoder, model->items).state_size();
  model->network = ValueNetwork(network, state_size, model->items, split(make_key(seed), Draw::kInit));
  return model;
}

ValuePolicy::ValuePolicy(std::shared_ptr<const ValueModel> model)
    : model_(std::move(model)), encoder_(model_->encoder_config, model_->items) {}

void ValuePolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items.num_videos());
  const std::size_t chunks = (observation.rows + kChunk - 1) / kChunk;
  parallel_for(chunks, batch.threads, [&](std::size_t chunk, int) {
    thread_local ValueNetwork::Work work;
    const std::size_t first = chunk * kChunk;
    const std::size_t count = std::min(kChunk, observation.rows - first);
    score_chunk(observation, first, count, slots, work, scores.subspan(first * slots, count * slots));
  });
}

void ValuePolicy::score_chunk(const ObservationView& observation, std::size_t first, std::size_t count,
                              std::size_t slots, ValueNetwork::Work& work, std::span<float> scores) const {
  const ValueNetwork& network = model_->network;
  work.states.resize(static_cast<Eigen::Index>(kChunk), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(observation, first, count, work.states, work.histories);
  work.states.bottomRows(static_cast<Eigen::Index>(kChunk - count)).setZero();
  network.forward_states(work);
  const bool has_table = model_->item_table.size() > 0;
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
    if (!has_table) network.forward_items(model_->items, work);
    work.values.resize(pairs);
    network.combine(has_table ? model_->item_table : work.item.output(), has_table, pairs, block, work, work.values);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(work.values.begin() + static_cast<std::ptrdiff_t>(i * block), block,
                  scores.begin() + static_cast<std::ptrdiff_t>(i * slots + begin));
  }
}

}  // namespace swipegym
