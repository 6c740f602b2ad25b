#pragma once

#include <vector>

#include "agents/sasrec/train_sasrec.h"
#include "agents/supervised_task.h"

namespace swipegym {

/// The set-up of a course report on SASRec for short video, its faults included, so that its figures can be understood;
/// never the way to judge a model (docs/results/sasrec.md):
///
/// 1. targets are cast to integers: "ratio > .5" is really ratio >= 1, and the ratio's target is its whole part;
/// 2. each part of the days gives a user one sequence, left-padded to max_length, and padded positions count as
///    negatives of ratio 0, in the loss and in every figure;
/// 3. the prediction at a row has seen the row's own feedback (click, like, follow, forward, profile; the report's
///    inputs hold no watch time): nothing is shifted by one step;
/// 4. figures are means over batches;
/// 5. nothing stops early, and the last epoch is kept.
struct SeedProtocolEpoch {
  int epoch = 0;
  double train_running = 0.0;    // mean over the steps of the epoch, while learning, with dropout, as the report plots
  double train_again = 0.0;      // of the same sequences after the epoch, without dropout
  double train_unpadded = 0.0;   // of those, real rows alone
  double validate_padded = 0.0;  // of the validation days, as the report plots
  double validate_unpadded = 0.0;  // of those, real rows alone
};

struct SeedProtocolFigures {
  double f1 = 0.0, recall = 0.0, precision = 0.0, accuracy = 0.0, rmse = 0.0;
};

struct SeedProtocolResult {
  std::vector<SeedProtocolEpoch> epochs;
  double train_padding = 0.0, validate_padding = 0.0, test_padding = 0.0;  // share of positions that are padding
  SeedProtocolFigures batches;   // the report's: means over batches of the test days, padding included
  SeedProtocolFigures pooled;    // of the same predictions over all positions at once
  SeedProtocolFigures unpadded;  // of the same predictions over real rows
};

/// Trains the binary and the ratio head this way, with the network and the schedule of `config`. Throws InputError when
/// a part holds no rows.
SeedProtocolResult run_seed_protocol(const SupervisedTask& task, const SasrecConfig& config);

}  // namespace swipegym
