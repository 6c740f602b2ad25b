#include "policy/label/label_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/config.h"
#include "nn/xavier.h"
#include "policy/label/din_network.h"
#include "policy/label/two_tower_network.h"

namespace swipegym {
namespace {

template <class Scalar>
EmbeddingOf<Scalar> xavier_table(std::size_t count, std::size_t dim, RandomKey key) {
  EmbeddingOf<Scalar> table(count, dim, key, 0.0);
  initialise_xavier_normal(table.table, key);
  return table;
}

template <class Scalar>
void gather_parts(const LabelEmbeddingsOf<Scalar>& tables, std::span<const std::int32_t> video,
                  std::span<const std::int32_t> bucket, std::span<const std::int32_t> tag, MatrixRef<Scalar> out) {
  const auto dim = static_cast<Eigen::Index>(tables.dim());
  tables.video.gather(video, out.leftCols(dim));
  tables.bucket.gather(bucket, out.middleCols(dim, dim));
  tables.tag.gather(tag, out.rightCols(dim));
}

}  // namespace

std::int32_t duration_bucket(double duration_s) noexcept {
  const double bucket = std::floor(10.0 * std::log1p(std::max(duration_s, 0.0)));
  return static_cast<std::int32_t>(std::min(bucket, static_cast<double>(kDurationBuckets - 1)));
}

template <class Scalar>
LabelEmbeddingsOf<Scalar>::LabelEmbeddingsOf(const LabelNetworkConfig& config, const LabelInputs& inputs, RandomKey key)
    : user(xavier_table<Scalar>(std::max<std::size_t>(inputs.users, 1), config.embedding, split(key, 0))),
      video(xavier_table<Scalar>(std::max<std::size_t>(inputs.videos, 1), config.embedding, split(key, 1))),
      bucket(xavier_table<Scalar>(kDurationBuckets, config.embedding, split(key, 2))),
      tag(xavier_table<Scalar>(std::max<std::size_t>(inputs.tags, 1), config.embedding, split(key, 3))) {}

template <class Scalar>
void LabelEmbeddingsOf<Scalar>::gather_video(const LabelRows& rows, MatrixRef<Scalar> out) const {
  gather_parts<Scalar>(*this, rows.video, rows.bucket, rows.tag, out);
}

template <class Scalar>
void LabelEmbeddingsOf<Scalar>::gather_history(const LabelRows& rows, MatrixRef<Scalar> out) const {
  gather_parts<Scalar>(*this, rows.history_video, rows.history_bucket, rows.history_tag, out);
}

template <class Scalar>
void LabelEmbeddingsOf<Scalar>::scatter(const LabelRows& rows, ConstMatrixRef<Scalar> d_user,
                                        ConstMatrixRef<Scalar> d_video, ConstMatrixRef<Scalar> d_history) {
  const auto d = static_cast<Eigen::Index>(dim());
  user.scatter(rows.user, d_user);
  video.scatter(rows.video, d_video.leftCols(d));
  bucket.scatter(rows.bucket, d_video.middleCols(d, d));
  tag.scatter(rows.tag, d_video.rightCols(d));
  video.scatter(rows.history_video, d_history.leftCols(d));
  bucket.scatter(rows.history_bucket, d_history.middleCols(d, d));
  tag.scatter(rows.history_tag, d_history.rightCols(d));
}

template struct LabelEmbeddingsOf<float>;
template struct LabelEmbeddingsOf<double>;

template <class Scalar>
std::unique_ptr<LabelNetworkOf<Scalar>> make_label_network(const LabelNetworkConfig& config, const LabelInputs& inputs,
                                                           std::size_t heads, RandomKey key) {
  check(config);
  if (config.kind == "din") return std::make_unique<DinNetworkOf<Scalar>>(config, inputs, heads, key);
  return std::make_unique<TwoTowerNetworkOf<Scalar>>(config, inputs, heads, key);
}
template std::unique_ptr<LabelNetworkOf<float>> make_label_network(const LabelNetworkConfig&, const LabelInputs&,
                                                                   std::size_t, RandomKey);
template std::unique_ptr<LabelNetworkOf<double>> make_label_network(const LabelNetworkConfig&, const LabelInputs&,
                                                                    std::size_t, RandomKey);

std::vector<NamedParameter> named_state(LabelNetwork& network) {
  std::vector<NamedParameter> all;
  std::size_t i = 0;
  for (Parameter* parameter : network.parameters()) all.push_back({fmt::format("parameter_{}", i++), parameter});
  i = 0;
  for (Embedding* embedding : network.embeddings()) all.push_back({fmt::format("table_{}", i++), &embedding->table});
  i = 0;
  for (Parameter* values : network.statistics()) all.push_back({fmt::format("statistics_{}", i++), values});
  return all;
}

}  // namespace swipegym
