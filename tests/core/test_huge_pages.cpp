#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "core/huge_pages.h"

namespace swipegym {
namespace {

TEST_CASE("asking for huge pages changes no value, whatever is asked for", "[core]") {
  std::vector<int> table((std::size_t{9} << 20) / sizeof(int));
  std::iota(table.begin(), table.end(), 0);
  prefer_huge_pages(table);
  prefer_huge_pages(table.data() + 1, (std::size_t{5} << 20) + 3);
  prefer_huge_pages(std::vector<int>{});
  prefer_huge_pages(nullptr, 0);
  bool same = true;
  for (std::size_t i = 0; i < table.size(); ++i) same = same && table[i] == static_cast<int>(i);
  CHECK(same);
}

}  // namespace
}  // namespace swipegym
