#include <catch2/catch.hpp>

#include "core/error.h"
#include "sim_data/calendar.h"
#include "sim_data/time_split.h"

using namespace swipegym;
using Rows = std::vector<std::uint64_t>;
using Catch::Matchers::Contains;

namespace {

Log log_of(std::vector<std::int32_t> dates) {
  Log log;
  log.resize(dates.size());
  log.date = std::move(dates);
  return log;
}

}  // namespace

TEST_CASE("rows are chosen by their date, and days without any are bad input", "[split]") {
  const Log log = log_of({20220430, 20220503, 20220501, 20220502, 20220505, 20220501});
  CHECK(rows_between(log, 0, 20220501) == Rows{0, 2, 5});
  CHECK(rows_between(log, 20220502, 20220503) == Rows{1, 3});
  CHECK(rows_between(log, 20220430, 20220430) == Rows{0});
  CHECK(date_range(log).first == 20220430);
  CHECK(date_range(log).last == 20220505);
  CHECK_THROWS_WITH(rows_between(log, 20220504, 20220504), Contains("the log holds 20220430 to 20220505"));
  CHECK_THROWS_WITH(rows_between(log, 0, 20220429), Contains("no row is dated") && Contains("20220429"));
  CHECK_THROWS_WITH(rows_between(Log{}, 1, 2), Contains("the log is empty"));
}

TEST_CASE("the calendar turns over at midnight in China", "[split]") {
  CHECK(date_of_time(1650816000000 - 1) == 20220424);
  CHECK(date_of_time(1650816000000) == 20220425);
  CHECK(hourmin_of_time(1650816000000 - 1) == 2359);
  CHECK(hourmin_of_time(1650816000000) == 0);
  CHECK(is_date(20240229));
  CHECK_FALSE(is_date(20230229));
  CHECK_FALSE(is_date(20220431));
  CHECK_FALSE(is_date(20221301));
  for (std::int32_t day = 0; day < 47'000; ++day) REQUIRE(days_of_date(date_of_days(day)) == day);
}
