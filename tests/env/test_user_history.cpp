#include <catch2/catch.hpp>

#include "env/user_history.h"

namespace swipegym {
namespace {

HistoryEvent event(std::uint32_t video, std::int64_t time_ms, float level) {
  HistoryEvent out;
  out.video = video, out.author = video / 2, out.tag = video % 3, out.time_ms = time_ms;
  out.level = level, out.click = level > 0 ? 0.5F : -0.5F, out.tab_class = 1, out.duration_class = 2;
  return out;
}

std::array<float, kHistoryFeatures> features(const UserHistory& history, const HistoryQuery& query) {
  std::array<float, kHistoryFeatures> out{};
  history_features(history, query, {}, out);
  return out;
}

TEST_CASE("running sums and the last answers follow the events", "[history]") {
  UserHistory history;
  history.add(event(1, 1000, 0.4F));
  history.add(event(2, 61000, -0.2F));
  CHECK(history.count == 2.0F);
  CHECK(history.level == Approx(0.2F));
  CHECK(history.last_level[0] == Approx(-0.2F));
  CHECK(history.last_level[1] == Approx(0.4F));
  CHECK(history.session_count == 2.0F);
  history.add(event(3, 61000 + 31 * 60000, 0.1F));
  CHECK(history.session_count == 1.0F);  // a gap above 30 minutes begins a session
}

TEST_CASE("an event of unknown duration counts as shown but carries no answer", "[history]") {
  UserHistory history;
  HistoryEvent unknown = event(1, 1000, 0.4F);
  unknown.known = false;
  history.add(unknown);
  CHECK(history.count == 0.0F);
  CHECK(history.recent_size == 1);
  CHECK(history.level == 0.0F);
}

TEST_CASE("repeated tags and authors show in the features of a video of that tag", "[history]") {
  UserHistory history;
  for (std::uint32_t i = 0; i < 4; ++i) history.add(event(3 * i, 1000 + i, 0.3F));  // all of tag 0
  const HistoryQuery same{.video = 99, .author = 99, .tag = 0, .time_ms = 5000, .tab_class = 1, .duration_class = 2};
  HistoryQuery other = same;
  other.tag = 1;
  CHECK(features(history, same) != features(history, other));
}

TEST_CASE("shares watched count as they are, within a session only", "[history]") {
  UserHistory history;
  HistoryEvent whole = event(1, 1000, 0.0F), none = event(2, 2000, 0.0F);  // neither better nor worse than expected
  whole.watched = 1.0F;
  history.add(whole);
  const HistoryQuery next{.video = 9, .author = 9, .tag = 2, .time_ms = 3000, .tab_class = 1, .duration_class = 2};
  const auto pleased = features(history, next);
  history.add(none);
  CHECK(history.session_watched == 1.0F);
  CHECK(features(history, next) != pleased);
  HistoryEvent later = event(3, 2000 + 31 * 60000, 0.0F);
  later.watched = 0.25F;
  history.add(later);
  CHECK(history.session_watched == 0.25F);
  CHECK(history.satisfied == 0.25F);
  CHECK(history.satisfied_weight == 1.0F);
}

TEST_CASE("on a standing clock gaps and daily counts stay, until the session closes", "[history]") {
  UserHistory history;
  history.add(event(1, 1000, 0.4F));
  const UserHistory before = history;
  history.add(event(2, 3600000, 0.1F), false);
  CHECK(history.count == 2.0F);
  CHECK(history.day_count == before.day_count);
  CHECK(history.last_time_ms == before.last_time_ms);
  CHECK(history.session_count == before.session_count);
  history.close_session();
  CHECK(history.last_time_ms == 3600000);
  CHECK(history.day_count == Approx(before.day_count * std::exp(-3599.0F / 86400.0F) + 1.0F));
}

TEST_CASE("counts are clipped in the features, not in the history", "[history]") {
  UserHistory history;
  for (int i = 0; i < 50; ++i) history.add(event(1, 1000 + i, 0.0F));
  std::array<float, kHistoryFeatures> clipped{}, wide{};
  const HistoryQuery query{.video = 5, .author = 9, .tag = 2, .time_ms = 5000, .tab_class = 1, .duration_class = 2};
  history_features(history, query, {.count = 10.0F}, clipped);
  history_features(history, query, {}, wide);
  CHECK(clipped[0] < wide[0]);
  CHECK(history.count == 50.0F);
}

}  // namespace
}  // namespace swipegym
