#include "policy/label/din_network.h"

#include <limits>
#include <span>

#include "core/parallel_for.h"
#include "core/validate.h"
#include "nn/mlp.h"
#include "nn/xavier.h"

namespace swipegym {

template <class Scalar>
struct DinNetworkOf<Scalar>::Work final : Base::Shard {
  MatrixOf<Scalar> input, history, pooled;      // [rows, in], [history rows, 3 dim], [rows, 3 dim]
  std::vector<Scalar> scores;                   // [history rows]
  std::vector<MatrixOf<Scalar>> before, after;  // of each Dice
  std::vector<typename DiceOf<Scalar>::Work> dice;
  std::vector<MatrixOf<Scalar>> d;  // [layer]: of its input
  typename DiceOf<Scalar>::Moments moments;
  typename DiceOf<Scalar>::Sums sums;
  typename AttentionPoolingOf<Scalar>::FoldedGradient d_attention;
  MatrixOf<Scalar> d_user, d_video, d_history;
};

template <class Scalar>
DinNetworkOf<Scalar>::DinNetworkOf(const LabelNetworkConfig& config, const LabelInputs& inputs, std::size_t heads,
                                   RandomKey key)
    : tables(config, inputs, split(key, 0)), attention(3 * config.embedding, config.attention_hidden, split(key, 1)) {
  const auto sizes =
      layer_sizes(7 * config.embedding + inputs.user_statistics + inputs.video_statistics, config.hidden, heads);
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    layers.emplace_back(sizes[i], sizes[i + 1], key);
    initialise_xavier_normal(layers.back().weight, split(key, 2 + i));
    if (i + 2 < sizes.size()) dice.emplace_back(sizes[i + 1]);
  }
  initialise_xavier_normal(attention.first.weight, split(key, 100));
  initialise_xavier_normal(attention.second.weight, split(key, 101));
}

template <class Scalar>
typename DinNetworkOf<Scalar>::Work& DinNetworkOf<Scalar>::work(Pass& pass, std::size_t shard) const {
  return static_cast<Work&>(*pass.shards[shard]);
}

template <class Scalar>
void DinNetworkOf<Scalar>::prepare(Pass& pass, std::size_t shards) const {
  while (pass.shards.size() < shards) pass.shards.push_back(std::make_unique<Work>());
  for (std::size_t i = 0; i < shards; ++i) {
    Work& w = work(pass, i);
    w.before.resize(dice.size()), w.after.resize(dice.size()), w.dice.resize(dice.size()), w.d.resize(layers.size());
  }
}

template <class Scalar>
void DinNetworkOf<Scalar>::embed(const LabelRows& rows, const typename AttentionPoolingOf<Scalar>::Folded& folded,
                                 Work& w) const {
  const auto n = static_cast<Eigen::Index>(rows.size()), dim = static_cast<Eigen::Index>(tables.dim());
  w.input.resize(n, static_cast<Eigen::Index>(layers[0].in()));
  w.history.resize(static_cast<Eigen::Index>(rows.history_video.size()), 3 * dim);
  w.scores.resize(rows.history_video.size());
  tables.gather_video(rows, w.input.leftCols(3 * dim));
  tables.gather_history(rows, w.history);
  attention.forward(folded, w.input.leftCols(3 * dim), w.history, rows.history, w.scores,
                    w.input.middleCols(3 * dim, 3 * dim));
  tables.gather_user(rows, w.input.middleCols(6 * dim, dim));
  w.input.middleCols(7 * dim, rows.user_statistics.cols()) = rows.user_statistics.template cast<Scalar>();
  w.input.rightCols(rows.video_statistics.cols()) = rows.video_statistics.template cast<Scalar>();
}

template <class Scalar>
void DinNetworkOf<Scalar>::forward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) {
  prepare(pass, shards.size());
  const auto folded = attention.fold();
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    parallel_for(shards.size(), threads, [&](std::size_t s, int) {
      Work& w = work(pass, s);
      if (layer == 0)
        embed(shards[s], folded, w);
      else
        dice[layer - 1].apply(w.before[layer - 1], w.dice[layer - 1], w.after[layer - 1]);
      const bool last = layer + 1 == layers.size();
      MatrixOf<Scalar>& out = last ? w.output : w.before[layer];
      layers[layer].forward(layer == 0 ? w.input : w.after[layer - 1], out);
      if (!last && mode != Mode::kPredict) w.moments = DiceOf<Scalar>::moments(out);
    });
    if (layer + 1 == layers.size()) continue;
    if (mode == Mode::kPredict) {
      dice[layer].use_running();
      continue;
    }
    typename DiceOf<Scalar>::Moments batch;
    for (std::size_t s = 0; s < shards.size(); ++s) batch.join(work(pass, s).moments);
    dice[layer].use(batch, mode == Mode::kTrain);
  }
}

template <class Scalar>
void DinNetworkOf<Scalar>::backward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) {
  std::size_t rows = 0;
  if (mode != Mode::kPredict)
    for (const LabelRows& shard : shards) rows += shard.size();
  const auto folded = attention.fold();
  for (std::size_t layer = layers.size(); layer-- > 0;) {
    // Between two layers stands a Dice, whose way back needs sums over the whole batch.
    typename DiceOf<Scalar>::Sums batch;
    if (layer + 1 < layers.size()) {
      const auto width = static_cast<Eigen::Index>(layers[layer].out());
      batch = {Eigen::ArrayXd::Zero(width), Eigen::ArrayXd::Zero(width)};
      for (std::size_t s = 0; s < shards.size(); ++s)
        batch.d += work(pass, s).sums.d, batch.d_normal += work(pass, s).sums.d_normal;
    }
    parallel_for(shards.size(), threads, [&](std::size_t s, int) {
      Work& w = work(pass, s);
      const bool last = layer + 1 == layers.size();
      if (!last) dice[layer].backward(w.before[layer], w.dice[layer], batch, rows, w.d[layer + 1]);
      layers[layer].backward(layer == 0 ? w.input : w.after[layer - 1], last ? w.d_output : w.d[layer + 1], &w.d[layer],
                             s);
      if (layer > 0)
        w.sums = dice[layer - 1].backward_sums(w.before[layer - 1], w.d[layer], w.dice[layer - 1], s);
      else
        embed_backward(shards[s], folded, w);
    });
  }
  typename AttentionPoolingOf<Scalar>::FoldedGradient d_attention;
  d_attention.zero(attention.dim());
  for (std::size_t s = 0; s < shards.size(); ++s) {
    Work& w = work(pass, s);
    d_attention.join(w.d_attention);
    tables.scatter(shards[s], w.d_user, w.d_video, w.d_history);
  }
  attention.unfold(d_attention);
}

template <class Scalar>
void DinNetworkOf<Scalar>::embed_backward(const LabelRows& rows,
                                          const typename AttentionPoolingOf<Scalar>::Folded& folded, Work& w) const {
  const auto dim = static_cast<Eigen::Index>(tables.dim());
  const MatrixOf<Scalar>& d_input = w.d[0];
  w.d_video = d_input.leftCols(3 * dim);
  w.d_user = d_input.middleCols(6 * dim, dim);
  w.d_history.resize(w.history.rows(), 3 * dim);
  w.d_attention.zero(attention.dim());
  attention.backward(folded, w.input.leftCols(3 * dim), w.history, rows.history, w.scores,
                     d_input.middleCols(3 * dim, 3 * dim), w.d_attention, w.d_video, w.d_history);
}

template <class Scalar>
void DinNetworkOf<Scalar>::predict(const LabelRows& rows, Pass& pass) const {
  prepare(pass, 1);
  Work& w = work(pass, 0);
  embed(rows, attention.fold(), w);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const bool last = layer + 1 == layers.size();
    layers[layer].forward(layer == 0 ? w.input : w.after[layer - 1], last ? w.output : w.before[layer]);
    if (last) return;
    dice[layer].predict(w.before[layer], w.dice[layer], w.after[layer]);
  }
}

template <class Scalar>
void DinNetworkOf<Scalar>::set_shards(std::size_t count) {
  for (LinearOf<Scalar>& layer : layers) layer.set_shards(count);
  for (DiceOf<Scalar>& layer : dice) layer.set_shards(count);
}

template <class Scalar>
std::vector<ParameterOf<Scalar>*> DinNetworkOf<Scalar>::parameters() {
  std::vector<ParameterOf<Scalar>*> all;
  for (LinearOf<Scalar>* layer : {&attention.first, &attention.second})
    all.push_back(&layer->weight), all.push_back(&layer->bias);
  for (LinearOf<Scalar>& layer : layers) all.push_back(&layer.weight), all.push_back(&layer.bias);
  for (DiceOf<Scalar>& layer : dice) layer.collect(all);
  return all;
}

template <class Scalar>
std::vector<ParameterOf<Scalar>*> DinNetworkOf<Scalar>::statistics() {
  std::vector<ParameterOf<Scalar>*> all;
  for (DiceOf<Scalar>& layer : dice) all.push_back(&layer.running_mean), all.push_back(&layer.running_variance);
  return all;
}

template <class Scalar>
void DinNetworkOf<Scalar>::validate() const {
  for (const DiceOf<Scalar>& layer : dice) {
    const MatrixOf<Scalar>& variance = layer.running_variance.value;
    require_between("running variance",
                    std::span<const Scalar>(variance.data(), static_cast<std::size_t>(variance.size())), Scalar(0),
                    std::numeric_limits<Scalar>::max());
  }
}

template class DinNetworkOf<float>;
template class DinNetworkOf<double>;

}  // namespace swipegym
