#include "policy/value/full_output_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <numeric>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/lanes.h"
#include "core/parallel_pieces.h"
#include "env/user_model.h"
#include "nn/activation.h"
#include "nn/matrix_product.h"
#include "nn/mlp.h"
#include "policy/best_unseen.h"

namespace swipegym {
namespace {

constexpr float kRowOfOnes = 1.0F;

float dot(const float* a, const float* b, std::size_t count) noexcept {
  FloatLanes sum{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) sum += load_lanes(a + i) * load_lanes(b + i);
  float total = sum_lanes(sum);
  for (; i < count; ++i) total += a[i] * b[i];
  return total;
}

}  // namespace

FullOutputNetwork::FullOutputNetwork(std::size_t inputs, const std::vector<std::size_t>& hidden, std::size_t actions,
                                     RandomKey key) {
  assert(!hidden.empty());
  for (std::size_t i = 0; i < hidden.size(); ++i)
    layers_.emplace_back(i == 0 ? inputs : hidden[i - 1], hidden[i], split(key, i), std::sqrt(2.0));
  output_ =
      Embedding(actions, hidden.back(), split(key, hidden.size()), 1.0 / std::sqrt(static_cast<double>(hidden.back())));
  bias_ = Embedding(actions, 1, split(key, hidden.size() + 1), 0.0);
  bias_.table.decays = false;
  lay_out();
}

void FullOutputNetwork::forward(const Matrix& states, Work& work) const {
  work.hidden.resize(layers_.size());
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    apply(layers_[i], i == 0 ? states : work.hidden[i - 1], work.hidden[i]);
    activate(Activation::kRelu, work.hidden[i], work.hidden[i]);
  }
}

void FullOutputNetwork::lay_out() {
  columns_ = output_.table.value.transpose();
}

void FullOutputNetwork::all_values(const Work& work, Matrix& values) const {
  assert(columns_.cols() == output_.table.value.rows());
  matrix_product<float>(work.hidden.back(), columns_, values, false, bias_.table.value.data());
}

float FullOutputNetwork::value(const Work& work, std::size_t row, std::int32_t action) const {
  const std::size_t width = output_.dim(), a = static_cast<std::size_t>(action);
  return dot(work.hidden.back().data() + row * width, output_.table.value.data() + a * width, width) +
         bias_.table.value.data()[a];
}

void FullOutputNetwork::listed_values(const Work& work, std::span<const std::int32_t> listed,
                                      std::span<float> values) const {
  const std::size_t per_row = listed.size() / static_cast<std::size_t>(work.hidden.back().rows());
  for (std::size_t i = 0; i < listed.size(); ++i)
    values[i] = listed[i] < 0 ? kNoOutput : value(work, i / per_row, listed[i]);
}

void FullOutputNetwork::chosen_values(const Work& work, std::span<const std::int32_t> action,
                                      std::span<float> values) const {
  for (std::size_t i = 0; i < action.size(); ++i) values[i] = value(work, i, action[i]);
}

void FullOutputNetwork::backward(const Matrix& states, std::span<const float> d_value,
                                 std::span<const std::int32_t> action, Work& work, std::size_t shard) {
  const std::size_t width = output_.dim();
  Matrix* gradient = &work.gradient;
  Matrix* below = &work.next_gradient;
  gradient->resize(static_cast<Eigen::Index>(action.size()), static_cast<Eigen::Index>(width));
  work.rows.resize(action.size()), work.biases.resize(action.size());
  for (std::size_t i = 0; i < action.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    gradient->row(row) = d_value[i] * output_.table.value.row(action[i]);
    work.rows[i] = {action[i], d_value[i], work.hidden.back().data() + i * width};
    work.biases[i] = {action[i], d_value[i], &kRowOfOnes};
  }
  for (std::size_t i = layers_.size(); i-- > 0;) {
    // A rectifier's output is above 0 where its input is.
    activate_backward(Activation::kRelu, work.hidden[i], *gradient);
    apply_backward(layers_[i], i == 0 ? states : work.hidden[i - 1], *gradient, i == 0 ? nullptr : below, false, shard);
    std::swap(gradient, below);
  }
}

void FullOutputNetwork::scatter(std::span<Work* const> shards, int threads) {
  thread_local std::vector<std::span<const RowGradient>> rows, biases;
  rows.clear(), biases.clear();
  for (const Work* work : shards) rows.emplace_back(work->rows), biases.emplace_back(work->biases);
  output_.scatter(rows, threads);
  bias_.scatter(biases, 1);
}

void FullOutputNetwork::set_shards(std::size_t count) {
  for (Linear& layer : layers_) layer.set_shards(count);
}

std::vector<Parameter*> FullOutputNetwork::parameters() {
  std::vector<Parameter*> all;
  for (Linear& layer : layers_) all.insert(all.end(), {&layer.weight, &layer.bias});
  return all;
}

std::vector<Embedding*> FullOutputNetwork::embeddings() {
  return {&output_, &bias_};
}

void FullOutputNetwork::save(Hdf5Writer& file, const std::string& name, bool moments) const {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    swipegym::save(file, name + "/hidden/" + std::to_string(i), layers_[i], moments);
  swipegym::save(file, name + "/output", output_.table, moments);
  swipegym::save(file, name + "/bias", bias_.table, moments);
}

void FullOutputNetwork::load(const Hdf5Reader& file, const std::string& name) {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    swipegym::load(file, name + "/hidden/" + std::to_string(i), layers_[i]);
  swipegym::load(file, name + "/output", output_.table);
  swipegym::load(file, name + "/bias", bias_.table);
  lay_out();
}

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
  model->output_of = match_ids(model->raw_id, model->items.raw_id);
  model->network = FullOutputNetwork(StateEncoder(encoder, model->items).state_size(), hidden, videos.size(),
                                     split(make_key(seed), Draw::kInit));
  return model;
}

FullOutputPolicy::FullOutputPolicy(std::shared_ptr<const FullOutputModel> model)
    : model_(std::move(model)), encoder_(model_->encoder_config, model_->items) {}

const FullOutputNetwork::Work& FullOutputPolicy::hidden_of(const ObservationView& observation,
                                                           std::span<const std::uint32_t> rows) const {
  thread_local FullOutputNetwork::Work work;
  thread_local StateEncoder::Histories histories;
  thread_local Matrix states;
  // Always whole chunks, so that a row's values do not depend on how many there are.
  states.setZero(static_cast<Eigen::Index>(kChunk), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(observation, rows, states, histories);
  model_->network.forward(states, work);
  return work;
}

void FullOutputPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items.num_videos());
  parallel_pieces(observation.rows, kChunk, batch.threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local Matrix values;
    thread_local std::vector<std::uint32_t> rows;
    thread_local std::vector<std::int32_t> outputs;
    thread_local std::vector<float> listed;
    rows.resize(count);
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
    outputs.assign(kChunk * slots, -1);
    for (std::size_t i = 0; i < count * slots; ++i) {
      const std::int32_t video = video_in_slot(observation, rows[i / slots], i % slots);
      if (video >= 0) outputs[i] = model_->output_of[static_cast<std::size_t>(video)];
    }
    const FullOutputNetwork& network = model_->network;
    const FullOutputNetwork::Work& hidden = hidden_of(observation, rows);
    if (network.are_few(slots)) {
      listed.resize(outputs.size());
      network.listed_values(hidden, outputs, listed);
      std::copy_n(listed.begin(), count * slots, scores.begin() + static_cast<std::ptrdiff_t>(first * slots));
      return;
    }
    network.all_values(hidden, values);
    for (std::size_t i = 0; i < count * slots; ++i)
      scores[first * slots + i] =
          outputs[i] < 0 ? FullOutputNetwork::kNoOutput : values(static_cast<Eigen::Index>(i / slots), outputs[i]);
  });
}

bool FullOutputPolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                   std::span<std::int32_t> out) const {
  std::atomic<bool> found = true;
  parallel_pieces(rows.size(), kChunk, batch.threads, [&](std::size_t, std::size_t first, std::size_t here) {
    thread_local Matrix values;
    thread_local std::vector<float> scores;
    const auto mine = rows.subspan(first, here);
    model_->network.all_values(hidden_of(batch.observation, mine), values);
    scores.resize(model_->output_of.size());
    for (std::size_t i = 0; i < mine.size(); ++i) {
      for (std::size_t video = 0; video < scores.size(); ++video) {
        const std::int32_t output = model_->output_of[video];
        scores[video] = output < 0 ? FullOutputNetwork::kNoOutput : values(static_cast<Eigen::Index>(i), output);
      }
      if (!best_unseen(scores, {}, batch, mine[i], count, out.subspan((first + i) * count, count))) found = false;
    }
  });
  return found;
}

void FullOutputPolicy::write(Hdf5Writer& file) const {
  const FullOutputModel& model = *model_;
  file.write_text("architecture", config_to_json(model).dump());
  file.write("outputs", model.raw_id);
  swipegym::save(file, "items", model.items);
  model.network.save(file, "network", /*moments=*/false);
}

std::shared_ptr<const Policy> load_full_output_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  const auto model = read_model<FullOutputModel>(file);
  model->raw_id = file.read<std::int64_t>("outputs");
  if (model->raw_id.empty())
    throw InputError(
        fmt::format("{}: a full-output network without outputs: the file is damaged", file.path().string()));
  const ItemInputs own = load_item_inputs(file, "items");
  require_known_videos(file, own.raw_id, catalogue);
  require_distinct(file, "outputs", model->raw_id);
  for (const std::int32_t row : match_ids(own.raw_id, model->raw_id))
    if (row < 0)
      throw InputError(
          fmt::format("{}: an output is of a video that the file does not know; the file is damaged, make it again",
                      file.path().string()));
  const std::size_t state_size = StateEncoder(model->encoder_config, own).state_size();
  require_stored(file, "the network", layer_sizes(state_size, model->hidden, model->raw_id.size()));
  model->network = FullOutputNetwork(state_size, model->hidden, model->raw_id.size(), RandomKey{});
  model->network.load(file, "network");
  model->items = match_item_inputs(own, catalogue);
  model->output_of = match_ids(model->raw_id, model->items.raw_id);
  return std::make_shared<FullOutputPolicy>(model);
}

}  // namespace swipegym
