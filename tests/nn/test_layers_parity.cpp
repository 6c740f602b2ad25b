#include <array>
#include <string>
#include <utility>
#include <vector>

#include "nn/adam.h"
#include "nn/attention_pooling.h"
#include "nn/causal_attention.h"
#include "nn/dice.h"
#include "nn/embedding.h"
#include "nn/layer_norm.h"
#include "nn/losses.h"
#include "nn/mlp.h"
#include "nn/sgd.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

using test::check_close;
using test::matrix_of;

template <class Scalar>
using ParametersOf = std::vector<ParameterOf<Scalar>*>;

const Json& recorded_layers() {
  static const Json recorded = test::read_recorded("layers.json");
  return recorded;
}

/// A layer's pass as tests/parity/layers.py records it.
template <class Scalar>
struct RecordedPass {
  explicit RecordedPass(const Json& recorded)
      : record(recorded), slopes(matrix_of<Scalar>(record.at("slopes"))), output(record.at("output")) {}

  MatrixOf<Scalar> input(std::size_t i) const { return matrix_of<Scalar>(record.at("inputs").at(i).at("value")); }
  void check_input_gradient(std::size_t i, const MatrixOf<Scalar>& got) const {
    CAPTURE(i);
    check_close(got, record.at("inputs").at(i).at("gradient"));
  }
  void set(const ParametersOf<Scalar>& parameters) const {
    REQUIRE(record.at("parameters").size() == parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const MatrixOf<Scalar> value = matrix_of<Scalar>(record.at("parameters")[i].at("value"));
      REQUIRE(value.rows() == parameters[i]->value.rows());
      REQUIRE(value.cols() == parameters[i]->value.cols());
      parameters[i]->value = value;
      parameters[i]->zero_gradient();
    }
  }
  void check_gradients(const ParametersOf<Scalar>& parameters) const {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      CAPTURE(i);
      parameters[i]->reduce_gradient();
      check_close(parameters[i]->gradient(), record.at("parameters")[i].at("gradient"));
    }
  }

  const Json& record;
  MatrixOf<Scalar> slopes;  // the gradient of the output
  const Json& output;
};

/// Recorded lengths as the offsets of packed sequences.
std::vector<std::uint32_t> packed_offsets(const Json& lengths) {
  std::vector<std::uint32_t> offset = {0};
  for (const std::uint32_t length : lengths.get<std::vector<std::uint32_t>>()) offset.push_back(offset.back() + length);
  return offset;
}

/// A table's gradient with a row for each row of the table.
template <class Scalar>
MatrixOf<Scalar> whole_gradient(const EmbeddingOf<Scalar>& embedding) {
  MatrixOf<Scalar> whole = MatrixOf<Scalar>::Zero(embedding.table.value.rows(), embedding.table.value.cols());
  for (std::size_t i = 0; i < embedding.touched().size(); ++i)
    whole.row(embedding.touched()[i]) = embedding.touched_gradient().row(static_cast<Eigen::Index>(i));
  return whole;
}

TEMPLATE_TEST_CASE("a linear layer gives PyTorch's outputs and gradients by either way", "[nn]", double, float) {
  const RecordedPass<TestType> pass(recorded_layers().at("linear"));
  const MatrixOf<TestType> input = pass.input(0);
  LinearOf<TestType> layer(4, 3, make_key(1));
  MatrixOf<TestType> output, d_input;
  pass.set({&layer.weight, &layer.bias});
  layer.forward(input, output);
  layer.backward(input, pass.slopes, &d_input);
  check_close(output, pass.output);
  pass.check_input_gradient(0, d_input);
  pass.check_gradients({&layer.weight, &layer.bias});

  pass.set({&layer.weight, &layer.bias});
  output.setZero(), d_input.setZero();
  apply(layer, input, output);
  apply_backward(layer, input, pass.slopes, &d_input, false, 0);
  check_close(output, pass.output);
  pass.check_input_gradient(0, d_input);
  pass.check_gradients({&layer.weight, &layer.bias});
}

TEMPLATE_TEST_CASE("an Mlp gives PyTorch's outputs and gradients with every activation", "[nn]", double, float) {
  for (const Json& record : recorded_layers().at("mlp")) {
    const auto activation = record.at("activation").get<std::string>();
    CAPTURE(activation);
    const RecordedPass<TestType> pass(record);
    const auto sizes = record.at("sizes").get<std::vector<std::size_t>>();
    MlpOf<TestType> mlp(sizes, parse_activation(activation), make_key(1));
    ParametersOf<TestType> parameters;
    mlp.collect(parameters);
    pass.set(parameters);
    MlpWorkspaceOf<TestType> workspace;
    MatrixOf<TestType> d_input;
    mlp.forward(pass.input(0), workspace);
    mlp.backward(pass.input(0), pass.slopes, workspace, &d_input);
    check_close(workspace.output(), pass.output);
    pass.check_input_gradient(0, d_input);
    pass.check_gradients(parameters);
  }
}

TEMPLATE_TEST_CASE("LayerNorm gives PyTorch's outputs and gradients at usual and odd widths", "[nn]", double, float) {
  for (const Json& record : recorded_layers().at("layer_norm")) {
    const RecordedPass<TestType> pass(record);
    const MatrixOf<TestType> input = pass.input(0);
    CAPTURE(input.cols());
    LayerNormOf<TestType> norm(static_cast<std::size_t>(input.cols()), record.at("epsilon"));
    ParametersOf<TestType> parameters;
    norm.collect(parameters);
    pass.set(parameters);
    LayerNormWorkOf<TestType> work;
    MatrixOf<TestType> output, d_input;
    norm.forward(input, work, output);
    norm.backward(input, work, pass.slopes, d_input, false);
    check_close(output, pass.output);
    pass.check_input_gradient(0, d_input);
    pass.check_gradients(parameters);
  }
}

TEMPLATE_TEST_CASE("causal attention over packed sequences is PyTorch's over each", "[nn]", double, float) {
  for (const Json& record : recorded_layers().at("causal_attention")) {
    const auto heads = record.at("heads").get<std::size_t>();
    CAPTURE(heads);
    const RecordedPass<TestType> pass(record);
    const MatrixOf<TestType> query = pass.input(0), key_value = pass.input(1);
    const std::vector<std::uint32_t> offset = packed_offsets(record.at("lengths"));
    AttentionWorkOf<TestType> work;
    MatrixOf<TestType> output, d_query, d_key_value;
    causal_attention<TestType>(query, key_value, offset, heads, {}, work, output);
    causal_attention_backward<TestType>(query, key_value, offset, heads, {}, work, pass.slopes, d_query, d_key_value);
    check_close(output, pass.output);
    pass.check_input_gradient(0, d_query);
    pass.check_input_gradient(1, d_key_value);
  }
}

template <class Scalar>
void check_dice(const Json& record) {
  const bool training = record.at("training");
  CAPTURE(training);
  const RecordedPass<Scalar> pass(record);
  const MatrixOf<Scalar> input = pass.input(0);
  // The batch is cut in two, as threads cut it; the statistics are those of the whole.
  constexpr Eigen::Index kCut = 4;
  const std::array<std::pair<Eigen::Index, Eigen::Index>, 2> shards = {{{0, kCut}, {kCut, input.rows() - kCut}}};
  using Dice = DiceOf<Scalar>;
  Dice dice(static_cast<std::size_t>(input.cols()));
  dice.set_shards(2);
  ParametersOf<Scalar> parameters;
  dice.collect(parameters);
  pass.set(parameters);
  dice.running_mean.value = matrix_of<Scalar>(record.at("running")[0]);
  dice.running_variance.value = matrix_of<Scalar>(record.at("running")[1]);
  if (training) {
    typename Dice::Moments moments;
    for (const auto& [first, rows] : shards) moments.join(Dice::moments(input.middleRows(first, rows)));
    dice.use(moments, true);
  } else {
    dice.use_running();
  }

  MatrixOf<Scalar> output(input.rows(), input.cols()), d_input(input.rows(), input.cols()), y;
  std::array<typename Dice::Work, 2> work;
  std::array<typename Dice::Sums, 2> sums;
  for (std::size_t s = 0; s < 2; ++s) {
    const auto& [first, rows] = shards[s];
    dice.apply(input.middleRows(first, rows), work[s], y);
    output.middleRows(first, rows) = y;
    sums[s] = dice.backward_sums(input.middleRows(first, rows), pass.slopes.middleRows(first, rows), work[s], s);
  }
  sums[0].d += sums[1].d, sums[0].d_normal += sums[1].d_normal;
  for (std::size_t s = 0; s < 2; ++s) {
    const auto& [first, rows] = shards[s];
    y = pass.slopes.middleRows(first, rows);
    dice.backward(input.middleRows(first, rows), work[s], sums[0],
                  training ? static_cast<std::size_t>(input.rows()) : 0, y);
    d_input.middleRows(first, rows) = y;
  }
  check_close(output, pass.output);
  pass.check_input_gradient(0, d_input);
  pass.check_gradients(parameters);
  check_close(dice.running_mean.value, record.at("running_after")[0]);
  check_close(dice.running_variance.value, record.at("running_after")[1]);
  if (training) return;
  dice.predict(input, work[0], output);
  check_close(output, pass.output);
}

TEMPLATE_TEST_CASE("Dice gives PyTorch's outputs, statistics and gradients, training or not", "[nn]", double, float) {
  for (const Json& record : recorded_layers().at("dice")) check_dice<TestType>(record);
}

TEMPLATE_TEST_CASE("attention pooling with folded layers is PyTorch's with both", "[nn]", double, float) {
  const Json& record = recorded_layers().at("attention_pooling");
  const RecordedPass<TestType> pass(record);
  const auto dim = record.at("dim").get<std::size_t>();
  AttentionPoolingOf<TestType> pooling(dim, record.at("hidden"), make_key(1));
  const ParametersOf<TestType> parameters = {&pooling.first.weight, &pooling.first.bias, &pooling.second.weight,
                                             &pooling.second.bias};
  pass.set(parameters);
  const MatrixOf<TestType> query = pass.input(0), history = pass.input(1);
  const std::vector<std::uint32_t> offset = packed_offsets(record.at("lengths"));
  std::vector<RowRange> range;
  for (std::size_t i = 0; i + 1 < offset.size(); ++i) range.push_back({offset[i], offset[i + 1]});
  std::vector<TestType> scores(static_cast<std::size_t>(history.rows()));
  MatrixOf<TestType> pooled(query.rows(), query.cols()), d_history(history.rows(), history.cols());
  MatrixOf<TestType> d_query = MatrixOf<TestType>::Zero(query.rows(), query.cols());
  const auto folded = pooling.fold();
  pooling.forward(folded, query, history, range, scores, pooled);
  typename AttentionPoolingOf<TestType>::FoldedGradient gradient;
  gradient.zero(dim);
  pooling.backward(folded, query, history, range, scores, pass.slopes, gradient, d_query, d_history);
  pooling.unfold(gradient);
  check_close(pooled, pass.output);
  pass.check_input_gradient(0, d_query);
  pass.check_input_gradient(1, d_history);
  pass.check_gradients(parameters);
}

TEMPLATE_TEST_CASE("losses have PyTorch's values and gradients, with and without row weights", "[nn]", double, float) {
  using Scalar = TestType;
  const Json& record = recorded_layers().at("losses");
  const MatrixOf<Scalar> input = matrix_of<Scalar>(record.at("input")), target = matrix_of<Scalar>(record.at("target"));
  const auto classes = record.at("classes").get<std::vector<std::int32_t>>();
  const auto weight = record.at("weight").get<std::vector<Scalar>>();
  for (const Json& c : record.at("cases")) {
    const auto name = c.at("loss").get<std::string>();
    const bool weighted = c.at("weighted");
    const double total_weight = c.at("total_weight");
    CAPTURE(name, weighted, total_weight);
    LossRows<Scalar> rows{.weight = {}, .total_weight = total_weight};
    if (weighted) rows.weight = weight;
    MatrixOf<Scalar> gradient;
    double value = 0.0;
    if (name == "softmax_cross_entropy")
      value = softmax_cross_entropy<Scalar>(input, classes, rows, &gradient);
    else if (name == "binary_cross_entropy")
      value = binary_cross_entropy<Scalar>(input, target, rows, &gradient);
    else if (name == "huber")
      value = huber<Scalar>(input, target, record.at("delta").get<Scalar>(), rows, &gradient);
    else if (name == "mean_squared_error")
      value = mean_squared_error<Scalar>(input, target, rows, &gradient);
    else
      FAIL("no such loss");
    CHECK(value == Approx(c.at("value").get<double>()).epsilon(sizeof(Scalar) == 8 ? 1e-9 : 1e-5));
    check_close(gradient, c.at("gradient"));
  }
}

TEMPLATE_TEST_CASE("an embedding's rows and gradient are PyTorch's with padding", "[nn]", double, float) {
  using Scalar = TestType;
  const Json& record = recorded_layers().at("embedding");
  const RecordedPass<Scalar> pass(record);
  const auto ids = record.at("ids").get<std::vector<std::int32_t>>();
  EmbeddingOf<Scalar> embedding(6, 3, make_key(1), 1.0);
  embedding.table.value = matrix_of<Scalar>(record.at("parameters")[0].at("value"));
  const Json& gradient = record.at("parameters")[0].at("gradient");
  MatrixOf<Scalar> output(static_cast<Eigen::Index>(ids.size()), 3);
  embedding.gather(ids, output);
  check_close(output, pass.output);
  embedding.scatter(ids, pass.slopes);
  check_close(whole_gradient(embedding), gradient);

  const MatrixOf<Scalar> half = Scalar(0.5) * pass.slopes;
  std::vector<RowGradientOf<Scalar>> list;
  for (std::size_t i = 0; i < ids.size(); ++i) list.push_back({ids[i], Scalar(2), half.row(Eigen::Index(i)).data()});
  const std::array<std::span<const RowGradientOf<Scalar>>, 2> lists = {std::span(list).first(2),
                                                                       std::span(list).subspan(2)};
  embedding.zero_gradient();
  embedding.scatter(lists, 1);
  check_close(whole_gradient(embedding), gradient);
}

AdamConfig recorded_adam_config(const Json& optimisers, const Json& record) {
  return {.learning_rate = optimisers.at("learning_rate"),
          .beta1 = optimisers.at("beta1"),
          .beta2 = optimisers.at("beta2"),
          .epsilon = optimisers.at("epsilon"),
          .weight_decay = record.at("weight_decay")};
}

template <class Scalar>
void check_moments(const ParameterOf<Scalar>& parameter, const Json& recorded) {
  check_close(parameter.first_moment, recorded.at("first"));
  check_close(parameter.second_moment, recorded.at("second"));
}

TEMPLATE_TEST_CASE("steps of Adam, with decoupled decay too, and of SGD are PyTorch's", "[nn]", double, float) {
  const Json& optimisers = recorded_layers().at("optimisers");
  for (const Json& record : optimisers.at("dense")) {
    const auto kind = record.at("kind").get<std::string>();
    const AdamConfig config = recorded_adam_config(optimisers, record);
    AdamOf<TestType> adam(config);
    std::array<ParameterOf<TestType>, 2> both;  // a matrix, and a bias that does not decay
    for (std::size_t i = 0; i < 2; ++i) {
      const MatrixOf<TestType> start = matrix_of<TestType>(record.at("start")[i]);
      both[i].resize(static_cast<std::size_t>(start.rows()), static_cast<std::size_t>(start.cols()), 2);
      both[i].value = start;
    }
    both[1].decays = false;
    const std::array parameters = {&both[0], &both[1]};
    for (const Json& recorded : record.at("steps")) {
      CAPTURE(kind, adam.steps());
      for (std::size_t i = 0; i < 2; ++i) {  // halves of the gradient from two threads
        const MatrixOf<TestType> gradient = matrix_of<TestType>(recorded[i].at("gradient"));
        for (auto& shard : both[i].shards) shard = TestType(0.5) * gradient;
      }
      if (kind == "sgd")
        sgd_step<TestType>(parameters, {}, config.learning_rate, config.weight_decay);
      else
        adam.step(parameters);
      for (std::size_t i = 0; i < 2; ++i) {
        CAPTURE(i);
        check_close(both[i].value, recorded[i].at("value"));
        if (kind != "sgd") check_moments(both[i], recorded[i]);
      }
    }
  }
}

TEMPLATE_TEST_CASE("steps of sparse Adam are PyTorch's SparseAdam's", "[nn]", double, float) {
  const Json& optimisers = recorded_layers().at("optimisers");
  for (const Json& record : optimisers.at("sparse")) {
    const AdamConfig config = recorded_adam_config(optimisers, record);
    AdamOf<TestType> adam(config);
    EmbeddingOf<TestType> embedding(6, 3, make_key(1), 1.0);
    embedding.table.value = matrix_of<TestType>(record.at("start"));
    for (const Json& recorded : record.at("steps")) {
      CAPTURE(config.weight_decay, adam.steps());
      embedding.scatter(recorded.at("ids").get<std::vector<std::int32_t>>(),
                        matrix_of<TestType>(recorded.at("gradient")));
      adam.step({}, std::array{&embedding});
      check_close(embedding.table.value, recorded.at("value"));
      check_moments(embedding.table, recorded);
    }
  }
}

}  // namespace
}  // namespace swipegym
