#include "policy/multitask/multitask_network.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "nn/activation.h"
#include "nn/dropout.h"
#include "nn/losses.h"
#include "nn/matrix_product.h"
#include "nn/mlp.h"

namespace swipegym {
namespace {

// A video's vectors begin small: what has rarely been met should look average.
constexpr double kTagDeviation = 0.1, kIdDeviation = 0.05;
// A gate begins near even, and an expert's share near its fan-in's.
constexpr double kGateGain = 0.1;

}  // namespace

template <class Scalar>
LayerStackOf<Scalar>::LayerStackOf(const std::vector<std::size_t>& sizes, bool active, RandomKey key)
    : ends_active(active) {
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const bool linear = !active && i + 2 == sizes.size();
    layers.emplace_back(sizes[i], sizes[i + 1], split(key, i), linear ? 1.0 : std::sqrt(2.0));
  }
}

template <class Scalar>
void LayerStackOf<Scalar>::forward(const MatrixOf<Scalar>& input, Work& work) const {
  work.before.resize(layers.size());
  work.after.resize(std::max<std::size_t>(layers.size(), 1));
  if (layers.empty()) work.after[0] = input;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool linear = i + 1 == layers.size() && !ends_active;
    MatrixOf<Scalar>& out = linear ? work.after[i] : work.before[i];
    apply(layers[i], i == 0 ? input : work.after[i - 1], out);
    if (!linear) activate(Activation::kSilu, work.before[i], work.after[i]);
  }
}

template <class Scalar>
void LayerStackOf<Scalar>::backward(const MatrixOf<Scalar>& input, const MatrixOf<Scalar>& d_output, Work& work,
                                    MatrixOf<Scalar>* d_input, std::size_t shard) {
  if (layers.empty()) {
    if (d_input != nullptr) *d_input = d_output;
    return;
  }
  work.gradient = d_output;
  for (std::size_t i = layers.size(); i-- > 0;) {
    if (i + 1 < layers.size() || ends_active) activate_backward(Activation::kSilu, work.before[i], work.gradient);
    MatrixOf<Scalar>* below = i > 0 ? &work.next : d_input;
    apply_backward(layers[i], i == 0 ? input : work.after[i - 1], work.gradient, below, /*add=*/false, shard);
    std::swap(work.gradient, work.next);
  }
}

template <class Scalar>
void LayerStackOf<Scalar>::collect(std::vector<ParameterOf<Scalar>*>& parameters) {
  for (LinearOf<Scalar>& layer : layers) parameters.push_back(&layer.weight), parameters.push_back(&layer.bias);
}

template <class Scalar>
MultitaskNetworkOf<Scalar>::MultitaskNetworkOf(const MultitaskNetworkConfig& config, const MultitaskShape& shape,
                                               RandomKey key)
    : config_(config), shape_(shape) {
  const std::size_t count = config.kind == "mmoe" ? config.experts : 1;
  for (std::size_t e = 0; e < count; ++e) experts_.emplace_back(config.expert, true, split(split(key, 3), e));
  for (std::size_t k = 0; k < heads(); ++k)
    towers_.emplace_back(layer_sizes(config.expert.back(), config.tower, shape.outputs[k]), false,
                         split(split(key, 4), k));
  if (!config.creator_id) config_.author_dim = 0;
  const std::size_t item = shape.item + config_.tag_dim + config_.author_dim + config_.id_dim;
  state_ = LayerStackOf<Scalar>(layer_sizes(shape.state, config.state_hidden, share_size()), false, split(key, 0));
  item_ = LayerStackOf<Scalar>(layer_sizes(item, config.item_hidden, share_size()), false, split(key, 1));
  meet_.resize(config.width + shape.cross, first_size());
  initialise(meet_, split(key, 2), static_cast<double>(std::max<std::size_t>(1, config.width + shape.cross)), 1.0);
  // Gates begin near even, whatever the share.
  const auto units = static_cast<Eigen::Index>(count * config.expert.front());
  const auto gates = static_cast<Eigen::Index>(first_size()) - units;
  for (LayerStackOf<Scalar>* share : {&state_, &item_})
    share->layers.back().weight.value.middleCols(units, gates) *= Scalar(kGateGain);
  meet_.value.middleCols(units, gates) *= Scalar(kGateGain);
  tag_ = EmbeddingOf<Scalar>(shape.tags, config_.tag_dim, split(key, 5), kTagDeviation);
  author_ = EmbeddingOf<Scalar>(shape.authors, config_.author_dim, split(key, 6), kIdDeviation);
  id_ = EmbeddingOf<Scalar>(shape.ids, config_.id_dim, split(key, 7), kIdDeviation);
}

// Units of all experts, then the logits of all gates; one expert needs no gate.
template <class Scalar>
std::size_t MultitaskNetworkOf<Scalar>::first_size() const noexcept {
  const std::size_t gates = experts_.size() > 1 ? heads() * experts_.size() : 0;
  return experts_.size() * config_.expert.front() + gates;
}

template <class Scalar>
void MultitaskNetworkOf<Scalar>::forward_states(Work& work) const {
  state_.forward(work.states, work.state);
}

template <class Scalar>
void MultitaskNetworkOf<Scalar>::forward_items(Work& work) const {
  const auto numbers = static_cast<Eigen::Index>(shape_.item), tag = static_cast<Eigen::Index>(tag_.dim()),
             author = static_cast<Eigen::Index>(author_.dim()), id = static_cast<Eigen::Index>(id_.dim());
  work.items.resize(work.numbers.rows(), numbers + tag + author + id);
  work.items.leftCols(numbers) = work.numbers;
  tag_.gather(work.tag, work.items.middleCols(numbers, tag));
  author_.gather(work.author, work.items.middleCols(numbers + tag, author));
  id_.gather(work.id, work.items.rightCols(id));
  item_.forward(work.items, work.item);
}

// Softmax over the experts of one head, those that are dropped apart: where all are, none is.
template <class Scalar>
void MultitaskNetworkOf<Scalar>::gate(const Noise& noise, std::size_t head, Work& work) const {
  const std::size_t count = experts_.size(), pairs = work.state_of.size();
  Mat& gate = work.gate[head];
  gate.resize(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(count));
  if (count == 1) return void(gate.setOnes());
  const std::size_t at = count * config_.expert.front() + head * count;
  gate = work.first.middleCols(static_cast<Eigen::Index>(at), static_cast<Eigen::Index>(count));
  if (noise.expert_dropout > Scalar(0)) {
    for (std::size_t p = 0; p < pairs; ++p) {
      RandomStream random(split(noise.key, 1 + head), static_cast<std::uint32_t>(noise.first_row + p));
      std::uint64_t dropped = 0;
      for (std::size_t e = 0; e < count; ++e)
        dropped |= std::uint64_t{static_cast<Scalar>(random.uniform()) < noise.expert_dropout} << e;
      if (dropped == (~std::uint64_t{0} >> (64 - count))) continue;
      for (std::size_t e = 0; e < count; ++e)
        if ((dropped >> e & 1U) != 0) gate(static_cast<Eigen::Index>(p), static_cast<Eigen::Index>(e)) = Scalar(-1e9);
    }
  }
  softmax_rows(gate);
}

template <class Scalar>
void MultitaskNetworkOf<Scalar>::forward_pairs(const Mat& items, const Noise& noise, Work& work) const {
  const std::size_t pairs = work.state_of.size(), width = config_.width, cross = shape_.cross, first = first_size();
  const std::size_t share = share_size(), count = experts_.size(), units = config_.expert.front();
  assert(work.video_of.size() == pairs && static_cast<std::size_t>(work.cross.rows()) >= pairs);
  const Mat& states = work.state.output();
  const auto n = static_cast<Eigen::Index>(pairs);
  work.met.resize(n, static_cast<Eigen::Index>(width + cross));
  work.first.resize(n, static_cast<Eigen::Index>(first));
  for (std::size_t p = 0; p < pairs; ++p) {
    const Scalar* state = states.data() + work.state_of[p] * share;
    const Scalar* item = items.data() + work.video_of[p] * share;
    Scalar *out = work.first.data() + p * first, *met = work.met.data() + p * (width + cross);
    for (std::size_t i = 0; i < first; ++i) out[i] = state[i] + item[i];
    for (std::size_t i = 0; i < width; ++i) met[i] = state[first + i] * item[first + i];
    std::copy_n(work.cross.data() + p * cross, cross, met + width);
  }
  if (width + cross > 0) matrix_product<Scalar>(work.met, meet_.value, work.first, /*add=*/true);

  work.hidden.resize(count), work.active.resize(count), work.mask.resize(count), work.expert.resize(count);
  for (std::size_t e = 0; e < count; ++e) {
    work.hidden[e] = work.first.middleCols(static_cast<Eigen::Index>(e * units), static_cast<Eigen::Index>(units));
    activate(Activation::kSilu, work.hidden[e], work.active[e]);
    if (noise.dropout > Scalar(0))
      dropout(noise.dropout, split(split(noise.key, 0), e), noise.first_row, work.mask[e], work.active[e]);
    else
      work.mask[e].resize(0, 0);
    experts_[e].forward(work.active[e], work.expert[e]);
  }
  work.gate.resize(heads()), work.mixed.resize(heads()), work.tower.resize(heads());
  for (std::size_t k = 0; k < heads(); ++k) {
    if (!work.wants(k)) continue;
    gate(noise, k, work);
    work.mixed[k] = work.gate[k].col(0).asDiagonal() * work.expert[0].output();
    for (std::size_t e = 1; e < count; ++e)
      work.mixed[k] += work.gate[k].col(static_cast<Eigen::Index>(e)).asDiagonal() * work.expert[e].output();
    towers_[k].forward(work.mixed[k], work.tower[k]);
  }
}

template <class Scalar>
const MatrixOf<Scalar>& MultitaskNetworkOf<Scalar>::features(std::size_t head, const Work& work) const noexcept {
  const auto& after = work.tower[head].after;
  return after.size() < 2 ? work.mixed[head] : after[after.size() - 2];
}

template <class Scalar>
void MultitaskNetworkOf<Scalar>::backward(Work& work, std::size_t shard) {
  const std::size_t pairs = work.state_of.size(), width = config_.width, cross = shape_.cross, first = first_size();
  const std::size_t share = share_size(), count = experts_.size(), units = config_.expert.front();
  const auto n = static_cast<Eigen::Index>(pairs);
  work.d_expert.resize(count), work.d_active.resize(count);
  work.d_mixed.resize(heads()), work.d_gate.resize(heads());
  work.d_first.setZero(n, static_cast<Eigen::Index>(first));
  for (std::size_t e = 0; e < count; ++e) work.d_expert[e].setZero(n, work.expert[e].output().cols());
  for (std::size_t k = 0; k < heads(); ++k) {
    towers_[k].backward(work.mixed[k], work.d_output[k], work.tower[k], &work.d_mixed[k], shard);
    const Mat& gate = work.gate[k];
    Mat& d_gate = work.d_gate[k];
    d_gate.resize(n, static_cast<Eigen::Index>(count));
    for (std::size_t e = 0; e < count; ++e) {
      const auto column = static_cast<Eigen::Index>(e);
      work.d_expert[e] += gate.col(column).asDiagonal() * work.d_mixed[k];
      d_gate.col(column) = work.d_mixed[k].cwiseProduct(work.expert[e].output()).rowwise().sum();
    }
    if (count == 1) continue;
    const auto at = static_cast<Eigen::Index>(count * units + k * count);
    const auto usual = d_gate.cwiseProduct(gate).rowwise().sum().eval();
    work.d_first.middleCols(at, static_cast<Eigen::Index>(count)) =
        gate.cwiseProduct(d_gate - usual.replicate(1, static_cast<Eigen::Index>(count)));
  }
  for (std::size_t e = 0; e < count; ++e) {
    experts_[e].backward(work.active[e], work.d_expert[e], work.expert[e], &work.d_active[e], shard);
    if (work.mask[e].size() > 0) dropout_backward(work.mask[e], work.d_active[e]);
    activate_backward(Activation::kSilu, work.hidden[e], work.d_active[e]);
    work.d_first.middleCols(static_cast<Eigen::Index>(e * units), static_cast<Eigen::Index>(units)) = work.d_active[e];
  }
  if (width + cross > 0) {
    matrix_product<Scalar>(transposed(work.met), work.d_first, meet_.shards[shard], /*add=*/true);
    matrix_product<Scalar>(work.d_first, transposed(meet_.value), work.d_met);
  }
  const Mat &states = work.state.output(), &items = work.item.output();
  work.d_state.setZero(states.rows(), states.cols());
  work.d_item.setZero(items.rows(), items.cols());
  for (std::size_t p = 0; p < pairs; ++p) {
    const Scalar *state = states.data() + work.state_of[p] * share, *item = items.data() + work.video_of[p] * share;
    Scalar *d_state = work.d_state.data() + work.state_of[p] * share,
           *d_item = work.d_item.data() + work.video_of[p] * share;
    const Scalar *d = work.d_first.data() + p * first, *d_met = work.d_met.data() + p * (width + cross);
    for (std::size_t i = 0; i < first; ++i) d_state[i] += d[i], d_item[i] += d[i];
    for (std::size_t i = 0; i < width; ++i) {
      d_state[first + i] += d_met[i] * item[first + i];
      d_item[first + i] += d_met[i] * state[first + i];
    }
  }
  state_.backward(work.states, work.d_state, work.state, nullptr, shard);
  item_.backward(work.items, work.d_item, work.item, &work.d_items, shard);
}

template <class Scalar>
void MultitaskNetworkOf<Scalar>::scatter(const Work& work) {
  const auto numbers = static_cast<Eigen::Index>(shape_.item), tag = static_cast<Eigen::Index>(tag_.dim()),
             author = static_cast<Eigen::Index>(author_.dim()), id = static_cast<Eigen::Index>(id_.dim());
  tag_.scatter(work.tag, work.d_items.middleCols(numbers, tag));
  author_.scatter(work.author, work.d_items.middleCols(numbers + tag, author));
  id_.scatter(work.id, work.d_items.rightCols(id));
}

template <class Scalar>
void MultitaskNetworkOf<Scalar>::set_shards(std::size_t count) {
  for (ParameterOf<Scalar>* parameter : parameters()) parameter->set_shards(count);
}

template <class Scalar>
std::vector<ParameterOf<Scalar>*> MultitaskNetworkOf<Scalar>::parameters() {
  std::vector<ParameterOf<Scalar>*> all;
  state_.collect(all);
  item_.collect(all);
  all.push_back(&meet_);
  for (LayerStackOf<Scalar>& expert : experts_) expert.collect(all);
  for (LayerStackOf<Scalar>& tower : towers_) tower.collect(all);
  return all;
}

template <class Scalar>
std::vector<EmbeddingOf<Scalar>*> MultitaskNetworkOf<Scalar>::embeddings() {
  std::vector<EmbeddingOf<Scalar>*> all;
  for (EmbeddingOf<Scalar>* table : {&tag_, &author_, &id_})
    if (table->dim() > 0) all.push_back(table);
  return all;
}

template struct LayerStackOf<float>;
template struct LayerStackOf<double>;
template class MultitaskNetworkOf<float>;
template class MultitaskNetworkOf<double>;

void save(Hdf5Writer& file, const std::string& name, MultitaskNetwork& network) {
  std::size_t i = 0;
  for (const Parameter* parameter : network.parameters())
    save(file, name + "/parameter_" + std::to_string(i++), *parameter, /*moments=*/false);
  i = 0;
  for (const Embedding* table : network.embeddings())
    save(file, name + "/table_" + std::to_string(i++), table->table, /*moments=*/false);
}

void load(const Hdf5Reader& file, const std::string& name, MultitaskNetwork& network) {
  std::size_t i = 0;
  for (Parameter* parameter : network.parameters()) load(file, name + "/parameter_" + std::to_string(i++), *parameter);
  i = 0;
  for (Embedding* table : network.embeddings()) load(file, name + "/table_" + std::to_string(i++), table->table);
}

}  // namespace swipegym
