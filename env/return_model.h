#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/progress.h"
#include "env/training_rows.h"
#include "nn/mlp.h"

namespace swipegym {

/// When a user comes back: a distribution over the gap between the end of a session and the same user's next one, given
/// the history, the hour and the user's activity. Gaps that the log's end cut off enter the likelihood as "longer
/// than".
class ReturnModel {
 public:
  static constexpr std::size_t kInputs = 20;
  /// Lower ends of the gap bins in hours; the last bin is open, with an exponential tail.
  static std::span<const float> bin_hours() noexcept;

  ReturnModel() = default;
  /// Fits on the sessions of the window's users.
  ReturnModel(const Dataset& data, const FitWindow& window, const FeatureEncoder& encoder, const ResponseCells& cells,
              const WatchGrid& grid, std::uint64_t seed);

  std::int64_t draw_gap_ms(const UserHistory& history, std::span<const float> user_dense, std::int64_t time_ms,
                           RandomKey key, MlpWorkspace& workspace) const;

  void save(Hdf5Writer& file) const;
  static ReturnModel load(const Hdf5Reader& file);

 private:
  Mlp mlp_;
  float tail_hours_ = 100.0F;  // mean of the last bin beyond its lower end
};

}  // namespace swipegym
