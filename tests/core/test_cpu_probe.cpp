#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "core/cpu_probe.h"

namespace swipegym {

// What it measures belongs to the machine of the moment: neighbours may leave the second thread anything.
TEST_CASE("the probe's gain is a positive number, and one where there is one processor", "[core]") {
  const double gain = two_thread_gain(0.05);
  CHECK(gain > 0.0);
  CHECK(std::isfinite(gain));
  if (std::thread::hardware_concurrency() < 2) CHECK(gain == 1.0);
}

}  // namespace swipegym
