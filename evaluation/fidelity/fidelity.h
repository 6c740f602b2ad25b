#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "env/fitted/replay_log.h"
#include "evaluation/fidelity/ratio_histogram.h"
#include "evaluation/fidelity/reference_models.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/metrics/pit_histogram.h"
#include "evaluation/metrics/quantile_score.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// How well one predictor predicted the judged rows.
struct PredictorScore {
  std::string name;
  double crps = 0.0;       // of the ratio clipped to 5
  double pit = 0.0;        // largest deviation of quantile coverage
  double log_score = 0.0;  // mean ln P(bin of the ratio), bins of 5 % of the past rows' mass; higher is better
  std::array<BinaryScore, kNumSignals> signal{};
};

/// Mean watch ratio of a group of rows, in life and as drawn.
struct GroupGap {
  std::string group;  // "tab 1", "12-20 s"
  std::uint64_t rows = 0;
  double real = 0.0, drawn = 0.0;
  double real_click = 0.0, drawn_click = 0.0;
};

/// Whether draws agree with life cell by cell (tab x decile of the judged durations, cells of at least 300 rows): the
/// two means differ by at most three standard errors of their difference.
struct CellAgreement {
  std::uint64_t cells = 0;
  std::uint64_t ratio = 0, click = 0, both = 0;  // cells that agree in the mean ratio, the click rate, both
};

struct FidelityReport {
  JudgedWindow window;
  std::uint64_t rows = 0, users = 0;
  PredictorScore simulator;
  std::vector<PredictorScore> references{};        // marginal, tab x duration
  std::array<double, kNumSignals> sampled_rate{};  // share of draws with the signal
  double draw_pit = 0.0;                           // coverage deviation of the drawn ratios: they follow the quantiles
  std::vector<GroupGap> tabs{}, durations{};       // groups of at least 300 rows; deciles of duration
  double gap_tab = 0.0, gap_duration = 0.0;        // largest |real - drawn| over them; NaN without groups
  CellAgreement cells{};
  std::vector<Interval> pit_histogram{};                               // of the simulator (PitHistogram)
  std::array<std::vector<ReliabilityBin>, kNumSignals> reliability{};  // of the simulator
  std::vector<RatioHistogram> ratio_by_duration{};
  std::optional<PredictorScore> truth{};  // synthetic rows: the law they were drawn from, which nothing can beat
  /// How far the simulator's CRPS lies above the truth's own, as a share of it; NaN where the truth is not known or
  /// predicts every row exactly.
  double crps_above_truth() const noexcept;
};

/// Collects predictions of held-out rows, in any number, and scores them beside the reference models. Holds some
/// twenty numbers a row, never the quantiles.
class FidelityScorer {
 public:
  /// `data` must outlive the scorer and hold the rows before the window too: the references are made from them.
  FidelityScorer(const Dataset& data, const JudgedWindow& window);

  void add(const RowPrediction& prediction);
  /// What the law behind synthetic rows says of one of them; the rows may come in any order.
  void add_truth(std::size_t log_row, Quantiles quantiles, std::span<const float, kNumSignals> probability);
  FidelityReport finish() const;

 private:
  // Scores of the ratio, and probabilities kept for the scores that need all rows at once.
  struct Collected {
    QuantileScore quantiles;
    double log_score = 0.0;
    std::array<std::vector<float>, kNumSignals> probability;
  };
  void add_to(Collected& collected, Quantiles quantiles, std::span<const float, kNumSignals> probability, double ratio);
  PredictorScore score(std::string name, const Collected& collected, const std::vector<std::uint32_t>& rows) const;
  std::array<std::vector<ReliabilityBin>, kNumSignals> reliability() const;
  std::vector<RatioHistogram> ratios_by_duration() const;
  CellAgreement cell_agreement(const std::vector<std::uint32_t>& decile) const;
  std::vector<GroupGap> gaps(const std::vector<std::uint32_t>& group_of_row,
                             const std::vector<std::string>& names) const;

  const Dataset& data_;
  JudgedWindow window_;
  ReferenceModels references_;
  std::vector<double> bin_edges_;  // ascending, first 0: the atom has a bin of its own
  Collected simulator_, marginal_, cells_, truth_;
  QuantileScore drawn_;
  PitHistogram pit_;
  std::vector<std::uint32_t> row_, truth_row_;
  std::vector<float> drawn_ratio_;
  std::vector<SignalBits> drawn_signals_;
};

/// Stable keys: {crps, pit, log_score, signals: {name: {auc, gauc, logloss, ece, rate, sampled_rate, expected_rate}},
/// gap_tab, gap_duration, tabs, durations, cells, pit_histogram, reliability, ratio_by_duration, references: {name:
/// {crps, ...}}, rows, users, from, until, log}, and on synthetic rows references.truth and crps_above_truth. An
/// undefined figure (the AUC of one class) is null.
Json to_json(const FidelityReport& report);

/// The tables as text, for people.
std::string to_text(const FidelityReport& report);

/// P(ratio <= x) of a distribution given by its 99 quantiles: linear between them, from 0 at 0 and to 1 at the cap.
double cdf_from_quantiles(Quantiles quantiles, double x) noexcept;

}  // namespace swipegym
