#pragma once

#include <cstdint>
#include <vector>

#include "core/curve.h"
#include "core/progress.h"
#include "env/fitted/fitted_parts.h"
#include "env/fitted/response_network.h"
#include "env/fitted/training_rows.h"

namespace swipegym {

struct TrainerConfig {
  int epochs = 10;                  // passes over the rows, unless max_updates cuts them short
  std::int64_t max_updates = 4000;  // of `batch` rows: what keeps the fit of a full release to minutes
  std::size_t batch = 2048;
  double learning_rate = 3e-3;  // peak; warms up over 3 % of the updates, then follows a cosine to 2 % of it
  double weight_decay = 0.5;    // decoupled
  double table_decay = 1.0;     // of embedding rows, which over-fit first
  double dropout = 0.10;        // of the first hidden layer
  double recency_days = 20.0;   // a row's weight falls by e in this many days before the last one
  std::uint64_t seed = 1;
  int threads = 0;
  NetworkShape shape;
};

/// Maximum likelihood: cross-entropy of the watch bin plus the log loss of each signal and of leaving given the bin and
/// the click. Batches are cut into a fixed number of shards whose gradients are added in order, so the result does not
/// depend on the number of threads. n random-exposure rows take part
/// with a weight of n / (n + 20,000) when `use_random` is set. `curve` hears the loss, nats a row, and `lines` gets
/// what it hears.
ResponseNetwork train_response_network(const FitLog& log, const TrainingRows& rows, bool use_random,
                                       const TrainerConfig& config, const Progress& progress,
                                       const CurveListener& curve = {}, Json* lines = nullptr);

/// Members of a posterior over the network's tables. Each is trained by the same settings from the network's values on,
/// under the network's trunk, with every user's rows weighed by a draw from Exp(1) (the Bayesian bootstrap, Rubin
/// 1981). Member m depends on the seed and m.
std::vector<MemberTables> train_members(const FitLog& log, const TrainingRows& rows, const ResponseNetwork& network,
                                        bool use_random, int count, const TrainerConfig& config,
                                        const Progress& progress);

}  // namespace swipegym
