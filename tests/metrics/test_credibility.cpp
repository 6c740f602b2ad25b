#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/error.h"
#include "evaluation/metrics/credibility.h"

namespace swipegym {
namespace {

// Hachemeister's (1975) claims of five states over twelve quarters, the data of credibility's textbooks.
constexpr double kClaims[5][12] = {{1738, 1642, 1794, 2051, 2079, 2234, 2032, 2035, 2115, 2262, 2267, 2517},
                                   {1364, 1408, 1597, 1444, 1342, 1675, 1470, 1448, 1464, 1831, 1612, 1471},
                                   {1759, 1685, 1479, 1763, 1674, 2103, 1502, 1622, 1828, 2155, 2233, 2059},
                                   {1223, 1146, 1010, 1257, 1426, 1532, 1953, 1123, 1343, 1243, 1762, 1306},
                                   {1456, 1499, 1609, 1741, 1482, 1572, 1606, 1735, 1607, 1573, 1613, 1690}};
constexpr double kNumbers[5][12] = {{7861, 9251, 8706, 8575, 7917, 8263, 9456, 8003, 7365, 7832, 7849, 9077},
                                    {1622, 1742, 1523, 1515, 1622, 1602, 1964, 1515, 1527, 1748, 1654, 1861},
                                    {1147, 1357, 1329, 1204, 998, 1077, 1277, 1218, 896, 1003, 1108, 1121},
                                    {407, 396, 348, 341, 315, 328, 352, 331, 287, 384, 321, 342},
                                    {2902, 3172, 3046, 3068, 2693, 2910, 3275, 2697, 2663, 3017, 3242, 3425}};

}  // namespace

TEST_CASE("means by groups are shrunk as Buehlmann and Straub do it", "[metrics]") {
  GroupedValues values;
  for (std::uint32_t state = 0; state < 5; ++state)
    for (int quarter = 0; quarter < 12; ++quarter) {
      values.value.push_back(kClaims[state][quarter]), values.weight.push_back(kNumbers[state][quarter]);
      values.group.push_back(state);
    }
  // As R's actuar has them (cm(), method "unbiased"); a sixth state without claims has the mean.
  const Credibility found = credible_means(values, 6);
  CHECK(found.within == Approx(139'120'026).epsilon(1e-6));
  CHECK(found.between == Approx(89'639).epsilon(1e-4));
  CHECK(found.mean == Approx(1'684).margin(0.5));
  const double expected[] = {2'055, 1'524, 1'793, 1'443, 1'603, 1'684};
  for (std::size_t state = 0; state < 6; ++state) CHECK(found.group[state] == Approx(expected[state]).margin(0.6));
}

TEST_CASE("where groups do not differ, or nothing tells whether they do, all have the mean", "[metrics]") {
  CHECK(credible_means({}, 2).group == std::vector<double>{0.0, 0.0});
  const Credibility single = credible_means({{1.0, 3.0}, {1.0, 1.0}, {0, 1}}, 2);
  CHECK(single.group == std::vector<double>{2.0, 2.0});
  const Credibility alike = credible_means({{1.0, 3.0, 1.0, 3.0}, {1.0, 1.0, 1.0, 1.0}, {0, 0, 1, 1}}, 2);
  CHECK(alike.between == 0.0);
  CHECK(alike.group == std::vector<double>{2.0, 2.0});
  CHECK_THROWS_AS(credible_means({{1.0}, {1.0}, {2}}, 2), InputError);
  CHECK_THROWS_AS(credible_means({{1.0}, {0.0}, {0}}, 2), InputError);
  CHECK_THROWS_AS(credible_means({{NAN}, {1.0}, {0}}, 2), InputError);
}

}  // namespace swipegym
