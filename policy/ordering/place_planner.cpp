#include <algorithm>
#include <bit>

#include "core/error.h"
#include "core/validate.h"
#include "policy/ordering/slate_rules.h"

namespace swipegym {
namespace {

constexpr std::uint32_t kNever = 1U << 24;  // violations no plan has: at a reserved place, of another tag
constexpr std::size_t kFailedStates = 1U << 14;

std::uint64_t mix(std::uint64_t x) noexcept {  // SplitMix64's
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

}  // namespace

bool PlacePlanner::begin(const SlateRules& rules, const ScoredList& list, const ShownBefore& before, std::size_t places,
                         std::optional<ReservedPlace> reserved, std::uint32_t most) {
  if (rules.of_authors() && list.author.size() != list.size())
    throw InputError("order: a rule looks at authors, and the list has none");
  if ((rules.of_tags() || reserved) && list.tag.size() != list.size())
    throw InputError("order: a rule looks at tags, and the list has none");
  rules_ = &rules, reserved_ = reserved;
  places_ = places, next_ = 0, used_ = 0, most_ = 0, held_ = 0;
  searched_all_ = true, sorted_ = false;
  active_ = (rules.any() || reserved) && places > 0;
  if (!active_) return true;

  const SequenceRules& r = rules.settings();
  steps_left_ = r.search_steps;
  salt_ = mix(salt_ + 1);
  const bool caps = r.author_cap > 0 || r.tag_cap > 0;
  window_ = caps ? static_cast<std::size_t>(r.cap_window) : 0;
  tail_ = std::max<std::size_t>(window_ > 0 ? window_ - 1 : 0, 1);
  copy_before(list, before);
  find_kinds(list);
  plan_.resize(places), trial_.resize(places), key_.resize(places);
  refused_.assign(kinds_.size(), 0);

  const std::uint32_t bound = reserved ? most : kNever - 1;
  const std::uint32_t quick = complete_quickly(0, bound);
  if (quick <= bound) most_ = quick, std::copy(trial_.begin(), trial_.end(), plan_.begin());
  if (quick == 0) return true;
  if (reserved && most == 0) return complete(0, 0);
  // Deeper and deeper, from what counting alone says is needed.
  for (std::uint32_t budget = least_by_counting(); budget < std::min(quick, bound + 1); ++budget)
    if (complete(0, budget)) {
      most_ = budget;
      return true;
    }
  return quick <= bound;
}

// Of what was shown the last places that a rule can reach.
void PlacePlanner::copy_before(const ScoredList& list, const ShownBefore& before) {
  const std::size_t all = std::max(before.author.size(), before.tag.size());
  if (rules_->of_authors()) require_size("order: authors shown before", before.author.size(), all);
  if (rules_->of_tags()) require_size("order: tags shown before", before.tag.size(), all);
  shown_ = std::min(all, tail_);
  author_.resize(shown_ + places_), tag_.resize(shown_ + places_);
  pair_.resize(shown_ + places_), tagged_.resize(shown_ + places_);
  for (std::size_t i = 0; i < shown_; ++i) {
    const std::size_t at = all - shown_ + i;
    author_[i] = rules_->of_authors() ? before.author[at] : 0;
    tag_[i] = rules_->of_tags() ? before.tag[at] : 0;
    tagged_[i] = rules_->of_tags() && tag_[i] != list.no_tag;
    pair_[i] = tagged_[i] ? rules_->kind_of(tag_[i]) : 0;
  }
}

// Videos that no rule tells apart are of one kind.
void PlacePlanner::find_kinds(const ScoredList& list) {
  const std::size_t n = list.size(), mask = std::bit_ceil(2 * n) - 1;
  const bool authors = rules_->of_authors(), caps_tags = rules_->settings().tag_cap > 0;
  table_.assign(mask + 1, 0);
  kinds_.clear();
  kind_of_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    Kind kind;
    if (authors) kind.author = list.author[i];
    if (rules_->of_tags() && list.tag[i] != list.no_tag) {
      kind.pair = rules_->kind_of(list.tag[i]);
      if (caps_tags) kind.tag = list.tag[i], kind.tagged = true;
    }
    kind.reserved = reserved_ && list.tag[i] == reserved_->tag;
    const std::uint64_t what = std::uint64_t{kind.author} << 32 | std::uint64_t{kind.tag} << 16 | kind.pair;
    kind.key = mix(mix(what) + 2 * std::uint64_t{kind.tagged} + std::uint64_t{kind.reserved});
    std::size_t at = kind.key & mask;
    while (table_[at] != 0 && kinds_[table_[at] - 1].key != kind.key) at = (at + 1) & mask;
    if (table_[at] == 0) {
      kinds_.push_back(kind);
      table_[at] = static_cast<std::uint32_t>(kinds_.size());
    }
    kind_of_[i] = table_[at] - 1;
    ++kinds_[kind_of_[i]].count;
  }
}

std::uint32_t PlacePlanner::cost(std::size_t place, const Kind& kind) const noexcept {
  const SequenceRules& r = rules_->settings();
  const std::size_t at = shown_ + place;
  const std::size_t first = window_ == 0 ? shown_ : at - std::min(at, window_ - 1);
  std::uint32_t broken = 0;
  if (r.author_cap > 0) {
    int same = 0;
    for (std::size_t i = first; i < at; ++i) same += author_[i] == kind.author;
    broken += same >= r.author_cap;
  }
  if (r.tag_cap > 0 && kind.tagged) {
    int same = 0;
    for (std::size_t i = first; i < at; ++i) same += tag_[i] == kind.tag && tagged_[i] != 0;
    broken += same >= r.tag_cap;
  }
  if (at > 0) {
    broken += r.no_author_twice && author_[at - 1] == kind.author;
    broken += rules_->forbids(pair_[at - 1], kind.pair);
  }
  if (reserved_ && place == reserved_->place && !kind.reserved) broken += kNever;
  return broken;
}

void PlacePlanner::put(std::size_t place, std::uint32_t k) noexcept {
  Kind& kind = kinds_[k];
  const std::size_t at = shown_ + place;
  author_[at] = kind.author, tag_[at] = kind.tag, pair_[at] = kind.pair, tagged_[at] = kind.tagged;
  key_[place] = kind.key;
  --kind.count;
  held_ += kind.key;
}

void PlacePlanner::remove(std::uint32_t k) noexcept {
  ++kinds_[k].count;
  held_ -= kinds_[k].key;
}

// The first kind at each place that breaks nothing, or the least; its violations. Most lists need no more.
std::uint32_t PlacePlanner::complete_quickly(std::size_t from, std::uint32_t budget) {
  std::uint32_t total = 0;
  std::size_t place = from;
  for (; place < places_ && total <= budget; ++place) {
    std::uint32_t best = 0, least = ~0U;
    for (std::uint32_t k = 0; k < kinds_.size() && least > 0; ++k) {
      if (kinds_[k].count == 0) continue;
      const std::uint32_t broken = cost(place, kinds_[k]);
      if (broken < least) least = broken, best = k;
    }
    put(place, best);
    trial_[place] = best;
    total += least;
  }
  while (place > from) remove(trial_[--place]);
  return total;
}

bool PlacePlanner::complete(std::size_t from, std::uint32_t budget) {
  if (!sorted_) {
    order_.resize(kinds_.size());
    for (std::uint32_t k = 0; k < order_.size(); ++k) order_[k] = k;
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return kinds_[a].count != kinds_[b].count ? kinds_[a].count > kinds_[b].count : a < b;
    });
    failed_.resize(kFailedStates);
    sorted_ = true;
  }
  if (!search(from, budget)) return false;
  std::copy(trial_.begin() + static_cast<std::ptrdiff_t>(from), trial_.end(),
            plan_.begin() + static_cast<std::ptrdiff_t>(from));
  return true;
}

bool PlacePlanner::search(std::size_t place, std::uint32_t left) {
  if (place == places_) return true;
  if (steps_left_ <= 0) return searched_all_ = false;
  --steps_left_;
  const std::uint64_t here = state(place, left);
  std::uint64_t& known = failed_[here % kFailedStates];
  if (known == here) return false;
  for (const std::uint32_t k : order_) {
    if (kinds_[k].count == 0) continue;
    const std::uint32_t broken = cost(place, kinds_[k]);
    if (broken > left) continue;
    put(place, k);
    trial_[place] = k;
    const bool found = search(place + 1, left - broken);
    remove(k);
    if (found) return true;
    if (steps_left_ <= 0) return searched_all_ = false;
  }
  known = here;
  return false;
}

// Equal for beginnings that leave the same to do: the same kinds, the same last places, as many violations.
std::uint64_t PlacePlanner::state(std::size_t place, std::uint32_t left) const noexcept {
  std::uint64_t hash = mix(mix(held_ ^ salt_) + left);
  for (std::size_t i = 1; i <= std::min(tail_, place); ++i) hash = mix(hash ^ key_[place - i]);
  return hash;
}

// What no order can avoid: of each rule alone, so that the sum holds too.
std::uint32_t PlacePlanner::least_by_counting() {
  const SequenceRules& r = rules_->settings();
  const auto count = [&](bool of_authors) -> std::size_t {  // of each author or tag, and the largest
    totals_.clear();
    for (const Kind& kind : kinds_) {
      const std::uint64_t one = of_authors ? std::uint64_t{kind.author} : std::uint64_t{kind.tag} * 2 + kind.tagged;
      totals_.emplace_back(one, kind.count);
    }
    std::sort(totals_.begin(), totals_.end());
    std::size_t last = 0, most = totals_.front().second;
    for (std::size_t i = 1; i < totals_.size(); ++i) {
      if (totals_[i].first == totals_[last].first)
        totals_[last].second += totals_[i].second;
      else
        totals_[++last] = totals_[i];
      most = std::max<std::size_t>(most, totals_[last].second);
    }
    totals_.resize(last + 1);
    return most;
  };
  std::size_t least = 0;
  if (rules_->of_authors()) {
    const std::size_t most = count(true), others = kind_of_.size() - most;
    if (r.author_cap > 0 && window_ == 0) {
      std::size_t room = 0;
      for (const auto& total : totals_)
        room += std::min<std::size_t>(total.second, static_cast<std::size_t>(r.author_cap));
      least += places_ - std::min(places_, room);
    }
    if (r.no_author_twice && places_ > others) {
      const std::size_t same = places_ - others;  // at least so many of the author with most videos
      if (same > others + 1) least += same - others - 1;
    }
  }
  if (r.tag_cap > 0 && window_ == 0) {
    count(false);
    std::size_t room = 0;
    for (const auto& total : totals_)
      room += total.first % 2 == 0 ? total.second
                                   : std::min<std::size_t>(total.second, static_cast<std::size_t>(r.tag_cap));
    least += places_ - std::min(places_, room);
  }
  return static_cast<std::uint32_t>(least);
}

bool PlacePlanner::allows(std::size_t video) {
  if (!active_) return true;
  const std::uint32_t k = kind_of_[video];
  if (k == plan_[next_]) return true;
  if (refused_[k] == next_ + 1) return false;
  const std::uint32_t broken = cost(next_, kinds_[k]);
  bool allowed = used_ + broken <= most_;
  if (allowed) {
    const std::uint32_t left = most_ - used_ - broken;
    put(next_, k);
    if (complete_quickly(next_ + 1, left) <= left)
      std::copy(trial_.begin() + static_cast<std::ptrdiff_t>(next_) + 1, trial_.end(),
                plan_.begin() + static_cast<std::ptrdiff_t>(next_) + 1);
    else
      allowed = complete(next_ + 1, left);
    remove(k);
  }
  if (allowed)
    plan_[next_] = k;
  else
    refused_[k] = static_cast<std::uint32_t>(next_ + 1);
  return allowed;
}

void PlacePlanner::take(std::size_t video) {
  if (!active_) return;
  const std::uint32_t k = kind_of_[video];
  used_ += cost(next_, kinds_[k]);
  put(next_, k);
  ++next_;
}

}  // namespace swipegym
