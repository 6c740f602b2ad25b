#include "policy/stages/creator_terms.h"

#include <algorithm>

#include "env/catalogue.h"
#include "policy/value_of_uplift.h"

namespace swipegym {

UploadsOfShow uploads_of_show(const Catalogue& catalogue, const CreatorOutlook* outlook, std::uint32_t user,
                              std::int32_t video, double click) noexcept {
  // Uploads more for a watch more are P(create | watched) - P(create), whatever P(create) is; a skip leaves it at that.
  const auto of_watch = [click](float more) {
    return impression_uplift(
        {.if_watched = static_cast<double>(more), .if_skipped = 0.0, .watch = click, .baseline = 0.0});
  };
  UploadsOfShow out;
  if (!catalogue.creator_uplift.empty())
    out.encouraged = of_watch(catalogue.creator_uplift[static_cast<std::size_t>(video)]);
  if (outlook != nullptr && user < outlook->mimic_uplift.size()) out.imitated = of_watch(outlook->mimic_uplift[user]);
  return out;
}

UploadWorth worth_of_uploads(const Catalogue& catalogue, const CreatorOutlook& outlook, std::uint32_t user,
                             std::int32_t video) noexcept {
  const auto v = static_cast<std::size_t>(video);
  const float own = user < outlook.own_value.size() ? outlook.own_value[user] : outlook.mean_value;
  const float topic = outlook.topic_share * (outlook.topic_value[catalogue.tag[v]] - outlook.mean_value);
  return {.encouraged = static_cast<double>(outlook.upload_value[v]),
          .imitated = static_cast<double>(std::max(0.0F, own + topic))};
}

bool is_new_creator(const Catalogue& catalogue, std::int32_t video, double days) noexcept {
  return !catalogue.creator_days.empty() && catalogue.creator_days[static_cast<std::size_t>(video)] < days;
}

float* CreatorTerms::weight(std::string_view name) noexcept {
  if (name == kNames[0]) return &uplift;
  if (name == kNames[1]) return &mimic;
  return name == kNames[2] ? &new_creator : nullptr;
}

float CreatorTerms::add_to(float user_value, const CreatorOutlook* outlook, std::uint32_t user, std::int32_t video,
                           const float* heads) const noexcept {
  double value = static_cast<double>(user_value);
  if (outlook != nullptr) {
    const double chance = static_cast<double>(
        click != kNoHead
            ? heads[click]
            : catalogue->video_features[static_cast<std::size_t>(video) * kVideoFeatures + kVideoClickRate]);
    const UploadsOfShow uploads = uploads_of_show(*catalogue, outlook, user, video, chance);
    const UploadWorth worth = worth_of_uploads(*catalogue, *outlook, user, video);
    value = value_of_uplift(value, static_cast<double>(uplift), uploads.encouraged, worth.encouraged);
    value = value_of_uplift(value, static_cast<double>(mimic), uploads.imitated, worth.imitated);
  }
  if (is_new_creator(*catalogue, video, kNewDays)) value += static_cast<double>(new_creator);
  return static_cast<float>(value);
}

}  // namespace swipegym
