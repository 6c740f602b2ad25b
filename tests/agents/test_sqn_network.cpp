#include <array>
#include <numeric>
#include <vector>

#include "agents/sasrec/sqn_network.h"
#include "nn/losses.h"
#include "tests/nn/gradient_check.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

using test::check_close;
using test::matrix_of;

/// [d_items of the head] + what the lists say, for a table.
template <class Scalar>
MatrixOf<Scalar> table_gradient(EmbeddingOf<Scalar>& table, const std::vector<RowGradientOf<Scalar>>& rows) {
  const std::array<std::span<const RowGradientOf<Scalar>>, 1> lists = {rows};
  table.scatter(lists, 1);
  MatrixOf<Scalar> dense = MatrixOf<Scalar>::Zero(table.table.value.rows(), table.table.value.cols());
  for (std::size_t i = 0; i < table.touched().size(); ++i)
    dense.row(table.touched()[i]) = table.touched_gradient().row(static_cast<Eigen::Index>(i));
  table.zero_gradient();
  return dense;
}

template <class Scalar>
struct Recorded {
  SqnNetworkOf<Scalar> learner, judge;
  TransitionsOf<Scalar> batch;
  SqnObjective objective;
  double total;

  Recorded(const Json& all, const Json& c) : total(all.at("total")) {
    SasrecNetworkConfig config;
    config.width = all.at("width"), config.heads = all.at("heads"), config.inner = all.at("inner");
    config.blocks = all.at("blocks"), config.max_length = all.at("max_length");
    config.norm_epsilon = all.at("epsilon"), config.positions = "left";
    config.head_hidden = {all.at("head_hidden").get<std::size_t>()};
    const auto step = static_cast<std::size_t>(c.at("state").at("step").at("columns"));
    const SqnNetworkOf<Scalar> made(SasrecNetworkOf<Scalar>(config, all.at("items"), all.at("authors"), step,
                                                            /*candidate_features=*/2, make_key(1)),
                                    make_key(2));
    learner = judge = made;
    const Json& learned = c.at("parameters");
    for (std::size_t i = 0; i < learned.size(); ++i) {
      value(learner, i, learned.size()) = matrix_of<Scalar>(learned[i].at("value"));
      value(judge, i, learned.size()) = matrix_of<Scalar>(c.at("judge")[i]);
    }
    fill(config, c.at("state"), batch.state);
    fill(config, c.at("next_state"), batch.next_state);
    batch.next = all.at("next").get<std::vector<std::int32_t>>();
    batch.action = all.at("action").get<std::vector<std::int32_t>>();
    batch.reward = all.at("reward").get<std::vector<Scalar>>();
    batch.share = all.at("share").get<std::vector<Scalar>>();
    objective = {.discount = all.at("discount"), .value_weight = all.at("value_weight")};
    const std::string method = c.at("method");
    if (method == "sac") objective.weight = ActorWeight::kValue;
    if (method == "sa2c") objective.weight = ActorWeight::kAdvantage, objective.importance = all.at("importance");
    if (method != "snqn" && method != "sa2c") return;
    objective.negatives = all.at("negatives"), objective.negative_reward = all.at("negative_reward");
    batch.unseen = all.at("unseen").get<std::vector<std::int32_t>>();
  }

  // Parameter i of the recording: those of the encoder, then the tables of items, authors and values.
  static MatrixOf<Scalar>& value(SqnNetworkOf<Scalar>& network, std::size_t i, std::size_t count) {
    const std::array<EmbeddingOf<Scalar>*, 3> tables = {&network.body.items, &network.body.authors, &network.values};
    if (i + tables.size() >= count) return tables[i + tables.size() - count]->table.value;
    const std::vector<ParameterOf<Scalar>*> parameters = network.parameters();
    REQUIRE(parameters.size() + tables.size() == count);
    return parameters[i]->value;
  }

  static void fill(const SasrecNetworkConfig& config, const Json& c, PackedHistoriesOf<Scalar>& out) {
    for (const std::uint32_t length : c.at("lengths").get<std::vector<std::uint32_t>>()) {
      for (std::uint32_t i = 0; i < length; ++i)
        out.position.push_back(static_cast<std::int32_t>(config.max_length - length + i));
      out.offset.push_back(out.offset.back() + length);
    }
    out.item = c.at("item").get<std::vector<std::int32_t>>();
    out.author = c.at("author").get<std::vector<std::int32_t>>();
    out.features = matrix_of<Scalar>(c.at("step"));
  }

  SqnLosses pass(SqnWorkOf<Scalar>& work, MatrixOf<Scalar>& d_items, SqnGradientsOf<Scalar>& gradients) {
    d_items.setZero(learner.body.items.table.value.rows(), learner.body.items.table.value.cols());
    return sqn_backward<Scalar>(learner, batch, objective, total, {}, work, d_items, gradients, 0);
  }
};

template <class Scalar>
void check_update(const Json& all, const Json& c) {
  Recorded<Scalar> r(all, c);
  SqnWorkOf<Scalar> work;
  SqnGradientsOf<Scalar> gradients;
  MatrixOf<Scalar> d_items;
  write_targets(r.learner, r.judge, r.batch, r.objective, work);
  check_close<Scalar>(as_matrix(work.target.data(), 1, work.target.size()), c.at("target"));
  const SqnLosses losses = r.pass(work, d_items, gradients);
  const double tolerance = sizeof(Scalar) == 8 ? 1e-9 : 1e-4;
  CHECK(losses.supervised == Approx(c.at("supervised").get<double>()).epsilon(tolerance));
  CHECK(losses.value == Approx(c.at("value").get<double>()).epsilon(tolerance));
  check_close<Scalar>(work.chosen.transpose(), c.at("own"));
  check_close<Scalar>(as_matrix(work.weight.data(), 1, work.weight.size()), c.at("weight"));
  const Json& recorded = c.at("parameters");
  const std::vector<ParameterOf<Scalar>*> parameters = r.learner.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CAPTURE(i);
    check_close(parameters[i]->gradient(), recorded[i].at("gradient"));
  }
  const std::size_t n = parameters.size();
  const MatrixOf<Scalar> of_items = table_gradient(r.learner.body.items, gradients.encoder.items);
  check_close<Scalar>(d_items + of_items, recorded[n].at("gradient"));
  check_close(table_gradient(r.learner.body.authors, gradients.encoder.authors), recorded[n + 1].at("gradient"));
  check_close(table_gradient(r.learner.values, gradients.values), recorded[n + 2].at("gradient"));
}

TEST_CASE("an update of SQN, SAC, SNQN and SA2C gives PyTorch's targets, losses and gradients, fp64 and fp32",
          "[agents]") {
  const Json recorded = test::read_recorded("sqn.json");
  for (const Json& c : recorded.at("cases")) {
    CAPTURE(c.at("method").get<std::string>());
    check_update<double>(recorded, c);
    check_update<float>(recorded, c);
  }
}

TEST_CASE("SQN's gradients are finite differences of L_s + L_q, and the target stays where it is", "[agents]") {
  const Json recorded = test::read_recorded("sqn.json");
  Recorded<double> r(recorded, recorded.at("cases")[GENERATE(0, 2)]);  // without and with negatives
  SqnWorkOf<double> work;
  SqnGradientsOf<double> gradients;
  MatrixOf<double> d_items;
  write_targets(r.learner, r.judge, r.batch, r.objective, work);
  r.pass(work, d_items, gradients);
  const MatrixOf<double> d_values = table_gradient(r.learner.values, gradients.values);
  const MatrixOf<double> d_table = d_items + table_gradient(r.learner.body.items, gradients.encoder.items);
  std::vector<MatrixOf<double>> d_parameters;
  for (const ParameterOf<double>* p : r.learner.parameters()) d_parameters.push_back(p->gradient());

  const auto loss = [&] {  // of the same targets, though the network that chose them moves
    SqnWorkOf<double> other;
    other.target = work.target, other.stays = work.stays;
    const SqnLosses losses = r.pass(other, d_items, gradients);
    return losses.supervised + r.objective.value_weight * losses.value;
  };
  test::check_gradient(r.learner.values.table.value, d_values, loss);
  test::check_gradient(r.learner.body.items.table.value, d_table, loss);
  const std::vector<ParameterOf<double>*> parameters = r.learner.parameters();
  for (const std::size_t i : {std::size_t{0}, std::size_t{2}, std::size_t{4}, parameters.size() - 5})
    test::check_gradient(parameters[i]->value, d_parameters[i], loss);
}

TEST_CASE("the network that learns chooses the next action, the other one says its value, a terminal state has none",
          "[agents]") {
  const Json recorded = test::read_recorded("sqn.json");
  Recorded<double> r(recorded, recorded.at("cases")[0]);
  SqnWorkOf<double> own, crossed;
  write_targets(r.learner, r.learner, r.batch, r.objective, own);  // plain Q-learning takes the largest value
  write_targets(r.learner, r.judge, r.batch, r.objective, crossed);
  CHECK(own.target[1] == r.batch.reward[1]);
  CHECK(crossed.target[1] == r.batch.reward[1]);
  for (const std::size_t i : {0U, 2U, 3U}) {
    const auto next = static_cast<Eigen::Index>(r.batch.next[i]);
    CHECK(own.target[i] == Approx(r.batch.reward[i] + 0.5 * own.next_values.row(next).maxCoeff()));
    CHECK(crossed.target[i] != Approx(own.target[i]));
  }
}

}  // namespace
}  // namespace swipegym
