#include "policy/label/two_tower_network.h"

#include <cmath>

#include "core/parallel_for.h"

namespace swipegym {
namespace {

// Sizes of a tower: every head has vectors of its own.
std::vector<std::size_t> head_tower_sizes(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t heads) {
  std::vector<std::size_t> sizes = {in};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.back() *= heads;
  return sizes;
}

}  // namespace

template <class Scalar>
struct TwoTowerNetworkOf<Scalar>::Work final : Base::Shard {
  MatrixOf<Scalar> user_input, video_input, history;
  MlpWorkspaceOf<Scalar> user, video;
  MatrixOf<Scalar> d_user_vector, d_video_vector, d_user_input, d_video_input;
  MatrixOf<Scalar> d_user, d_video, d_history;
};

template <class Scalar>
TwoTowerNetworkOf<Scalar>::TwoTowerNetworkOf(const LabelNetworkConfig& config, const LabelInputs& inputs,
                                             std::size_t heads, RandomKey key)
    : tables(config, inputs, split(key, 0)),
      user(head_tower_sizes(4 * config.embedding + inputs.user_statistics, config.hidden, heads), Activation::kRelu,
           split(key, 1)),
      video(head_tower_sizes(3 * config.embedding + inputs.video_statistics, config.hidden, heads), Activation::kRelu,
            split(key, 2)) {
  bias.resize(1, heads);
  bias.decays = false;
}

template <class Scalar>
void TwoTowerNetworkOf<Scalar>::run(const LabelRows& rows, Work& w) const {
  const auto n = static_cast<Eigen::Index>(rows.size()), dim = static_cast<Eigen::Index>(tables.dim());
  w.user_input.resize(n, static_cast<Eigen::Index>(user.layers[0].in()));
  w.video_input.resize(n, static_cast<Eigen::Index>(video.layers[0].in()));
  w.history.resize(static_cast<Eigen::Index>(rows.history_video.size()), 3 * dim);
  tables.gather_user(rows, w.user_input.leftCols(dim));
  tables.gather_history(rows, w.history);
  for (Eigen::Index i = 0; i < n; ++i) {
    const RowRange range = rows.history[static_cast<std::size_t>(i)];
    auto mean = w.user_input.row(i).segment(dim, 3 * dim);
    mean.setZero();
    for (std::uint32_t j = range.begin; j < range.end; ++j) mean += w.history.row(j);
    if (range.end > range.begin) mean /= static_cast<Scalar>(range.end - range.begin);
  }
  w.user_input.rightCols(rows.user_statistics.cols()) = rows.user_statistics.template cast<Scalar>();
  tables.gather_video(rows, w.video_input.leftCols(3 * dim));
  w.video_input.rightCols(rows.video_statistics.cols()) = rows.video_statistics.template cast<Scalar>();
  user.forward(w.user_input, w.user);
  video.forward(w.video_input, w.video);
  const Eigen::Index count = bias.value.cols(), width = w.user.output().cols() / count;
  w.output.resize(n, count);
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(width));
  for (Eigen::Index h = 0; h < count; ++h)
    w.output.col(h) =
        ((w.user.output().middleCols(h * width, width).array() * w.video.output().middleCols(h * width, width).array())
                 .rowwise()
                 .sum() *
             scale +
         bias.value(0, h))
            .matrix();
}

template <class Scalar>
void TwoTowerNetworkOf<Scalar>::run_back(const LabelRows& rows, Work& w, std::size_t shard) {
  const auto dim = static_cast<Eigen::Index>(tables.dim());
  const Eigen::Index count = bias.value.cols(), width = w.user.output().cols() / count;
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(width));
  w.d_user_vector.resize(w.output.rows(), count * width), w.d_video_vector.resize(w.output.rows(), count * width);
  for (Eigen::Index h = 0; h < count; ++h)
    for (Eigen::Index i = 0; i < w.output.rows(); ++i) {
      const Scalar d = w.d_output(i, h) * scale;
      w.d_user_vector.row(i).segment(h * width, width) = d * w.video.output().row(i).segment(h * width, width);
      w.d_video_vector.row(i).segment(h * width, width) = d * w.user.output().row(i).segment(h * width, width);
    }
  bias.shards[shard] += w.d_output.colwise().sum();
  user.backward(w.user_input, w.d_user_vector, w.user, &w.d_user_input, shard);
  video.backward(w.video_input, w.d_video_vector, w.video, &w.d_video_input, shard);
  w.d_user = w.d_user_input.leftCols(dim);
  w.d_video = w.d_video_input.leftCols(3 * dim);
  w.d_history.resize(w.history.rows(), 3 * dim);
  for (Eigen::Index i = 0; i < w.output.rows(); ++i) {
    const RowRange range = rows.history[static_cast<std::size_t>(i)];
    const auto count_of = static_cast<Scalar>(std::max(range.end - range.begin, 1U));
    for (std::uint32_t j = range.begin; j < range.end; ++j)
      w.d_history.row(j) = w.d_user_input.row(i).segment(dim, 3 * dim) / count_of;
  }
}

template <class Scalar>
void TwoTowerNetworkOf<Scalar>::forward(std::span<const LabelRows> shards, Mode, int threads, Pass& pass) {
  while (pass.shards.size() < shards.size()) pass.shards.push_back(std::make_unique<Work>());
  parallel_for(shards.size(), threads,
               [&](std::size_t s, int) { run(shards[s], static_cast<Work&>(*pass.shards[s])); });
}

template <class Scalar>
void TwoTowerNetworkOf<Scalar>::backward(std::span<const LabelRows> shards, Mode, int threads, Pass& pass) {
  parallel_for(shards.size(), threads,
               [&](std::size_t s, int) { run_back(shards[s], static_cast<Work&>(*pass.shards[s]), s); });
  for (std::size_t s = 0; s < shards.size(); ++s) {
    const Work& w = static_cast<const Work&>(*pass.shards[s]);
    tables.scatter(shards[s], w.d_user, w.d_video, w.d_history);
  }
}

template <class Scalar>
void TwoTowerNetworkOf<Scalar>::predict(const LabelRows& rows, Pass& pass) const {
  if (pass.shards.empty()) pass.shards.push_back(std::make_unique<Work>());
  run(rows, static_cast<Work&>(*pass.shards[0]));
}

template <class Scalar>
std::vector<ParameterOf<Scalar>*> TwoTowerNetworkOf<Scalar>::parameters() {
  std::vector<ParameterOf<Scalar>*> all;
  user.collect(all);
  video.collect(all);
  all.push_back(&bias);
  return all;
}

template class TwoTowerNetworkOf<float>;
template class TwoTowerNetworkOf<double>;

}  // namespace swipegym
