#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "env/fitted/fit_log.h"
#include "env/fitted/item_statistics.h"
#include "env/fitted/training_rows.h"
#include "tests/env/toy_log.h"

namespace swipegym {
namespace {

float exposures_of(const ItemStatistics& statistics, std::uint32_t video) {
  std::array<float, kItemDense> out{};
  statistics.features(video, out);
  return out[0];
}

TEST_CASE("exposures are told beside the mean of the catalogue, and random ones do not count", "[fit]") {
  const Dataset data = testing::toy_log(4, 10, 1, 1);
  const FitLog log = encode_log(data, {});
  ItemStatistics statistics(log.encoder.features);
  CHECK(exposures_of(statistics, 0) == 0.0F);  // nothing is known yet
  const HistoryEvent event{.video = 0, .click = 0.5F};
  for (int i = 0; i < 20; ++i) statistics.add(0, event, false);
  const float mean = 20.0F / 10.0F;
  const float often = std::log((20.0F + 5.0F) / (mean + 5.0F)), never = std::log(5.0F / (mean + 5.0F));
  CHECK(exposures_of(statistics, 0) == Approx(often));
  CHECK(exposures_of(statistics, 1) == Approx(never));
  std::array<float, kItemDense> before{}, after{};
  statistics.features(1, before);
  for (int i = 0; i < 1000; ++i) statistics.add(1, event, true);
  statistics.features(1, after);
  CHECK(after[0] == before[0]);
  CHECK(after[2] > before[2]);  // their answers do
}

TEST_CASE("the table at the end of a long log lies where training saw it", "[fit]") {
  const Dataset data = testing::toy_log(100, 10, 200, 2, 0.7);  // 2,000 rows a video, most of them random
  const FitLog log = encode_log(data, {});
  const TrainingRows rows = make_training_rows(log, 1);
  float low = 0.0F, high = 0.0F;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto seen = static_cast<float>(rows.dense[i * TrainingRows::kWidth + kHistoryFeatures]);
    low = std::min(low, seen), high = std::max(high, seen);
  }
  for (std::size_t v = 0; v < 10; ++v) {
    CHECK(rows.item_dense[v * kItemDense] > low - 0.1F);
    CHECK(rows.item_dense[v * kItemDense] < high + 0.1F);
  }
}

}  // namespace
}  // namespace swipegym
