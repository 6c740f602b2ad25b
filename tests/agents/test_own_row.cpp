#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "agents/own_row.h"
#include "env/catalogue.h"
#include "policy/item_inputs.h"
#include "tests/agents/label_toy.h"

namespace swipegym {
namespace {

using test::LabelToy;

// The log without one row, by dating it behind the days that are known.
Catalogue catalogue_without(const Dataset& data, std::size_t row, std::int32_t until) {
  Dataset other = data;
  other.log.date[row] = until + 1;
  return build_catalogue(other, until);
}

TEST_CASE("statistics without a row are those of the log without it", "[agents]") {
  LabelToy toy(20220503);
  Log& log = toy.data.log;
  log.signals[5] = static_cast<SignalBits>(bit(Signal::kClick) | bit(Signal::kLike));
  log.duration_ms[9] = 0;
  const std::int32_t until = 20220503;
  const Catalogue all = build_catalogue(toy.data, until);
  const ItemInputs items = make_item_inputs(all);
  const OwnRow own_row(toy.data, until);
  for (const std::size_t row : {std::size_t{0}, std::size_t{5}, std::size_t{9}, std::size_t{100}}) {
    REQUIRE(log.date[row] <= until);
    const std::size_t user = index_of(log.user[row]), video = index_of(log.video[row]);
    const Catalogue less = catalogue_without(toy.data, row, until);
    const ItemInputs less_items = make_item_inputs(less);
    std::vector<float> user_features(
        all.user_features.begin() + static_cast<std::ptrdiff_t>(user * kUserFeatures),
        all.user_features.begin() + static_cast<std::ptrdiff_t>((user + 1) * kUserFeatures));
    const auto at = static_cast<Eigen::Index>(video);
    Matrix video_features = items.features.row(at), derived = items.derived.row(at);
    const float before = user_features[kUserMeanRatio];
    own_row.leave_out(row, user_features.data(), video_features.data(), derived.data());
    CAPTURE(row, before);
    // The means of all rows, which all statistics are shrunk to, move by a row in three thousand; the rate of likes
    // counts ten times.
    for (std::size_t f = 0; f < kUserFeatures; ++f)
      CHECK(user_features[f] == Approx(less.user_features[user * kUserFeatures + f]).margin(2e-3));
    for (const std::size_t f : {kVideoExposures, kVideoMeanRatio, kVideoClickRate, kVideoLikeRate, kVideoLogDuration})
      CHECK(video_features(0, static_cast<Eigen::Index>(f)) ==
            Approx(less_items.features(at, static_cast<Eigen::Index>(f))).margin(2e-3));
    for (Eigen::Index f = 0; f < derived.cols(); ++f)
      CHECK(derived(0, f) == Approx(less_items.derived(at, f)).margin(3e-3));
    if (row != 9) CHECK(std::abs(user_features[kUserMeanRatio] - before) > 1e-4);
  }
  // A row of later days is in no statistic.
  std::size_t later = 0;
  while (log.date[later] <= until) ++later;
  std::vector<float> user(kUserFeatures, 0.25F), video(kVideoFeatures, 0.25F), derived(kDerivedItemFeatures, 0.25F);
  own_row.leave_out(later, user.data(), video.data(), derived.data());
  CHECK(user == std::vector<float>(kUserFeatures, 0.25F));
  CHECK(video == std::vector<float>(kVideoFeatures, 0.25F));
}

}  // namespace
}  // namespace swipegym
