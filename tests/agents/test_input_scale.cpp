#include <catch2/catch.hpp>
#include <cmath>

#include "agents/multitask/input_scale.h"
#include "tests/policy/multitask_toy.h"

namespace swipegym {
namespace {

constexpr std::size_t kScaledRows = 40;

Matrix drawn_rows(std::size_t columns, std::uint64_t seed) {
  Matrix rows(static_cast<Eigen::Index>(kScaledRows), static_cast<Eigen::Index>(columns));
  RandomStream random(make_key(seed), 0);
  for (Eigen::Index r = 0; r < rows.rows(); ++r)
    for (Eigen::Index c = 0; c < rows.cols(); ++c)  // spreads from .03 to 3 about means from 0 to 2
      rows(r, c) = static_cast<float>(c % 3) + std::pow(10.0F, static_cast<float>(c % 3) - 1.0F) * random.uniform();
  return rows;
}

Matrix said_by(MultitaskNetwork& network, const Matrix& states, const Matrix& numbers, const Matrix& cross) {
  MultitaskNetwork::Work work;
  work.states = states, work.numbers = numbers, work.cross = cross;
  work.tag.assign(kScaledRows, 1), work.author = work.id = work.tag;
  for (std::uint32_t i = 0; i < kScaledRows; ++i) work.state_of.push_back(i), work.video_of.push_back(i);
  network.forward_states(work);
  network.forward_items(work);
  network.forward_pairs(work.item.output(), {}, work);
  Matrix out(work.output(0).rows(), 1 + work.output(1).cols());
  out << work.output(0), work.output(1);
  return out;
}

TEST_CASE("scaled inputs have mean 0 and spread 1, and folded weights say of inputs what they said of scaled ones",
          "[agents]") {
  const Matrix states = drawn_rows(9, 1), numbers = drawn_rows(5, 2), cross = drawn_rows(4, 3);
  InputScale scale;
  scale.measure(states, numbers, cross);
  Matrix s = states, n = numbers, c = cross;
  scale.apply(s, n, c);
  for (Eigen::Index i = 0; i < s.cols(); ++i) {
    CHECK(s.col(i).mean() == Approx(0.0).margin(1e-4));
    // Column 0, 3, ... spread by less than the least spread that is brought to 1.
    const float spread = std::sqrt((s.col(i).array() - s.col(i).mean()).square().mean());
    if (i % 3 != 0)
      CHECK(spread == Approx(1.0).epsilon(1e-3));
    else
      CHECK(spread < 1.0F);
  }
  for (const std::size_t layers : {std::size_t{0}, std::size_t{2}}) {
    MultitaskNetwork network(test::small_multitask_network(std::vector<std::size_t>(layers, 6)),
                             {.state = 9, .item = 5, .cross = 4, .tags = 3, .authors = 3, .ids = 3, .outputs = {1, 3}},
                             make_key(7));
    const Matrix scaled = said_by(network, s, n, c), raw = said_by(network, states, numbers, cross);
    CAPTURE(layers);
    CHECK((scaled - raw).cwiseAbs().maxCoeff() > 0.05F);
    {
      const InputScale::Folded folded(scale, network);
      CHECK((said_by(network, states, numbers, cross) - scaled).cwiseAbs().maxCoeff() < 1e-3F);
    }
    CHECK(said_by(network, states, numbers, cross) == raw);  // and as it was, bit for bit
    InputScale::Folded(scale, network).keep();
    CHECK((said_by(network, states, numbers, cross) - scaled).cwiseAbs().maxCoeff() < 1e-3F);
    // And back: it says the same again, of scaled inputs.
    scale.unfold(network);
    CHECK((said_by(network, s, n, c) - scaled).cwiseAbs().maxCoeff() < 1e-3F);
  }
}

TEST_CASE("what an input taught before outlasts rows in which it does not vary", "[agents]") {
  Matrix states = drawn_rows(9, 1), numbers = drawn_rows(5, 2), cross = drawn_rows(4, 3);
  MultitaskNetwork network(test::small_multitask_network({6}),
                           {.state = 9, .item = 5, .cross = 4, .tags = 3, .authors = 3, .ids = 3, .outputs = {1, 3}},
                           make_key(7));
  const Matrix said = said_by(network, states, numbers, cross);
  Matrix constant = states;
  constant.col(4).setConstant(0.7F);
  InputScale scale;
  scale.measure(constant, numbers, cross, true);
  scale.unfold(network);
  InputScale::Folded(scale, network).keep();
  CHECK((said_by(network, states, numbers, cross) - said).cwiseAbs().maxCoeff() < 1e-3F);
}

TEST_CASE("an input that never varied while learning changes nothing when it does later", "[agents]") {
  Matrix states = drawn_rows(9, 1), numbers = drawn_rows(5, 2), cross = drawn_rows(4, 3);
  states.col(4).setConstant(0.3F), numbers.col(2).setZero(), cross.col(1).setOnes();
  InputScale scale;
  scale.measure(states, numbers, cross);
  MultitaskNetwork network(test::small_multitask_network(),
                           {.state = 9, .item = 5, .cross = 4, .tags = 3, .authors = 3, .ids = 3, .outputs = {1, 3}},
                           make_key(7));
  InputScale::Folded(scale, network).keep();
  const Matrix before = said_by(network, states, numbers, cross);
  states.col(4).setConstant(9.0F), numbers.col(2).setConstant(-5.0F), cross.col(1).setZero();
  CHECK(said_by(network, states, numbers, cross) == before);
  states.col(5).array() += 1.0F;
  CHECK(said_by(network, states, numbers, cross) != before);
}

}  // namespace
}  // namespace swipegym
