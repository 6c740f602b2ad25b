#include "env/candidate_sources.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/random_words.h"
#include "env/distinct_videos.h"
#include "env/seen_videos.h"

namespace swipegym {
namespace {

void check_slots(std::size_t slots, std::size_t num_videos) {
  if (slots == 0 || slots > num_videos)
    throw InputError(
        fmt::format("{} candidates asked of a catalogue of {} videos: ask for 1 to {}", slots, num_videos, num_videos));
}

}  // namespace

RandomCandidates::RandomCandidates(std::size_t num_videos, std::size_t slots)
    : num_videos_(static_cast<std::uint32_t>(num_videos)), slots_(slots) {
  check_slots(slots, num_videos);
}

void RandomCandidates::fill(const CandidateRequest& request, std::span<std::int32_t> videos,
                            std::span<std::uint8_t> mask) const {
  BulkRandomStream random(request.key, request.stream);
  collect_distinct(videos, num_videos_,
                   [&](auto& taken) { take_uniform(num_videos_, *request.seen, random, taken, videos, mask); });
}

PopularityCandidates::PopularityCandidates(const Catalogue& catalogue, std::size_t slots)
    : columns_(catalogue.num_videos()), slots_(slots) {
  const std::size_t n = columns_.size();
  check_slots(slots, n);
  const double total = std::accumulate(catalogue.exposures.begin(), catalogue.exposures.end(), 0.0);
  if (total <= 0)
    throw InputError("popularity candidates need a log with exposures: no video of the catalogue has any");
  std::vector<double> height(n);
  std::vector<std::uint32_t> low, high;
  for (std::size_t i = 0; i < n; ++i) {
    height[i] = catalogue.exposures[i] * static_cast<double>(n) / total;
    (height[i] < 1.0 ? low : high).push_back(static_cast<std::uint32_t>(i));
  }
  constexpr double kWhole = 4294967295.0;
  while (!low.empty() && !high.empty()) {
    const std::uint32_t small = low.back();
    const std::uint32_t large = high.back();
    low.pop_back();
    columns_[small] = {static_cast<std::uint32_t>(height[small] * kWhole), large};
    height[large] -= 1.0 - height[small];
    if (height[large] < 1.0) {
      high.pop_back();
      low.push_back(large);
    }
  }
  // What rounding left over fills its own column, or belongs to the most exposed video if it has no exposure at all.
  const auto top = std::max_element(catalogue.exposures.begin(), catalogue.exposures.end());
  const auto most = static_cast<std::uint32_t>(top - catalogue.exposures.begin());
  for (const std::vector<std::uint32_t>* rest : {&low, &high})
    for (const std::uint32_t i : *rest)
      columns_[i] = {catalogue.exposures[i] > 0 ? std::numeric_limits<std::uint32_t>::max() : 0, most};
}

void PopularityCandidates::fill(const CandidateRequest& request, std::span<std::int32_t> videos,
                                std::span<std::uint8_t> mask) const {
  BulkRandomStream random(request.key, request.stream);
  const auto n = static_cast<std::uint32_t>(columns_.size());
  std::fill(mask.begin(), mask.end(), std::uint8_t{1});
  collect_distinct(videos, n, [&](auto& taken) {
    // A user who has seen most of what is popular would make rejection slow: after this many draws the rest is uniform.
    for (std::size_t tries = 64 + 32 * videos.size(); !taken.full() && tries > 0; --tries) {
      const std::uint32_t column = random.below(n);
      const std::uint32_t video =
          random.next() <= columns_[column].keep && columns_[column].keep > 0 ? column : columns_[column].alias;
      if (!request.seen->contains(video) && !taken.contains(video)) taken.take(video);
    }
    if (!taken.full()) take_uniform(n, *request.seen, random, taken, videos, mask);
  });
}

RankedCandidates::RankedCandidates(std::string name, std::size_t num_videos, std::size_t slots, std::size_t fillers,
                                   std::vector<std::int32_t> lists, std::size_t length)
    : name_(std::move(name)),
      num_videos_(static_cast<std::uint32_t>(num_videos)),
      slots_(slots),
      fillers_(fillers),
      length_(length),
      lists_(std::move(lists)) {
  check_slots(slots, num_videos);
  if (fillers > slots) throw InputError(fmt::format("{} random fillers asked of {} candidates", fillers, slots));
  if (length == 0 || lists_.size() % length != 0)
    throw InputError(fmt::format("{} entries are no lists of {} candidates", lists_.size(), length));
  for (const std::int32_t video : lists_)
    if (video < -1 || video >= static_cast<std::int32_t>(num_videos))
      throw InputError(fmt::format("the list of a user holds video {} of {}", video, num_videos));
}

void RankedCandidates::fill(const CandidateRequest& request, std::span<std::int32_t> videos,
                            std::span<std::uint8_t> mask) const {
  const std::span<const std::int32_t> list = std::span(lists_).subspan(request.user * length_, length_);
  RandomStream random(request.key, request.stream);
  take_from_list(list, fillers_, num_videos_, *request.seen, random, videos, mask);
}

FixedCandidates::FixedCandidates(std::vector<std::int32_t> videos, std::string name)
    : videos_(std::move(videos)), name_(std::move(name)) {
  if (videos_.empty()) throw InputError("a fixed candidate set needs at least one video");
  const auto [least, largest] = std::minmax_element(videos_.begin(), videos_.end());
  if (*least < 0) throw InputError(fmt::format("a fixed candidate set holds video {}, which is no index", *least));
  slot_of_.assign(static_cast<std::size_t>(*largest) + 1, -1);
  for (std::size_t slot = 0; slot < videos_.size(); ++slot) {
    std::int32_t& place = slot_of_[static_cast<std::size_t>(videos_[slot])];
    if (place >= 0) throw InputError(fmt::format("a fixed candidate set holds video {} twice", videos_[slot]));
    place = static_cast<std::int32_t>(slot);
  }
}

void FixedCandidates::fill(const CandidateRequest& request, std::span<std::int32_t> videos,
                           std::span<std::uint8_t> mask) const {
  std::copy(videos_.begin(), videos_.end(), videos.begin());
  std::fill(mask.begin(), mask.end(), std::uint8_t{1});
  for (const std::uint32_t video : request.seen->watched())
    if (video < slot_of_.size() && slot_of_[video] >= 0) mask[static_cast<std::size_t>(slot_of_[video])] = 0;
}

std::vector<std::int32_t> most_exposed(const Catalogue& catalogue, std::size_t count) {
  check_slots(count, catalogue.num_videos());
  std::vector<std::int32_t> order(catalogue.num_videos());
  std::iota(order.begin(), order.end(), 0);
  const auto more_exposed = [&](std::int32_t a, std::int32_t b) {
    const auto ea = catalogue.exposures[static_cast<std::size_t>(a)];
    const auto eb = catalogue.exposures[static_cast<std::size_t>(b)];
    return ea != eb ? ea > eb : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(), more_exposed);
  order.resize(count);
  return order;
}

std::vector<std::int32_t> random_videos(std::size_t num_videos, std::size_t count, RandomKey key) {
  check_slots(count, num_videos);
  std::vector<std::int32_t> all(num_videos);
  std::iota(all.begin(), all.end(), 0);
  RandomStream random(key);
  for (std::size_t i = 0; i < count; ++i)
    std::swap(all[i], all[i + random.below(static_cast<std::uint32_t>(num_videos - i))]);
  all.resize(count);
  return all;
}

std::int32_t draw_unseen(std::size_t num_videos, const SeenVideos& seen, RandomStream& random) {
  std::int32_t video = 0;
  std::uint8_t mask = 0;
  const auto videos = static_cast<std::uint32_t>(num_videos);
  TakenFew taken({&video, 1});
  take_uniform(videos, seen, random, taken, {&video, 1}, {&mask, 1});
  return video;
}

namespace {

using SourcePtr = std::shared_ptr<const CandidateSource>;

SourcePtr make_random(const Catalogue& catalogue, std::size_t slots, std::uint64_t) {
  return std::make_shared<RandomCandidates>(catalogue.num_videos(), slots);
}
SourcePtr make_popularity(const Catalogue& catalogue, std::size_t slots, std::uint64_t) {
  return std::make_shared<PopularityCandidates>(catalogue, slots);
}
SourcePtr make_top(const Catalogue& catalogue, std::size_t slots, std::uint64_t) {
  return std::make_shared<FixedCandidates>(most_exposed(catalogue, slots), "top");
}
SourcePtr make_sample(const Catalogue& catalogue, std::size_t slots, std::uint64_t seed) {
  return std::make_shared<FixedCandidates>(random_videos(catalogue.num_videos(), slots, make_key(seed)), "sample");
}
SourcePtr make_full(const Catalogue&, std::size_t, std::uint64_t) {
  return std::make_shared<FullCatalogue>();
}

constexpr NamedSource kSources[] = {
    {"random", "unseen videos, uniform", false, make_random},
    {"popularity", "unseen videos by their exposures", false, make_popularity},
    {"top", "the most exposed, a fixed shelf", true, make_top},
    {"sample", "a shelf drawn once", true, make_sample},
    {"full", "every video of the catalogue", false, make_full},
};

}  // namespace

std::span<const NamedSource> named_sources() noexcept {
  return kSources;
}

const NamedSource* find_source(std::string_view name) noexcept {
  const auto found = std::find_if(std::begin(kSources), std::end(kSources),
                                  [name](const NamedSource& source) { return source.name == name; });
  return found == std::end(kSources) ? nullptr : found;
}

std::shared_ptr<const CandidateSource> make_candidate_source(std::string_view name, const Catalogue& catalogue,
                                                             std::size_t slots, std::uint64_t seed) {
  if (const NamedSource* source = find_source(name)) return source->make(catalogue, slots, seed);
  std::string names;
  for (const NamedSource& source : kSources) names += (names.empty() ? "" : ", ") + std::string(source.name);
  throw InputError(fmt::format("unknown candidate source '{}': use one of {}", name, names));
}

}  // namespace swipegym
