#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "env/candidate_source.h"

namespace swipegym {

/// The kind of each video, [videos]: videos are cut into `durations` equal shares by duration, and each of those into
/// `appeals` by mean watch ratio. Kind duration * appeals + appeal.
std::vector<std::uint32_t> group_videos(const Catalogue& catalogue, std::size_t durations, std::size_t appeals);

/// The group of each user, [users]: equal shares of the session starts, by the users' mean watch ratio. Users without a
/// session are in group 0.
std::vector<std::uint32_t> group_users(const Simulator& simulator, std::size_t groups);

/// Slot k holds a random video of kind k that the session has not seen.
class RandomOfKinds final : public CandidateSource {
 public:
  RandomOfKinds(std::span<const std::uint32_t> kind_of, std::size_t kinds);
  std::string_view name() const noexcept override { return "random of kinds"; }
  std::size_t slots() const noexcept override { return members_.size(); }
  /// Videos of the smallest kind.
  std::size_t fewest() const noexcept;
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override;

 private:
  std::vector<std::vector<std::uint32_t>> members_;  // [kinds][videos]
};

}  // namespace swipegym
