#include <array>

#include "core/error.h"
#include "nn/activation.h"
#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/fast_math.h"
#include "nn/linear.h"
#include "nn/mlp.h"
#include "tests/nn/gradient_check.h"

namespace swipegym {
namespace {

using test::check_gradient;
using test::MatrixD;
using test::random_matrix;

// A loss whose gradient with respect to `output` is `slopes`.
double weighted_sum(const MatrixD& output, const MatrixD& slopes) {
  return (output.array() * slopes.array()).sum();
}

TEST_CASE("a linear layer adds its bias to x W", "[nn]") {
  LinearOf<float> layer(2, 3, make_key(1));
  layer.weight.value << 1, 2, 3, 4, 5, 6;
  layer.bias.value << 10, 20, 30;
  Matrix input(1, 2), output;
  input << 1, -1;
  layer.forward(input, output);
  CHECK(output(0, 0) == 7.0F);
  CHECK(output(0, 1) == 17.0F);
  CHECK(output(0, 2) == 27.0F);
}

TEST_CASE("a linear layer's gradients are its finite differences", "[nn]") {
  LinearOf<double> layer(3, 4, make_key(2));
  layer.bias.value = random_matrix(1, 4, 3);
  MatrixD input = random_matrix(5, 3, 4), output, d_input;
  const MatrixD slopes = random_matrix(5, 4, 5);
  layer.backward(input, slopes, &d_input);
  const auto loss = [&] {
    layer.forward(input, output);
    return weighted_sum(output, slopes);
  };
  check_gradient(layer.weight.value, layer.weight.gradient(), loss);
  check_gradient(layer.bias.value, layer.bias.gradient(), loss);
  check_gradient(input, d_input, loss);
}

TEST_CASE("shards of a batch add up to the whole batch's gradient", "[nn]") {
  LinearOf<double> whole(3, 2, make_key(6)), cut = whole;
  cut.set_shards(2);
  const MatrixD input = random_matrix(4, 3, 7), slopes = random_matrix(4, 2, 8);
  whole.backward(input, slopes, nullptr);
  cut.backward(input.topRows(2), slopes.topRows(2), nullptr, 0);
  cut.backward(input.bottomRows(2), slopes.bottomRows(2), nullptr, 1);
  cut.weight.reduce_gradient();
  cut.bias.reduce_gradient();
  CHECK(cut.weight.gradient().isApprox(whole.weight.gradient(), 1e-12));
  CHECK(cut.bias.gradient().isApprox(whole.bias.gradient(), 1e-12));
  CHECK(cut.weight.shards[1].isZero());
}

TEST_CASE("every activation's gradient is its finite difference", "[nn]") {
  for (const auto name : {"identity", "relu", "silu", "gelu", "tanh"}) {
    CAPTURE(name);
    const Activation activation = parse_activation(name);
    MatrixD input = random_matrix(4, 7, 11, 3.0), output, gradient = random_matrix(4, 7, 12);
    const MatrixD slopes = gradient;
    activate_backward(activation, input, gradient);
    check_gradient(input, gradient, [&] {
      activate(activation, input, output);
      return weighted_sum(output, slopes);
    });
  }
  CHECK_THROWS_AS(parse_activation("swish"), InputError);
}

TEST_CASE("activations have their textbook values", "[nn]") {
  Matrix input(1, 3), output;
  input << -1.0F, 0.0F, 2.0F;
  const auto check = [&](Activation activation, std::array<double, 3> expected) {
    activate(activation, input, output);
    for (Eigen::Index i = 0; i < 3; ++i)
      CHECK(output(0, i) == Approx(expected[static_cast<std::size_t>(i)]).margin(2e-6));
  };
  check(Activation::kRelu, {0.0, 0.0, 2.0});
  check(Activation::kSilu, {-0.26894142, 0.0, 1.76159416});
  check(Activation::kGelu, {-0.15880801, 0.0, 1.95459769});
  check(Activation::kTanh, {-0.76159416, 0.0, 0.96402758});
}

TEST_CASE("the fast exponential stays within 3e-7 of the library's and does not overflow", "[nn]") {
  double worst = 0.0;
  for (float x = -86.0F; x < 87.0F; x += 0.0137F)
    worst = std::max(worst, std::abs(static_cast<double>(fast_exp(x)) / std::exp(static_cast<double>(x)) - 1.0));
  CHECK(worst < 3e-7);
  CHECK(std::isfinite(fast_exp(1e9F)));
  CHECK(fast_exp(-1e9F) < 1e-37F);
}

TEST_CASE("dropout keeps the mean, and a row's mask does not depend on how the batch is cut", "[nn]") {
  const RandomKey key = make_key(20);
  Matrix whole = Matrix::Ones(200, 50), mask;
  dropout(0.2F, key, 0, mask, whole);
  CHECK(whole.mean() == Approx(1.0).margin(0.02));  // 10,000 draws of standard deviation .5: 4 standard errors
  CHECK((whole.array() == 0.0F).count() / 10000.0 == Approx(0.2).margin(0.016));
  Matrix part = Matrix::Ones(50, 50);
  dropout(0.2F, key, 150, mask, part);
  CHECK(part == whole.bottomRows(50));
  Matrix gradient = Matrix::Constant(50, 50, 2.0F);
  dropout_backward(mask, gradient);
  CHECK(gradient == 2.0F * mask);
}

TEST_CASE("an embedding's gradient is its finite difference and touches only the rows asked for", "[nn]") {
  EmbeddingOf<double> embedding(6, 3, make_key(30), 1.0);
  const std::array<std::int32_t, 4> ids = {4, 1, -1, 4};
  const MatrixD slopes = random_matrix(4, 3, 31);
  embedding.scatter(ids, slopes);
  REQUIRE(embedding.touched().size() == 2);
  CHECK(embedding.touched()[0] == 4);
  CHECK(embedding.touched()[1] == 1);
  MatrixD dense = MatrixD::Zero(6, 3), output(4, 3);
  dense.row(4) = embedding.touched_gradient().row(0);
  dense.row(1) = embedding.touched_gradient().row(1);
  check_gradient(embedding.table.value, dense, [&] {
    embedding.gather(ids, output);
    return weighted_sum(output, slopes);
  });
  CHECK(output.row(2).isZero());  // padding
  embedding.zero_gradient();
  CHECK(embedding.touched().empty());
  embedding.scatter(std::array<std::int32_t, 1>{1}, slopes.topRows(1));
  CHECK(embedding.touched_gradient().row(0) == slopes.row(0));
}

TEST_CASE("an Mlp's gradients are its finite differences, with and without dropout", "[nn]") {
  for (const double rate : {0.0, 0.3}) {
    CAPTURE(rate);
    MlpOf<double> mlp(std::array<std::size_t, 4>{3, 8, 6, 2}, Activation::kSilu, make_key(40));
    MlpWorkspaceOf<double> workspace;
    MatrixD input = random_matrix(5, 3, 41), d_input;
    const MatrixD slopes = random_matrix(5, 2, 42);
    const auto loss = [&] {
      mlp.forward(input, workspace, rate, make_key(43));
      return weighted_sum(workspace.output(), slopes);
    };
    loss();
    mlp.backward(input, slopes, workspace, &d_input);
    check_gradient(input, d_input, loss);
    for (auto& layer : mlp.layers) {
      check_gradient(layer.weight.value, layer.weight.gradient(), loss);
      check_gradient(layer.bias.value, layer.bias.gradient(), loss);
    }
  }
}

TEST_CASE("a fresh network keeps the variance of its inputs", "[nn]") {
  const MlpOf<double> mlp(std::array<std::size_t, 4>{64, 64, 64, 64}, Activation::kRelu, make_key(50));
  MlpWorkspaceOf<double> workspace;
  const MatrixD input = random_matrix(200, 64, 51, std::sqrt(3.0));  // variance 1
  mlp.forward(input, workspace);
  const double variance = workspace.before[1].array().square().mean();
  CHECK(variance > 1.0);  // gain sqrt(2): E[z^2] = 2 before the activation, 1 after it
  CHECK(variance < 3.0);
}

}  // namespace
}  // namespace swipegym
