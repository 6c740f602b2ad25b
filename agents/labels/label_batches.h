#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/logged_states.h"
#include "agents/supervised_task.h"
#include "evaluation/metrics/ranking.h"
#include "policy/label/label_policy.h"

namespace swipegym {

/// Logged rows as a label network's inputs, cut into shards of kShardRows.
class LabelBatches {
 public:
  static constexpr std::size_t kShardRows = 256;

  /// All must outlive this.
  LabelBatches(const Dataset& data, const Catalogue& catalogue, const LabelModel& model, int threads)
      : states_(data, catalogue, model.network_config.history_length), encoder_(model), threads_(threads) {}
  void fill(std::span<const std::uint32_t> rows, std::vector<LabelRows>& shards);
  int threads() const noexcept { return threads_; }

 private:
  LoggedStates states_;
  LabelEncoder encoder_;
  int threads_;
  std::vector<LoggedStates::Batch> batches_;
};

/// What the model's policy scores these rows, [rows]; to the bit what LabelPolicy gives.
std::vector<float> score_label_rows(const LabelModel& model, LabelBatches& batches,
                                    std::span<const std::uint32_t> rows);

/// What the tables of label learning say of a ranking of test rows; users with more than k rows.
struct LabelFigures {
  RankedUsers ranked;
  UserFigures watch, feedback, spread;  // NWTG@k, NEG@k, DS@k
};
LabelFigures label_figures(const Dataset& data, std::span<const std::uint32_t> rows, std::span<const float> scores,
                           std::size_t k, GainMode mode = GainMode::kStandard);

}  // namespace swipegym
