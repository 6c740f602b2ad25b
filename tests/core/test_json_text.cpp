#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "core/json_text.h"
#include "core/output_file.h"

namespace swipegym {
namespace {

std::string json_error_of(const std::string& text) {
  try {
    parse_json(text, "a.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST_CASE("malformed JSON names file, line and column", "[core]") {
  CHECK(json_error_of("{\n  \"batch\": 3,,\n}\n") ==
        "a.json:2:14: not valid JSON here; check for a missing comma, quote or bracket");
  CHECK(json_error_of("") == "a.json:1:1: the text ends here, in the middle; check for a missing quote or bracket");
  CHECK(json_error_of("{\"a\": [1, 2") ==
        "a.json:1:12: the text ends here, in the middle; check for a missing quote or bracket");
  CHECK(json_error_of("{\"a\": nan}") ==
        "a.json:1:8: not valid JSON here; check for a missing comma, quote or bracket");
}

TEST_CASE("JSON that is nested without end is refused before anything walks down it", "[core]") {
  const std::string deep = "a.json:2:64: lists and objects are nested deeper than 64 levels here";
  CHECK(json_error_of("{\"epochs\":\n" + repeated("[", 100'000)) == deep);
  CHECK(json_error_of("{\"epochs\":\n" + repeated("[", 100'000) + repeated("]", 100'000) + "}") == deep);
  CHECK_THAT(json_error_of(repeated("{\"a\":", 100'000) + "1" + repeated("}", 100'000)),
             Catch::Contains("nested deeper"));
  CHECK(json_error_of(repeated("[", 64) + repeated("]", 64)).empty());
  CHECK(json_error_of(repeated("[", 65) + repeated("]", 65)) ==
        "a.json:1:65: lists and objects are nested deeper than 64 levels here");
  CHECK(json_error_of("[\"" + repeated("[", 1000) + "\", \"\\\"" + repeated("{", 1000) + "\"]")
            .empty());  // text is no list
}

TEST_CASE("a number beyond a double, a key given twice and bytes that are no text are refused with their place",
          "[core]") {
  CHECK(json_error_of("{\"rate\":\n  1e400}") ==
        "a.json:2:3: the number 1e400 is beyond what a computer's numbers hold");
  CHECK(json_error_of("[-1e400]") == "a.json:1:2: the number -1e400 is beyond what a computer's numbers hold");
  CHECK(json_error_of("[" + repeated("9", 400) + "]") ==
        "a.json:1:2: the number " + repeated("9", 40) + " is beyond what a computer's numbers hold");
  CHECK(parse_json("[1e-400]", "a.json")[0] == 0.0);
  CHECK(json_error_of("{\"a\": 1,\n \"a\": 2}") == "a.json:2:2: the key \"a\" stands here for the second time");
  CHECK(json_error_of("{\"a\": 1, \"\\u0061\": 2}") ==
        "a.json:1:10: the key \"\\u0061\" stands here for the second time");
  CHECK(json_error_of("{\"a\": {\"b\": 1}, \"b\": [{\"a\": 1}, {\"a\": 2}]}").empty());
  CHECK(json_error_of("{\"a\": \"\xFF\"}") == "a.json:1:8: bytes here are no UTF-8 text; save the file as UTF-8");
  CHECK(json_error_of(std::string("{\"a\":\0 1}", 9)) ==
        "a.json:1:6: a control character stands here, which JSON does not allow; remove it");
  CHECK(json_error_of(std::string("{\"a\": \"x\0y\"}", 12)) ==
        "a.json:1:9: a control character stands here, which JSON does not allow; remove it");
}

TEST_CASE("the place of a value is found by its path", "[core]") {
  const std::string text = "{\"a\": {\"b\": [1,\n {\"c\": 2}]}, // \"d\": 3\n \"d\": \"x\"}";
  CHECK(place_in_json(text, "a.json", "a.b[0]") == "a.json:1:14");
  CHECK(place_in_json(text, "a.json", "a.b[1].c") == "a.json:2:8");
  CHECK(place_in_json(text, "a.json", "d") == "a.json:3:7");
  CHECK(place_in_json(text, "a.json", "e") == "a.json");
  CHECK(place_in_json("", "a.json", "") == "a.json");
}

TEST_CASE("files of JSON are read whole, and what is no file is refused by name", "[core]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_json_text.json";
  write_file(path, "{ // a comment is allowed\n  \"batch\": 3 }\n");
  CHECK(read_json(path)["batch"] == 3);
  std::filesystem::remove(path);
  CHECK_THROWS_WITH(read_json(path), path.string() + ": no such file");
  CHECK_THROWS_WITH(read_json(path.parent_path()), path.parent_path().string() + ": is a folder, expected a file");
}

}  // namespace
}  // namespace swipegym
