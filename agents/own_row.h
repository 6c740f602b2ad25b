#pragma once

#include <cstdint>
#include <vector>

#include "env/simulator.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// A catalogue's statistics as they are without one of the rows they were made of. A row that is learned from stands in
/// the mean of its user and its video, and rows to be foreseen do not: a user of five rows has a mean that is to a
/// fifteenth the very answer. On KuaiRand-Pure's slice the mean ratio of users correlates with a training row's ratio
/// by .48, with the next days' by .19, and without the row by .23.
class OwnRow {
 public:
  /// Of build_catalogue(data, until); `data` must outlive this.
  OwnRow(const Dataset& data, std::int32_t until);

  /// Takes log row `row` out of its user's features, [kUserFeatures], and its video's, [kVideoFeatures] and
  /// [kDerivedItemFeatures]; nothing changes for a row that is not among those they were made of. The means of the
  /// whole log that they are shrunk to stay as they are.
  void leave_out(std::size_t row, float* user, float* video, float* derived) const noexcept;

 private:
  struct Counts {
    std::vector<float> rows, timed;  // timed: of a known duration
  };
  const Dataset& data_;
  std::int32_t until_;
  Counts users_, videos_;
};

}  // namespace swipegym
