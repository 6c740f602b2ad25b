#pragma once

#include <cstdint>
#include <vector>

#include "agents/supervised_task.h"
#include "policy/policy.h"

namespace swipegym {

/// Whether a logged row counts as wanted: the duration is known and more than `above` of it was watched.
inline bool is_wanted(const Log& log, std::size_t row, float above) noexcept {
  return log.duration_ms[row] > 0 &&
         static_cast<float>(log.play_ms[row]) > above * static_cast<float>(log.duration_ms[row]);
}

/// How many of the videos each user went on to want are among the best of the whole catalogue.
struct CatalogueRecall {
  std::vector<std::uint32_t> user;           // those who wanted something new in the period
  std::vector<std::uint32_t> wanted, found;  // [users] distinct videos; `found` of them among the best k

  double mean() const noexcept;  // of found / wanted over users; NaN without users
};

struct RecallQuestion {
  DayRange days;
  std::size_t k = 100;
  float wanted_above = 0.5F;  // watch ratio, see is_wanted()
};

/// Ranks the whole catalogue once for each user who wants something in the period, as it stood before the user's first
/// row of the period; videos watched before are neither recommended nor asked for. Random-exposure rows count as
/// history only: nobody chose what they show.
CatalogueRecall catalogue_recall(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                 const RecallQuestion& question, int threads);

}  // namespace swipegym
