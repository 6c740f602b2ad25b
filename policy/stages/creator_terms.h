#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "env/platform/creator_outlook.h"
#include "env/simulator.h"

namespace swipegym {

/// What showing a video to a user is expected to bring in uploads, where a platform's creators are known: of a creator
/// who is encouraged by P(click) of a watch, and of a viewer who imitates what is clicked. A skip changes nothing.
struct UploadsOfShow {
  double encouraged = 0.0;  // uploads more of the video's creator
  double imitated = 0.0;    // uploads more of the user's own
};

/// `click`: the probability that the user clicks. `outlook` may be null: nobody imitates.
UploadsOfShow uploads_of_show(const Catalogue& catalogue, const CreatorOutlook* outlook, std::uint32_t user,
                              std::int32_t video, double click) noexcept;

/// What these uploads are worth, in seconds: V of each (CreatorOutlook). An imitation is the user's own upload, which
/// may take the video's topic.
struct UploadWorth {
  double encouraged = 0.0, imitated = 0.0;
};
UploadWorth worth_of_uploads(const Catalogue& catalogue, const CreatorOutlook& outlook, std::uint32_t user,
                             std::int32_t video) noexcept;

/// Whether a video's creator arrived less than so many days ago.
bool is_new_creator(const Catalogue& catalogue, std::int32_t video, double days) noexcept;

/// Weights, in the value of a composition, of what a show is worth to creators. The value is
/// user value + uplift * (uploads encouraged) V + mimic * (uploads imitated) V + new_creator, the last where the
/// creator is new; it is 0 off a platform.
struct CreatorTerms {
  static constexpr std::string_view kNames[] = {"uplift", "mimic", "new_creator"};
  static constexpr double kNewDays = 7.0;
  static constexpr std::size_t kNoHead = static_cast<std::size_t>(-1);

  float uplift = 0.0F, mimic = 0.0F, new_creator = 0.0F;
  std::size_t click = kNoHead;  // the scorer's head of P(click); kNoHead: the video's rate of clicks
  std::shared_ptr<const Catalogue> catalogue;

  bool any() const noexcept { return uplift != 0.0F || mimic != 0.0F || new_creator != 0.0F; }
  /// The weight of that name; null for another name.
  float* weight(std::string_view name) noexcept;
  /// The value with these terms; `heads` are the video's.
  float add_to(float user_value, const CreatorOutlook* outlook, std::uint32_t user, std::int32_t video,
               const float* heads) const noexcept;
};

}  // namespace swipegym
