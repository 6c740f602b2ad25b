#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/range.h"

namespace swipegym {
namespace {

static_assert(between(0, 1).contains(1.0) && !below(0, 1).contains(1.0) && !above(0, 1).contains(0.0));
static_assert(inside(0, 1).contains(0.5F) && !inside(0, 1).contains(0) && !inside(0, 1).contains(1));
static_assert(between(2, 200).or_value(0).contains(0) && !between(2, 200).or_value(0).contains(1));

template <class T>
std::string error_of(const std::string& text, const Range& range) {
  try {
    parse_number<T>("--n", text, range);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a range holds its ends as the field's type has them, and nothing that is not finite", "[core]") {
  CHECK(between(0, 0.1).contains(0.1F));
  CHECK_FALSE(between(0, 0.1).contains(std::nextafter(0.1F, 1.0F)));
  CHECK(between(0, std::numeric_limits<std::uint64_t>::max()).contains(std::numeric_limits<std::uint64_t>::max()));
  CHECK(between(0, 1'000'000'000'000).contains(std::numeric_limits<int>::max()));
  for (const Range& range : {between(-1e300, 1e300), inside(0, 1), between(0, 1).or_value(-1)}) {
    CHECK_FALSE(range.contains(std::nan("")));
    CHECK_FALSE(range.contains(std::numeric_limits<double>::infinity()));
    CHECK_FALSE(range.contains(-std::numeric_limits<double>::infinity()));
  }
  CHECK_FALSE(between(-1e300, 1e300).contains(std::numeric_limits<float>::infinity()));
}

TEST_CASE("a range reads as a sentence", "[core]") {
  CHECK(between(1, 1'000'000).expected<int>() == "an integer from 1 to 1000000");
  CHECK(between(0, 1).expected<float>() == "a number from 0 to 1");
  CHECK(above(0, 10).expected<double>() == "a number above 0 to 10");
  CHECK(below(0, 1).expected<double>() == "a number from 0 to below 1");
  CHECK(inside(0, 1).expected<double>() == "a number above 0 to below 1");
  CHECK(between(0.01, 1e6).expected<double>() == "a number from 0.01 to 1000000");
  CHECK(between(2, 200).or_value(0).expected<double>() == "a number from 2 to 200, or 0");
  CHECK(above(0, 1).or_value(-1).expected<float>() == "a number above 0 to 1, or -1");
  CHECK(lengths(1, 16).expected() == "a list of 1 to 16 values");
  CHECK(length_or_none(8).expected() == "a list of 8 values, or none");
  CHECK(one_of({"a", "b"}).expected() == "one of a, b");
  CHECK(one_of({"a", "b"}).or_file(".h5").expected() == "one of a, b, or a file NAME.h5");
  CHECK(one_of({"a"}).or_file(".h5").contains("x.h5"));
  CHECK_FALSE(one_of({"a"}).or_file(".h5").contains(".h5"));
  CHECK_FALSE(one_of({"a"}).contains(""));
}

TEST_CASE("text is a number only when all of it is one, and the number in its range", "[core]") {
  CHECK(parse_number<int>("--n", "-3", between(-5, 5)) == -3);
  CHECK(parse_number<std::uint64_t>("--n", "18446744073709551615", ranges::kAnySeed) ==
        std::numeric_limits<std::uint64_t>::max());
  CHECK(parse_number<double>("--n", "1e-3", between(0, 1)) == 1e-3);
  CHECK(parse_number<float>("--n", "0.1", between(0, 0.1)) == 0.1F);
  const std::string count = "expected an integer from 1 to 1000";
  for (const char* text : {"", " ", "0", "-1", "ten", "10x", " 10", "10 ", "+10", "1.5", "1e2", "0x10", "1001", "nan",
                           "9223372036854775808", "99999999999999999999999999"})
    CHECK(error_of<std::size_t>(text, between(1, 1000)) == "--n is '" + std::string(text) + "', " + count);
  for (const char* text :
       {"", "nan", "inf", "-inf", "1e400", "-1e400", "1e300", "-0.1", "half", "0.5.", "0,5", "0x1p-1"})
    CHECK(error_of<double>(text, between(0, 1)) == "--n is '" + std::string(text) + "', expected a number from 0 to 1");
  CHECK(error_of<float>("1e39", between(0, 1e300)).starts_with("--n is '1e39', expected a number from 0 to 3.4"));
}

}  // namespace
}  // namespace swipegym
