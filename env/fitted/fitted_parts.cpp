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
