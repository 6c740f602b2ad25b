#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "policy/filtering/filter_columns.h"

namespace swipegym {

/// What is taken out of a list before it is scored.
struct FilterSettings {
  bool watched = true;  // videos of the user's history, and of what else was seen
  // Videos of the user's own. True says that an author's id is that person's user id. KuaiRand's ids are not linked:
  // each kind was numbered anew, users from 0, so that a few happen to be equal; false there.
  bool own = false;
  std::vector<Condition> unsuitable;  // any that holds
  double oldest_days = 0.0;           // since upload; unknown ones stay. 0: any age
  int author_cap = 0;                 // of an author the first so many of the list stay; 0: all
};
template <class Visitor>
void visit_fields(Visitor& visit, FilterSettings& settings) {
  visit("watched", settings.watched);
  visit("own", settings.own);
  visit("unsuitable", settings.unsuitable, lengths(0, 255));
  visit("oldest_days", settings.oldest_days, between(0, 100'000));
  visit("author_cap", settings.author_cap, between(0, 1'000'000));
}

/// Why a video was taken out: the first reason in this order.
enum class FilterReason : std::uint8_t { kKept, kWatched, kOwn, kUnsuitable, kTooOld, kAuthorCap };
inline constexpr std::size_t kFilterReasons = 6;
/// "kept", "watched", "own", "unsuitable", "too old", "author cap".
const char* name_of(FilterReason reason) noexcept;

/// Videos or authors in a small table that is emptied in no time; no allocation once it was as large.
class SmallTable {
 public:
  /// Empties it, with room for `entries`.
  void begin(std::size_t entries);
  /// How often `key` was added, this time included.
  std::uint32_t add(std::uint32_t key) noexcept;
  bool contains(std::uint32_t key) const noexcept;

 private:
  struct Slot {
    std::uint32_t key = 0, count = 0;
  };
  std::size_t find(std::uint32_t key) const noexcept;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  int shift_ = 0;
};

/// One user's request.
struct FilterRequest {
  std::uint32_t user = 0;
  std::span<const std::int32_t> history{};  // watched videos; -1 is padding
  std::span<const std::uint32_t> seen{};    // more of them: SeenVideos::videos()
  std::int32_t day = 0;                     // of the request, days since 1970-01-01 (day_of_time())
};

/// Room that is kept from list to list; one a thread.
struct FilterWorkspace {
  SmallTable watched, authors;
};

/// What of a list went, by reason; counts[kKept] is what is left.
using FilterCounts = std::array<std::uint32_t, kFilterReasons>;

/// FilterSettings made ready for one catalogue, which must outlive it. Immutable: any number of threads may share one.
class VideoFilter {
 public:
  /// Throws InputError for conditions as VideoConditions does, and for `own` or `oldest_days` where the catalogue does
  /// not have the authors' ids or upload days.
  VideoFilter(const Catalogue& catalogue, const FilterSettings& settings);

  /// Moves what stays of `list` [n] to its front, in its order, and returns it. `reasons` is empty or [n], by the place
  /// before. `counts` is overwritten. Allocates nothing once the workspace has seen a history and list as long.
  std::span<std::int32_t> run(const FilterRequest& request, std::span<std::int32_t> list, FilterWorkspace& workspace,
                              FilterCounts& counts, std::span<FilterReason> reasons = {}) const;
  /// The condition of `unsuitable` that holds of a video, or -1: what a reason is printed with.
  int condition_of(std::size_t video, std::int32_t day) const { return conditions_.first_that_holds(video, day); }
  const FilterSettings& settings() const noexcept { return settings_; }

 private:
  FilterReason reason_for(const FilterRequest& request, std::uint32_t video, FilterWorkspace& workspace) const;

  const Catalogue* catalogue_;
  FilterSettings settings_;
  VideoConditions conditions_;
  std::vector<std::int64_t> own_author_;  // [users] index of the author a user is, or -1; empty without `own`
};

}  // namespace swipegym
