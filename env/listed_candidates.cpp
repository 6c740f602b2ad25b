#include "env/listed_candidates.h"

#include <fmt/core.h>

#include <utility>

#include "core/error.h"
#include "env/distinct_videos.h"

namespace swipegym {

ListedCandidates::ListedCandidates(std::string name, std::size_t num_videos, std::size_t slots, Lister lister)
    : name_(std::move(name)),
      num_videos_(static_cast<std::uint32_t>(num_videos)),
      slots_(slots),
      lister_(std::move(lister)) {
  if (slots == 0 || slots > num_videos)
    throw InputError(
        fmt::format("{} candidates asked of a catalogue of {} videos: ask for 1 to {}", slots, num_videos, num_videos));
}

void ListedCandidates::fill(const CandidateRequest& request, std::span<const std::int32_t> list,
                            std::span<std::int32_t> videos, std::span<std::uint8_t> mask) const {
  RandomStream random(request.key, request.stream);
  take_from_list(list, 0, num_videos_, *request.seen, random, videos, mask);
}

}  // namespace swipegym
