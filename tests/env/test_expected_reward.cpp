#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "env/expected_reward.h"
#include "tests/env/two_minds.h"

namespace swipegym {
namespace {

// What the model of two minds is worth to an outlook, of its sure video and of the one in doubt.
std::vector<float> worth_of_both(const RewardOutlook& outlook, const UserModel& model) {
  const std::vector<Shown> shown = {{.video = VideoIndex{0}, .duration_ms = 10'000},
                                    {.video = VideoIndex{testing::kDoubted}, .duration_ms = 10'000}};
  const float none = 0.0F;
  const std::vector<const float*> states(2, &none);
  std::vector<float> out(2);
  std::vector<Expectation> said;
  const auto scratch = model.make_scratch();
  outlook.expect(model, shown, states, out, *scratch, said);
  return out;
}

}  // namespace

TEST_CASE("pessimism takes off deviations over members, and nothing where they agree", "[members]") {
  // Both give 4 s to every video; to one of them 2 s and 10 s: a mean of 6, a deviation of the sample of 8 / sqrt(2).
  const testing::TwoMindsModel model;
  RewardOutlook outlook;
  CHECK(worth_of_both(outlook, model) == std::vector<float>{4.0F, 6.0F});
  outlook.pessimism = 0.25F;
  CHECK(worth_of_both(outlook, model)[0] == 4.0F);
  CHECK(worth_of_both(outlook, model)[1] == Approx(6.0 - 0.25 * 8.0 / std::sqrt(2.0)));
  // A reward of clicks has deviations of its own: probabilities .1 and .3.
  outlook.weights = {.watch_s = 0.0F};
  outlook.weights.signal[static_cast<std::size_t>(Signal::kClick)] = 10.0F;
  outlook.pessimism = 1.0F;
  CHECK(worth_of_both(outlook, model)[0] == Approx(2.0));
  CHECK(worth_of_both(outlook, model)[1] == Approx(2.0 - 2.0 / std::sqrt(2.0)));
}

TEST_CASE("pessimism asks for members, and for a number that makes sense", "[members]") {
  const testing::TwoMindsModel two;
  const ConstantUserModel one({});
  CHECK_NOTHROW(check_pessimism(0.0F, one));
  CHECK_NOTHROW(check_pessimism(2.0F, two));
  CHECK_THROWS_WITH(check_pessimism(2.0F, one), Catch::Contains("--members"));
  for (const float wrong : {-0.5F, std::numeric_limits<float>::infinity(), std::nanf("")})
    CHECK_THROWS_WITH(check_pessimism(wrong, two), Catch::Contains("expected a number from 0 to 1000"));
}

}  // namespace swipegym
