#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/output_file.h"

namespace swipegym {
namespace {

struct Inner {
  float discount = 0.1F;
};
template <class Visitor>
void visit_fields(Visitor& visit, Inner& inner) {
  visit("discount", inner.discount, between(0, 1));
}

struct Outer {
  int batch = 256;
  std::uint32_t steps = 7;
  bool is_double = true;
  std::string name = "dqn";
  std::vector<float> weights = {1.0F, 0.5F};
  Inner inner{};
  std::vector<Inner> more{};
};
template <class Visitor>
void visit_fields(Visitor& visit, Outer& outer) {
  visit("batch", outer.batch, between(1, 1'000'000));
  visit("steps", outer.steps, between(0, 4'000'000'000));
  visit("is_double", outer.is_double);
  visit("name", outer.name, one_of({"dqn", "ppo"}));
  visit("weights", outer.weights, above(0, 10), lengths(1, 3));
  visit("inner", outer.inner);
  visit("more", outer.more, lengths(0, 2));
}

template <class T, class... R>
concept Visited = requires(ConfigReader& reader, RangeChecker& checker, T& field, const R&... range) {
  reader("key", field, range...);
  checker("key", field, range...);
};
// What a field must state beside its name does not compile when it is left out.
static_assert(Visited<int, Range> && !Visited<int> && !Visited<int, Words> && !Visited<int, Range, Lengths>);
static_assert(Visited<std::string, Words> && !Visited<std::string> && !Visited<std::string, Range>);
static_assert(Visited<std::vector<int>, Range, Lengths> && !Visited<std::vector<int>, Range> &&
              !Visited<std::vector<int>, Lengths> && !Visited<std::vector<int>>);
static_assert(Visited<bool> && Visited<Inner> && Visited<std::vector<Inner>, Lengths> && !Visited<std::vector<Inner>>);

std::string error_of(const char* text) {
  try {
    config_from_text<Outer>(text, "a.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string error_of(const Outer& config) {
  try {
    check_ranges(config);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("settings keep their defaults where the file is silent and change where it speaks", "[core]") {
  const auto config = config_from_json<Outer>(Json::parse(R"({"batch": 32, "inner": {"discount": 0.25}})"), "a.json");
  CHECK(config.batch == 32);
  CHECK(config.inner.discount == 0.25F);
  CHECK(config.name == "dqn");
  CHECK(config.weights == std::vector<float>{1.0F, 0.5F});
}

TEST_CASE("settings written as JSON read back as the same settings, floats in their shortest form", "[core]") {
  Outer config;
  config.weights = {0.1F, 2.5F, 3.0F};
  config.steps = 4000000000U;
  config.more = {{.discount = 0.5F}};
  const Json written = config_to_json(config);
  CHECK(written.dump() == R"({"batch":256,"steps":4000000000,"is_double":true,"name":"dqn","weights":[0.1,2.5,3.0],)"
                          R"("inner":{"discount":0.1},"more":[{"discount":0.5}]})");
  const auto back = config_from_json<Outer>(written, "a.json");
  CHECK(config_to_json(back) == written);
  CHECK(back.inner.discount == 0.1F);
}

TEST_CASE("an unknown key names the file, its place, itself and the known keys", "[core]") {
  CHECK(error_of(R"({"bach": 3})") ==
        "a.json:1:10: unknown key 'bach', did you mean 'batch'?; known keys here are: batch, steps, is_double, name, "
        "weights, inner, more");
  CHECK(error_of("{\"inner\":\n {\"gamma\": 3}}") ==
        "a.json:2:12: unknown key 'inner.gamma'; known keys here are: discount");
}

TEST_CASE("a value of another type or out of its range names its place, itself and what it may be", "[core]") {
  CHECK(error_of("{\"inner\": {},\n  \"batch\": 0}") ==
        "a.json:2:12: 'batch' is 0, expected an integer from 1 to 1000000");
  CHECK(error_of(R"({"batch": "many"})") == "a.json:1:11: 'batch' is \"many\", expected an integer from 1 to 1000000");
  CHECK(error_of(R"({"steps": -1})") == "a.json:1:11: 'steps' is -1, expected an integer from 0 to 4000000000");
  CHECK(error_of(R"({"steps": 4294967296})") ==
        "a.json:1:11: 'steps' is 4294967296, expected an integer from 0 to 4000000000");
  CHECK(error_of(R"({"batch": 2.5})") == "a.json:1:11: 'batch' is 2.5, expected an integer from 1 to 1000000");
  CHECK(error_of(R"({"weights": [1, "x"]})") == "a.json:1:17: 'weights[1]' is \"x\", expected a number above 0 to 10");
  CHECK(error_of(R"({"weights": [1, 1e300]})") ==
        "a.json:1:17: 'weights[1]' is 1e+300, expected a number above 0 to 10");
  CHECK(error_of(R"({"weights": []})") == "a.json:1:13: 'weights' is [], expected a list of 1 to 3 values");
  CHECK(error_of(R"({"name": "a2c"})") == "a.json:1:10: 'name' is \"a2c\", expected one of dqn, ppo");
  CHECK(error_of(R"({"is_double": null})") == "a.json:1:15: 'is_double' is null, expected true or false");
  CHECK(error_of(R"({"inner": 3})") == "a.json:1:11: 'inner' is 3, expected an object {\"key\": value, ...}");
  CHECK(error_of(R"({"more": [{}, {"discount": 2}]})") ==
        "a.json:1:28: 'more[1].discount' is 2, expected a number from 0 to 1");
  CHECK(error_of(R"([1])") == "a.json:1:1: the file is [1], expected an object {\"key\": value, ...}");
  CHECK(error_of(R"({"batch": 1, "steps": 4000000000, "weights": [10], "more": [{}, {}]})").empty());
}

TEST_CASE("settings that code filled in are held to the same ranges", "[core]") {
  CHECK(error_of(Outer{}).empty());
  CHECK(error_of(Outer{.batch = 0}) == "setting 'batch' is 0, expected an integer from 1 to 1000000");
  CHECK(error_of(Outer{.inner = {std::nanf("")}}) == "setting 'inner.discount' is nan, expected a number from 0 to 1");
  CHECK(error_of(Outer{.weights = {1.0F, std::numeric_limits<float>::infinity()}}) ==
        "setting 'weights[1]' is inf, expected a number above 0 to 10");
  CHECK(error_of(Outer{.name = ""}) == "setting 'name' is \"\", expected one of dqn, ppo");
  CHECK(
      error_of(Outer{.more = {{}, {}, {}}}) ==
      "setting 'more' is [{\"discount\":0.1},{\"discount\":0.1},{\"discount\":0.1}], expected a list of 0 to 2 values");
}

TEST_CASE("the fields of settings are listed with their defaults and ranges", "[core]") {
  std::string lines;
  for (const FieldLine& line : list_fields<Outer>())
    lines += line.path + " = " + line.fallback.dump() + ": " + line.expected + "\n";
  CHECK(lines ==
        "batch = 256: an integer from 1 to 1000000\n"
        "steps = 7: an integer from 0 to 4000000000\n"
        "is_double = true: true or false\n"
        "name = \"dqn\": one of dqn, ppo\n"
        "weights = [1.0,0.5]: a list of 1 to 3 values, each a number above 0 to 10\n"
        "inner.discount = 0.1: a number from 0 to 1\n"
        "more = []: a list of 0 to 2 values\n"
        "more[].discount = 0.1: a number from 0 to 1\n");
}

TEST_CASE("settings read from a file say where in it", "[core]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_config.json";
  write_file(path, "{ // a comment is allowed\n  \"batch\": 3 }\n");
  CHECK(read_config<Outer>(path).batch == 3);
  CHECK(read_config<Outer>(path, Outer{.steps = 9}).steps == 9);
  write_file(path, "{ // a comment is allowed: \"batch\": 1,\n /* \"batch\": 7 */ \"batch\": -3 }\n");
  CHECK_THROWS_WITH(read_config<Outer>(path),
                    path.string() + ":2:28: 'batch' is -3, expected an integer from 1 to 1000000");
  std::filesystem::remove(path);
  CHECK_THROWS_AS(read_config<Outer>(path), InputError);
}

}  // namespace
}  // namespace swipegym
