#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "env/catalogue.h"

namespace swipegym {
namespace {

/// Two users, three videos; video 2 has neither duration nor tags in the table. Rows 0..3 belong to user 0, row 4 to
/// user 1; row 3 is dated after the rest.
Dataset small_dataset() {
  Dataset data;
  data.videos.raw_id = {100, 200, 300};
  data.videos.author = {0, 1, 0};
  data.videos.author_raw_id = {7, 8};
  data.videos.video_type = {0, 1, 0};
  data.videos.video_types = {"NORMAL", "AD"};
  data.videos.upload_type = {0, 1, 1};
  data.videos.upload_types = {"Web", "Kmovie"};
  data.videos.duration_ms = {10000.0F, 20000.0F, std::numeric_limits<float>::quiet_NaN()};
  data.videos.tag_offset = {0, 2, 3, 3};
  data.videos.tag = {39, 2, 5};
  data.users.raw_id = {11, 12};
  data.users.columns = {{"user_active_degree", {0.0F, 1.0F}, {"high_active", "UNKNOWN"}},
                        {"is_live_streamer", {-124.0F, 1.0F}, {}},
                        {"fans_user_num", {std::numeric_limits<float>::quiet_NaN(), 20.0F}, {}}};
  data.log.resize(5);
  const std::int64_t minute = 60000;
  for (std::size_t row = 0; row < 5; ++row) {
    data.log.user[row] = UserIndex{row < 4 ? 0U : 1U};
    data.log.date[row] = row == 3 ? 20220502 : 20220501;
    data.log.tab[row] = static_cast<std::uint8_t>(row);
  }
  data.log.time_ms = {0, 30 * minute, 61 * minute, 1000 * minute, 5 * minute};
  data.log.video = {VideoIndex{0}, VideoIndex{1}, VideoIndex{2}, VideoIndex{0}, VideoIndex{2}};
  data.log.duration_ms = {10000, 20000, 40000, 10000, 0};
  data.log.play_ms = {5000, 200000, 0, 10000, 9000};
  data.log.signals = {bit(Signal::kClick), 0, 0, bit(Signal::kClick), 0};
  data.user_offset = {0, 4, 5};
  return data;
}

}  // namespace

TEST_CASE("the catalogue counts rows up to the date and no later", "[env]") {
  const Catalogue until_first = build_catalogue(small_dataset(), 20220501);
  const Catalogue until_second = build_catalogue(small_dataset(), 20220502);
  CHECK(until_first.exposures == std::vector<std::uint32_t>{1, 1, 2});
  CHECK(until_second.exposures == std::vector<std::uint32_t>{2, 1, 2});
  // Ratios of the first day with a known duration: 0.5, 10 clipped to 5, 0.
  const float mean = 5.5F / 3.0F;
  CHECK(until_first.item_mean[0] == Approx((0.5F + kShrinkage * mean) / (1 + kShrinkage)));
  CHECK(until_first.item_mean[1] == Approx((5.0F + kShrinkage * mean) / (1 + kShrinkage)));
  CHECK(until_first.video_features[kVideoMeanRatio] == until_first.item_mean[0]);
  CHECK(until_first.video_features[kVideoFeatures + kVideoIsAd] == 1.0F);
}

TEST_CASE("a video without a duration in the table takes the median of its rows", "[env]") {
  const Catalogue catalogue = build_catalogue(small_dataset(), 20220501);
  CHECK(catalogue.duration_ms == std::vector<std::int32_t>{10000, 20000, 40000});
  Dataset unseen = small_dataset();
  unseen.log.duration_ms[2] = 0;  // no row knows it either: the pool's median
  CHECK(build_catalogue(unseen, 20220501).duration_ms[2] == 20000);
}

TEST_CASE("first tags become dense and 'none' is the last", "[env]") {
  const Catalogue catalogue = build_catalogue(small_dataset(), 20220501);
  CHECK(catalogue.num_tags == 3);
  CHECK(catalogue.tag == std::vector<std::uint16_t>{1, 0, 2});
}

TEST_CASE("filters may ask for hates, upload days, authors' ids and tag codes", "[env]") {
  Dataset data = small_dataset();
  data.log.signals[1] |= bit(Signal::kHate);
  data.log.signals[3] |= bit(Signal::kHate);  // of a later day
  data.videos.upload_date = {19700102, 0, 20220410};
  const Catalogue catalogue = build_catalogue(data, 20220501);
  CHECK(catalogue.hate_rate[1] == Approx((1.0F + kShrinkage * 0.25F) / (1 + kShrinkage)));
  CHECK(catalogue.hate_rate[0] == Approx(kShrinkage * 0.25F / (1 + kShrinkage)));
  CHECK(catalogue.upload_day == std::vector<std::uint16_t>{1, 0, 19092});
  CHECK(catalogue.raw_author_id == std::vector<std::int64_t>{7, 8});
  CHECK(catalogue.tag_code == std::vector<std::uint16_t>{5, 39, VideoTable::kNoTag});
  CHECK(catalogue.visible_status.empty());
  data.videos.visible_status = {0, -1, 3};
  CHECK(build_catalogue(data, 20220501).visible_status == data.videos.visible_status);
}

TEST_CASE("user features read the table and treat missing cells as 0", "[env]") {
  const Catalogue catalogue = build_catalogue(small_dataset(), 20220501);
  const float* first = catalogue.user_features.data();
  const float* second = first + kUserFeatures;
  CHECK(first[kUserHighActive] == 1.0F);
  CHECK(second[kUserHighActive] == 0.0F);
  CHECK(second[kUserOtherActive] == 1.0F);
  CHECK(first[kUserIsStreamer] == 0.0F);
  CHECK(second[kUserIsStreamer] == 1.0F);
  CHECK(first[kUserFans] == 0.0F);
  CHECK(second[kUserFans] == Approx(std::log(21.0F) / 8.0F));
  CHECK(first[kUserRows] == Approx(std::log(4.0F) / 8.0F));
}

TEST_CASE("a session ends where more than 30 minutes pass between two rows", "[env]") {
  const Population population = build_population(small_dataset(), 20220501);
  CHECK(population.start_user == std::vector<std::uint32_t>{0, 0, 1});
  CHECK(population.start_time_ms == std::vector<std::int64_t>{0, 61 * 60000, 5 * 60000});
  CHECK(population.start_tab == std::vector<std::uint8_t>{0, 2, 4});
  CHECK(population.history_offset == std::vector<std::uint64_t>{0, 3, 4});
  CHECK(population.history_video == std::vector<std::uint32_t>{0, 1, 2, 2});
  CHECK(population.history_ratio == std::vector<float>{0.5F, 5.0F, 0.0F, 0.0F});
  CHECK(population.history_signals ==
        std::vector<SignalBits>{small_dataset().log.signals[0], small_dataset().log.signals[1],
                                small_dataset().log.signals[2], small_dataset().log.signals[4]});
}

TEST_CASE("a date before the log is refused with the log's first date", "[env]") {
  CHECK_THROWS_WITH(build_catalogue(small_dataset(), 20220430),
                    Catch::Contains("20220430") && Catch::Contains("20220501"));
  CHECK_THROWS_AS(build_population(small_dataset(), 20220430), InputError);
}

}  // namespace swipegym
