#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

#include "core/error.h"
#include "core/memory_budget.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

struct Limit {
  explicit Limit(std::uint64_t bytes) { set_memory_limit(bytes); }
  ~Limit() { set_memory_limit(0); }
};

TEST_CASE("sizes stay at the largest number instead of beginning anew", "[core]") {
  CHECK(product_of({3, 4, 5}) == 60);
  CHECK(product_of({1ULL << 40, 1ULL << 40}) == kMost);
  CHECK(product_of({1ULL << 40, 1ULL << 40, 0}) == 0);
  CHECK(sum_of({1, 2, 3}) == 6);
  CHECK(sum_of({kMost, 1}) == kMost);
}

TEST_CASE("bytes are read and shown with their unit", "[core]") {
  CHECK(parse_bytes("--memory-limit", "123") == 123);
  CHECK(parse_bytes("--memory-limit", "512M") == 512ULL << 20);
  CHECK(parse_bytes("--memory-limit", "1.5G") == 3ULL << 29);
  CHECK(parse_bytes("--memory-limit", "2T") == 2ULL << 40);
  for (const char* bad : {"", "G", "-1G", "0", "nan", "inf", "1e300", "5GB", "5 G", "five"})
    CHECK_THROWS_WITH(parse_bytes("--memory-limit", bad), Catch::Contains("--memory-limit is '" + std::string(bad)));
  CHECK(show_bytes(100) == "100 bytes");
  CHECK(show_bytes(3ULL << 29) == "1.5 GiB");
}

TEST_CASE("a budget beyond the limit is refused with its largest part and what to lower", "[core]") {
  MemoryBudget budget;
  budget.add("a thousand sessions", 100ULL << 20, "num_envs").add("a replay buffer", 3ULL << 30, "replay_capacity");
  CHECK(budget.total() == (3ULL << 30) + (100ULL << 20));
  {
    const Limit enough(4ULL << 30);
    CHECK_NOTHROW(budget.require());
  }
  const Limit little(1ULL << 30);
  CHECK_THROWS_AS(budget.require(), InputError);
  CHECK_THROWS_WITH(budget.require(), Catch::Contains("3.0 GiB for a replay buffer") && Catch::Contains("1.0 GiB") &&
                                          Catch::Contains("lower replay_capacity") &&
                                          Catch::Contains("--memory-limit"));
  CHECK(MemoryBudget().add("all", kMost, "x").add("more", 1, "y").total() == kMost);
}

TEST_CASE("without a limit of its own a budget has what the machine leaves", "[core]") {
  CHECK(memory_limit() > (1ULL << 20));
  CHECK(memory_limit() < (1ULL << 50));
  CHECK_THROWS_AS(MemoryBudget().add("too much", 1ULL << 55, "it").require(), InputError);
}

}  // namespace
}  // namespace swipegym
