#include <catch2/catch.hpp>

#include "sim_data/labels.h"

namespace swipegym {

TEST_CASE("a long view is the whole video up to 18 whole seconds", "[sim_data]") {
  CHECK(is_long_view(10000, 10999));  // both are 10 whole seconds
  CHECK_FALSE(is_long_view(9999, 10000));
  CHECK(is_long_view(18000, 300000));
  CHECK_FALSE(is_long_view(17999, 300000));
  CHECK(is_long_view(0, 999));  // a video under a second has no whole second to miss
}

TEST_CASE("a valid play is the whole of a short video or more than 7 s", "[sim_data]") {
  CHECK(is_valid_play(7000, 7000));
  CHECK_FALSE(is_valid_play(6999, 7000));
  CHECK_FALSE(is_valid_play(7000, 7001));
  CHECK(is_valid_play(7001, 300000));
}

}  // namespace swipegym
