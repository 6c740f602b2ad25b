#include <catch2/catch.hpp>
#include <filesystem>
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
  visit("discount", inner.discount);
}

struct Outer {
  int batch = 256;
  std::uint32_t steps = 7;
  bool is_double = true;
  std::string name = "dqn";
  std::vector<float> weights = {1.0F, 0.5F};
  Inner inner;
};
template <class Visitor>
void visit_fields(Visitor& visit, Outer& outer) {
  visit("batch", outer.batch);
  visit("steps", outer.steps);
  visit("is_double", outer.is_double);
  visit("name", outer.name);
  visit("weights", outer.weights);
  visit("inner", outer.inner);
}

std::string error_of(const char* text) {
  try {
    config_from_json<Outer>(Json::parse(text), "a.json");
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
  const Json written = config_to_json(config);
  CHECK(written.dump() == R"({"batch":256,"steps":4000000000,"is_double":true,"name":"dqn","weights":[0.1,2.5,3.0],)"
                          R"("inner":{"discount":0.1}})");
  const auto back = config_from_json<Outer>(written, "a.json");
  CHECK(config_to_json(back) == written);
  CHECK(back.inner.discount == 0.1F);
}

TEST_CASE("an unknown key names the file, itself and the known keys", "[core]") {
  CHECK(error_of(R"({"bach": 3})") ==
        "a.json: unknown key 'bach'; known keys here are: batch, steps, is_double, name, weights, inner");
  CHECK(error_of(R"({"inner": {"gamma": 3}})") == "a.json: unknown key 'inner.gamma'; known keys here are: discount");
}

TEST_CASE("a value of the wrong type names what was got and expected", "[core]") {
  CHECK(error_of(R"({"batch": "many"})") ==
        "a.json: 'batch' is \"many\", expected an integer in [-2147483648, 2147483647]");
  CHECK(error_of(R"({"steps": -1})") == "a.json: 'steps' is -1, expected an integer in [0, 4294967295]");
  CHECK(error_of(R"({"batch": 2.5})") == "a.json: 'batch' is 2.5, expected an integer in [-2147483648, 2147483647]");
  CHECK(error_of(R"({"weights": [1, "x"]})") == "a.json: 'weights[1]' is \"x\", expected a number");
  CHECK(error_of(R"({"inner": 3})") == "a.json: 'inner' is 3, expected an object {\"key\": value, ...}");
  CHECK(error_of(R"([1])") == "a.json: the file is [1], expected an object {\"key\": value, ...}");
}

TEST_CASE("malformed JSON names file, line and column", "[core]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_config.json";
  write_file(path, "{\n  \"batch\": 3,,\n}\n");
  const std::string expected = path.string() + ":2:14: not valid JSON here";
  CHECK_THROWS_WITH(read_json(path), Catch::StartsWith(expected));
  write_file(path, "{ // a comment is allowed\n  \"batch\": 3 }\n");
  CHECK(read_json(path)["batch"] == 3);
  std::filesystem::remove(path);
  CHECK_THROWS_AS(read_json(path), InputError);
}

}  // namespace
}  // namespace swipegym
