#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "agents/supervised_task.h"
#include "policy/policy.h"

namespace swipegym {

/// Whether a logged row counts as wanted: the duration is known and more than `above` of it was watched.
inline bool is_wanted(const Log& log, std::size_t row, float above) noexcept {
  return log.duration_ms[row] > 0 &&
         static_cast<float>(log.play_ms[row]) > above * static_cast<float>(log.duration_ms[row]);
}

/// Where the whole catalogue, ranked once for each user, has what the user watched next.
struct CatalogueRanking {
  std::vector<std::uint32_t> user;           // those with rows in the period
  std::vector<std::uint32_t> wanted, found;  // [users] distinct videos wanted that are new to the user; `found` of them
                                             // among the best k that are new
  std::vector<std::uint32_t> next;  // [users] rank of the video watched first, new or not, among all videos, from
                                    // 0; one half of those that score the same counts as better

  double mean_recall() const noexcept;  // of found / wanted over users who wanted something; NaN without any
};

struct RankingQuestion {
  DayRange days;
  std::size_t k = 100;
  float wanted_above = 0.5F;  // watch ratio, see is_wanted()
};

/// Ranks the whole catalogue once for each user with rows in the period, as it stood before the user's first one. For
/// `wanted` and `found` videos watched before are neither recommended nor asked for. Random-exposure rows count as
/// history only: nobody chose what they show.
CatalogueRanking rank_catalogue(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                const RankingQuestion& question, int threads);

/// For each of these logged rows: the rank of its video among all videos, from 0, as the user's strictly earlier rows
/// let it expect; one half of those that score the same count as better.
std::vector<std::uint32_t> rank_logged_rows(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                            const std::vector<std::uint32_t>& rows, int threads);

/// Calls use(i, scores) with what the policy scores every video in the state before rows[i]; on several threads.
void score_catalogue(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                     std::span<const std::uint32_t> rows, int threads,
                     const std::function<void(std::size_t i, std::span<float> scores)>& use);
/// What the policy scores each row's own video, as `swipegym score` does; [rows].
std::vector<float> score_logged_videos(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                       std::span<const std::uint32_t> rows, int threads);

}  // namespace swipegym
