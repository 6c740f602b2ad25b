#include "policy/embedding/two_tower.h"

#include <algorithm>
#include <cmath>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"

namespace swipegym {
namespace {

constexpr std::size_t kItemNumbers = kVideoFeatures + kDerivedItemFeatures;
constexpr float kRatedLimit = 2.0F;

void to_unit_rows(const Matrix& rows, Matrix& unit) {
  unit.resize(rows.rows(), rows.cols());
  for (Eigen::Index i = 0; i < rows.rows(); ++i) unit.row(i) = rows.row(i) / (rows.row(i).norm() + 1e-6F);
}

// Derivative of x / |x|: what lies along the unit vector changes nothing.
void unit_backward(const Matrix& rows, const Matrix& unit, const Matrix& d_unit, Matrix& d_rows) {
  d_rows.resize(rows.rows(), rows.cols());
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    const float along = unit.row(i).dot(d_unit.row(i));
    d_rows.row(i) = (d_unit.row(i) - along * unit.row(i)) / (rows.row(i).norm() + 1e-6F);
  }
}

}  // namespace

RetrievalTowers::RetrievalTowers(const TwoTowerConfig& config, std::size_t state_size, const ItemInputs& items,
                                 RandomKey key)
    : config_(config), state_size_(state_size) {
  const std::size_t item_size = kItemNumbers + config.tag_dim + config.author_dim + config.id_dim;
  user_ = Mlp(layer_sizes(state_size + 2 * config.history_dim, config.user_hidden, config.width), Activation::kSilu,
              split(key, 0));
  item_ = Mlp(layer_sizes(item_size, config.item_hidden, config.width), Activation::kSilu, split(key, 1));
  tag_ = Embedding(items.num_tags, config.tag_dim, split(key, 2), 0.1);
  author_ = Embedding(items.num_authors, config.author_dim, split(key, 3), 0.05);
  id_ = Embedding(items.num_ids, config.id_dim, split(key, 4), 0.05);
  history_ = Embedding(items.num_ids, config.history_dim, split(key, 5), 0.1);
}

void RetrievalTowers::forward_users(const StateEncoder& encoder, const ItemInputs& items,
                                    const ObservationView& observation, std::size_t first, std::size_t count,
                                    std::size_t padded, Work& work) const {
  const std::size_t length = observation.history_length;
  const auto states = static_cast<Eigen::Index>(state_size_), dim = static_cast<Eigen::Index>(config_.history_dim);
  work.states.resize(static_cast<Eigen::Index>(padded), states);
  encoder.encode(observation, first, count, work.states, work.histories);
  work.users.setZero(static_cast<Eigen::Index>(padded), states + 2 * dim);
  work.users.topLeftCorner(static_cast<Eigen::Index>(count), states) =
      work.states.topRows(static_cast<Eigen::Index>(count));
  work.history.assign(count * length, -1);
  work.plain.assign(count * length, 0.0F), work.rated.assign(count * length, 0.0F);
  for (std::size_t i = 0; i < count && config_.history_dim > 0; ++i) {
    float weight = 1.0F, total = 0.0F;
    for (std::size_t j = length; j-- > 0; weight *= config_.history_decay) {  // newest first
      const std::int32_t video = observation.history_video[(first + i) * length + j];
      if (video < 0) break;
      const std::size_t at = i * length + j;
      work.history[at] = items.id[static_cast<std::size_t>(video)];
      work.plain[at] = weight;
      work.rated[at] = weight * std::min(observation.history_ratio[(first + i) * length + j], kRatedLimit);
      total += weight;
    }
    if (total == 0.0F) continue;
    float* plain = work.users.row(static_cast<Eigen::Index>(i)).data() + states;
    float* rated = plain + dim;
    for (std::size_t at = i * length; at < (i + 1) * length; ++at) {
      work.plain[at] /= total, work.rated[at] /= total;
      if (work.history[at] < 0) continue;
      const float* vector = history_.table.value.data() + work.history[at] * dim;
      for (Eigen::Index d = 0; d < dim; ++d)
        plain[d] += work.plain[at] * vector[d], rated[d] += work.rated[at] * vector[d];
    }
  }
  user_.forward(work.users, work.user);
  to_unit_rows(work.user.output(), work.user_unit);
}

void RetrievalTowers::forward_items(const ItemInputs& items, Work& work) const {
  const auto count = static_cast<Eigen::Index>(work.videos.size());
  const auto tag = static_cast<Eigen::Index>(config_.tag_dim), author = static_cast<Eigen::Index>(config_.author_dim);
  const auto id = static_cast<Eigen::Index>(config_.id_dim), numbers = static_cast<Eigen::Index>(kItemNumbers);
  work.items.resize(count, numbers + tag + author + id);
  for (Eigen::Index i = 0; i < count; ++i) {
    const std::int32_t video = work.videos[static_cast<std::size_t>(i)];
    work.items.row(i).head(kVideoFeatures) = items.features.row(video);
    work.items.row(i).segment(kVideoFeatures, kDerivedItemFeatures) = items.derived.row(video);
  }
  thread_local std::vector<std::int32_t> rows;
  gather_column(items.tag, work.videos, rows);
  tag_.gather(rows, work.items.middleCols(numbers, tag));
  gather_column(items.author, work.videos, rows);
  author_.gather(rows, work.items.middleCols(numbers + tag, author));
  gather_column(items.id, work.videos, rows);
  id_.gather(rows, work.items.rightCols(id));
  item_.forward(work.items, work.item);
  to_unit_rows(work.item.output(), work.item_unit);
}

Matrix RetrievalTowers::item_table(const ItemInputs& items, int threads) const {
  constexpr std::size_t kRows = 1024;  // a fixed cut, so that the table does not depend on threads
  const std::size_t videos = items.num_videos();
  Matrix table(static_cast<Eigen::Index>(videos), static_cast<Eigen::Index>(config_.width));
  parallel_for((videos + kRows - 1) / kRows, threads, [&](std::size_t piece, int) {
    Work work;
    const std::size_t first = piece * kRows, last = std::min(videos, first + kRows);
    for (std::size_t v = first; v < last; ++v) work.videos.push_back(static_cast<std::int32_t>(v));
    forward_items(items, work);
    table.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(last - first)) = work.item_unit;
  });
  return table;
}

void RetrievalTowers::backward(const Matrix& d_user_unit, const Matrix& d_item_unit, Work& work, std::size_t shard) {
  unit_backward(work.user.output(), work.user_unit, d_user_unit, work.d_user);
  user_.backward(work.users, work.d_user, work.user, &work.d_users, shard);
  unit_backward(work.item.output(), work.item_unit, d_item_unit, work.d_item);
  item_.backward(work.items, work.d_item, work.item, &work.d_items, shard);
}

void RetrievalTowers::scatter(const ItemInputs& items, const Work& work) {
  const auto tag = static_cast<Eigen::Index>(config_.tag_dim), author = static_cast<Eigen::Index>(config_.author_dim);
  const auto numbers = static_cast<Eigen::Index>(kItemNumbers), dim = static_cast<Eigen::Index>(config_.history_dim);
  std::vector<std::int32_t> rows;
  gather_column(items.tag, work.videos, rows);
  tag_.scatter(rows, work.d_items.middleCols(numbers, tag));
  gather_column(items.author, work.videos, rows);
  author_.scatter(rows, work.d_items.middleCols(numbers + tag, author));
  gather_column(items.id, work.videos, rows);
  id_.scatter(rows, work.d_items.rightCols(static_cast<Eigen::Index>(config_.id_dim)));
  if (config_.history_dim == 0) return;
  const std::size_t length = work.history.size() / work.videos.size();
  rows.clear();
  for (const std::int32_t row : work.history)
    if (row >= 0) rows.push_back(row);
  Matrix gradient(static_cast<Eigen::Index>(rows.size()), dim);
  Eigen::Index to = 0;
  for (std::size_t at = 0; at < work.history.size(); ++at) {
    if (work.history[at] < 0) continue;
    const auto d = work.d_users.row(static_cast<Eigen::Index>(at / length)).tail(2 * dim);
    gradient.row(to++) = work.plain[at] * d.head(dim) + work.rated[at] * d.tail(dim);
  }
  history_.scatter(rows, gradient);
}

void RetrievalTowers::set_shards(std::size_t count) {
  user_.set_shards(count);
  item_.set_shards(count);
}

std::vector<std::pair<std::string, Parameter*>> RetrievalTowers::parameters() {
  std::vector<std::pair<std::string, Parameter*>> all;
  const auto add = [&](const std::string& tower, Mlp& mlp) {
    for (std::size_t i = 0; i < mlp.layers.size(); ++i) {
      all.emplace_back(tower + "/" + std::to_string(i) + "/weight", &mlp.layers[i].weight);
      all.emplace_back(tower + "/" + std::to_string(i) + "/bias", &mlp.layers[i].bias);
    }
  };
  add("user", user_);
  add("item", item_);
  return all;
}

std::vector<std::pair<std::string, Embedding*>> RetrievalTowers::embeddings() {
  std::vector<std::pair<std::string, Embedding*>> all;
  const auto add = [&](const char* name, Embedding& embedding) {
    if (embedding.dim() > 0) all.emplace_back(name, &embedding);
  };
  add("tag", tag_), add("author", author_), add("id", id_), add("history", history_);
  return all;
}

void RetrievalTowers::save(Hdf5Writer& file, const std::string& name) const {
  auto& self = const_cast<RetrievalTowers&>(*this);  // one list of parameters serves both directions; saving only reads
  for (const auto& [part, parameter] : self.parameters()) swipegym::save(file, name + "/" + part, *parameter, false);
  for (const auto& [part, table] : self.embeddings()) swipegym::save(file, name + "/" + part, table->table, false);
}

void RetrievalTowers::load(const Hdf5Reader& file, const std::string& name) {
  for (const auto& [part, parameter] : parameters()) swipegym::load(file, name + "/" + part, *parameter);
  for (const auto& [part, table] : embeddings()) swipegym::load(file, name + "/" + part, table->table);
}

}  // namespace swipegym
