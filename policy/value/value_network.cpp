#include "policy/value/value_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"
#include "core/validate.h"
#include "env/user_model.h"

namespace swipegym {
namespace {

constexpr std::size_t kCross = StateEncoder::kCross;
constexpr std::size_t kNumbers = kVideoFeatures + kDerivedItemFeatures;  // of a video, in front of its embeddings

}  // namespace

ValueNetwork::ValueNetwork(const ValueNetworkConfig& config, std::size_t state_size, const ItemInputs& items,
                           RandomKey key)
    : config_(config) {
  sequence_ = SequenceEncoder(config.sequence, item_size() + 1, split(key, 6));
  state_ = Mlp(layer_sizes(state_size + sequence_.width(), config.state_hidden, config.width + 1 + kCross),
               Activation::kSilu, split(key, 0));
  item_ = Mlp(layer_sizes(item_size(), config.item_hidden, config.width + 1), Activation::kSilu, split(key, 1));
  if (config.interaction_hidden > 0)
    interaction_ =
        Mlp(layer_sizes(config.width + kCross, {config.interaction_hidden}, 1), Activation::kSilu, split(key, 2));
  // Small embeddings: what has rarely been met should look average.
  tag_ = Embedding(items.num_tags, config.tag_dim, split(key, 3), 0.1);
  author_ = Embedding(items.num_authors, config.author_dim, split(key, 4), 0.05);
  id_ = Embedding(items.num_ids, config.id_dim, split(key, 5), 0.05);
  if (config.dueling) means_ = Matrix::Zero(1, static_cast<Eigen::Index>(config.width + 1));
}

void ValueNetwork::forward_states(const ItemInputs& items, Work& work) const {
  if (!sequence_.enabled()) return state_.forward(work.states, work.state);
  const StateEncoder::Watched& watched = work.histories.watched;
  const auto rows = static_cast<Eigen::Index>(watched.offset.size() - 1);
  const auto size = static_cast<Eigen::Index>(item_size()), width = static_cast<Eigen::Index>(sequence_.width());
  assert(rows > 0 && rows <= work.states.rows());  // 0: the StateEncoder was not told to keep the videos
  SequenceEncoder::Work& sequence = work.sequence;
  sequence.steps.resize(static_cast<Eigen::Index>(watched.video.size()), size + 1);
  gather_items(items, watched.video, sequence.steps.leftCols(size));
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

std::size_t ValueNetwork::item_size() const noexcept {
  return kNumbers + config_.tag_dim + config_.author_dim + config_.id_dim;
}

void ValueNetwork::gather_items(const ItemInputs& items, const std::vector<std::int32_t>& videos,
                                MatrixRef<float> out) const {
  const auto tag_dim = static_cast<Eigen::Index>(config_.tag_dim);
  const auto author_dim = static_cast<Eigen::Index>(config_.author_dim);
  constexpr auto kFeatures = static_cast<Eigen::Index>(kNumbers);
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    const std::int32_t video = videos[static_cast<std::size_t>(i)];
    out.row(i).head(static_cast<Eigen::Index>(kVideoFeatures)) = items.features.row(video);
    out.row(i).segment(static_cast<Eigen::Index>(kVideoFeatures), static_cast<Eigen::Index>(kDerivedItemFeatures)) =
        items.derived.row(video);
  }
  thread_local std::vector<std::int32_t> rows;
  gather_column(items.tag, videos, rows);
  tag_.gather(rows, out.middleCols(kFeatures, tag_dim));
  gather_column(items.author, videos, rows);
  author_.gather(rows, out.middleCols(kFeatures + tag_dim, author_dim));
  gather_column(items.id, videos, rows);
  id_.gather(rows, out.rightCols(static_cast<Eigen::Index>(config_.id_dim)));
}

void ValueNetwork::forward_raw_items(const ItemInputs& items, Work& work) const {
  work.items.resize(static_cast<Eigen::Index>(work.videos.size()), static_cast<Eigen::Index>(item_size()));
  gather_items(items, work.videos, work.items);
  item_.forward(work.items, work.item);
}

Matrix ValueNetwork::item_table(const ItemInputs& items, int threads) const {
  constexpr std::size_t kRows = 1024;  // a fixed cut, so that the table does not depend on threads
  const std::size_t videos = items.num_videos();
  Matrix table(static_cast<Eigen::Index>(videos), static_cast<Eigen::Index>(config_.width + 1));
  parallel_for((videos + kRows - 1) / kRows, threads, [&](std::size_t piece, int) {
    Work work;
    const std::size_t first = piece * kRows, last = std::min(videos, first + kRows);
    for (std::size_t v = first; v < last; ++v) work.videos.push_back(static_cast<std::int32_t>(v));
    forward_items(items, work);
    table.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(last - first)) = work.item.output();
  });
  return table;
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
  for (std::size_t p = 0; p < pairs; ++p) values[p] += work.interaction.output()(static_cast<Eigen::Index>(p), 0);
}

void ValueNetwork::backward(std::span<const float> d_value, Work& work, std::size_t shard, std::size_t per_state) {
  const std::size_t k = config_.width, pairs = d_value.size();
  const float scale = 1.0F / std::sqrt(static_cast<float>(k));
  const Matrix& states = work.state.output();
  const Matrix& items = work.item.output();
  const bool interacts = config_.interaction_hidden > 0;
  if (interacts) {
    work.d_value = as_matrix(d_value.data(), pairs, 1);
    interaction_.backward(work.pairs, work.d_value, work.interaction, &work.d_pair, shard);
  }
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
  scatter_items(items, work.videos, work.d_items);
  const std::vector<std::int32_t>& watched = work.histories.watched.video;
  if (sequence_.enabled() && !watched.empty())
    scatter_items(items, watched, work.sequence.d_steps.leftCols(static_cast<Eigen::Index>(item_size())));
}

void ValueNetwork::scatter_items(const ItemInputs& items, const std::vector<std::int32_t>& videos,
                                 ConstMatrixRef<float> gradient) {
  const auto tag_dim = static_cast<Eigen::Index>(config_.tag_dim);
  const auto author_dim = static_cast<Eigen::Index>(config_.author_dim);
  constexpr auto kFeatures = static_cast<Eigen::Index>(kNumbers);
  std::vector<std::int32_t> rows;
  gather_column(items.tag, videos, rows);
  tag_.scatter(rows, gradient.middleCols(kFeatures, tag_dim));
  gather_column(items.author, videos, rows);
  author_.scatter(rows, gradient.middleCols(kFeatures + tag_dim, author_dim));
  gather_column(items.id, videos, rows);
  id_.scatter(rows, gradient.rightCols(static_cast<Eigen::Index>(config_.id_dim)));
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
  return {&tag_, &author_, &id_};
}

void ValueNetwork::save(Hdf5Writer& file, const std::string& name, bool moments) const {
  swipegym::save(file, name + "/state", state_, moments);
  swipegym::save(file, name + "/item", item_, moments);
  swipegym::save(file, name + "/interaction", interaction_, moments);
  sequence_.save(file, name + "/sequence", moments);
  const auto save_table = [&](const char* table, const Embedding& embedding) {
    if (embedding.dim() > 0) swipegym::save(file, name + table, embedding.table, moments);
  };
  save_table("/tag", tag_);
  save_table("/author", author_);
  save_table("/id", id_);
  if (means_.size() > 0)
    file.write(name + "/reference_means", std::vector<float>(means_.data(), means_.data() + means_.size()));
}

void ValueNetwork::load(const Hdf5Reader& file, const std::string& name) {
  swipegym::load(file, name + "/state", state_);
  swipegym::load(file, name + "/item", item_);
  swipegym::load(file, name + "/interaction", interaction_);
  sequence_.load(file, name + "/sequence");
  const auto load_table = [&](const char* table, Embedding& embedding) {
    if (embedding.dim() > 0) swipegym::load(file, name + table, embedding.table);
  };
  load_table("/tag", tag_);
  load_table("/author", author_);
  load_table("/id", id_);
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
