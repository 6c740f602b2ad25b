#include "evaluation/fidelity/reference_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/error.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kDurationCells = 20;
constexpr std::size_t kFewestOwnRows = 200;
constexpr std::size_t kSmallCell = 50;

float judged_ratio(const Log& log, std::size_t row) {
  return std::min(static_cast<float>(log.play_ms[row]) / static_cast<float>(log.duration_ms[row]), kJudgedRatioCap);
}

ReferenceCell summarise(const Log& log, const std::vector<std::uint32_t>& rows) {
  ReferenceCell cell;
  cell.rows = rows.size();
  std::vector<float> ratios;
  std::array<std::uint64_t, kNumSignals> given{};
  for (const std::uint32_t row : rows) {
    ratios.push_back(judged_ratio(log, row));
    for (std::size_t s = 0; s < kNumSignals; ++s) given[s] += log.signals[row] >> s & 1U;
  }
  std::sort(ratios.begin(), ratios.end());
  cell.quantile = sample_quantiles(ratios);
  for (std::size_t s = 0; s < kNumSignals; ++s)
    cell.rate[s] = static_cast<float>(static_cast<double>(given[s]) / static_cast<double>(rows.size()));
  return cell;
}

}  // namespace

bool is_judged(const Log& log, std::size_t row, const JudgedWindow& window) noexcept {
  return log.date[row] >= window.from && log.date[row] <= window.until && log.duration_ms[row] > 0 &&
         (log.is_random[row] != 0) == window.random;
}

std::vector<std::uint32_t> judged_rows(const Dataset& data, const JudgedWindow& window) {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (is_judged(data.log, row, window)) rows.push_back(static_cast<std::uint32_t>(row));
  if (rows.empty())
    throw InputError(fmt::format("no row of the {} log is dated {}; see 'swipegym data stats' for the days it has",
                                 window.random ? "random" : "standard", days_text(window.from, window.until)));
  std::sort(rows.begin(), rows.end(),
            [&](std::uint32_t a, std::uint32_t b) { return data.log.source_row[a] < data.log.source_row[b]; });
  return rows;
}

ReferenceModels::ReferenceModels(const Dataset& data, const JudgedWindow& window) {
  const Log& log = data.log;
  std::vector<std::uint32_t> past, own;
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.date[row] >= window.from || log.duration_ms[row] <= 0) continue;
    past.push_back(static_cast<std::uint32_t>(row));
    if ((log.is_random[row] != 0) == window.random) own.push_back(static_cast<std::uint32_t>(row));
  }
  if (past.empty())
    throw InputError(fmt::format(
        "no row is dated before {}: nothing to compare a simulator with; choose a later --from", window.from));
  std::vector<float> durations;
  for (const std::uint32_t row : past) durations.push_back(static_cast<float>(log.duration_ms[row]));
  std::sort(durations.begin(), durations.end());
  for (std::size_t cut = 1; cut < kDurationCells; ++cut)
    cuts_.push_back(sample_quantile(durations, static_cast<double>(cut) / kDurationCells));

  const std::vector<std::uint32_t>& rows = own.size() >= kFewestOwnRows ? own : past;
  marginal_ = summarise(log, rows);
  std::map<std::uint32_t, std::vector<std::uint32_t>> rows_of;
  for (const std::uint32_t row : rows) rows_of[cell_index(log.tab[row], log.duration_ms[row])].push_back(row);
  for (const auto& [index, members] : rows_of)
    if (members.size() > kSmallCell) cells_.emplace(index, summarise(log, members));
}

std::uint32_t ReferenceModels::cell_index(std::uint8_t tab, std::int32_t duration_ms) const noexcept {
  const auto bin = std::upper_bound(cuts_.begin(), cuts_.end(), static_cast<double>(duration_ms)) - cuts_.begin();
  return tab * 100U + static_cast<std::uint32_t>(bin);
}

const ReferenceCell& ReferenceModels::cell(std::uint8_t tab, std::int32_t duration_ms) const noexcept {
  const auto found = cells_.find(cell_index(tab, duration_ms));
  return found == cells_.end() ? marginal_ : found->second;
}

}  // namespace swipegym
