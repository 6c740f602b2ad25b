#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <vector>

#include "agents/left_out.h"
#include "env/catalogue.h"
#include "policy/item_inputs.h"
#include "tests/agents/label_toy.h"

namespace swipegym {
namespace {

using test::LabelToy;

constexpr std::int32_t kToyUntil = 20220503;

// The log without some rows, by dating them behind the days that are known.
Catalogue catalogue_without(const Dataset& data, const std::function<bool(std::size_t row)>& left_out) {
  Dataset other = data;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (left_out(row) && other.log.date[row] <= kToyUntil) other.log.date[row] = kToyUntil + 1;
  return build_catalogue(other, kToyUntil);
}

struct RowStatistics {
  RowStatistics(const Catalogue& catalogue, std::size_t u, std::size_t v) {
    const ItemInputs items = make_item_inputs(catalogue);
    const auto at = static_cast<Eigen::Index>(v);
    user.assign(&catalogue.user_features[u * kUserFeatures], &catalogue.user_features[(u + 1) * kUserFeatures - 1] + 1);
    video.assign(items.features.row(at).begin(), items.features.row(at).end());
    derived.assign(items.derived.row(at).begin(), items.derived.row(at).end());
  }
  std::vector<float> user, video, derived;
};

TEST_CASE("statistics without a row or its day are those of the log without them", "[agents]") {
  LabelToy toy(kToyUntil);
  Log& log = toy.data.log;
  log.signals[5] = static_cast<SignalBits>(bit(Signal::kClick) | bit(Signal::kLike));
  log.duration_ms[9] = 0;
  const Catalogue all = build_catalogue(toy.data, kToyUntil);
  for (const std::string what : {"row", "day"}) {
    const LeftOut left_out(toy.data, kToyUntil, what);
    for (const std::size_t row : {std::size_t{0}, std::size_t{5}, std::size_t{9}, std::size_t{100}}) {
      REQUIRE(log.date[row] <= kToyUntil);
      const std::size_t u = index_of(log.user[row]), v = index_of(log.video[row]);
      const auto goes = [&](std::size_t other) {
        return what == "row" ? other == row : log.date[other] == log.date[row];
      };
      const RowStatistics of_user(
          catalogue_without(toy.data, [&](std::size_t r) { return log.user[r] == log.user[row] && goes(r); }), u, v);
      const RowStatistics of_video(
          catalogue_without(toy.data, [&](std::size_t r) { return log.video[r] == log.video[row] && goes(r); }), u, v);
      const RowStatistics before(all, u, v);
      RowStatistics now = before;
      left_out.apply(row, now.user.data(), now.video.data(), now.derived.data());
      CAPTURE(what, row);
      // The means of all rows, which these are shrunk to, move too: by at most 16 rows in three thousand, of which a
      // user's mean is a half at most. The rate of likes counts ten times, and a mean in seconds up to six.
      for (std::size_t f = 0; f < kUserFeatures; ++f) CHECK(now.user[f] == Approx(of_user.user[f]).margin(3e-3));
      for (const std::size_t f : {kVideoExposures, kVideoMeanRatio, kVideoClickRate, kVideoLogDuration})
        CHECK(now.video[f] == Approx(of_video.video[f]).margin(3e-3));
      CHECK(now.video[kVideoLikeRate] == Approx(of_video.video[kVideoLikeRate]).margin(1e-2));
      for (std::size_t f = 0; f < kDerivedItemFeatures; ++f)
        CHECK(now.derived[f] == Approx(of_video.derived[f]).margin(1e-2));
      // What is left out weighs more than that.
      if (row != 9) CHECK(std::abs(now.user[kUserMeanRatio] - before.user[kUserMeanRatio]) > 4e-3);
      CHECK(now.video[kVideoExposures] < before.video[kVideoExposures]);
    }
  }
}

TEST_CASE("what a catalogue says of all rows is enough to leave a day of videos out, and users stay", "[agents]") {
  LabelToy toy(kToyUntil);
  const Catalogue catalogue = build_catalogue(toy.data, kToyUntil);
  for (const std::string what : {"row", "day"}) {
    const LeftOut of_rows(toy.data, kToyUntil, what), of_catalogue(toy.data, catalogue, what);
    int checked = 0;
    for (std::size_t row = 0; row < toy.data.log.size() && checked < 3; ++row) {
      if (toy.data.log.date[row] != kToyUntil) continue;  // later days go too, and behind the last there are none
      ++checked;
      const RowStatistics before(catalogue, index_of(toy.data.log.user[row]), index_of(toy.data.log.video[row]));
      RowStatistics a = before, b = before;
      of_rows.apply(row, a.user.data(), a.video.data(), a.derived.data());
      of_catalogue.apply(row, b.user.data(), b.video.data(), b.derived.data());
      CAPTURE(what, row);
      for (std::size_t f = 0; f < kVideoFeatures; ++f) CHECK(b.video[f] == Approx(a.video[f]).margin(1e-5));
      for (std::size_t f = 0; f < kDerivedItemFeatures; ++f) CHECK(b.derived[f] == Approx(a.derived[f]).margin(1e-4));
      CHECK(b.video[kVideoExposures] < before.video[kVideoExposures]);
      CHECK(b.user == before.user);
    }
    CHECK(checked == 3);
  }
}

TEST_CASE("on a platform what was shown on later days is left out too, which answers what it saw", "[agents]") {
  LabelToy toy(kToyUntil);
  const Catalogue catalogue = build_catalogue(toy.data, kToyUntil);
  const LeftOut left_out(toy.data, catalogue, "day");
  const Log& log = toy.data.log;
  const std::int32_t first = *std::min_element(log.date.begin(), log.date.end());
  int checked = 0;
  for (std::size_t row = 0; row < log.size() && checked < 50; ++row) {
    if (log.date[row] > kToyUntil) continue;
    double rows = 0.0;  // of the video, on earlier days
    for (std::size_t other = 0; other < log.size(); ++other)
      if (log.video[other] == log.video[row] && log.date[other] < log.date[row]) rows += 1.0;
    RowStatistics now(catalogue, index_of(log.user[row]), index_of(log.video[row]));
    left_out.apply(row, now.user.data(), now.video.data(), now.derived.data());
    CHECK(now.video[kVideoExposures] == Approx(std::log1p(rows) / 10.0).margin(1e-4));
    if (log.date[row] != first) ++checked;
  }
  CHECK(checked == 50);
}

TEST_CASE("statistics that a row is learned from do not hold its own answer", "[agents]") {
  LabelToy toy(kToyUntil);
  Log& log = toy.data.log;
  for (const std::string what : {"row", "day", "nothing"})
    for (const std::size_t row : {std::size_t{3}, std::size_t{77}}) {
      const auto said = [&](bool whole) {
        log.play_ms[row] = whole ? log.duration_ms[row] : 0;
        log.signals[row] = whole ? static_cast<SignalBits>(bit(Signal::kClick) | bit(Signal::kLike)) : SignalBits{0};
        RowStatistics it(build_catalogue(toy.data, kToyUntil), index_of(log.user[row]), index_of(log.video[row]));
        LeftOut(toy.data, kToyUntil, what).apply(row, it.user.data(), it.video.data(), it.derived.data());
        return it;
      };
      const RowStatistics whole = said(true), none = said(false);
      CAPTURE(what, row);
      const float user = whole.user[kUserMeanRatio] - none.user[kUserMeanRatio];
      const float video = whole.video[kVideoLikeRate] - none.video[kVideoLikeRate];
      if (what == "nothing") {  // 1 / (rows + pseudo-rows)
        CHECK(user > 0.01F);
        CHECK(video > 0.05F);
      } else {  // through the log's mean alone
        CHECK(std::abs(user) < 5e-4F);
        CHECK(std::abs(video) < 3e-3F);
      }
    }
}

TEST_CASE("a row of later days stands in no statistic, and nothing is left out of them", "[agents]") {
  LabelToy toy(kToyUntil);
  std::size_t later = 0;
  while (toy.data.log.date[later] <= kToyUntil) ++later;
  std::vector<float> user(kUserFeatures, 0.25F), video(kVideoFeatures, 0.25F), derived(kDerivedItemFeatures, 0.25F);
  LeftOut(toy.data, kToyUntil, "day").apply(later, user.data(), video.data(), derived.data());
  CHECK(user == std::vector<float>(kUserFeatures, 0.25F));
  CHECK(video == std::vector<float>(kVideoFeatures, 0.25F));
  CHECK(derived == std::vector<float>(kDerivedItemFeatures, 0.25F));
}

}  // namespace
}  // namespace swipegym
