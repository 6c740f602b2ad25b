#include <catch2/catch.hpp>
#include <string>

#include "core/text.h"

namespace swipegym {
namespace {

TEST_CASE("bytes that are no UTF-8 are written out, and found again", "[text]") {
  CHECK(as_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8E\xAC") == "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8E\xAC");
  CHECK(as_utf8("caf\xE9") == "caf\\xE9");
  CHECK(as_utf8("\xC0\xAF \xED\xA0\x80 \xF5\x80\x80\x80 \xE2\x82") ==
        "\\xC0\\xAF \\xED\\xA0\\x80 \\xF5\\x80\\x80\\x80 \\xE2\\x82");
  CHECK(bytes_of(as_utf8("/d/caf\xE9/\xFF")) == "/d/caf\xE9/\xFF");
  CHECK(bytes_of("\\x4") == "\\x4");
  CHECK(bytes_of("\\xZZ") == "\\xZZ");
}

TEST_CASE("nothing that is printed acts on a terminal", "[text]") {
  CHECK(printable("a\x1B[31mred") == "a\\x1B[31mred");
  CHECK(printable(std::string("nul\0!", 5)) == "nul\\x00!");
  CHECK(printable("\r\x07\x7F") == "\\x0D\\x07\\x7F");
  CHECK(printable("\xC2\x9B"
                  "31m") == "\\xC2\\x9B31m");  // C1: an escape sequence in one character
  CHECK(printable("a\tb\nc \xC2\xB1") == "a\tb\nc \xC2\xB1");
}

TEST_CASE("JSON is written whatever bytes its strings and keys hold", "[text]") {
  const Json json = {{"out", "caf\xE9"}, {"k\xFF", {1, "\xFE"}}, {"n", nullptr}};
  CHECK(json_text(json) == R"({"out":"caf\\xE9","k\\xFF":[1,"\\xFE"],"n":null})");
}

}  // namespace
}  // namespace swipegym
