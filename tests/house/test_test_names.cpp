#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

namespace {

// CMake keeps the names of test cases in a list, where a semicolon ends an item and an open bracket keeps the next ones
// inside: such names are joined, or cut, into one that no case has, and the cases are never run.
TEST_CASE("names of test cases have no letter that CMake's lists take apart", "[house]") {
  static const std::regex name(R"rx(TEST_CASE\(\s*"((?:[^"\\]|\\.)*)")rx");
  int cases = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(SWIPEGYM_SOURCE_DIR) / "tests")) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (std::sregex_iterator match(text.begin(), text.end(), name), end; match != end; ++match, ++cases) {
      CAPTURE(entry.path(), match->str(1));
      CHECK(match->str(1).find_first_of("[];\\") == std::string::npos);
    }
  }
  CHECK(cases > 500);
}

}  // namespace
