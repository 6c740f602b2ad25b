#include "policy/value/full_output_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"
#include "env/user_model.h"
#include "nn/mlp.h"
#include "policy/best_unseen.h"

namespace swipegym {
namespace {

constexpr float kNoOutput = -1e9F;

// What a policy file says of its network: enough to build one of the same shape.
struct FullOutputArchitecture {
  std::vector<std::size_t> hidden = {1};  // a text without it means one layer, and no network has none
  StateEncoderConfig encoder;
};

template <class Visitor>
void visit_fields(Visitor& visit, FullOutputArchitecture& architecture) {
  visit("hidden", architecture.hidden, ranges::kUnits, ranges::kLayers);
  visit("encoder", architecture.encoder);
}

// Which output each video of the catalogue has, matched by raw id.
std::vector<std::int32_t> match_outputs(const std::vector<std::int64_t>& raw_id, const ItemInputs& items) {
  std::map<std::int64_t, std::int32_t> output;
  for (std::size_t i = 0; i < raw_id.size(); ++i) output[raw_id[i]] = static_cast<std::int32_t>(i);
  std::vector<std::int32_t> of(items.num_videos(), -1);
  for (std::size_t v = 0; v < of.size(); ++v)
    if (const auto found = output.find(items.raw_id[v]); found != output.end()) of[v] = found->second;
  return of;
}

}  // namespace

std::shared_ptr<FullOutputModel> make_full_output_model(std::string name, const Catalogue& catalogue,
                                                        const std::vector<std::int32_t>& videos,
                                                        const std::vector<std::size_t>& hidden,
                                                        const StateEncoderConfig& encoder, std::uint64_t seed) {
  auto model = std::make_shared<FullOutputModel>();
  model->header = {.model = "full_output",
                   .policy = std::move(name),
                   .seed = seed,
                   .catalogue_until = catalogue.until,
                   .config = "{}"};
  model->hidden = hidden;
  model->encoder_config = encoder;
  model->items = make_item_inputs(catalogue);
  for (const std::int32_t video : videos) model->raw_id.push_back(model->items.raw_id[static_cast<std::size_t>(video)]);
  model->output_of = match_outputs(model->raw_id, model->items);
  model->network = FullOutputNetwork(StateEncoder(encoder, model->items).state_size(), hidden, videos.size(),
                                     split(make_key(seed), Draw::kInit));
  return model;
}

FullOutputPolicy::FullOutputPolicy(std::shared_ptr<const FullOutputModel> model)
    : model_(std::move(model)), encoder_(model_->encoder_config, model_->items) {}

void FullOutputPolicy::values_of(const ObservationView& observation, std::span<const std::uint32_t> rows,
                                 Matrix& values) const {
  thread_local FullOutputNetwork::Work work;
  thread_local StateEncoder::Histories histories;
  thread_local Matrix states;
  // Always whole chunks, so that a row's values do not depend on how many there are.
  states.setZero(static_cast<Eigen::Index>(kChunk), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(observation, rows, states, histories);
  model_->network.forward(states, work);
  model_->network.all_values(work, values);
}

void FullOutputPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items.num_videos());
  const std::size_t chunks = (observation.rows + kChunk - 1) / kChunk;
  parallel_for(chunks, batch.threads, [&](std::size_t chunk, int) {
    thread_local Matrix values;
    thread_local std::vector<std::uint32_t> rows;
    const std::size_t first = chunk * kChunk;
    rows.resize(std::min(kChunk, observation.rows - first));
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
    values_of(observation, rows, values);
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t slot = 0; slot < slots; ++slot) {
        const std::int32_t video = video_in_slot(observation, rows[i], slot);
        const std::int32_t output = video < 0 ? -1 : model_->output_of[static_cast<std::size_t>(video)];
        scores[rows[i] * slots + slot] = output < 0 ? kNoOutput : values(static_cast<Eigen::Index>(i), output);
      }
  });
}

bool FullOutputPolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                   std::span<std::int32_t> out) const {
  const std::size_t chunks = (rows.size() + kChunk - 1) / kChunk;
  std::atomic<bool> found = true;
  parallel_for(chunks, batch.threads, [&](std::size_t chunk, int) {
    thread_local Matrix values;
    thread_local std::vector<float> scores;
    const std::size_t first = chunk * kChunk;
    const auto mine = rows.subspan(first, std::min(kChunk, rows.size() - first));
    values_of(batch.observation, mine, values);
    scores.resize(model_->output_of.size());
    for (std::size_t i = 0; i < mine.size(); ++i) {
      for (std::size_t video = 0; video < scores.size(); ++video) {
        const std::int32_t output = model_->output_of[video];
        scores[video] = output < 0 ? kNoOutput : values(static_cast<Eigen::Index>(i), output);
      }
      if (!best_unseen(scores, {}, batch, mine[i], count, out.subspan((first + i) * count, count))) found = false;
    }
  });
  return found;
}

void FullOutputPolicy::write(Hdf5Writer& file) const {
  const FullOutputModel& model = *model_;
  file.write_text("architecture", config_to_json(FullOutputArchitecture{model.hidden, model.encoder_config}).dump());
  file.write("outputs", model.raw_id);
  swipegym::save(file, "items", model.items);
  model.network.save(file, "network", /*moments=*/false);
}

std::shared_ptr<const Policy> load_full_output_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<FullOutputModel>();
  model->header = read_header(file);
  const auto architecture = read_architecture<FullOutputArchitecture>(file);
  model->hidden = architecture.hidden, model->encoder_config = architecture.encoder;
  model->raw_id = file.read<std::int64_t>("outputs");
  if (model->raw_id.empty())
    throw InputError(
        fmt::format("{}: a full-output network without outputs: the file is damaged", file.path().string()));
  const ItemInputs own = load_item_inputs(file, "items");
  const std::size_t state_size = StateEncoder(model->encoder_config, own).state_size();
  require_stored(file, "the network", layer_sizes(state_size, model->hidden, model->raw_id.size()));
  model->network = FullOutputNetwork(state_size, model->hidden, model->raw_id.size(), RandomKey{});
  model->network.load(file, "network");
  model->items = match_item_inputs(own, catalogue);
  model->output_of = match_outputs(model->raw_id, model->items);
  return std::make_shared<FullOutputPolicy>(std::move(model));
}

}  // namespace swipegym
