#include <catch2/catch.hpp>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim_data/ordered_for.h"

using namespace swipegym;

TEST_CASE("commits come one at a time and in order on any number of threads", "[ordered]") {
  for (const int threads : {1, 2, 3, 8}) {
    std::vector<std::size_t> order;
    std::vector<std::size_t> result(64);  // of each worker
    ordered_for(
        500, threads, [&](std::size_t item, int worker) { result[static_cast<std::size_t>(worker)] = item * item; },
        [&](std::size_t item, int worker) {
          CHECK(result[static_cast<std::size_t>(worker)] == item * item);
          order.push_back(item);
        });
    std::vector<std::size_t> expected(500);
    std::iota(expected.begin(), expected.end(), std::size_t{0});
    CHECK(order == expected);
  }
}

TEST_CASE("the lowest item that fails is the one the caller hears of", "[ordered]") {
  for (const int threads : {1, 2, 8})
    for (const bool in_work : {false, true}) {
      std::size_t committed = 0;
      const auto fail = [](std::size_t item) {
        if (item == 30 || item == 31 || item == 90) throw std::runtime_error(std::to_string(item));
      };
      const auto run = [&] {
        ordered_for(
            100, threads, [&](std::size_t item, int) { in_work ? fail(item) : void(); },
            [&](std::size_t item, int) {
              if (!in_work) fail(item);
              ++committed;
            });
      };
      CHECK_THROWS_WITH(run(), "30");
      CHECK(committed == 30);
    }
  ordered_for(
      0, 4, [](std::size_t, int) { FAIL(); }, [](std::size_t, int) { FAIL(); });
}
