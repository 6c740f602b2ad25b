#include <catch2/catch.hpp>
#include <thread>

#include "core/cpu_probe.h"

namespace swipegym {

TEST_CASE("the probe's gain lies between no second processor and a whole one", "[core]") {
  const double gain = two_thread_gain(0.1);
  CHECK(gain > 0.3);  // both threads may have to share what a busy machine leaves
  CHECK(gain < 2.6);
  if (std::thread::hardware_concurrency() < 2) CHECK(gain == 1.0);
}

}  // namespace swipegym
