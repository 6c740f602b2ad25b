#pragma once

#include <memory>
#include <vector>

#include "agents/sasrec/sasrec_config.h"
#include "agents/supervised_task.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {

/// Trains a SASRec on users' chronological rows: inputs are (v_1, y_1) .. (v_{t-1}, y_{t-1}) and v_t's features, never
/// v_t's answer. What is known of videos while learning from a day's rows comes from earlier days. Keeps a checkpoint
/// after every epoch and goes on from one bit for bit. The validation metric is the AUC of `binary`, minus the RMSE of
/// `ratio`, and NDCG@10 over all videos of `next`. Its details are the answers it learned from, "rows", and the
/// "best_epoch"; a refit's epochs, which have no validation, come last.
TrainedModel train_sasrec(const SupervisedTask& task, const SasrecConfig& config);

}  // namespace swipegym
