#pragma once

#include <cstdint>
#include <vector>

#include "evaluation/generate/generate.h"
#include "evaluation/generate/platform_lane.h"

namespace swipegym {

/// Who lives through which period: chain k is user k of a drawn order, in period k / users.
class ChainPlan {
 public:
  /// Throws InputError when the simulator knows no session starts.
  ChainPlan(const Population& population, std::uint64_t seed);

  ChainStart start(std::uint64_t chain) const;
  std::int64_t end_ms(std::uint64_t chain) const;
  RandomKey key(std::uint64_t chain) const { return split(key_, chain); }
  std::uint64_t users() const noexcept { return first_.size(); }

 private:
  RandomKey key_;
  std::vector<ChainStart> first_;              // each user's first session in the fitted log, in the drawn order
  std::int64_t begin_ms_ = 0, period_ms_ = 0;  // of the fitted log: midnight, whole days
  std::int64_t shift_ms(std::uint64_t chain) const {
    return static_cast<std::int64_t>(chain / users() + 1) * period_ms_;
  }
};

/// The row that a shown video becomes. KuaiRand keeps the hour only.
LogRow shown_row(const Shown& shown, std::int32_t play_ms, SignalBits signals);

/// One user's finished chain.
struct ChainRows {
  std::vector<LogRow> rows;
  std::vector<std::size_t> session_end;  // number of rows at the end of each session
  std::vector<std::int32_t> candidates;  // [rows, m] as CandidateSink has them; empty when they are not kept

  void close_session() {
    if (session_end.empty() ? !rows.empty() : rows.size() > session_end.back()) session_end.push_back(rows.size());
  }
};

/// Passes chains on in order until enough sessions are through, where the last chain is cut, or enough chains.
class ChainCollector {
 public:
  ChainCollector(const GenerateConfig& config, const RowSink& sink, const Progress& progress)
      : config_(config), sink_(sink), progress_(progress) {}

  bool complete() const noexcept {
    return report_.sessions >= config_.sessions || (config_.chains > 0 && taken_ >= config_.chains);
  }
  void take(ChainRows&& chain);
  GenerateReport report() const noexcept { return report_; }

 private:
  const GenerateConfig& config_;
  const RowSink& sink_;
  const Progress& progress_;
  GenerateReport report_;
  std::uint64_t taken_ = 0;
};

}  // namespace swipegym
