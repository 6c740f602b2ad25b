#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/supervised_task.h"
#include "core/range.h"
#include "policy/sasrec/sasrec_network.h"
#include "policy/sasrec/sasrec_policy.h"
#include "sim_data/log.h"

namespace swipegym {

/// What a row's feedback is worth; the largest counts. Rows worth nothing are history, no actions.
struct SqnRewards {
  double click = 0.2, like = 1.0, follow = 1.0, comment = 1.0, forward = 1.0;
  double hate = 0.0, long_view = 0.0, profile_enter = 0.0;

  double of(SignalBits signals) const noexcept;
};

template <class Visitor>
void visit_fields(Visitor& visit, SqnRewards& rewards) {
  visit("click", rewards.click, ranges::kWeight);
  visit("like", rewards.like, ranges::kWeight);
  visit("follow", rewards.follow, ranges::kWeight);
  visit("comment", rewards.comment, ranges::kWeight);
  visit("forward", rewards.forward, ranges::kWeight);
  visit("hate", rewards.hate, ranges::kWeight);
  visit("long_view", rewards.long_view, ranges::kWeight);
  visit("profile_enter", rewards.profile_enter, ranges::kWeight);
}

/// Settings of `supervised sqn`, `sac`, `snqn`, `sa2c` and `sasrec-clicks`; a JSON file may set any of them by name.
/// docs/guide/sasrec.md.
struct SqnConfig {
  std::string method = "sqn";  // sqn, or snqn with negatives; sac, sa2c: then an actor weighed by the values of sqn, by
                               // the advantages of snqn; none: the supervised head alone
  SasrecNetworkConfig network = sqn_network_defaults();
  SqnRewards rewards;
  double discount = 0.5;
  double value_weight = 1.0;           // of L_q beside L_s
  std::size_t negatives = 10;          // snqn, sa2c: unseen videos of each transition that values are learned from
  double negative_reward = 0.0;        // of an unseen video
  double importance = 0.0;             // sa2c: power of the importance weight p(a | s) / share of a, .1 to 10; 0: none
  std::size_t actor_after = 500;       // sac, sa2c: updates before the actor's loss takes over
  double actor_learning_rate = 0.001;  // from then on
  int epochs = 30;                     // passes over the transitions, at most
  int patience = 4;                    // epochs without a better validation metric before it stops
  std::size_t batch = 256;             // transitions
  double learning_rate = 0.005;
  double beta2 = 0.999;
  double weight_decay = 0.0;
  double clip_norm = 5.0;
  double dropout = 0.1;
};

template <class Visitor>
void visit_fields(Visitor& visit, SqnConfig& config) {
  visit("method", config.method, one_of({"sqn", "snqn", "sac", "sa2c", "none"}));
  visit("network", config.network);
  visit("rewards", config.rewards);
  visit("discount", config.discount, below(0, 1));
  visit("value_weight", config.value_weight, between(1e-6, 1e6));
  visit("negatives", config.negatives, between(1, 1000));
  visit("negative_reward", config.negative_reward, between(-1e6, 1e6));
  visit("importance", config.importance, between(0, 1));
  visit("actor_after", config.actor_after, between(0, 1'000'000'000'000));
  visit("actor_learning_rate", config.actor_learning_rate, ranges::kLearningRate);
  visit("epochs", config.epochs, ranges::kEpochs);
  visit("patience", config.patience, ranges::kPatience);
  visit("batch", config.batch, ranges::kBatch);
  visit("learning_rate", config.learning_rate, ranges::kLearningRate);
  visit("beta2", config.beta2, inside(0, 1));
  visit("weight_decay", config.weight_decay, ranges::kWeightDecay);
  visit("clip_norm", config.clip_norm, ranges::kClipNorm);
  visit("dropout", config.dropout, ranges::kDropout);
}

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const SqnConfig& config);

/// Trains SQN or SAC (Xin et al. 2020), SNQN or SA2C (Xin et al. 2022) on the rewarded rows of a log, or with method
/// "none" the same SASRec without values. Recommends by the encoder and the supervised head of the first network. Keeps
/// a checkpoint after every epoch and goes on from one bit for bit. The validation metric is NDCG@10 over the whole
/// catalogue of the rewarded standard rows of the validation days, each counted with its reward. Its details are the
/// "transitions" it learned from. Throws InputError when no training row is an action.
TrainedModel train_sqn(const SupervisedTask& task, const SqnConfig& config);

}  // namespace swipegym
