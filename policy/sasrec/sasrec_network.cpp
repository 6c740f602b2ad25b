#include "policy/sasrec/sasrec_network.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/config.h"
#include "nn/dropout.h"
#include "nn/fast_math.h"
#include "nn/vector_lanes.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kInputSite = 1ULL << 40, kHeadSite = 2ULL << 40;  // dropout keys beside the transformer's

TransformerShape shape_of(const SasrecNetworkConfig& c) {
  return {.width = c.width,
          .blocks = c.blocks,
          .heads = c.heads,
          .inner = c.inner,
          .norm = parse_norm_order(c.norm),
          .activation = parse_activation(c.activation),
          .norm_epsilon = c.norm_epsilon};
}

TransformerDropout transformer_dropout(const SasrecDropout& d) {
  return {.rate = d.rate, .attention_rate = d.attention, .key = d.key, .first_row = d.first_row};
}

template <class Scalar>
Scalar dot(const Scalar* a, const Scalar* b, std::size_t width) {
  using Lanes = VectorLanes<Scalar>;
  typename Lanes::Vector sum{};
  std::size_t c = 0;
  for (; c + Lanes::kCount <= width; c += Lanes::kCount) sum += Lanes::load(a + c) * Lanes::load(b + c);
  if (c < width) sum += Lanes::load(a + c, width - c) * Lanes::load(b + c, width - c);
  return Lanes::sum(sum);
}

template <class Scalar>
void add_scaled(Scalar factor, const Scalar* from, Scalar* to, std::size_t width) {
  using Lanes = VectorLanes<Scalar>;
  std::size_t c = 0;
  for (; c + Lanes::kCount <= width; c += Lanes::kCount)
    Lanes::store(to + c, Lanes::load(to + c) + factor * Lanes::load(from + c));
  if (c < width)
    Lanes::store(to + c, Lanes::load(to + c, width - c) + factor * Lanes::load(from + c, width - c), width - c);
}

// ln(1 + e^z) from s(z), which the gradient needs anyway.
float softplus_of(float z, float sigmoid) {
  return sigmoid < 0.5F ? -fast_log(1.0F - sigmoid) : z - fast_log(sigmoid);
}
double softplus_of(double z, double) {
  return softplus(z);
}

// MlpOf's passes by matrix_product: a row's result depends on that row alone.
template <class Scalar>
void head_forward(const MlpOf<Scalar>& head, const MatrixOf<Scalar>& input, const SasrecDropout& drop,
                  MlpWorkspaceOf<Scalar>& work) {
  const std::size_t layers = head.layers.size();
  work.before.resize(layers), work.after.resize(layers), work.mask.resize(layers);
  for (std::size_t i = 0; i < layers; ++i) {
    const bool last = i + 1 == layers;
    MatrixOf<Scalar>& before = last ? work.after[i] : work.before[i];
    apply(head.layers[i], i == 0 ? input : work.after[i - 1], before);
    work.mask[i].resize(0, 0);
    if (last) return;
    activate(head.activation, before, work.after[i]);
    if (drop.head > 0.0)
      dropout(static_cast<Scalar>(drop.head), split(drop.key, kHeadSite + i), drop.first_row, work.mask[i],
              work.after[i]);
  }
}

template <class Scalar>
void head_backward(MlpOf<Scalar>& head, const MatrixOf<Scalar>& input, const MatrixOf<Scalar>& d_output,
                   MlpWorkspaceOf<Scalar>& work, MatrixOf<Scalar>& d_input, std::size_t shard) {
  work.gradient = d_output;
  for (std::size_t i = head.layers.size(); i-- > 0;) {
    apply_backward(head.layers[i], i == 0 ? input : work.after[i - 1], work.gradient,
                   i == 0 ? &d_input : &work.next_gradient, false, shard);
    if (i == 0) return;
    if (work.mask[i - 1].size() > 0) dropout_backward(work.mask[i - 1], work.next_gradient);
    activate_backward(head.activation, work.before[i - 1], work.next_gradient);
    work.gradient.swap(work.next_gradient);
  }
}

}  // namespace

void check(const SasrecNetworkConfig& c) {
  check_ranges(c);
  require_setting(c.width % c.heads == 0, "network.heads", c.heads, "a divisor of network.width");
}

template <class Scalar>
SasrecNetworkOf<Scalar>::SasrecNetworkOf(const SasrecNetworkConfig& config, std::size_t num_items,
                                         std::size_t num_authors, std::size_t num_step_features,
                                         std::size_t candidate_features, RandomKey key, std::size_t num_tags,
                                         std::size_t user_rows)
    : items(num_items, config.width, split(key, 0), config.item_deviation),
      authors(config.authors ? std::max<std::size_t>(num_authors, 1) : 0, config.width, split(key, 1),
              config.item_deviation),
      tags(config.tags ? num_tags : 0, config.width, split(key, 6), config.item_deviation),
      users(config.user_width > 0 && candidate_features > 0 ? user_rows : 0, config.user_width, split(key, 7),
            config.item_deviation),
      step_features(num_step_features, config.width, split(key, 2), 0.5),
      input_norm(config.width, config.norm_epsilon),
      transformer(shape_of(config), split(key, 3)),
      config_(config) {
  check(config);
  items.table.decays = authors.table.decays = tags.table.decays = users.table.decays = false;
  if (config.positions != "none") positions.resize(config.max_length, config.width);
  if (config.positions != "none") initialise(positions, split(key, 4), 1.0, config.item_deviation);
  positions.decays = false;
  stranger.resize(1, config.width);
  stranger.decays = false;
  feature_shift.resize(1, candidate_features);
  feature_scale.resize(1, candidate_features);
  feature_scale.value.setOnes();
  if (candidate_features > 0) {
    const std::size_t in = 3 * config.width + candidate_features + (users.count() > 0 ? config.user_width : 0);
    head = MlpOf<Scalar>(layer_sizes(in, config.head_hidden, kHeads), Activation::kRelu, split(key, 5));
  }
}

template <class Scalar>
Scalar SasrecNetworkOf<Scalar>::item_scale() const {
  return config_.scale_items ? static_cast<Scalar>(std::sqrt(static_cast<double>(config_.width))) : Scalar(1);
}

template <class Scalar>
void SasrecNetworkOf<Scalar>::forward(const Histories& histories, const SasrecDropout& dropout, Work& work) const {
  const std::size_t rows = histories.rows(), d = config_.width;
  const bool dense = step_features.in() > 0;
  if (dense)
    apply(step_features, histories.features, work.input);
  else
    work.input.setZero(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(d));
  const Scalar scale = item_scale();
  for (std::size_t row = 0; row < rows; ++row) {
    Scalar* x = work.input.data() + row * d;
    if (histories.item[row] >= 0)
      add_scaled(scale, items.table.value.data() + static_cast<std::size_t>(histories.item[row]) * d, x, d);
    if (config_.authors && histories.author[row] >= 0)
      add_scaled(scale, authors.table.value.data() + static_cast<std::size_t>(histories.author[row]) * d, x, d);
    if (tags.count() > 0 && histories.tag[row] >= 0)
      add_scaled(scale, tags.table.value.data() + static_cast<std::size_t>(histories.tag[row]) * d, x, d);
    if (positions.value.size() > 0)
      add_scaled(Scalar(1), positions.value.data() + static_cast<std::size_t>(histories.position[row]) * d, x, d);
  }
  if (normalises_input()) {
    work.input_before.swap(work.input);
    input_norm.forward(work.input_before, work.input_norm, work.input);
  }
  if (dropout.rate > 0.0)
    swipegym::dropout(static_cast<Scalar>(dropout.rate), split(dropout.key, kInputSite), dropout.first_row,
                      work.input_mask, work.input);
  else
    work.input_mask.resize(0, 0);
  transformer.forward(work.input, histories.offset, transformer_dropout(dropout), work.transformer);
}

template <class Scalar>
void SasrecNetworkOf<Scalar>::backward(const Histories& histories, const SasrecDropout& dropout,
                                       const MatrixOf<Scalar>& d_states, Work& work, Gradients& out,
                                       std::size_t shard) {
  const std::size_t rows = histories.rows(), d = config_.width;
  transformer.backward(histories.offset, transformer_dropout(dropout), d_states, work.transformer, work.d_input, shard);
  if (work.input_mask.size() > 0) dropout_backward(work.input_mask, work.d_input);
  if (normalises_input())
    input_norm.backward(work.input_before, work.input_norm, work.d_input, work.d_input, false, shard);
  const Scalar scale = item_scale();
  for (std::size_t row = 0; row < rows; ++row) {
    const Scalar* dx = work.d_input.data() + row * d;
    if (histories.item[row] >= 0) out.items.push_back({histories.item[row], scale, dx});
    if (config_.authors && histories.author[row] >= 0) out.authors.push_back({histories.author[row], scale, dx});
    if (tags.count() > 0 && histories.tag[row] >= 0) out.tags.push_back({histories.tag[row], scale, dx});
    if (positions.value.size() > 0)
      add_scaled(Scalar(1), dx, positions.shards[shard].data() + static_cast<std::size_t>(histories.position[row]) * d,
                 d);
  }
  if (step_features.in() > 0)
    apply_backward<Scalar>(step_features, histories.features, work.d_input, nullptr, false, shard);
}

template <class Scalar>
void SasrecNetworkOf<Scalar>::forward_heads(std::span<const std::int32_t> state, std::span<const std::int32_t> item,
                                            std::span<const std::int32_t> author, const MatrixOf<Scalar>& features,
                                            const SasrecDropout& dropout, Work& work, std::span<const std::int32_t> tag,
                                            std::span<const std::int32_t> user) const {
  const auto n = static_cast<Eigen::Index>(state.size()), d = static_cast<Eigen::Index>(config_.width);
  const auto user_width = static_cast<Eigen::Index>(users.count() > 0 ? users.dim() : 0);
  assert(features.rows() == n &&
         static_cast<std::size_t>(3 * d + features.cols() + user_width) == head.layers.front().in());
  work.head_tag.assign(tag.begin(), tag.end());
  work.head_user.assign(user.begin(), user.end());
  const std::size_t codes = n > 0 ? user.size() / static_cast<std::size_t>(n) : 0;
  work.head_state.assign(state.begin(), state.end());
  work.head_item.assign(item.begin(), item.end());
  work.head_author.assign(author.begin(), author.end());
  MatrixOf<Scalar>& x = work.head_input;
  x.resize(n, 3 * d + features.cols() + user_width);
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    auto row = x.row(i);
    if (state[at] >= 0)
      row.segment(0, d) = work.states().row(state[at]);
    else
      row.segment(0, d) = stranger.value.row(0);
    row.segment(d, d).setZero();
    if (item[at] >= 0) row.segment(d, d) += items.table.value.row(item[at]);
    if (config_.authors && author[at] >= 0) row.segment(d, d) += authors.table.value.row(author[at]);
    if (tags.count() > 0 && !tag.empty() && tag[at] >= 0) row.segment(d, d) += tags.table.value.row(tag[at]);
    row.segment(2 * d, d) = row.segment(0, d).cwiseProduct(row.segment(d, d));
    if (user_width > 0) {
      auto own = row.segment(3 * d + features.cols(), user_width);
      own.setZero();
      for (std::size_t c = 0; c < codes; ++c)
        if (user[at * codes + c] >= 0) own += users.table.value.row(user[at * codes + c]);
    }
    row.segment(3 * d, features.cols()) = (features.row(i) - feature_shift.value.row(0))
                                              .cwiseProduct(feature_scale.value.row(0))
                                              .cwiseMax(Scalar(-4))
                                              .cwiseMin(Scalar(4));
  }
  head_forward(head, x, dropout, work.head);
}

template <class Scalar>
void SasrecNetworkOf<Scalar>::backward_heads(const MatrixOf<Scalar>& d_output, Work& work, MatrixOf<Scalar>& d_states,
                                             Gradients& out, std::size_t shard) {
  const auto d = static_cast<Eigen::Index>(config_.width);
  head_backward(head, work.head_input, d_output, work.head, work.d_head_input, shard);
  MatrixOf<Scalar>& dx = work.d_head_input;
  for (Eigen::Index i = 0; i < dx.rows(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto x = work.head_input.row(i);
    auto row = dx.row(i);
    row.segment(0, d) += row.segment(2 * d, d).cwiseProduct(x.segment(d, d));
    row.segment(d, d) += row.segment(2 * d, d).cwiseProduct(x.segment(0, d));
    if (work.head_state[at] >= 0)
      d_states.row(work.head_state[at]) += row.segment(0, d);
    else
      stranger.shards[shard].row(0) += row.segment(0, d);
    const Scalar* gradient = dx.data() + i * dx.cols() + d;
    if (work.head_item[at] >= 0) out.items.push_back({work.head_item[at], Scalar(1), gradient});
    if (config_.authors && work.head_author[at] >= 0)
      out.authors.push_back({work.head_author[at], Scalar(1), gradient});
    if (tags.count() > 0 && !work.head_tag.empty() && work.head_tag[at] >= 0)
      out.tags.push_back({work.head_tag[at], Scalar(1), gradient});
    if (users.count() == 0) continue;
    const Scalar* own = dx.data() + (i + 1) * dx.cols() - users.table.value.cols();
    const std::size_t codes = work.head_user.size() / static_cast<std::size_t>(dx.rows());
    for (std::size_t c = 0; c < codes; ++c)
      if (work.head_user[at * codes + c] >= 0) out.users.push_back({work.head_user[at * codes + c], Scalar(1), own});
  }
}

template <class Scalar>
void SasrecNetworkOf<Scalar>::set_shards(std::size_t count) {
  positions.set_shards(count), stranger.set_shards(count);
  step_features.set_shards(count), input_norm.set_shards(count);
  transformer.set_shards(count), head.set_shards(count);
}

template <class Scalar>
std::vector<ParameterOf<Scalar>*> SasrecNetworkOf<Scalar>::parameters() {
  std::vector<ParameterOf<Scalar>*> all;
  if (positions.value.size() > 0) all.push_back(&positions);
  if (!head.layers.empty()) all.push_back(&stranger);
  if (step_features.in() > 0) all.push_back(&step_features.weight), all.push_back(&step_features.bias);
  if (normalises_input()) input_norm.collect(all);
  transformer.collect(all);
  head.collect(all);
  return all;
}

template <class Scalar>
std::vector<EmbeddingOf<Scalar>*> SasrecNetworkOf<Scalar>::embeddings() {
  std::vector<EmbeddingOf<Scalar>*> all = {&items};
  if (config_.authors) all.push_back(&authors);
  if (tags.count() > 0) all.push_back(&tags);
  if (users.count() > 0) all.push_back(&users);
  return all;
}

template <class Scalar>
double next_video_loss(const MatrixOf<Scalar>& states, const EmbeddingOf<Scalar>& items,
                       std::span<const std::int32_t> target, std::span<const std::int32_t> negatives, double total,
                       MatrixOf<Scalar>& d_states, SasrecGradientsOf<Scalar>& out) {
  const auto rows = static_cast<std::size_t>(states.rows()), d = static_cast<std::size_t>(states.cols());
  assert(target.size() == rows && negatives.size() % std::max<std::size_t>(rows, 1) == 0);
  const std::size_t k = rows > 0 ? negatives.size() / rows : 0;
  const auto positive_weight = static_cast<Scalar>(1.0 / total);
  const auto negative_weight = static_cast<Scalar>(k > 0 ? 1.0 / (total * static_cast<double>(k)) : 0.0);
  d_states.setZero(states.rows(), states.cols());
  double sum = 0.0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (target[row] < 0) continue;
    const Scalar* h = states.data() + row * d;
    Scalar* dh = d_states.data() + row * d;
    const auto pull = [&](std::int32_t item, bool positive) {
      const Scalar* e = items.table.value.data() + static_cast<std::size_t>(item) * d;
      const Scalar z = dot(h, e, d);
      const Scalar weight = positive ? positive_weight : negative_weight;
      const Scalar chance = fast_sigmoid(z);
      const Scalar slope = weight * (chance - (positive ? Scalar(1) : Scalar(0)));
      sum += static_cast<double>(weight) * static_cast<double>(softplus_of(z, chance) - (positive ? z : Scalar(0)));
      add_scaled(slope, e, dh, d);
      out.items.push_back({item, slope, h});
    };
    pull(target[row], true);
    for (std::size_t n = 0; n < k; ++n)
      if (negatives[row * k + n] >= 0) pull(negatives[row * k + n], false);
  }
  return sum;
}

void scatter_tables(SasrecNetwork& network, const std::vector<const SasrecGradientsOf<float>*>& passes, int threads,
                    std::span<const RowGradient> first) {
  using Gradients = SasrecGradientsOf<float>;
  std::vector<std::span<const RowGradient>> lists;
  if (!first.empty()) lists.push_back(first);
  const auto scatter = [&](Embedding& table, auto member) {
    for (const Gradients* pass : passes) lists.emplace_back(pass->*member);
    table.scatter(lists, threads);
    lists.clear();
  };
  scatter(network.items, &Gradients::items);
  if (network.config().authors) scatter(network.authors, &Gradients::authors);
  if (network.tags.count() > 0) scatter(network.tags, &Gradients::tags);
  if (network.users.count() > 0) scatter(network.users, &Gradients::users);
}

template class SasrecNetworkOf<float>;
template class SasrecNetworkOf<double>;
template double next_video_loss(const MatrixOf<float>&, const EmbeddingOf<float>&, std::span<const std::int32_t>,
                                std::span<const std::int32_t>, double, MatrixOf<float>&, SasrecGradientsOf<float>&);
template double next_video_loss(const MatrixOf<double>&, const EmbeddingOf<double>&, std::span<const std::int32_t>,
                                std::span<const std::int32_t>, double, MatrixOf<double>&, SasrecGradientsOf<double>&);

}  // namespace swipegym
