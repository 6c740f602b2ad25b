#include "env/tabular/session_groups.h"

#include <algorithm>
#include <numeric>

#include "env/catalogue.h"
#include "env/seen_videos.h"

namespace swipegym {
namespace {

// Cuts `items`, sorted by `key` and then by themselves, into `parts` of equal weight: the part of each item.
template <class Key, class Weight>
std::vector<std::uint32_t> cut(std::vector<std::uint32_t> items, std::size_t parts, std::size_t size, const Key& key,
                               const Weight& weight) {
  std::sort(items.begin(), items.end(),
            [&](std::uint32_t a, std::uint32_t b) { return key(a) != key(b) ? key(a) < key(b) : a < b; });
  double total = 0.0, before = 0.0;
  for (const std::uint32_t item : items) total += weight(item);
  std::vector<std::uint32_t> part(size, 0);
  for (const std::uint32_t item : items) {
    const double middle = (before + 0.5 * weight(item)) / total;
    part[item] = std::min(static_cast<std::uint32_t>(middle * static_cast<double>(parts)),
                          static_cast<std::uint32_t>(parts - 1));
    before += weight(item);
  }
  return part;
}

}  // namespace

std::vector<std::uint32_t> group_videos(const Catalogue& catalogue, std::size_t durations, std::size_t appeals) {
  const std::size_t videos = catalogue.num_videos();
  const auto alike = [](std::uint32_t) { return 1.0; };
  std::vector<std::uint32_t> all(videos);
  std::iota(all.begin(), all.end(), 0U);
  const std::vector<std::uint32_t> duration = cut(
      all, durations, videos, [&](std::uint32_t v) { return catalogue.duration_ms[v]; }, alike);
  std::vector<std::uint32_t> kind(videos);
  for (std::uint32_t group = 0; group < durations; ++group) {
    std::vector<std::uint32_t> members;
    for (const std::uint32_t v : all)
      if (duration[v] == group) members.push_back(v);
    const std::vector<std::uint32_t> appeal = cut(
        members, appeals, videos, [&](std::uint32_t v) { return catalogue.item_mean[v]; }, alike);
    for (const std::uint32_t v : members) kind[v] = group * static_cast<std::uint32_t>(appeals) + appeal[v];
  }
  return kind;
}

std::vector<std::uint32_t> group_users(const Simulator& simulator, std::size_t groups) {
  const std::size_t users = simulator.catalogue.num_users();
  std::vector<double> sessions(users, 0.0);
  for (const std::uint32_t user : simulator.population.start_user) ++sessions[user];
  std::vector<std::uint32_t> present;
  for (std::uint32_t user = 0; user < users; ++user)
    if (sessions[user] > 0.0) present.push_back(user);
  const float* features = simulator.catalogue.user_features.data();
  return cut(
      present, groups, users, [&](std::uint32_t u) { return features[u * kUserFeatures + kUserMeanRatio]; },
      [&](std::uint32_t u) { return sessions[u]; });
}

RandomOfKinds::RandomOfKinds(std::span<const std::uint32_t> kind_of, std::size_t kinds) : members_(kinds) {
  for (std::uint32_t v = 0; v < kind_of.size(); ++v) members_[kind_of[v]].push_back(v);
}

std::size_t RandomOfKinds::fewest() const noexcept {
  return std::min_element(members_.begin(), members_.end(),
                          [](const auto& a, const auto& b) { return a.size() < b.size(); })
      ->size();
}

void RandomOfKinds::fill(const CandidateRequest& request, std::span<std::int32_t> videos,
                         std::span<std::uint8_t> mask) const {
  RandomStream random(request.key, request.stream);
  for (std::size_t kind = 0; kind < members_.size(); ++kind) {
    const std::vector<std::uint32_t>& members = members_[kind];
    const auto size = static_cast<std::uint32_t>(members.size());
    std::uint32_t at = random.below(size);  // then the next unseen one in order, so that this comes to an end
    std::uint32_t tried = 0;
    while (tried < size && request.seen->contains(members[at])) at = (at + 1) % size, ++tried;
    videos[kind] = static_cast<std::int32_t>(members[at]);
    mask[kind] = tried < size;
  }
}

}  // namespace swipegym
