#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "policy/ordering/greedy_order.h"
#include "policy/ordering/order_settings.h"

namespace swipegym {

/// SequenceRules made ready for millions of slates.
class SlateRules {
 public:
  SlateRules() = default;
  explicit SlateRules(const SequenceRules& rules);

  const SequenceRules& settings() const noexcept { return settings_; }
  bool of_authors() const noexcept { return settings_.author_cap > 0 || settings_.no_author_twice; }
  bool of_tags() const noexcept { return settings_.tag_cap > 0 || !kinds_.empty(); }
  bool any() const noexcept { return of_authors() || of_tags(); }
  /// Which of the tags in pairs it is, from 1; 0: in none.
  std::uint16_t kind_of(std::uint16_t tag) const noexcept;
  bool forbids(std::uint16_t kind_before, std::uint16_t kind_after) const noexcept {
    return kind_before != 0 && kind_after != 0 &&
           forbidden_[(kind_before - 1U) * kinds_.size() + (kind_after - 1U)] != 0;
  }

 private:
  SequenceRules settings_;
  std::vector<std::uint16_t> kinds_;     // tags that are in a pair, ascending
  std::vector<std::uint8_t> forbidden_;  // [kinds, kinds]
};

/// What the user was shown before the slate, newest last; rules look back into it.
struct ShownBefore {
  std::span<const std::uint32_t> author{};
  std::span<const std::uint16_t> tag{};  // as long as author
};

/// A place that is for videos of one tag.
struct ReservedPlace {
  std::size_t place = 0;
  std::uint16_t tag = 0;
};

/// Keeps an order that is filled place by place within its rules: `allows` says whether a video may come next such that
/// what remains can be completed with the fewest violations.
///
/// A violation is a rule broken at a place: the author or tag beyond its cap in the slate (or window) that ends there,
/// the author of the place before, a tag that may not follow. The fewest of all orders of the list is found by
/// depth-first search over kinds of videos (those of one author and tag are alike), with bounds from counting and a
/// memory of states that failed. It is exact: 0 whenever an order without violations exists. Only where the search
/// takes more than search_steps may the number be larger than the least; `searched_all` is then false.
class PlacePlanner {
 public:
  /// Plans `places` (<= n) places. With a reservation false when it cannot be kept without more violations than
  /// `most`; the planner must then be begun anew. Lists without the authors or tags that rules look at are an
  /// InputError.
  bool begin(const SlateRules& rules, const ScoredList& list, const ShownBefore& before, std::size_t places,
             std::optional<ReservedPlace> reserved = std::nullopt, std::uint32_t most = 0);
  /// Whether `video`, not taken yet, may take the next place.
  bool allows(std::size_t video);
  /// Whether `allows` has said no for this place, to `video` or one that is like it for the rules.
  bool refused(std::size_t video) const noexcept { return active_ && refused_[kind_of_[video]] == next_ + 1; }
  /// Puts an allowed video there.
  void take(std::size_t video);
  std::uint32_t violations() const noexcept { return used_; }  // of those taken
  std::uint32_t fewest() const noexcept { return most_; }      // of the plan
  bool searched_all() const noexcept { return searched_all_; }

 private:
  struct Kind {
    std::uint32_t author = 0;
    std::uint16_t tag = 0, pair = 0;
    bool reserved = false, tagged = false;
    std::uint32_t count = 0;  // left
    std::uint64_t key = 0;
  };

  void find_kinds(const ScoredList& list);
  void copy_before(const ScoredList& list, const ShownBefore& before);
  std::uint32_t cost(std::size_t place, const Kind& kind) const noexcept;
  void put(std::size_t place, std::uint32_t kind) noexcept;
  void remove(std::uint32_t kind) noexcept;
  std::uint32_t complete_quickly(std::size_t from, std::uint32_t budget);
  bool complete(std::size_t from, std::uint32_t budget);
  bool search(std::size_t place, std::uint32_t left);
  std::uint32_t least_by_counting();
  std::uint64_t state(std::size_t place, std::uint32_t left) const noexcept;

  const SlateRules* rules_ = nullptr;
  std::optional<ReservedPlace> reserved_;
  bool active_ = false, searched_all_ = true, sorted_ = false;
  std::size_t places_ = 0, next_ = 0, shown_ = 0, window_ = 0, tail_ = 0;
  std::uint32_t used_ = 0, most_ = 0;
  std::int64_t steps_left_ = 0;
  std::uint64_t salt_ = 0, held_ = 0;   // held_: sum of the keys of the kinds put so far
  std::vector<std::uint32_t> kind_of_;  // [n]
  std::vector<Kind> kinds_;
  std::vector<std::uint32_t> order_;   // kinds, the most numerous first
  std::vector<std::uint32_t> table_;   // finds kinds
  std::vector<std::uint32_t> author_;  // [shown before + places]
  std::vector<std::uint16_t> tag_, pair_;
  std::vector<std::uint8_t> tagged_;
  std::vector<std::uint64_t> key_;           // [places] of the kind put there
  std::vector<std::uint32_t> plan_, trial_;  // [places] kinds
  std::vector<std::uint32_t> refused_;       // [kinds] place + 1 at which it was refused
  std::vector<std::uint64_t> failed_;        // states without a completion
  std::vector<std::pair<std::uint64_t, std::uint32_t>> totals_;
};

/// Violations of an order of videos, counted one by one: what PlacePlanner keeps small.
std::uint32_t count_violations(const SlateRules& rules, const ScoredList& list, const ShownBefore& before,
                               std::span<const std::int32_t> order);

}  // namespace swipegym
