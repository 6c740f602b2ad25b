#include <array>
#include <catch2/catch.hpp>
#include <cmath>

#include "nn/adam.h"

namespace swipegym {
namespace {

ParameterOf<double> scalar(double value) {
  ParameterOf<double> parameter;
  parameter.resize(1, 1);
  parameter.value(0, 0) = value;
  return parameter;
}

TEST_CASE("two Adam steps give the numbers of the formula by hand", "[nn]") {
  ParameterOf<double> w = scalar(1.0);
  AdamOf<double> adam({.learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 0.0});
  const std::array parameters = {&w};
  w.gradient()(0, 0) = 2.0;
  CHECK(adam.step(parameters) == 2.0);
  // m = 0.2, v = 0.04; corrected m = 2, v = 4: the first step is lr * sign(g)
  CHECK(w.value(0, 0) == Approx(0.9));
  CHECK(w.gradient()(0, 0) == 0.0);
  w.gradient()(0, 0) = -1.0;
  adam.step(parameters);
  // m = 0.9 * 0.2 - 0.1 = 0.08, corrected 0.08 / 0.19; v = 0.99 * 0.04 + 0.01 = 0.0496, corrected 0.0496 / 0.0199
  CHECK(w.value(0, 0) == Approx(0.9 - 0.1 * (0.08 / 0.19) / std::sqrt(0.0496 / 0.0199)));
  CHECK(adam.steps() == 2);
}

TEST_CASE("weight decay is decoupled and spares biases", "[nn]") {
  ParameterOf<double> weight = scalar(2.0), bias = scalar(2.0);
  bias.decays = false;
  AdamOf<double> adam({.learning_rate = 0.1, .epsilon = 1e-8, .weight_decay = 0.5});
  adam.step(std::array{&weight, &bias});  // zero gradients: only the decay moves anything
  CHECK(weight.value(0, 0) == Approx(2.0 * (1.0 - 0.1 * 0.5)));
  CHECK(bias.value(0, 0) == 2.0);
}

TEST_CASE("clipping scales all gradients together to the norm given", "[nn]") {
  ParameterOf<double> a = scalar(0.0), b = scalar(0.0);
  a.gradient()(0, 0) = 3.0;
  b.gradient()(0, 0) = 4.0;
  AdamOf<double> adam({.learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .clip_norm = 1.0});
  CHECK(adam.step(std::array{&a, &b}) == Approx(5.0));
  CHECK(a.first_moment(0, 0) == Approx(0.1 * 0.6));
  CHECK(b.first_moment(0, 0) == Approx(0.1 * 0.8));
}

TEST_CASE("sparse Adam moves a touched row as dense Adam would and leaves the others alone", "[nn]") {
  EmbeddingOf<double> embedding(5, 2, make_key(1), 1.0);
  const MatrixOf<double> before = embedding.table.value;
  ParameterOf<double> dense;
  dense.resize(1, 2);
  dense.value = before.row(3);
  const AdamConfig config{.learning_rate = 0.05};
  AdamOf<double> sparse_adam(config), dense_adam(config);
  MatrixOf<double> gradient(1, 2);
  for (const double scale : {1.0, -0.3, 2.0}) {
    gradient << scale, 0.5 * scale;
    embedding.scatter(std::array<std::int32_t, 1>{3}, gradient);
    dense.gradient() = gradient;
    const std::array embeddings = {&embedding};
    const double norm = sparse_adam.step({}, embeddings);
    CHECK(norm == Approx(gradient.norm()));
    dense_adam.step(std::array{&dense});
  }
  CHECK(embedding.table.value.row(3).isApprox(dense.value.row(0), 1e-12));
  CHECK(embedding.table.value.topRows(3) == before.topRows(3));
  CHECK(embedding.table.value.row(4) == before.row(4));
}

TEST_CASE("a table's gradient and step are the same on any number of threads, and as by scatter", "[nn]") {
  constexpr std::size_t kRows = 3000, kDim = 20;
  const auto start = [] { return Embedding(kRows, kDim, make_key(1), 1.0); };
  Matrix rows(500, kDim);
  std::vector<RowGradient> list, second;
  std::vector<std::int32_t> ids;
  RandomStream random(make_key(2));
  for (Eigen::Index i = 0; i < rows.size(); ++i) rows.data()[i] = random.uniform() - 0.5F;
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    ids.push_back(i % 7 == 0 ? -1 : static_cast<std::int32_t>(random.below(i % 2 == 0 ? 40 : kRows)));
    (i < 200 ? list : second).push_back({ids.back(), 0.5F, rows.data() + i * rows.cols()});
  }
  const std::array<std::span<const RowGradient>, 2> lists = {list, second};
  Embedding reference = start();
  reference.scatter(ids, 0.5F * rows);
  Adam reference_adam({.learning_rate = 0.1, .clip_norm = 0.5});
  const double norm = reference_adam.step({}, std::array{&reference});
  for (const int threads : {1, 2, 3}) {
    CAPTURE(threads);
    Embedding table = start();
    table.scatter(lists, threads);
    Adam adam({.learning_rate = 0.1, .clip_norm = 0.5});
    CHECK(adam.step({}, std::array{&table}, threads) == norm);
    CHECK(table.table.value == reference.table.value);
    CHECK(table.table.second_moment == reference.table.second_moment);
    CHECK(table.touched().empty());
  }
}

TEST_CASE("Adam finds the minimum of a quadratic", "[nn]") {
  ParameterOf<double> w = scalar(5.0);
  AdamOf<double> adam({.learning_rate = 0.05});
  for (int i = 0; i < 2000; ++i) {
    w.gradient()(0, 0) = 2.0 * (w.value(0, 0) - 1.5);
    adam.step(std::array{&w});
  }
  CHECK(w.value(0, 0) == Approx(1.5).margin(1e-3));
}

}  // namespace
}  // namespace swipegym
