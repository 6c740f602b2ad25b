#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/random.h"
#include "env/catalogue.h"
#include "policy/filtering/video_filter.h"
#include "sim_data/calendar.h"
#include "sim_data/days_off.h"

namespace swipegym {
namespace {

using Catch::Matchers::Contains;

/// Ten videos of four authors and three tags, and six users; authors 1 and 2 have the ids of users 4 and 5.
Catalogue filter_catalogue() {
  Catalogue catalogue;
  catalogue.num_tags = 3, catalogue.num_authors = 4;
  catalogue.video_features.assign(10 * kVideoFeatures, 0.0F);
  for (std::uint32_t v = 0; v < 10; ++v) {
    catalogue.raw_video_id.push_back(100 + v);
    catalogue.duration_ms.push_back(static_cast<std::int32_t>(1000 * v + 500));
    catalogue.tag.push_back(static_cast<std::uint16_t>(v % 3));
    catalogue.author.push_back(v % 4);
    catalogue.exposures.push_back(10 * v);
    catalogue.item_mean.push_back(0.1F * static_cast<float>(v));
    catalogue.hate_rate.push_back(0.01F * static_cast<float>(v));
    catalogue.upload_day.push_back(static_cast<std::uint16_t>(v == 3 ? 0 : 19000 + v));
    catalogue.visible_status.push_back(static_cast<std::int8_t>(v == 4 ? -1 : v % 5 == 0));
    float* features = &catalogue.video_features[v * kVideoFeatures];
    features[kVideoClickRate] = 0.5F, features[kVideoLikeRate] = 0.2F, features[kVideoIsAd] = v == 7 ? 1.0F : 0.0F;
  }
  catalogue.raw_user_id = {50, 51, 52, 53, 54, 55};
  catalogue.user_features.assign(6 * kUserFeatures, 0.0F);
  catalogue.raw_author_id = {900, 54, 55, 901};
  catalogue.tag_code = {39, 12, VideoTable::kNoTag};
  catalogue.validate();
  return catalogue;
}

std::vector<std::int32_t> all_videos() {
  std::vector<std::int32_t> list(10);
  std::iota(list.begin(), list.end(), 0);
  return list;
}

std::vector<std::int32_t> left_after(const Catalogue& catalogue, const FilterSettings& settings,
                                     const FilterRequest& request = {.day = 19010}) {
  const VideoFilter filter(catalogue, settings);
  FilterWorkspace workspace;
  FilterCounts counts;
  std::vector<std::int32_t> list = all_videos();
  const auto left = filter.run(request, list, workspace, counts);
  CHECK(std::accumulate(counts.begin(), counts.end(), 0U) == 10);
  CHECK(counts[0] == left.size());
  return {left.begin(), left.end()};
}

std::vector<std::int32_t> left_where(const Catalogue& catalogue, const Condition& condition, std::int32_t day = 19010) {
  return left_after(catalogue, {.unsuitable = {condition}}, {.day = day});
}

using Videos = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("watched videos go, those of the history and those seen since", "[policy]") {
  const Catalogue catalogue = filter_catalogue();
  const Videos history = {-1, -1, 3, 5};
  const std::vector<std::uint32_t> seen = {5, 9};
  const FilterRequest request{.history = history, .seen = seen};
  CHECK(left_after(catalogue, {}, request) == Videos{0, 1, 2, 4, 6, 7, 8});
  CHECK(left_after(catalogue, {.watched = false}, request) == all_videos());
}

TEST_CASE("a user's own videos go where authors' ids are users' ids", "[policy]") {
  Catalogue catalogue = filter_catalogue();
  CHECK(left_after(catalogue, {.own = true}, {.user = 4}) == Videos{0, 2, 3, 4, 6, 7, 8});  // author 1: 1, 5, 9
  CHECK(left_after(catalogue, {.own = true}, {.user = 0}) == all_videos());
  CHECK(left_after(catalogue, {.own = false}, {.user = 4}) == all_videos());
  catalogue.raw_author_id.clear();
  CHECK_THROWS_WITH(VideoFilter(catalogue, {.own = true}), Contains("needs the authors' ids"));
}

TEST_CASE("conditions take out what they hold of, in the unit of the logs", "[policy]") {
  const Catalogue catalogue = filter_catalogue();
  CHECK(left_where(catalogue, {"duration_s", "<", 2.5}) == Videos{2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(left_where(catalogue, {"duration_s", "<=", 2.5}) == Videos{3, 4, 5, 6, 7, 8, 9});
  CHECK(left_where(catalogue, {"exposures", ">", 70}) == Videos{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(left_where(catalogue, {"exposures", ">=", 70}) == Videos{0, 1, 2, 3, 4, 5, 6});
  CHECK(left_where(catalogue, {"exposures", "==", 70}) == Videos{0, 1, 2, 3, 4, 5, 6, 8, 9});
  CHECK(left_where(catalogue, {"exposures", "!=", 70}) == Videos{7});
  CHECK(left_where(catalogue, {"mean_ratio", "<", 0.45}) == Videos{5, 6, 7, 8, 9});
  CHECK(left_where(catalogue, {"hate_rate", ">", 0.045}) == Videos{0, 1, 2, 3, 4});
  CHECK(left_where(catalogue, {"click_rate", ">", 0.6}) == all_videos());
  CHECK(left_where(catalogue, {"click_rate", ">", 0.4}).empty());
  CHECK(left_where(catalogue, {"like_rate", ">", 0.021}) == all_videos());
  CHECK(left_where(catalogue, {"like_rate", ">", 0.019}).empty());
  CHECK(left_where(catalogue, {"is_ad", "==", 1}) == Videos{0, 1, 2, 3, 4, 5, 6, 8, 9});
  CHECK(left_where(catalogue, {"tag", "==", 39}) == Videos{1, 2, 4, 5, 7, 8});
  CHECK(left_where(catalogue, {"author", "==", 901}) == Videos{0, 1, 2, 4, 5, 6, 8, 9});
  CHECK(left_where(catalogue, {"video", "==", 102}) == Videos{0, 1, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("what is not known fulfils no condition", "[policy]") {
  Catalogue catalogue = filter_catalogue();
  CHECK(left_where(catalogue, {"visible_status", "!=", 0}) == Videos{1, 2, 3, 4, 6, 7, 8, 9});  // 4: unknown
  CHECK(left_where(catalogue, {"visible_status", "==", 0}) == Videos{0, 4, 5});
  CHECK(left_where(catalogue, {"tag", "!=", 39}) == Videos{0, 2, 3, 5, 6, 8, 9});  // 2, 5, 8 have none
  catalogue.visible_status.clear();                                                // 0 for all
  CHECK(left_where(catalogue, {"visible_status", "!=", 0}) == all_videos());
  CHECK(left_where(catalogue, {"visible_status", "==", 0}).empty());
}

TEST_CASE("ages are counted to the day of the request", "[policy]") {
  const Catalogue catalogue = filter_catalogue();
  CHECK(left_where(catalogue, {"upload_age_days", ">", 5}, 19010) == Videos{3, 5, 6, 7, 8, 9});  // 3: unknown
  CHECK(left_where(catalogue, {"upload_age_days", ">", 5}, 19012) == Videos{3, 7, 8, 9});
  CHECK(left_where(catalogue, {"upload_age_days", "<", 3}, 19010) == Videos{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(left_after(catalogue, {.oldest_days = 5.0}, {.day = 19010}) == Videos{3, 5, 6, 7, 8, 9});
  CHECK(day_of_time(1650852000000) == days_of_date(20220425));
  CHECK(day_of_time(1650852000000 + 14 * 3600'000) == days_of_date(20220426));  // ten o'clock in China, and 14 h more
}

TEST_CASE("several conditions take out what any holds of, and the first is named", "[policy]") {
  const Catalogue catalogue = filter_catalogue();
  const std::vector<Condition> conditions = {
      {"duration_s", ">", 8}, {"upload_age_days", ">", 8}, {"is_ad", "==", 1}, {"exposures", "<", 30}};
  const VideoFilter filter(catalogue, {.unsuitable = conditions});
  for (std::int32_t day : {19005, 19010, 19020})
    for (std::size_t video = 0; video < 10; ++video) {
      int first = -1;
      for (int c = 3; c >= 0; --c) {
        const VideoConditions one(catalogue, std::span(conditions).subspan(static_cast<std::size_t>(c), 1));
        if (one.first_that_holds(video, day) == 0) first = c;
      }
      CAPTURE(video, day);
      CHECK(filter.condition_of(video, day) == first);
    }
}

TEST_CASE("the first videos of an author stay, of those that nothing else takes out", "[policy]") {
  const Catalogue catalogue = filter_catalogue();
  CHECK(left_after(catalogue, {.author_cap = 1}) == Videos{0, 1, 2, 3});
  CHECK(left_after(catalogue, {.author_cap = 2}) == Videos{0, 1, 2, 3, 4, 5, 6, 7});
  const Videos history = {1, 4};
  CHECK(left_after(catalogue, {.author_cap = 1}, {.history = history}) == Videos{0, 2, 3, 5});
}

TEST_CASE("reasons and counts are of the list as it came, first reason first", "[policy]") {
  const Catalogue catalogue = filter_catalogue();
  const FilterSettings settings{
      .own = true, .unsuitable = {{"duration_s", "<", 1}}, .oldest_days = 7.0, .author_cap = 1};
  const VideoFilter filter(catalogue, settings);
  FilterWorkspace workspace;
  FilterCounts counts;
  Videos list = {9, 0, 8, 1, 2, 4, 3, 7};
  const Videos history = {8};
  std::vector<FilterReason> reasons(list.size());
  const auto left = filter.run({.user = 4, .history = history, .day = 19010}, list, workspace, counts, reasons);
  using enum FilterReason;
  CHECK(reasons == std::vector<FilterReason>{kOwn, kUnsuitable, kWatched, kOwn, kTooOld, kKept, kKept, kAuthorCap});
  CHECK(Videos(left.begin(), left.end()) == Videos{4, 3});
  CHECK(counts == FilterCounts{2, 1, 2, 1, 1, 1});
  CHECK(name_of(kTooOld) == std::string("too old"));
}

TEST_CASE("the filter agrees with sets on lists of any length", "[policy]") {
  Catalogue catalogue = filter_catalogue();
  RandomStream random(make_key(4));
  const VideoFilter filter(catalogue, {.author_cap = 3});
  FilterWorkspace workspace;
  for (int round = 0; round < 200; ++round) {
    Videos list, history, expected;
    for (std::uint32_t i = random.below(300); i > 0; --i) list.push_back(static_cast<std::int32_t>(random.below(10)));
    for (std::uint32_t i = random.below(5); i > 0; --i) history.push_back(static_cast<std::int32_t>(random.below(10)));
    const std::set<std::int32_t> watched(history.begin(), history.end());
    std::map<std::uint32_t, int> authors;
    for (const std::int32_t video : list)
      if (watched.count(video) == 0 && ++authors[catalogue.author[static_cast<std::size_t>(video)]] <= 3)
        expected.push_back(video);
    FilterCounts counts;
    const auto left = filter.run({.history = history}, list, workspace, counts);
    CHECK(std::equal(left.begin(), left.end(), expected.begin(), expected.end()));
  }
}

TEST_CASE("unknown columns and comparisons are refused with those there are", "[policy]") {
  Catalogue catalogue = filter_catalogue();
  const std::vector<Condition> colour = {{"colour", "==", 3}};
  CHECK_THROWS_WITH(
      VideoConditions(catalogue, colour),
      "filter: there is no column 'colour'; those there are: duration_s, exposures, mean_ratio, click_rate, "
      "like_rate, hate_rate, is_ad, upload_age_days, visible_status, tag, author, video");
  const std::vector<Condition> near = {{"duration_s", "~", 3}};
  CHECK_THROWS_WITH(VideoConditions(catalogue, near), Contains("no comparison '~'; those there are: < <= > >= == !="));
  catalogue.hate_rate.clear(), catalogue.upload_day.clear();  // a file of before
  const std::vector<Condition> hates = {{"hate_rate", ">", 0.1}};
  CHECK_THROWS_WITH(VideoConditions(catalogue, hates),
                    Contains("has no column 'hate_rate', fit it again; those there are: duration_s, ") &&
                        !Contains("upload_age_days"));
  CHECK_THROWS_WITH(VideoFilter(catalogue, {.oldest_days = 1.0}), Contains("upload days"));
  // And in a settings file.
  FilterSettings settings;
  ConfigReader reader(parse_json(R"({"unsuitable": [{"column": "colour"}]})", "f.json"), "f.json");
  CHECK_THROWS_WITH(visit_fields(reader, settings),
                    Contains("colour") && Contains("duration_s") && Contains("visible_status"));
}

TEST_CASE("lists of videos that there are not are refused", "[policy]") {
  const Catalogue catalogue = filter_catalogue();
  const VideoFilter filter(catalogue, {});
  FilterWorkspace workspace;
  FilterCounts counts;
  Videos list = {1, 10};
  CHECK_THROWS_AS(filter.run({}, list, workspace, counts), InputError);
  list = {-1};
  CHECK_THROWS_AS(filter.run({}, list, workspace, counts), InputError);
  list = {1};
  CHECK_THROWS_AS(filter.run({.user = 6}, list, workspace, counts), InputError);
  CHECK(filter.run({}, std::span(list).first(0), workspace, counts).empty());
}

}  // namespace swipegym
