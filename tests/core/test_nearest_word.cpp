#include <catch2/catch.hpp>
#include <string>

#include "core/nearest_word.h"

namespace swipegym {
namespace {

TEST_CASE("the nearest known word is offered only when it is near", "[core]") {
  CHECK(nearest_word("fidelty", {"fit", "fidelity", "compare"}) == "fidelity");
  CHECK(nearest_word("fidel", {"fit", "fidelity", "compare"}) == "fidelity");
  CHECK(nearest_word("zebra", {"fit", "fidelity", "compare"}).empty());
  CHECK(nearest_word(std::string(100'000, 'a'), {std::string(100'000, 'a')}).empty());  // and takes no minutes
  CHECK(did_you_mean("fidel", {"fidelity"}, "--") == ", did you mean '--fidelity'?");
  CHECK(did_you_mean("zebra", {"fidelity"}).empty());
}

}  // namespace
}  // namespace swipegym
