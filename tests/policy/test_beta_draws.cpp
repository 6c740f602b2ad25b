#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "policy/bandit/beta_draws.h"
#include "tests/draw_laws.h"

namespace swipegym {
namespace {

TEST_CASE("beta draws made many at a time have the law and the moments of their shapes", "[policy][bandit]") {
  constexpr std::size_t kMany = 20'000;
  std::vector<std::uint32_t> streams(kMany);
  std::iota(streams.begin(), streams.end(), 0U);
  std::uint64_t seed = 0;
  for (const auto& [a, b] : test::kBetaShapes) {
    CAPTURE(a, b);
    std::vector<double> values(kMany);
    draw_betas(make_key(++seed), streams, std::vector<double>(kMany, a), std::vector<double>(kMany, b), values);
    test::check_beta_law(values, a, b);
  }
}

TEST_CASE("what a stream draws does not depend on the list it stands in", "[policy][bandit]") {
  const std::vector<std::uint32_t> streams = {7, 3, 1'000'000, 12};
  const std::vector<double> alpha = {5.0, 0.3, 70.0, 1.5}, beta = {9.0, 2.0, 900.0, 1.0};
  std::vector<double> drawn(4), alone(1);
  draw_betas(make_key(1), streams, alpha, beta, drawn);
  for (std::size_t i = 0; i < 4; ++i) {
    draw_betas(make_key(1), {&streams[i], 1}, {&alpha[i], 1}, {&beta[i], 1}, alone);
    CHECK(alone[0] == drawn[i]);
    std::vector<std::uint32_t> many(100, streams[i]);  // behind the 64 that are drawn together
    std::vector<double> all(100);
    draw_betas(make_key(1), many, std::vector<double>(100, alpha[i]), std::vector<double>(100, beta[i]), all);
    CHECK(all == std::vector<double>(100, drawn[i]));
  }
}

}  // namespace
}  // namespace swipegym
