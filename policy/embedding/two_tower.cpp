#include "policy/embedding/two_tower.h"

#include <algorithm>
#include <cmath>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"
#include "nn/gaussian_rows.h"
#include "nn/unit_rows.h"

namespace swipegym {
namespace {

constexpr float kRatedLimit = 2.0F;

// A log variance is kept within these, or a file of strange weights could make a deviation that is no number.
constexpr float kLogVarianceLimit = 10.0F;

VideoRange all_of(const ItemInputs& items) {
  return {0, static_cast<std::uint32_t>(items.num_videos())};
}

// The halves of a tower's outputs, with what the id adds to every log variance of a row (none: nothing).
void spread(const Matrix& output, const std::vector<float>& by_id, RetrievalTowers::Output& out) {
  const Eigen::Index width = output.cols() / 2;
  out.log_variance = output.rightCols(width);
  for (std::size_t i = 0; i < by_id.size(); ++i) out.log_variance.row(static_cast<Eigen::Index>(i)).array() += by_id[i];
  out.log_variance = out.log_variance.cwiseMax(-kLogVarianceLimit).cwiseMin(kLogVarianceLimit);
  if (out.noise.size() > 0)
    sample_rows<float>(output.leftCols(width), out.log_variance, out.noise, out.vector);
  else
    out.vector = output.leftCols(width);
  to_unit_rows<float>(out.vector, out.unit);
}

// d of a tower's outputs, given d unit.
void spread_backward(const Matrix& output, const RetrievalTowers::Output& out, const Matrix& d_unit, Matrix& d_output) {
  const Eigen::Index width = output.cols() / 2;
  Matrix d_mean, d_log_variance;
  unit_rows_backward<float>(out.vector, out.unit, d_unit, d_mean);
  if (out.noise.size() > 0)
    sample_rows_backward<float>(d_mean, out.log_variance, out.noise, d_log_variance);
  else
    d_log_variance.setZero(d_mean.rows(), width);
  if (!out.kl_weight.empty())
    gaussian_kl<float>(output.leftCols(width), out.log_variance, out.kl_weight, &d_mean, &d_log_variance);
  // At a limit only what leads away from it counts.
  for (Eigen::Index i = 0; i < d_log_variance.size(); ++i) {
    float& d = d_log_variance.data()[i];
    const float at = out.log_variance.data()[i];
    if ((at >= kLogVarianceLimit && d < 0.0F) || (at <= -kLogVarianceLimit && d > 0.0F)) d = 0.0F;
  }
  d_output.resize(output.rows(), output.cols());
  d_output << d_mean, d_log_variance;
}

}  // namespace

RetrievalTowers::RetrievalTowers(const TwoTowerConfig& config, std::size_t state_size, const ItemInputs& items,
                                 RandomKey key, bool deviations)
    : config_(config),
      state_size_(state_size),
      deviations_(deviations),
      tables_(items, config.tag_dim, config.author_dim, config.id_dim, key, 2) {
  const std::size_t outputs = deviations ? 2 * config.width : config.width;
  user_ = Mlp(user_sizes(config, state_size, outputs), Activation::kSilu, split(key, 0));
  item_ = Mlp(item_sizes(config, outputs), Activation::kSilu, split(key, 1));
  history_ = Embedding(items.num_ids, config.history_dim, split(key, 5), 0.1);
  if (!deviations) return;
  deviation_ = Embedding(items.num_ids, 1, split(key, 6), 0.0);
  deviation_.table.decays = false;  // the prior is what it is drawn to
}

std::vector<std::size_t> RetrievalTowers::user_sizes(const TwoTowerConfig& config, std::size_t state_size,
                                                     std::size_t outputs) {
  return layer_sizes(state_size + 2 * config.history_dim, config.user_hidden, outputs);
}

std::vector<std::size_t> RetrievalTowers::item_sizes(const TwoTowerConfig& config, std::size_t outputs) {
  return layer_sizes(VideoTables::kNumbers + config.tag_dim + config.author_dim + config.id_dim, config.item_hidden,
                     outputs);
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
  if (deviations_)
    spread(work.user.output(), {}, work.user_out);
  else
    to_unit_rows<float>(work.user.output(), work.user_out.unit);
}

void RetrievalTowers::forward_items(const ItemInputs& items, Work& work) const {
  work.items.resize(static_cast<Eigen::Index>(work.videos.size()), static_cast<Eigen::Index>(tables_.size()));
  tables_.gather(items, work.videos, work.items);
  item_.forward(work.items, work.item);
  if (!deviations_) {
    to_unit_rows<float>(work.item.output(), work.item_out.unit);
    return;
  }
  std::vector<std::int32_t> rows;
  gather_column(items.id, work.videos, rows);
  work.by_id.assign(rows.size(), 0.0F);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i] >= 0) work.by_id[i] = deviation_.table.value(rows[i], 0);
  spread(work.item.output(), work.by_id, work.item_out);
}

double RetrievalTowers::kl(const Work& work) const {
  const auto width = static_cast<Eigen::Index>(config_.width);
  double total = 0.0;
  for (const auto& [mlp, out] : {std::pair(&work.user, &work.user_out), std::pair(&work.item, &work.item_out)})
    if (deviations_ && !out->kl_weight.empty())
      total += gaussian_kl<float>(mlp->output().leftCols(width), out->log_variance, out->kl_weight, nullptr, nullptr);
  return total;
}

template <class Visit>
void RetrievalTowers::for_items(const ItemInputs& items, VideoRange videos, int threads, const Visit& visit) const {
  constexpr std::size_t kRows = 1024;  // a fixed cut, so that a table does not depend on threads
  parallel_for((videos.size() + kRows - 1) / kRows, threads, [&](std::size_t piece, int) {
    Work work;
    const std::size_t first = videos.begin + piece * kRows, last = std::min<std::size_t>(videos.end, first + kRows);
    for (std::size_t v = first; v < last; ++v) work.videos.push_back(static_cast<std::int32_t>(v));
    forward_items(items, work);
    visit(work, static_cast<Eigen::Index>(first));
  });
}

Matrix RetrievalTowers::item_table(const ItemInputs& items, int threads) const {
  Matrix table(static_cast<Eigen::Index>(items.num_videos()), static_cast<Eigen::Index>(config_.width));
  for_items(items, all_of(items), threads, [&](const Work& work, Eigen::Index first) {
    table.middleRows(first, work.item_out.unit.rows()) = work.item_out.unit;
  });
  return table;
}

void RetrievalTowers::renew_table(const ItemInputs& items, VideoRange videos, Matrix& table) const {
  for_items(items, videos, 1, [&](const Work& work, Eigen::Index first) {
    table.middleRows(first, work.item_out.unit.rows()) = work.item_out.unit;
  });
}

std::vector<float> RetrievalTowers::item_deviations(const ItemInputs& items, int threads) const {
  std::vector<float> mean(deviations_ ? items.num_videos() : 0);
  if (deviations_)
    for_items(items, all_of(items), threads, [&](const Work& work, Eigen::Index first) {
      for (Eigen::Index i = 0; i < work.item_out.log_variance.rows(); ++i)
        mean[static_cast<std::size_t>(first + i)] = (0.5F * work.item_out.log_variance.row(i).array()).exp().mean();
    });
  return mean;
}

Matrix RetrievalTowers::item_means(const ItemInputs& items, int threads) const {
  const auto width = static_cast<Eigen::Index>(config_.width);
  Matrix table(static_cast<Eigen::Index>(items.num_videos()), width);
  for_items(items, all_of(items), threads, [&](const Work& work, Eigen::Index first) {
    table.middleRows(first, work.item.output().rows()) = work.item.output().leftCols(width);
  });
  return table;
}

void RetrievalTowers::backward(const Matrix& d_user_unit, const Matrix& d_item_unit, Work& work, std::size_t shard) {
  if (deviations_) {
    spread_backward(work.user.output(), work.user_out, d_user_unit, work.d_user);
    spread_backward(work.item.output(), work.item_out, d_item_unit, work.d_item);
  } else {
    unit_rows_backward<float>(work.user.output(), work.user_out.unit, d_user_unit, work.d_user);
    unit_rows_backward<float>(work.item.output(), work.item_out.unit, d_item_unit, work.d_item);
  }
  user_.backward(work.users, work.d_user, work.user, &work.d_users, shard);
  item_.backward(work.items, work.d_item, work.item, &work.d_items, shard);
}

void RetrievalTowers::scatter(const ItemInputs& items, const Work& work) {
  tables_.scatter(items, work.videos, work.d_items);
  const auto dim = static_cast<Eigen::Index>(config_.history_dim);
  std::vector<std::int32_t> rows;
  gather_column(items.id, work.videos, rows);
  if (deviations_) deviation_.scatter(rows, work.d_item.rightCols(work.d_item.cols() / 2).rowwise().sum());
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
  add("tag", tables_.tag), add("author", tables_.author), add("id", tables_.id), add("history", history_);
  add("deviation", deviation_);
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
