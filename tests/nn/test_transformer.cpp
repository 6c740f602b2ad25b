#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include "nn/layer_norm.h"
#include "nn/transformer.h"
#include "tests/nn/gradient_check.h"

namespace swipegym {
namespace {

using test::check_gradient;
using test::MatrixD;
using test::random_matrix;

constexpr std::array<std::uint32_t, 4> kOffset = {0, 5, 6, 13};

/// Sum of out * weight: a loss whose gradient is `weight`.
double weighted(const MatrixD& out, const MatrixD& weight) {
  return (out.array() * weight.array()).sum();
}

TEST_CASE("gradients of LayerNorm match finite differences", "[nn]") {
  LayerNormOf<double> norm(21, 1e-5);
  norm.gamma.value = random_matrix(1, 21, 1);
  norm.beta.value = random_matrix(1, 21, 2);
  MatrixD input = random_matrix(4, 21, 3);
  const MatrixD weight = random_matrix(4, 21, 4);
  LayerNormWorkOf<double> work;
  MatrixD output, d_input;
  const auto loss = [&] {
    norm.forward(input, work, output);
    return weighted(output, weight);
  };
  loss();
  norm.backward(input, work, weight, d_input, false);
  check_gradient(input, d_input, loss);
  check_gradient(norm.gamma.value, norm.gamma.gradient(), loss);
  check_gradient(norm.beta.value, norm.beta.gradient(), loss);
}

TEST_CASE("LayerNorm gives rows of mean 0 and variance 1", "[nn]") {
  LayerNorm norm(50, 1e-8);
  const Matrix input = (random_matrix(3, 50, 9, 4.0).array() + 2.0).matrix().cast<float>();
  LayerNormWorkOf<float> work;
  Matrix output;
  norm.forward(input, work, output);
  for (Eigen::Index row = 0; row < 3; ++row) {
    CHECK(output.row(row).mean() == Approx(0.0F).margin(1e-5));
    CHECK(output.row(row).squaredNorm() / 50.0F == Approx(1.0F).margin(1e-4));
  }
}

TEST_CASE("gradients of causal attention match finite differences, with dropout too", "[nn]") {
  const double rate = GENERATE(0.0, 0.4);
  const std::size_t heads = GENERATE(std::size_t{1}, std::size_t{2});
  const AttentionDropout dropout{.rate = rate, .key = make_key(5), .first_row = 7};
  MatrixD query = random_matrix(13, 20, 1), key_value = random_matrix(13, 40, 2);
  const MatrixD weight = random_matrix(13, 20, 3);
  AttentionWorkOf<double> work;
  MatrixD out, d_query, d_key_value;
  const auto loss = [&] {
    causal_attention(query, key_value, kOffset, heads, dropout, work, out);
    return weighted(out, weight);
  };
  loss();
  causal_attention_backward(query, key_value, kOffset, heads, dropout, work, weight, d_query, d_key_value);
  check_gradient(query, d_query, loss);
  check_gradient(key_value, d_key_value, loss);
}

TEST_CASE("attention weighs by softmax and sees neither the future nor other sequences", "[nn]") {
  const MatrixD query = random_matrix(40, 6, 11), key_value = random_matrix(40, 12, 12);
  constexpr std::array<std::uint32_t, 3> kTwo = {0, 33, 40};
  AttentionWorkOf<double> work;
  MatrixD out, changed;
  causal_attention(query, key_value, kTwo, 2, {}, work, out);
  for (const Eigen::Index row : {0, 20, 32}) {  // the formula by hand
    for (Eigen::Index head = 0; head < 2; ++head) {
      Eigen::RowVector3d sum = Eigen::RowVector3d::Zero();
      double total = 0.0;
      for (Eigen::Index j = 0; j <= row; ++j) {
        const double score = query.row(row).segment(3 * head, 3).dot(key_value.row(j).segment(3 * head, 3));
        total += std::exp(score / std::sqrt(3.0));
        sum += std::exp(score / std::sqrt(3.0)) * key_value.row(j).segment(6 + 3 * head, 3);
      }
      CHECK((out.row(row).segment(3 * head, 3) - sum / total).norm() < 1e-12);
    }
  }
  MatrixD other = key_value;
  other.row(20) *= -3.0;
  causal_attention(query, other, kTwo, 2, {}, work, changed);
  CHECK(changed.topRows(20) == out.topRows(20));
  CHECK(changed.bottomRows(7) == out.bottomRows(7));
  CHECK((changed.row(20) - out.row(20)).norm() > 1e-3);
}

TransformerOf<double> make_transformer(NormOrder norm, Activation activation) {
  const TransformerShape shape{
      .width = 12, .blocks = 2, .heads = 2, .inner = 20, .norm = norm, .activation = activation, .norm_epsilon = 1e-6};
  TransformerOf<double> transformer(shape, make_key(3));
  std::vector<ParameterOf<double>*> parameters;
  transformer.collect(parameters);
  std::uint64_t seed = 100;
  for (ParameterOf<double>* p : parameters) {
    const MatrixD noise = random_matrix(p->value.rows(), p->value.cols(), ++seed, 0.2);
    p->value += noise;
  }
  return transformer;
}

TEST_CASE("gradients of the transformer match finite differences in every order of normalisation", "[nn]") {
  const auto norm = GENERATE(NormOrder::kPublished, NormOrder::kPre, NormOrder::kPost);
  const double rate = GENERATE(0.0, 0.3);
  TransformerOf<double> transformer =
      make_transformer(norm, norm == NormOrder::kPost ? Activation::kGelu : Activation::kRelu);
  const TransformerDropout dropout{.rate = rate, .attention_rate = rate, .key = make_key(8), .first_row = 2};
  MatrixD input = random_matrix(13, 12, 1);
  const MatrixD weight = random_matrix(13, 12, 2);
  TransformerWorkOf<double> work;
  const auto loss = [&] {
    transformer.forward(input, kOffset, dropout, work);
    return weighted(work.output, weight);
  };
  loss();
  MatrixD d_input;
  transformer.backward(kOffset, dropout, weight, work, d_input);
  check_gradient(input, d_input, loss);
  std::vector<ParameterOf<double>*> parameters;
  transformer.collect(parameters);
  for (ParameterOf<double>* p : parameters) check_gradient(p->value, p->gradient(), loss);
}

TEST_CASE("a transformer's row does not change with the future, the neighbours or the batch", "[nn]") {
  const auto norm = GENERATE(NormOrder::kPublished, NormOrder::kPre, NormOrder::kPost);
  const TransformerShape shape{.width = 48, .blocks = 2, .heads = 3, .inner = 40, .norm = norm};
  const Transformer transformer(shape, make_key(4));
  const Matrix input = random_matrix(13, 48, 1).cast<float>();
  TransformerWork work;
  transformer.forward(input, kOffset, {}, work);
  const Matrix whole = work.output;
  const Matrix alone = input.middleRows(6, 4);  // the first four of the last sequence
  constexpr std::array<std::uint32_t, 2> kAlone = {0, 4};
  transformer.forward(alone, kAlone, {}, work);
  CHECK(work.output == whole.middleRows(6, 4));
}

TEST_CASE("shards of a batch drop what the whole batch drops", "[nn]") {
  const TransformerShape shape{.width = 16, .blocks = 1, .heads = 1, .inner = 16};
  const Transformer transformer(shape, make_key(4));
  const Matrix input = random_matrix(13, 16, 1).cast<float>();
  const TransformerDropout dropout{.rate = 0.5, .attention_rate = 0.2, .key = make_key(1)};
  TransformerWork work;
  transformer.forward(input, kOffset, dropout, work);
  const Matrix whole = work.output;
  TransformerDropout later = dropout;
  later.first_row = 6;
  const Matrix rest = input.bottomRows(7);
  transformer.forward(rest, std::array<std::uint32_t, 2>{0, 7}, later, work);
  CHECK(work.output == whole.bottomRows(7));
  transformer.forward(input, kOffset, {}, work);
  CHECK(work.output != whole);
}

}  // namespace
}  // namespace swipegym
