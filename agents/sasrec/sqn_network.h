#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/sasrec/sasrec_network.h"

namespace swipegym {

/// A SASRec with two heads (Xin et al., "Self-supervised reinforcement learning for recommender systems", SIGIR 2020):
/// the next video's score h . e_a, by which it recommends, and the value Q(s, a) = h . w_a + b_a.
template <class Scalar>
class SqnNetworkOf {
 public:
  SqnNetworkOf() = default;
  SqnNetworkOf(SasrecNetworkOf<Scalar> encoder, RandomKey key);

  void set_shards(std::size_t count) { body.set_shards(count); }
  std::vector<ParameterOf<Scalar>*> parameters() { return body.parameters(); }
  std::vector<EmbeddingOf<Scalar>*> embeddings();

  SasrecNetworkOf<Scalar> body;
  EmbeddingOf<Scalar> values;  // [items, d + 1]: w_a, then b_a
};
using SqnNetwork = SqnNetworkOf<float>;

/// Logged transitions (s, a, r, s'). States are histories; sequence i of `state` is transition i's.
template <class Scalar>
struct TransitionsOf {
  PackedHistoriesOf<Scalar> state;
  PackedHistoriesOf<Scalar> next_state;  // of those that are not terminal, in order
  std::vector<std::int32_t> next;        // sequence of next_state; -1: terminal
  std::vector<std::int32_t> action;      // rows of the item table
  std::vector<Scalar> reward;
  std::vector<std::int32_t> unseen;  // [size * objective.negatives] items that were not the action; none without
  std::vector<Scalar> share;         // of the log's actions that were this item; used with an importance only

  std::size_t size() const noexcept { return action.size(); }
  void clear();
};
using Transitions = TransitionsOf<float>;

/// What the supervised loss of an action is weighed by. No gradient flows through it.
enum class ActorWeight : std::uint8_t {
  kNone,       // 1
  kValue,      // Q(s, a)
  kAdvantage,  // Q(s, a) less its mean over a and the negatives, within [0, 10]
};

struct SqnObjective {
  double discount = 0.5;
  double value_weight = 1.0;   // of L_q; 0: the supervised loss alone
  std::size_t negatives = 0;   // unseen items of each transition, each worth negative_reward and s again
  double negative_reward = 0;  // of Xin et al. 2022
  ActorWeight weight = ActorWeight::kNone;
  double importance = 0;  // kAdvantage: times clip(p(a | s) / share of a, .1, 10) to this power
};

/// One pass over transitions; one for each of several passes whose gradients are added later.
template <class Scalar>
struct SqnWorkOf {
  SasrecWorkOf<Scalar> encoder, next_encoder;
  MatrixOf<Scalar> last, next_last;  // [., d + 1] newest states of the sequences, then 1
  MatrixOf<Scalar> next_values, chosen, logits, d_logits, d_last, d_states;
  std::vector<Scalar> best;    // double Q-learning's value of each sequence, of state or of next_state
  std::vector<Scalar> target;  // [size] of the actions
  std::vector<Scalar> stays;   // [size] of the negatives: after them comes s again
  MatrixOf<Scalar> unseen;     // [size, negatives] their Q(s, .)
  std::vector<Scalar> weight;  // [size] of the supervised losses
};

template <class Scalar>
struct SqnGradientsOf {
  SasrecGradientsOf<Scalar> encoder;
  std::vector<RowGradientOf<Scalar>> values;
  void clear() { encoder.clear(), values.clear(); }
};

struct SqnLosses {
  double supervised = 0.0, value = 0.0;  // L_s, weighed for an actor, and L_q: means over the batch
};

/// work.target = r + discount * Q_judge(s', argmax_a Q_chooser(s', a)), r where s' is terminal: double Q-learning. With
/// negatives, work.stays = negative_reward + discount * Q_judge(s, argmax_a Q_chooser(s, a)) too, since an item that
/// was not shown changes no state (Xin et al. 2022). No gradient flows through them, and nothing is dropped.
template <class Scalar>
void write_targets(const SqnNetworkOf<Scalar>& chooser, const SqnNetworkOf<Scalar>& judge,
                   const TransitionsOf<Scalar>& batch, const SqnObjective& objective, SqnWorkOf<Scalar>& work);

/// L_s + value_weight * L_q, divided by `total` transitions:
///   L_s = -w log softmax(h . e)[a], where w is that of objective.weight;
///   L_q = (target - Q(s, a))^2 + sum over the negatives b of (stays - Q(s, b))^2.
/// Adds to the gradients of `shard` and to `d_items` [items, d], that of the item table as the head's; lists the rest
/// in `out`, which points into `work`. write_targets() comes before unless value_weight is 0.
template <class Scalar>
SqnLosses sqn_backward(SqnNetworkOf<Scalar>& network, const TransitionsOf<Scalar>& batch, const SqnObjective& objective,
                       double total, const SasrecDropout& dropout, SqnWorkOf<Scalar>& work, MatrixOf<Scalar>& d_items,
                       SqnGradientsOf<Scalar>& out, std::size_t shard);

}  // namespace swipegym
