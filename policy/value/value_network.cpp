#include "policy/value/value_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "env/user_model.h"

namespace swipegym {
namespace {

constexpr std::size_t kCross = StateEncoder::kCross;

}  // namespace

void check(const ValueNetworkConfig& config) {
  check(config.sequence);
  require_setting(config.outputs == 1 || config.interaction_hidden > 0, "network.outputs", config.outputs,
                  "1 without network.interaction_hidden: the network of pairs has the outputs");
}

ValueNetwork::ValueNetwork(const ValueNetworkConfig& config, std::size_t state_size, const ItemInputs& items,
                           RandomKey key)
    : config_(config), tables_(items, config.tag_dim, config.author_dim, config.id_dim, key, 3) {
  sequence_ = SequenceEncoder(config.sequence, tables_.size() + 1, split(key, 6));
  state_ = Mlp(layer_sizes(state_size + sequence_.width(), config.state_hidden, config.width + 1 + kCross),
               Activation::kSilu, split(key, 0));
  item_ = Mlp(layer_sizes(tables_.size(), config.item_hidden, config.width + 1), Activation::kSilu, split(key, 1));
  if (config.interaction_hidden > 0)
    interaction_ = Mlp(layer_sizes(config.width + kCross, {config.interaction_hidden}, config.outputs),
                       Activation::kSilu, split(key, 2));
  if (config.dueling) means_ = Matrix::Zero(1, static_cast<Eigen::Index>(config.width + 1));
}

void ValueNetwork::forward_states(const ItemInputs& items, Work& work) const {
  if (!sequence_.enabled()) return state_.forward(work.states, work.state);
  const StateEncoder::Watched& watched = work.histories.watched;
  const auto rows = static_cast<Eigen::Index>(watched.offset.size() - 1);
  const auto size = static_cast<Eigen::Index>(tables_.size()), width = static_cast<Eigen::Index>(sequence_.width());
  assert(rows > 0 && rows <= work.states.rows());  // 0: the StateEncoder was not told to keep the videos
  SequenceEncoder::Work& sequence = work.sequence;
  sequence.steps.resize(static_cast<Eigen::Index>(watched.video.size()), size + 1);
  tables_.gather(items, watched.video, sequence.steps.leftCols(size));
  sequence.steps.col(size) = as_matrix(watched.ratio.data(), watched.ratio.size(), 1);
  sequence_.forward(watched.offset, sequence);
  work.joined.resize(work.states.rows(), work.states.cols() + width);
  work.joined.leftCols(work.states.cols()) = work.states;
  work.joined.topRightCorner(rows, width) = sequence.output;
  work.joined.bottomRightCorner(work.states.rows() - rows, width).setZero();
  state_.forward(work.joined, work.state);
}

void ValueNetwork::forward_items(const ItemInputs& items, Work& work) const {
  forward_raw_items(items, work);
  if (means_.size() > 0) work.item.after.back().rowwise() -= means_.row(0);
}

void ValueNetwork::centre(const ItemInputs& items, Work& reference) {
  forward_raw_items(items, reference);
  means_ = reference.item.output().colwise().mean();
}

void ValueNetwork::backward_centre(const Matrix& d_mean, Work& reference, std::size_t shard) {
  const auto count = static_cast<Eigen::Index>(reference.videos.size());
  reference.d_item = d_mean.replicate(count, 1) / static_cast<float>(count);
  item_.backward(reference.items, reference.d_item, reference.item, &reference.d_items, shard);
}

void ValueNetwork::forward_raw_items(const ItemInputs& items, Work& work) const {
  work.items.resize(static_cast<Eigen::Index>(work.videos.size()), static_cast<Eigen::Index>(tables_.size()));
  tables_.gather(items, work.videos, work.items);
  item_.forward(work.items, work.item);
}

Matrix ValueNetwork::item_table(const ItemInputs& items, int threads) const {
  return table_of_videos<Work>(items.num_videos(), config_.width + 1, threads, [&](Work& work) -> const Matrix& {
    forward_items(items, work);
    return work.item.output();
  });
}

void ValueNetwork::queries(const Work& work, Matrix& queries, std::vector<float>& offset) const {
  assert(config_.interaction_hidden == 0);
  const auto k = static_cast<Eigen::Index>(config_.width);
  const Matrix& states = work.state.output();
  queries.resize(states.rows(), k + 1);
  queries.leftCols(k) = states.leftCols(k) / std::sqrt(static_cast<float>(k));
  queries.col(k).setOnes();
  offset.resize(static_cast<std::size_t>(states.rows()));
  for (Eigen::Index row = 0; row < states.rows(); ++row) offset[static_cast<std::size_t>(row)] = states(row, k);
}

void ValueNetwork::combine(const Matrix& item_rows, bool is_table, std::size_t pairs, std::size_t per_state, Work& work,
                           std::span<float> values) const {
  const std::size_t k = config_.width;
  const bool interacts = config_.interaction_hidden > 0;
  const float scale = 1.0F / std::sqrt(static_cast<float>(k));
  const Matrix& states = work.state.output();
  work.pairs.resize(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(k + kCross));
  for (std::size_t p = 0; p < pairs; ++p) {
    const float* f = states.data() + p / per_state * (k + 1 + kCross);
    const float* g = item_rows.data() + (is_table ? static_cast<std::size_t>(work.videos[p]) : p) * (k + 1);
    const float* c = work.cross.data() + p * kCross;
    float* pair = work.pairs.data() + p * (k + kCross);
    for (std::size_t i = 0; i < k; ++i) pair[i] = f[i] * g[i];
    std::copy_n(c, kCross, pair + k);
    float value = 0.0F;
    for (std::size_t i = 0; i < k; ++i) value += pair[i];
    value = value * scale + f[k] + g[k];
    for (std::size_t i = 0; i < kCross; ++i) value += f[k + 1 + i] * c[i];
    values[p] = value;
  }
  if (!interacts) return;
  interaction_.forward(work.pairs, work.interaction);
  const Matrix& outputs = work.interaction.output();
  for (std::size_t p = 0; p < pairs; ++p) values[p] += outputs.row(static_cast<Eigen::Index>(p)).mean();
}

void ValueNetwork::outputs(const Work& work, std::span<const float> values, Matrix& out) const {
  if (config_.interaction_hidden == 0) {
    out = as_matrix(values.data(), values.size(), 1);
    return;
  }
  out = work.interaction.output();
  for (Eigen::Index p = 0; p < out.rows(); ++p)
    out.row(p).array() += values[static_cast<std::size_t>(p)] - out.row(p).mean();
}

void ValueNetwork::backward_outputs(const Matrix& d_outputs, Work& work, std::size_t shard, std::size_t per_state) {
  work.d_outputs = d_outputs;
  thread_local std::vector<float> d_value;
  d_value.resize(static_cast<std::size_t>(d_outputs.rows()));
  for (Eigen::Index p = 0; p < d_outputs.rows(); ++p) d_value[static_cast<std::size_t>(p)] = d_outputs.row(p).sum();
  backward_pairs(d_value, work, shard, per_state);
}

void ValueNetwork::backward(std::span<const float> d_value, Work& work, std::size_t shard, std::size_t per_state) {
  const auto outputs = static_cast<Eigen::Index>(config_.outputs);
  work.d_outputs = as_matrix(d_value.data(), d_value.size(), 1).replicate(1, outputs) / static_cast<float>(outputs);
  backward_pairs(d_value, work, shard, per_state);
}

void ValueNetwork::backward_pairs(std::span<const float> d_value, Work& work, std::size_t shard,
                                  std::size_t per_state) {
  const std::size_t k = config_.width, pairs = d_value.size();
  const float scale = 1.0F / std::sqrt(static_cast<float>(k));
  const Matrix& states = work.state.output();
  const Matrix& items = work.item.output();
  const bool interacts = config_.interaction_hidden > 0;
  if (interacts) interaction_.backward(work.pairs, work.d_outputs, work.interaction, &work.d_pair, shard);
  work.d_state.setZero(states.rows(), states.cols());
  work.d_item.resize(items.rows(), items.cols());
  for (std::size_t p = 0; p < pairs; ++p) {
    const std::size_t state = p / per_state;
    const float* f = states.data() + state * (k + 1 + kCross);
    const float* g = items.data() + p * (k + 1);
    const float* c = work.cross.data() + p * kCross;
    float* d_f = work.d_state.data() + state * (k + 1 + kCross);
    float* d_g = work.d_item.data() + p * (k + 1);
    const float* d_product = interacts ? work.d_pair.data() + p * (k + kCross) : nullptr;
    const float d = d_value[p];
    for (std::size_t i = 0; i < k; ++i) {
      const float d_here = d * scale + (interacts ? d_product[i] : 0.0F);
      d_f[i] += d_here * g[i];
      d_g[i] = d_here * f[i];
    }
    d_f[k] += d;
    d_g[k] = d;
    for (std::size_t i = 0; i < kCross; ++i) d_f[k + 1 + i] += d * c[i];
  }
  if (sequence_.enabled()) {
    state_.backward(work.joined, work.d_state, work.state, &work.d_joined, shard);
    const std::vector<std::uint32_t>& offset = work.histories.watched.offset;
    work.sequence.d_output = work.d_joined.topRightCorner(static_cast<Eigen::Index>(offset.size() - 1),
                                                          static_cast<Eigen::Index>(sequence_.width()));
    sequence_.backward(offset, work.sequence, shard);
  } else {
    state_.backward(work.states, work.d_state, work.state, nullptr, shard);
  }
  item_.backward(work.items, work.d_item, work.item, &work.d_items, shard);
}

void ValueNetwork::scatter(const ItemInputs& items, const Work& work) {
  tables_.scatter(items, work.videos, work.d_items);
  const std::vector<std::int32_t>& watched = work.histories.watched.video;
  if (sequence_.enabled() && !watched.empty())
    tables_.scatter(items, watched, work.sequence.d_steps.leftCols(static_cast<Eigen::Index>(tables_.size())));
}

void ValueNetwork::set_shards(std::size_t count) {
  state_.set_shards(count);
  item_.set_shards(count);
  interaction_.set_shards(count);
  sequence_.set_shards(count);
}

std::vector<Parameter*> ValueNetwork::parameters() {
  std::vector<Parameter*> all;
  state_.collect(all);
  item_.collect(all);
  interaction_.collect(all);
  sequence_.collect(all);
  return all;
}

std::vector<Embedding*> ValueNetwork::embeddings() {
  return {&tables_.tag, &tables_.author, &tables_.id};
}

// Calls use(name, part) for what a file holds, whatever the network's constness.
template <class Network, class Use>
void ValueNetwork::each_part(Network& network, const Use& use) {
  use("/state", network.state_), use("/item", network.item_), use("/interaction", network.interaction_);
  use("/sequence", network.sequence_);
  if (network.tables_.tag.dim() > 0) use("/tag", network.tables_.tag.table);
  if (network.tables_.author.dim() > 0) use("/author", network.tables_.author.table);
  if (network.tables_.id.dim() > 0) use("/id", network.tables_.id.table);
}

void ValueNetwork::save(Hdf5Writer& file, const std::string& name, bool moments) const {
  each_part(*this, [&](const char* part, const auto& what) { swipegym::save(file, name + part, what, moments); });
  if (means_.size() > 0)
    file.write(name + "/reference_means", std::vector<float>(means_.data(), means_.data() + means_.size()));
}

void ValueNetwork::load(const Hdf5Reader& file, const std::string& name) {
  each_part(*this, [&](const char* part, auto& what) { swipegym::load(file, name + part, what); });
  if (means_.size() == 0) return;
  struct StoredMeans {
    std::string name;
    std::vector<float> values;
    std::size_t expected;
    void validate() const {
      require_size(name, values.size(), expected);
      require_finite(name, std::span(values));
    }
  };
  const std::string means = name + "/reference_means";
  const StoredMeans stored =
      file.checked(StoredMeans{means, file.read<float>(means), static_cast<std::size_t>(means_.size())});
  means_ = as_matrix(stored.values.data(), 1, stored.values.size());
}

}  // namespace swipegym
