#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "core/validate.h"

using namespace swipegym;
using Catch::Matchers::Contains;

namespace {

template <class T>
std::span<const T> view(const std::vector<T>& values) {
  return values;
}

// Every place of a list of 100, so that whole vectors and their remainders are met.
template <class T, class Check>
void check_each_place(T good, T bad, const Check& check) {
  std::vector<T> values(100, good);
  CHECK_NOTHROW(check(view(values)));
  for (std::size_t at = 0; at < values.size(); ++at) {
    values[at] = bad;
    CHECK_THROWS_WITH(check(view(values)), Contains("x[" + std::to_string(at) + "]"));
    values[at] = good;
  }
}

template <class T>
void check_below() {
  const auto below_seven = [](std::span<const T> values) { require_below("x", values, 7); };
  check_each_place<T>(6, 7, below_seven);
  check_each_place<T>(0, std::numeric_limits<T>::max(), below_seven);
  if constexpr (std::is_signed_v<T>) check_each_place<T>(6, -1, below_seven);
  if constexpr (std::is_signed_v<T>) check_each_place<T>(6, std::numeric_limits<T>::min(), below_seven);
  const std::vector<T> most(3, std::numeric_limits<T>::max());
  const auto bound = static_cast<std::uint64_t>(most[0]);
  CHECK_THROWS_AS(require_below("x", view(most), bound), InputError);
  if (bound + 1 > bound) CHECK_NOTHROW(require_below("x", view(most), bound + 1));
  CHECK_THROWS_AS(require_below("x", view(most), 0), InputError);
  CHECK_NOTHROW(require_below("x", std::span<const T>(), 0));
}

template <class T>
void check_numbers() {
  using Limits = std::numeric_limits<T>;
  const auto finite = [](std::span<const T> values) { require_finite("x", values); };
  for (const T good : {T{0}, Limits::max(), Limits::lowest(), Limits::denorm_min()})
    for (const T bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()})
      check_each_place(good, bad, finite);
  const auto shares = [](std::span<const T> values) { require_between<T>("x", values, 0, 1); };
  for (const T bad : {Limits::quiet_NaN(), T(-1e-6), T(1.001), Limits::infinity()}) check_each_place(T{1}, bad, shares);
}

}  // namespace

TEST_CASE("an index that is not below its bound is named with its place", "[validate]") {
  check_below<std::uint8_t>();
  check_below<std::uint16_t>();
  check_below<std::uint32_t>();
  check_below<std::uint64_t>();
  check_below<std::int8_t>();
  check_below<std::int16_t>();
  check_below<std::int32_t>();
  check_below<std::int64_t>();
}

TEST_CASE("NaN and numbers out of range are named with their place", "[validate]") {
  check_numbers<float>();
  check_numbers<double>();
  const auto ints = [](std::span<const std::int32_t> values) { require_between<std::int32_t>("x", values, -3, 5); };
  for (const std::int32_t bad :
       {-4, 6, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()})
    for (const std::int32_t good : {-3, 5}) check_each_place(good, bad, ints);
  const auto wide = [](std::span<const std::int64_t> values) {
    require_between<std::int64_t>("x", values, std::numeric_limits<std::int64_t>::min(), 0);
  };
  check_each_place<std::int64_t>(std::numeric_limits<std::int64_t>::min(), 1, wide);
}

TEST_CASE("offsets begin at 0, never fall and end at the number of values", "[validate]") {
  const auto check = [](const std::vector<std::uint64_t>& offsets) { require_offsets("x", view(offsets), 3, 9); };
  CHECK_NOTHROW(check({0, 0, 9, 9}));
  CHECK_THROWS_WITH(check({0, 5, 4, 9}), Contains("x[2] is 4"));
  CHECK_THROWS_WITH(check({1, 5, 6, 9}), Contains("x[0] is 1"));
  CHECK_THROWS_WITH(check({0, 5, 6, 8}), Contains("x[3] is 8"));
  CHECK_THROWS_WITH(check({0, 5, 9}), Contains("expected 4"));
  CHECK_THROWS_WITH(check({}), Contains("expected 4"));
  CHECK_THROWS_WITH(check({0, std::uint64_t{1} << 63, 9, 9}), Contains("x[2] is 9"));
}
