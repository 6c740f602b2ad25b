#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "nn/gru.h"
#include "tests/nn/gradient_check.h"

namespace swipegym {
namespace {

using test::check_gradient;
using test::MatrixD;
using test::random_matrix;

constexpr std::array<std::uint32_t, 6> kGruOffset = {0, 3, 3, 8, 9, 12};  // lengths 3, 0, 5, 1, 3

GruOf<double> random_gru(std::size_t in, std::size_t width) {
  GruOf<double> gru(in, width, make_key(1));
  gru.input.bias.value = random_matrix(1, static_cast<Eigen::Index>(3 * width), 2);
  gru.hidden.bias.value = random_matrix(1, static_cast<Eigen::Index>(3 * width), 3);
  return gru;
}

TEST_CASE("gradients of the GRU match finite differences, for sequences of any lengths", "[nn]") {
  GruOf<double> gru = random_gru(4, 3);
  MatrixD in = random_matrix(12, 4, 4);
  const MatrixD weight = random_matrix(5, 3, 5);
  GruWorkOf<double> work;
  MatrixD d_in;
  const auto loss = [&] {
    gru.forward(in, kGruOffset, work);
    return (work.output.array() * weight.array()).sum();
  };
  loss();
  gru.backward(in, kGruOffset, weight, work, d_in);
  check_gradient(in, d_in, loss);
  for (LinearOf<double>* layer : {&gru.input, &gru.hidden}) {
    check_gradient(layer->weight.value, layer->weight.gradient(), loss);
    check_gradient(layer->bias.value, layer->bias.gradient(), loss);
  }
  CHECK(work.output.row(1).isZero(0.0));  // the empty sequence
}

TEST_CASE("the GRU is torch.nn.GRU's formula, gates in the order r, z, n", "[nn]") {
  // Row r of PyTorch's weight_ih holds .1 (2 r + c) - .5 and so on. The states are those of the formula in its
  // documentation, reckoned step by step without this library.
  GruOf<double> gru(2, 2, make_key(1));
  for (Eigen::Index r = 0; r < 6; ++r) {
    for (Eigen::Index c = 0; c < 2; ++c) {
      gru.input.weight.value(c, r) = 0.1 * static_cast<double>(2 * r + c) - 0.5;
      gru.hidden.weight.value(c, r) = 0.3 - 0.07 * static_cast<double>(2 * r + c);
    }
    gru.input.bias.value(0, r) = 0.05 * static_cast<double>(r) - 0.1;
    gru.hidden.bias.value(0, r) = 0.2 - 0.06 * static_cast<double>(r);
  }
  MatrixD in(3, 2);
  in << 1.0, -0.5, 0.25, 2.0, -1.5, 0.75;
  const double expected[3][2] = {
      {0.090905184388, 0.141772510469}, {0.405041010934, 0.429308479880}, {0.116730841854, -0.003980301187}};
  GruWorkOf<double> work;
  for (std::uint32_t steps = 1; steps <= 3; ++steps) {
    const std::array<std::uint32_t, 2> offset = {0, steps};
    gru.forward(in.topRows(steps), offset, work);
    for (Eigen::Index c = 0; c < 2; ++c) CHECK(work.output(0, c) == Approx(expected[steps - 1][c]).margin(1e-11));
  }
}

TEST_CASE("a sequence's state behind the GRU does not depend on the sequences beside it", "[nn]") {
  Gru gru(7, 20, make_key(9));
  const Matrix in = random_matrix(12, 7, 10).cast<float>();
  GruWork all, own;
  gru.forward(in, kGruOffset, all);
  for (std::size_t s = 0; s + 1 < kGruOffset.size(); ++s) {
    const std::array<std::uint32_t, 2> offset = {0, kGruOffset[s + 1] - kGruOffset[s]};
    gru.forward(in.middleRows(kGruOffset[s], offset[1]), offset, own);
    CHECK(own.output.row(0) == all.output.row(static_cast<Eigen::Index>(s)));
  }
  // Order matters to it.
  const Matrix reversed = in.topRows(3).colwise().reverse();
  const std::array<std::uint32_t, 2> three = {0, 3};
  gru.forward(reversed, three, own);
  CHECK((own.output.row(0) - all.output.row(0)).norm() > 0.01F);
}

}  // namespace
}  // namespace swipegym
