#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "sample_release.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/dataset.h"
#include "sim_data/day_text.h"
#include "sim_data/log_limits.h"
#include "sim_data/store/log_store.h"

using namespace swipegym;
using namespace swipegym::test;
using Catch::Matchers::Contains;

namespace {

Log one_row() {
  Log log;
  log.resize(2);
  for (std::size_t i = 0; i < 2; ++i)
    log.date[i] = 20220425, log.hourmin[i] = 1000, log.time_ms[i] = 1650852000000, log.duration_ms[i] = 1000;
  return log;
}

template <class Change>
void check_refused(const Change& change, const std::string& message) {
  Log log = one_row();
  CHECK_NOTHROW(validate(log, 1, 1));
  change(log);
  CHECK_THROWS_WITH(validate(log, 1, 1), Contains(message));
}

}  // namespace

TEST_CASE("a log that its own files cannot hold is refused with column, row and value", "[limits]") {
  check_refused([](Log& log) { log.date[1] = -1; }, "date[1] is -1, expected a date yyyymmdd");
  check_refused([](Log& log) { log.date[1] = 20230231; }, "date[1] is 20230231");
  check_refused([](Log& log) { log.date[0] = 21000101; }, "date[0] is 21000101");
  check_refused([](Log& log) { log.hourmin[1] = -5; }, "hourmin[1] is -5, expected a time hhmm");
  check_refused([](Log& log) { log.hourmin[1] = 1060; }, "hourmin[1] is 1060");
  check_refused([](Log& log) { log.tab[1] = 255; }, "tab[1] is 255, expected an integer from 0 to 254");
  check_refused([](Log& log) { log.time_ms[1] = -1; }, "time_ms[1] is -1");
  check_refused([](Log& log) { log.time_ms[1] = 4102416000000; }, "time_ms[1] is 4102416000000");
  check_refused([](Log& log) { log.play_ms[1] = -1; }, "play_time_ms[1] is -1");
  check_refused([](Log& log) { log.duration_ms[1] = 1000000001; }, "duration_ms[1] is 1000000001");
  check_refused([](Log& log) { log.is_random[1] = 2; }, "is_rand[1] is 2");
  check_refused([](Log& log) { log.video[1] = VideoIndex{1}; }, "video[1] is 1");
  check_refused([](Log& log) { log.propensity = {1.0F, 0.0F}; }, "propensity[1] is 0");
  check_refused([](Log& log) { log.hourmin.pop_back(); }, "hourmin has 1 values, expected 2");
  Log known = one_row();
  known.propensity = {0.5F, std::numeric_limits<float>::quiet_NaN()};
  CHECK_NOTHROW(validate(known, 1, 1));
}

TEST_CASE("the last millisecond of 2099 has a date, the next one none", "[limits]") {
  CHECK(is_date(date_of_time(kMaxTimeMs)));
  CHECK_FALSE(is_date(date_of_time(kMaxTimeMs + 1)));
}

TEST_CASE("neither writer takes a row that the reader refuses", "[limits]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  const Dataset data = load_dataset(folder.path).data;
  LogStoreBuilder store(folder.path / "x.h5", data.users, data.videos, "", 1);
  LogRow row{.time_ms = 1650852000000, .date = 20220425};
  CHECK_NOTHROW(store.add({&row, 1}));
  row.tab = 255;
  CHECK_THROWS_WITH(store.add({&row, 1}), Contains("tab is 255"));
  row.tab = 0, row.time_ms = -7;
  CHECK_THROWS_WITH(store.add({&row, 1}), Contains("time_ms is -7"));
  LogCsvWriter csv(folder.path, "log_standard_x", {});
  CHECK_NOTHROW(csv.add({.time_ms = 1650852000000}));
  CHECK_THROWS_WITH(csv.add({.time_ms = 1650852000000, .date = 20230231}), Contains("date is 20230231"));
  CHECK_THROWS_WITH(csv.add({.time_ms = 1650852000000, .hourmin = -5}), Contains("hourmin is -5"));
  CHECK_THROWS_WITH(csv.add({.time_ms = 1650852000000, .play_ms = -1}), Contains("play_time_ms is -1"));
}

TEST_CASE("days are shown as days of the calendar", "[limits]") {
  CHECK(days_text(20220505, 20220508) == "20220505 to 20220508");
  CHECK(days_text(20220505, 99999999) == "20220505 or later");
  CHECK(days_text(0, 20220504) == "20220504 or earlier");
  CHECK(days_text(0, 99999999) == "any day");
  CHECK(days_text(1, 0) == "no day");
}
