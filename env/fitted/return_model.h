#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/progress.h"
#include "env/fitted/fit_log.h"
#include "nn/mlp.h"

namespace swipegym {

/// When a user comes back: a distribution over the gap between the end of a session and the same user's next one, given
/// the history, the hour, days off and the user's activity. Gaps that the log's end cut off enter the likelihood as
/// "longer than".
class ReturnModel {
 public:
  static constexpr std::size_t kInputs = 22, kRates = 4;
  /// How often users are seen grows with the log, which began one day and not with their lives. Taken as they are, such
  /// numbers let everybody come back more and more often as days go by; so each is standardised by what it was for the
  /// sessions of that day of the log, and of its last day beyond.
  struct RatesOfDay {
    std::array<float, kRates> mean{}, deviation{1.0F, 1.0F, 1.0F, 1.0F};
  };
  /// Lower ends of the gap bins in hours; the last bin is open, with an exponential tail.
  static std::span<const float> bin_hours() noexcept;

  ReturnModel() = default;
  /// Fits on the sessions of the fold's users, in max_updates at most.
  ReturnModel(const FitLog& log, std::uint64_t seed, std::int64_t max_updates);

  std::int64_t draw_gap_ms(const UserHistory& history, std::span<const float> user_dense, std::int64_t time_ms,
                           RandomKey key, MlpWorkspace& workspace) const;

  /// Throws InputError unless every gap drawn from it is a number of hours.
  void validate() const;
  void save(Hdf5Writer& file) const;
  static ReturnModel load(const Hdf5Reader& file);

 private:
  Mlp mlp_;
  const RatesOfDay& rates_on(std::int64_t time_ms) const noexcept;

  std::int32_t first_day_ = 0;     // day number of rates_[0]
  std::vector<RatesOfDay> rates_;  // empty: no session was seen
  float tail_hours_ = 100.0F;      // mean of the last bin beyond its lower end
};

}  // namespace swipegym
