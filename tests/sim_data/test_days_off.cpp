#include <catch2/catch.hpp>

#include "sim_data/days_off.h"

using namespace swipegym;

TEST_CASE("days off are weekends, but for 2022 the public calendar", "[sim_data]") {
  const auto off = [](std::int32_t date) { return is_day_off(days_of_date(date)); };
  CHECK(off(20220423));        // a Saturday
  CHECK_FALSE(off(20220424));  // a Sunday worked for the holiday to come
  CHECK_FALSE(off(20220429));  // a Friday
  for (const std::int32_t date : {20220430, 20220501, 20220502, 20220503, 20220504}) CHECK(off(date));
  CHECK_FALSE(off(20220505));
  CHECK_FALSE(off(20220507));  // a Saturday worked
  CHECK(off(20220508));
  CHECK(off(20230507));  // other years: weekends and nothing else
  CHECK_FALSE(off(20230503));
  CHECK(off(19691228));  // a Sunday before the epoch
  // Midnight in Beijing is 16:00 UTC of the day before.
  CHECK(date_of_days(day_of_time(1651334399999)) == 20220430);
  CHECK(date_of_days(day_of_time(1651334400000)) == 20220501);
}
