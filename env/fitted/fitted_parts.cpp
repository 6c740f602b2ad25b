#include "env/fitted/fitted_parts.h"

#include "core/validate.h"
#include "env/simulator.h"

namespace swipegym {

FirstLayer FittedParts::first_layer(std::size_t member) const noexcept {
  if (!members.empty()) {
    const MemberTables& own = members[member];
    return {own.table, own.dense.data(), own.bias.data()};
  }
  const auto behind = static_cast<Eigen::Index>(kHistoryFeatures);
  return {network.table.value, &network.first.weight.value(behind, 0), network.first.bias.value.data()};
}

ExposureEffects::OfVideo FittedParts::effect_of_video(std::size_t member, std::size_t video) const noexcept {
  const float* item = item_dense.data() + video * kItemDense;
  const float exposures = item[kItemExposures], level = item[kItemLevel];
  const float length = encoder.features.video_dense[video * kVideoDense + kVideoLength];
  if (members.empty()) return network.effects.of_video(exposures, level, length);
  const Matrix& own = members[member].effects;
  const auto terms = static_cast<Eigen::Index>(kExposureTerms);
  ExposureEffects::OfVideo out = network.effects.of_video(own.topRows(terms), exposures, level, length);
  for (std::size_t k = 0; k < kDirections; ++k) out.alone[k] += own(terms, static_cast<Eigen::Index>(k));
  return out;
}

void FittedParts::validate(std::size_t users, std::size_t videos) const {
  require_size("encoder/user_code", encoder.features.user_code.size(), users * kUserCodes);
  require_size("encoder/video_code", encoder.features.video_code.size(), videos * kVideoCodes);
  require_size("network/table/value", static_cast<std::size_t>(network.table.value.rows()),
               encoder.features.table_rows);
  require_size("item_dense", item_dense.size(), videos * kItemDense);
  require_between("item_dense", std::span(item_dense), -kLargestFeature, kLargestFeature);
  require_offsets("history/offset", std::span(event_offset), users, event.size());
}

}  // namespace swipegym
