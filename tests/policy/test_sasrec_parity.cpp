#include <algorithm>
#include <array>
#include <vector>

#include "nn/losses.h"
#include "policy/sasrec/sasrec_network.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

using test::check_close;
using test::matrix_of;

SasrecNetworkConfig config_of(const Json& c) {
  SasrecNetworkConfig config;
  config.norm = c.at("norm"), config.activation = c.at("activation");
  config.width = c.at("width"), config.heads = c.at("heads"), config.inner = c.at("inner");
  config.blocks = c.at("blocks"), config.max_length = c.at("max_length"), config.norm_epsilon = c.at("epsilon");
  config.head_hidden = {c.at("head_hidden").get<std::size_t>()};
  return config;
}

/// A pass there and back; the gradients of the tables lie in their `touched` rows.
template <class Scalar>
void check_case(const Json& c) {
  const SasrecNetworkConfig config = config_of(c);
  const MatrixOf<Scalar> step = matrix_of<Scalar>(c.at("step")), dense = matrix_of<Scalar>(c.at("head_features"));
  SasrecNetworkOf<Scalar> network(config, c.at("items"), c.at("authors"), static_cast<std::size_t>(step.cols()),
                                  static_cast<std::size_t>(dense.cols()), make_key(1));
  std::vector<ParameterOf<Scalar>*> parameters = network.parameters();
  const Json& recorded = c.at("parameters");
  REQUIRE(recorded.size() == parameters.size() + 2);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const MatrixOf<Scalar> value = matrix_of<Scalar>(recorded[i].at("value"));
    REQUIRE(value.rows() == parameters[i]->value.rows());
    REQUIRE(value.cols() == parameters[i]->value.cols());
    parameters[i]->value = value;
  }
  network.items.table.value = matrix_of<Scalar>(recorded[parameters.size()].at("value"));
  network.authors.table.value = matrix_of<Scalar>(recorded[parameters.size() + 1].at("value"));

  PackedHistoriesOf<Scalar> histories;
  for (const std::uint32_t length : c.at("lengths").get<std::vector<std::uint32_t>>()) {
    for (std::uint32_t i = 0; i < length; ++i)
      histories.position.push_back(static_cast<std::int32_t>(config.max_length - length + i));
    histories.offset.push_back(histories.offset.back() + length);
  }
  histories.item = c.at("item").get<std::vector<std::int32_t>>();
  histories.author = c.at("author").get<std::vector<std::int32_t>>();
  histories.features = step;

  SasrecWorkOf<Scalar> work;
  SasrecGradientsOf<Scalar> gradients;
  network.forward(histories, {}, work);
  check_close(work.states(), c.at("states"));
  const auto target = c.at("target").get<std::vector<std::int32_t>>();
  MatrixOf<Scalar> d_states;
  const double next_loss = next_video_loss<Scalar>(
      work.states(), network.items, target, c.at("negatives").get<std::vector<std::int32_t>>(),
      static_cast<double>(std::count_if(target.begin(), target.end(), [](std::int32_t t) { return t >= 0; })), d_states,
      gradients);
  CHECK(next_loss == Approx(c.at("next_loss").get<double>()).epsilon(sizeof(Scalar) == 8 ? 1e-9 : 1e-5));

  network.forward_heads(c.at("head_state").get<std::vector<std::int32_t>>(),
                        c.at("head_item").get<std::vector<std::int32_t>>(),
                        c.at("head_author").get<std::vector<std::int32_t>>(), dense, {}, work);
  check_close(work.head.output(), c.at("head_output"));
  const auto clicked = c.at("clicked").get<std::vector<double>>(), ratio = c.at("ratio").get<std::vector<double>>();
  MatrixOf<Scalar> d_output(work.head.output().rows(), 2);
  const auto n = static_cast<double>(clicked.size());
  for (std::size_t i = 0; i < clicked.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    const double z = work.head.output()(row, 0), r = work.head.output()(row, 1);
    d_output(row, 0) = static_cast<Scalar>((1.0 / (1.0 + std::exp(-z)) - clicked[i]) / n);
    d_output(row, 1) = static_cast<Scalar>(2.0 * (r - ratio[i]) / n);
  }
  network.backward_heads(d_output, work, d_states, gradients, 0);
  network.backward(histories, {}, d_states, work, gradients, 0);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CAPTURE(i);
    check_close(parameters[i]->gradient(), recorded[i].at("gradient"));
  }
  const auto table_gradient = [](EmbeddingOf<Scalar>& table, const std::vector<RowGradientOf<Scalar>>& rows) {
    const std::array<std::span<const RowGradientOf<Scalar>>, 1> lists = {rows};
    table.scatter(lists, 1);
    MatrixOf<Scalar> dense_gradient = MatrixOf<Scalar>::Zero(table.table.value.rows(), table.table.value.cols());
    for (std::size_t i = 0; i < table.touched().size(); ++i)
      dense_gradient.row(table.touched()[i]) = table.touched_gradient().row(static_cast<Eigen::Index>(i));
    return dense_gradient;
  };
  check_close(table_gradient(network.items, gradients.items), recorded[parameters.size()].at("gradient"));
  check_close(table_gradient(network.authors, gradients.authors), recorded[parameters.size() + 1].at("gradient"));
}

TEST_CASE("SASRec gives PyTorch's states, losses and gradients in every form, fp64 and fp32", "[policy]") {
  const Json recorded = test::read_recorded("sasrec.json");
  for (const Json& c : recorded.at("cases")) {
    CAPTURE(c.at("norm").get<std::string>());
    check_case<double>(c);
    check_case<float>(c);
  }
}

}  // namespace
}  // namespace swipegym
