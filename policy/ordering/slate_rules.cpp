#include "policy/ordering/slate_rules.h"

#include <algorithm>
#include <bit>

#include "core/error.h"
#include "core/validate.h"

namespace swipegym {

SlateRules::SlateRules(const SequenceRules& rules) : settings_(rules) {
  for (const TagPair& pair : rules.tag_pairs)
    for (const int tag : {pair.before, pair.after}) kinds_.push_back(static_cast<std::uint16_t>(tag));
  std::sort(kinds_.begin(), kinds_.end());
  kinds_.erase(std::unique(kinds_.begin(), kinds_.end()), kinds_.end());
  forbidden_.assign(kinds_.size() * kinds_.size(), 0);
  for (const TagPair& pair : rules.tag_pairs)
    forbidden_[(kind_of(static_cast<std::uint16_t>(pair.before)) - 1U) * kinds_.size() +
               (kind_of(static_cast<std::uint16_t>(pair.after)) - 1U)] = 1;
}

std::uint16_t SlateRules::kind_of(std::uint16_t tag) const noexcept {
  const auto found = std::lower_bound(kinds_.begin(), kinds_.end(), tag);
  return found != kinds_.end() && *found == tag ? static_cast<std::uint16_t>(found - kinds_.begin() + 1) : 0;
}

std::uint32_t count_violations(const SlateRules& rules, const ScoredList& list, const ShownBefore& before,
                               std::span<const std::int32_t> order) {
  const SequenceRules& r = rules.settings();
  const std::size_t shown = before.author.size();
  const auto author = [&](std::size_t at) {
    return at < shown ? before.author[at] : list.author[static_cast<std::size_t>(order[at - shown])];
  };
  const auto tag = [&](std::size_t at) {
    return at < shown ? before.tag[at] : list.tag[static_cast<std::size_t>(order[at - shown])];
  };
  const auto cap = static_cast<std::size_t>(r.cap_window);
  std::uint32_t broken = 0;
  for (std::size_t at = shown; at < shown + order.size(); ++at) {
    const std::size_t first = cap == 0 ? shown : at + 1 - std::min(at + 1, cap);
    int authors = 0, tags = 0;
    for (std::size_t i = first; i <= at; ++i) {
      authors += rules.of_authors() && author(i) == author(at);
      tags += rules.of_tags() && tag(i) == tag(at);
    }
    const bool tagged = rules.of_tags() && tag(at) != list.no_tag;
    broken += r.author_cap > 0 && authors > r.author_cap;
    broken += r.tag_cap > 0 && tagged && tags > r.tag_cap;
    broken += r.no_author_twice && at > 0 && author(at) == author(at - 1);
    broken += tagged && at > 0 && tag(at - 1) != list.no_tag &&
              rules.forbids(rules.kind_of(tag(at - 1)), rules.kind_of(tag(at)));
  }
  return broken;
}

}  // namespace swipegym
