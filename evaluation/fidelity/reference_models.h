#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "evaluation/metrics/quantile_score.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Which rows are judged: those of one log with from <= date <= until and a known duration.
struct JudgedWindow {
  std::int32_t from = 0;          // yyyymmdd
  std::int32_t until = 99999999;  // yyyymmdd
  bool random = false;            // rows of the random-exposure log instead of the standard one
};

bool is_judged(const Log& log, std::size_t row, const JudgedWindow& window) noexcept;

/// The judged rows in file order. Throws InputError when there are none.
std::vector<std::uint32_t> judged_rows(const Dataset& data, const JudgedWindow& window);

/// What a row of past data says without any model: the empirical distribution of the watch ratio and the rate of each
/// signal, over all past rows or over those of the same tab and duration.
struct ReferenceCell {
  std::array<float, kQuantiles> quantile{};  // of the ratio, clipped to kJudgedRatioCap
  std::array<float, kNumSignals> rate{};
  std::uint64_t rows = 0;
};

/// Two baselines every simulator must beat, made from the rows before a window (and of its own log when that has at
/// least 200 of them): the marginal, and tab x duration cells of twenty equal-frequency durations; cells of at most 50
/// rows answer with the marginal.
class ReferenceModels {
 public:
  /// Throws InputError when no row lies before window.from.
  ReferenceModels(const Dataset& data, const JudgedWindow& window);

  const ReferenceCell& marginal() const noexcept { return marginal_; }
  const ReferenceCell& cell(std::uint8_t tab, std::int32_t duration_ms) const noexcept;

 private:
  std::uint32_t cell_index(std::uint8_t tab, std::int32_t duration_ms) const noexcept;

  std::vector<double> cuts_;  // [19] ms
  ReferenceCell marginal_;
  std::unordered_map<std::uint32_t, ReferenceCell> cells_;
};

}  // namespace swipegym
