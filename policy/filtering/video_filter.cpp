#include "policy/filtering/video_filter.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "core/error.h"
#include "core/validate.h"

namespace swipegym {

const char* name_of(FilterReason reason) noexcept {
  constexpr std::array<const char*, kFilterReasons> kNames = {"kept",       "watched", "own",
                                                              "unsuitable", "too old", "author cap"};
  return kNames[static_cast<std::size_t>(reason)];
}

void SmallTable::begin(std::size_t entries) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(2 * entries, 16));
  slots_.assign(slots, {});
  mask_ = slots - 1;
  shift_ = 64 - std::countr_zero(slots);
}

// Where the key is, or would be.
std::size_t SmallTable::find(std::uint32_t key) const noexcept {
  std::size_t at = (key * 0x9E3779B97F4A7C15U) >> shift_;  // Fibonacci hashing
  while (slots_[at].count != 0 && slots_[at].key != key) at = (at + 1) & mask_;
  return at;
}

std::uint32_t SmallTable::add(std::uint32_t key) noexcept {
  Slot& slot = slots_[find(key)];
  slot.key = key;
  return ++slot.count;
}

bool SmallTable::contains(std::uint32_t key) const noexcept {
  return slots_[find(key)].count != 0;
}

VideoFilter::VideoFilter(const Catalogue& catalogue, const FilterSettings& settings)
    : catalogue_(&catalogue), settings_(settings), conditions_(catalogue, settings.unsuitable) {
  if (settings.oldest_days > 0.0 && catalogue.upload_day.empty())
    throw InputError("filter: oldest_days needs upload days, which this simulator's file does not have; fit it again");
  if (!settings.own) return;
  if (catalogue.raw_author_id.empty())
    throw InputError("filter: own needs the authors' ids, which this simulator's file does not have; fit it again");
  std::unordered_map<std::int64_t, std::int64_t> author_of;
  for (std::size_t a = 0; a < catalogue.raw_author_id.size(); ++a)
    author_of.emplace(catalogue.raw_author_id[a], static_cast<std::int64_t>(a));
  own_author_.assign(catalogue.num_users(), -1);
  for (std::size_t u = 0; u < own_author_.size(); ++u)
    if (const auto found = author_of.find(catalogue.raw_user_id[u]); found != author_of.end())
      own_author_[u] = found->second;
}

FilterReason VideoFilter::reason_for(const FilterRequest& request, std::uint32_t video,
                                     FilterWorkspace& workspace) const {
  const std::uint32_t author = catalogue_->author[video];
  if (settings_.watched && workspace.watched.contains(video)) return FilterReason::kWatched;
  if (settings_.own && own_author_[request.user] == std::int64_t{author}) return FilterReason::kOwn;
  if (conditions_.first_that_holds(video, request.day) >= 0) return FilterReason::kUnsuitable;
  if (settings_.oldest_days > 0.0) {
    const std::uint16_t uploaded = catalogue_->upload_day[video];
    if (uploaded != 0 && request.day - uploaded > settings_.oldest_days) return FilterReason::kTooOld;
  }
  if (settings_.author_cap > 0 && workspace.authors.add(author) > static_cast<std::uint32_t>(settings_.author_cap))
    return FilterReason::kAuthorCap;
  return FilterReason::kKept;
}

std::span<std::int32_t> VideoFilter::run(const FilterRequest& request, std::span<std::int32_t> list,
                                         FilterWorkspace& workspace, FilterCounts& counts,
                                         std::span<FilterReason> reasons) const {
  require_below("filter: video", std::span<const std::int32_t>(list), catalogue_->num_videos());
  require_below("filter: user", std::span(&request.user, 1), catalogue_->num_users());
  if (!reasons.empty()) require_size("filter: reasons", reasons.size(), list.size());
  if (settings_.watched) {
    workspace.watched.begin(request.history.size() + request.seen.size());
    for (const std::int32_t video : request.history)
      if (video >= 0) workspace.watched.add(static_cast<std::uint32_t>(video));
    for (const std::uint32_t video : request.seen) workspace.watched.add(video);
  }
  if (settings_.author_cap > 0) workspace.authors.begin(list.size());
  counts.fill(0);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const FilterReason reason = reason_for(request, static_cast<std::uint32_t>(list[i]), workspace);
    ++counts[static_cast<std::size_t>(reason)];
    if (!reasons.empty()) reasons[i] = reason;
    if (reason == FilterReason::kKept) list[kept++] = list[i];
  }
  return list.first(kept);
}

}  // namespace swipegym
