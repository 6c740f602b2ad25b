#include <catch2/catch.hpp>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/metrics/ranking.h"

namespace swipegym {
namespace {

using Users = std::vector<std::uint32_t>;
using Values = std::vector<float>;

TEST_CASE("users are ranked by falling score, ties in the order of the rows", "[metrics]") {
  const RankedUsers ranked = rank_users(Users{7, 3, 7, 3, 7, 9}, Values{1, 5, 2, 6, 1, 0}, 2);
  REQUIRE(ranked.user == Users{3, 7});  // user 9 has one row
  CHECK(ranked.row == Users{3, 1, 2, 0, 4});
  CHECK_THROWS_AS(rank_users(Users{1}, Values{NAN}), InputError);
  CHECK_THROWS_AS(rank_users(Users{1}, Values{}), InputError);
}

TEST_CASE("the gain ratio divides by the best order, and by the multipliers of LabelCraft's code", "[metrics]") {
  // User 0 is shown gains 1, 3, 2 and, beyond k = 2, nothing more; user 1 gains nothing at all.
  const RankedUsers ranked = rank_users(Users{0, 0, 0, 1, 1}, Values{3, 2, 1, 1, 0});
  const Values gain = {1, 3, 2, 0, 0};
  const double log3 = std::log2(3.0);
  const UserFigures standard = discounted_gain_ratio(ranked, gain, 2);
  CHECK(standard.value[0] == Approx((1 + 3 / log3) / (3 + 2 / log3)));
  CHECK(std::isnan(standard.value[1]));
  CHECK(standard.counted() == 1);
  CHECK(standard.mean() == Approx(standard.value[0]));

  const UserFigures code = discounted_gain_ratio(ranked, gain, 2, GainMode::kLabelCraftCode);
  CHECK(code.value[0] == Approx((1 + 3 * log3) / (3 + 2 * log3)));
  CHECK(code.value[1] == 1.0F);
  CHECK(code.mean() == Approx((code.value[0] + 1) / 2));
  CHECK(code.weighted_mean(ranked) == Approx((3 * code.value[0] + 2) / 5));

  // The code's ratio exceeds 1 when the largest gain comes late.
  const RankedUsers one = rank_users(Users{0, 0}, Values{2, 1});
  CHECK(discounted_gain_ratio(one, Values{1, 2}, 2, GainMode::kLabelCraftCode).value[0] > 1.0F);
  CHECK(discounted_gain_ratio(one, Values{2, 1}, 2).value[0] == 1.0F);
}

TEST_CASE("duration spread is the sample deviation of the top k", "[metrics]") {
  const RankedUsers ranked = rank_users(Users{0, 0, 0, 1}, Values{3, 2, 1, 1});
  const UserFigures spread = duration_spread(ranked, Values{10, 14, 99, 5}, 2);
  CHECK(spread.value[0] == Approx(std::sqrt(8.0)));
  CHECK(std::isnan(spread.value[1]));
}

TEST_CASE("spearman's correlation is that of ranks", "[metrics]") {
  CHECK(spearman(Values{1, 2, 3, 4}, Values{1, 4, 9, 16}) == Approx(1.0));
  CHECK(spearman(Values{1, 2, 3, 4}, Values{2, 1, 4, 3}) == Approx(0.6));  // 1 - 6 * 4 / (4 * 15)
  CHECK(std::isnan(spearman(Values{1, 1}, Values{1, 2})));
}

}  // namespace
}  // namespace swipegym
