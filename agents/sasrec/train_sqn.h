#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "agents/sasrec/sqn_config.h"
#include "agents/supervised_task.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {

/// Trains SQN or SAC (Xin et al. 2020) on the rewarded rows of a log, or with method "none" the same SASRec without
/// values. Recommends by the encoder and the supervised head of the first network. Keeps a checkpoint after every epoch
/// and goes on from one bit for bit. The validation metric is NDCG@10 over the whole catalogue of the rewarded standard
/// rows of the validation days, each counted with its reward. Its details are the "transitions" it learned from. Throws
/// InputError when no training row is an action.
TrainedModel train_sqn(const SupervisedTask& task, const SqnConfig& config);

}  // namespace swipegym
