#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "env/user_model.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Which rows a feed resamples.
struct FeedRows {
  std::int32_t from = 0, until = 99999999;  // their dates
  bool random = false;                      // random exposures too, in the log's own proportion
};

/// What the platform would show: videos resampled from a log's rows, by tab and by how active the user is, and within a
/// session by real transitions, so that the next tab, the pause before it and whether it is a random exposure are the
/// log's own. It does not know whom it shows a video to beyond that; with kLogged exposure the simulator adds what the
/// platform's choice adds.
class LoggedFeed {
 public:
  struct Item {
    VideoIndex video{};
    std::int32_t duration_ms = 0;  // > 0
    std::uint8_t tab = 1;
    std::int64_t pause_ms = 0;  // from the row before it; 0 for a first row
    bool random = false;        // a random exposure, whose answers are interventional
  };

  /// Uses rows with a known duration. Throws InputError when there are none.
  LoggedFeed(const Dataset& data, const FeedRows& rows);

  /// A session's first video, when it opens in `tab`.
  Item first(std::uint32_t user, std::uint8_t tab, RandomStream& random) const;
  /// The video after one shown in `tab`, which was a random exposure or not.
  Item after(std::uint32_t user, std::uint8_t tab, bool after_random, RandomStream& random) const;

 private:
  static constexpr std::size_t kActivityClasses = 4;
  static constexpr std::size_t kTabs = 256;
  // Rows of one tab and activity class, then those of the tab in any class, then all: a pool of fewer than kFewest rows
  // hands over to the next.
  struct Pools {
    std::vector<std::vector<std::uint32_t>> by_class{kTabs * kActivityClasses};
    std::vector<std::vector<std::uint32_t>> by_tab{kTabs};
    std::vector<std::uint32_t> all;
    void add(std::uint8_t tab, std::size_t activity, std::uint32_t row);
    const std::vector<std::uint32_t>& of(std::uint8_t tab, std::size_t activity) const noexcept;
  };
  Item item_of(std::uint32_t row, std::int64_t pause_ms) const noexcept;

  const Dataset& data_;
  std::vector<std::uint8_t> activity_;  // [users]
  Pools firsts_;                        // rows that open a session
  std::array<Pools, 2> transitions_;    // rows that follow another one of their session, filed under the tab they came
                                        // from, by whether that one was a random exposure
};

/// Whether row `row` continues the session of the row before it (same user, at most kSessionGapMs later).
bool continues_session(const Log& log, std::size_t row) noexcept;

}  // namespace swipegym
