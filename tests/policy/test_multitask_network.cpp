#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "policy/multitask/multitask_network.h"
#include "tests/nn/gradient_check.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

using test::MatrixD;
using MultitaskD = MultitaskNetworkOf<double>;

struct SmallCase {
  MultitaskNetworkConfig config{.experts = 3,
                                .state_hidden = {5},
                                .item_hidden = {4},
                                .width = 3,
                                .expert = {4, 3},
                                .tower = {3},
                                .tag_dim = 2,
                                .author_dim = 2,
                                .id_dim = 2};
  MultitaskShape shape{.state = 6, .item = 3, .cross = 2, .tags = 3, .authors = 4, .ids = 5, .outputs = {3, 1, 1}};

  // Two states, three videos and five pairs of them; video 2 is unknown.
  void fill(MultitaskD::Work& work) const {
    work.states = test::random_matrix(2, static_cast<Eigen::Index>(shape.state), 1);
    work.numbers = test::random_matrix(3, static_cast<Eigen::Index>(shape.item), 2);
    work.tag = {0, 2, -1}, work.author = {3, 3, -1}, work.id = {4, 1, -1};
    work.state_of = {0, 0, 1, 1, 1}, work.video_of = {0, 1, 2, 0, 1};
    work.cross = test::random_matrix(5, static_cast<Eigen::Index>(shape.cross), 3);
  }
};

void forward(const MultitaskD& network, const MultitaskD::Noise& noise, MultitaskD::Work& work) {
  network.forward_states(work);
  network.forward_items(work);
  network.forward_pairs(work.item.output(), noise, work);
}

MatrixD multitask_gradient(const EmbeddingOf<double>& table) {
  MatrixD dense = MatrixD::Zero(table.table.value.rows(), table.table.value.cols());
  for (std::size_t r = 0; r < table.touched().size(); ++r)
    dense.row(table.touched()[r]) = table.touched_gradient().row(static_cast<Eigen::Index>(r));
  return dense;
}

TEST_CASE("the multi-task network's gradients are its finite differences", "[policy]") {
  SmallCase small;
  MultitaskD::Noise noise;
  SECTION("a mixture of experts") {}
  SECTION("a shared bottom") {
    small.config.kind = "shared_bottom";
  }
  SECTION("with units and experts left out") {
    noise = {.dropout = 0.3, .expert_dropout = 0.4, .key = make_key(5), .first_row = 7};
  }
  SECTION("without hidden layers, product, towers and vectors") {
    small.config.state_hidden = small.config.item_hidden = small.config.tower = {};
    small.config.expert = {4}, small.config.width = 0;
    small.config.author_dim = 0;
  }
  MultitaskD network(small.config, small.shape, make_key(1));
  MultitaskD::Work work;
  small.fill(work);
  const std::vector<MatrixD> slopes = {test::random_matrix(5, 3, 11), test::random_matrix(5, 1, 12),
                                       test::random_matrix(5, 1, 13)};
  const auto loss = [&] {
    forward(network, noise, work);
    double sum = 0.0;
    for (std::size_t k = 0; k < 3; ++k) sum += work.output(k).cwiseProduct(slopes[k]).sum();
    return sum;
  };
  loss();
  work.d_output = slopes;
  network.backward(work, 0);
  network.scatter(work);
  for (ParameterOf<double>* parameter : network.parameters()) {
    const MatrixD analytic = parameter->gradient();
    test::check_gradient(parameter->value, analytic, loss);
  }
  for (EmbeddingOf<double>* table : network.embeddings())
    test::check_gradient(table->table.value, multitask_gradient(*table), loss);
}

TEST_CASE("a pair's outputs do not depend on the other pairs, and a table's rows are as good", "[policy]") {
  const SmallCase small;
  const MultitaskNetwork network(small.config, small.shape, make_key(1));
  const auto all = [&](const MatrixD& d) { return d.cast<float>().eval(); };
  MultitaskD::Work doubles;
  small.fill(doubles);
  MultitaskNetwork::Work work;
  work.states = all(doubles.states), work.numbers = all(doubles.numbers), work.cross = all(doubles.cross);
  work.tag = doubles.tag, work.author = doubles.author, work.id = doubles.id;
  work.state_of = doubles.state_of, work.video_of = doubles.video_of;
  network.forward_states(work), network.forward_items(work);
  const Matrix table = work.item.output();
  network.forward_pairs(table, {}, work);
  for (std::size_t p = 0; p < 5; ++p) {
    MultitaskNetwork::Work one;
    one.states = work.states.row(work.state_of[p]), one.cross = work.cross.row(static_cast<Eigen::Index>(p));
    one.state_of = {0}, one.video_of = {work.video_of[p]};
    network.forward_states(one);
    network.forward_pairs(table, {}, one);
    for (std::size_t k = 0; k < 3; ++k) CHECK(one.output(k).row(0) == work.output(k).row(static_cast<Eigen::Index>(p)));
  }
}

TEST_CASE("a mixture's gates sum to one, and a left-out expert has no say", "[policy]") {
  const SmallCase small;
  const MultitaskD network(small.config, small.shape, make_key(1));
  MultitaskD::Work work;
  small.fill(work);
  const MultitaskD::Noise noise{.dropout = 0.0, .expert_dropout = 0.5, .key = make_key(2), .first_row = 0};
  forward(network, noise, work);
  int left_out = 0;
  for (const MatrixD& gate : work.gate)
    for (Eigen::Index p = 0; p < gate.rows(); ++p) {
      CHECK(gate.row(p).sum() == Approx(1.0));
      for (Eigen::Index e = 0; e < gate.cols(); ++e) left_out += gate(p, e) == 0.0;
    }
  CHECK(left_out > 10);  // of 45, half
  CHECK(left_out < 35);
}

template <class Scalar>
void check_multitask_parity() {
  const Json record = test::read_recorded("multitask.json");
  const Json& shape = record["shape"];
  const auto sizes = [&](const char* name) { return shape[name].get<std::vector<std::size_t>>(); };
  const auto size = [&](const char* name) { return shape[name].get<std::size_t>(); };
  const MultitaskNetworkConfig config{.kind = shape["kind"].get<std::string>(),
                                      .experts = size("experts"),
                                      .state_hidden = sizes("state_hidden"),
                                      .item_hidden = sizes("item_hidden"),
                                      .width = size("width"),
                                      .expert = sizes("expert"),
                                      .tower = sizes("tower"),
                                      .tag_dim = size("dim"),
                                      .author_dim = size("dim"),
                                      .id_dim = size("dim")};
  MultitaskNetworkOf<Scalar> network(config,
                                     {.state = size("state"),
                                      .item = size("item"),
                                      .cross = size("cross"),
                                      .tags = size("tags"),
                                      .authors = size("authors"),
                                      .ids = size("ids"),
                                      .outputs = sizes("outputs")},
                                     make_key(1));
  const auto parameters = network.parameters();
  const auto embeddings = network.embeddings();
  REQUIRE(record["parameters"].size() == parameters.size());
  REQUIRE(record["tables"].size() == embeddings.size());
  for (std::size_t i = 0; i < parameters.size(); ++i)
    parameters[i]->value = test::matrix_of<Scalar>(record["parameters"][i]["value"]);
  for (std::size_t i = 0; i < embeddings.size(); ++i)
    embeddings[i]->table.value = test::matrix_of<Scalar>(record["tables"][i]["value"]);
  typename MultitaskNetworkOf<Scalar>::Work work;
  work.states = test::matrix_of<Scalar>(record["states"]);
  work.numbers = test::matrix_of<Scalar>(record["numbers"]);
  work.cross = test::matrix_of<Scalar>(record["cross"]);
  work.tag = record["tag"].get<std::vector<std::int32_t>>();
  work.author = record["author"].get<std::vector<std::int32_t>>();
  work.id = record["id"].get<std::vector<std::int32_t>>();
  work.state_of = record["state_of"].get<std::vector<std::uint32_t>>();
  work.video_of = record["video_of"].get<std::vector<std::uint32_t>>();
  network.forward_states(work), network.forward_items(work);
  network.forward_pairs(work.item.output(), {}, work);
  for (std::size_t k = 0; k < network.heads(); ++k) {
    test::check_close<Scalar>(work.output(k), record["outputs"][k]);
    work.d_output.push_back(test::matrix_of<Scalar>(record["slopes"][k]));
  }
  network.backward(work, 0);
  network.scatter(work);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CAPTURE(i);
    test::check_close<Scalar>(parameters[i]->gradient(), record["parameters"][i]["gradient"]);
  }
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    CAPTURE(i);
    MatrixOf<Scalar> dense =
        MatrixOf<Scalar>::Zero(embeddings[i]->table.value.rows(), embeddings[i]->table.value.cols());
    for (std::size_t r = 0; r < embeddings[i]->touched().size(); ++r)
      dense.row(embeddings[i]->touched()[r]) = embeddings[i]->touched_gradient().row(static_cast<Eigen::Index>(r));
    test::check_close<Scalar>(dense, record["tables"][i]["gradient"]);
  }
}

TEST_CASE("MMoE gives the outputs and gradients of the same formula in PyTorch", "[policy]") {
  SECTION("in double") {
    check_multitask_parity<double>();
  }
  SECTION("in float") {
    check_multitask_parity<float>();
  }
}

TEST_CASE("watch bins hold the ratios between their edges", "[policy]") {
  std::vector<float> ratios;
  for (int i = 0; i <= 100; ++i) ratios.push_back(0.03F * static_cast<float>(i));
  const WatchBins bins = make_watch_bins(ratios, 6, 2.0F);
  bins.validate();
  CHECK(bins.bin(kWatchedAbove) + 1 == bins.first_watched());
  CHECK(bins.bin(0.500001F) >= bins.first_watched());
  double mass = 0.0, mean = 0.0;
  std::vector<double> share(bins.size(), 0.0);
  for (const float ratio : ratios) {
    share[bins.bin(ratio)] += 1.0 / 101.0;
    mean += std::min(ratio, 2.0F) / 101.0;
  }
  double by_bins = 0.0;
  for (std::size_t b = 0; b < bins.size(); ++b) mass += share[b], by_bins += share[b] * bins.mean[b];
  CHECK(mass == Approx(1.0));
  CHECK(by_bins == Approx(mean).epsilon(1e-5));
}

TEST_CASE("calibration brings a rate to the labels', and trusts a handful of rows little", "[policy]") {
  // Odds three times too large: offset -ln 3 is what undoes it.
  std::vector<float> said;
  std::vector<std::uint8_t> is;
  RandomStream random(make_key(4));
  for (int i = 0; i < 20'000; ++i) {
    const double p = 0.05 + 0.5 * random.uniform_double();
    said.push_back(static_cast<float>(3.0 * p / (1.0 - p) / (1.0 + 3.0 * p / (1.0 - p))));
    is.push_back(random.uniform_double() < p);
  }
  const auto [offset, slope] = fit_platt(said, is);
  CHECK(offset == Approx(-std::log(3.0)).margin(0.06));  // standard error .02
  CHECK(slope == Approx(1.0).margin(0.09));              // standard error .03
  HeadCalibration calibration;
  calibration.offset[4] = offset, calibration.slope[4] = slope;
  double sum = 0.0, rate = 0.0;
  for (std::size_t i = 0; i < said.size(); ++i)
    sum += calibration.apply(static_cast<HeadOutput>(4), said[i]), rate += is[i];
  CHECK(sum == Approx(rate).epsilon(1e-3));
  const auto few = fit_platt(std::span(said).first(1), std::span(is).first(1));
  CHECK(std::abs(few[0]) < 1.0F);
  CHECK(std::abs(few[1] - 1.0F) < 1.0F);
}

}  // namespace
}  // namespace swipegym
