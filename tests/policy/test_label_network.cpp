#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "policy/label/din_network.h"
#include "policy/label/label_network.h"
#include "tests/nn/gradient_check.h"
#include "tests/policy/label_rows.h"

namespace swipegym {
namespace {

using test::MatrixD;
using NetworkD = LabelNetworkOf<double>;

const LabelInputs kInputs{.users = 5, .videos = 7, .tags = 3, .user_statistics = 2, .video_statistics = 1};
const LabelNetworkConfig kSmall{.kind = "din", .embedding = 2, .attention_hidden = 3, .hidden = {5, 4}};

// Moves every parameter away from its beginning, so that biases and alphas are not at special values.
void stir(NetworkD& network) {
  std::uint64_t seed = 100;
  for (ParameterOf<double>* p : network.parameters())
    p->value += test::random_matrix(p->value.rows(), p->value.cols(), seed++, 0.3);
  for (EmbeddingOf<double>* e : network.embeddings())
    e->table.value += test::random_matrix(e->table.value.rows(), e->table.value.cols(), seed++, 0.5);
  for (ParameterOf<double>* s : network.statistics())
    s->value += test::random_matrix(s->value.rows(), s->value.cols(), seed++, 0.2);
}

MatrixD dense(const EmbeddingOf<double>& e) {
  MatrixD out = MatrixD::Zero(e.table.value.rows(), e.table.value.cols());
  for (std::size_t i = 0; i < e.touched().size(); ++i)
    out.row(e.touched()[i]) = e.touched_gradient().row(static_cast<Eigen::Index>(i));
  return out;
}

TEST_CASE("the recommenders' gradients are their finite differences", "[policy]") {
  for (const char* kind : {"din", "two_tower"})
    for (const auto mode : {NetworkD::Mode::kProbe, NetworkD::Mode::kPredict}) {
      LabelNetworkConfig config = kSmall;
      config.kind = kind;
      const auto network = make_label_network<double>(config, kInputs, 2, make_key(1));
      stir(*network);
      const std::vector<LabelRows> shards = test::random_label_rows(kInputs, 9, 4, 2);
      network->set_shards(shards.size());
      NetworkD::Pass pass;
      network->forward(shards, mode, 1, pass);
      std::vector<MatrixD> slopes;
      for (std::size_t s = 0; s < shards.size(); ++s) {
        slopes.push_back(test::random_matrix(pass.shards[s]->output.rows(), 2, 50 + s));
        pass.shards[s]->d_output = slopes[s];
      }
      network->backward(shards, mode, 1, pass);
      const auto loss = [&] {
        network->forward(shards, mode, 1, pass);
        double sum = 0.0;
        for (std::size_t s = 0; s < shards.size(); ++s)
          sum += (pass.shards[s]->output.array() * slopes[s].array()).sum();
        return sum;
      };
      CAPTURE(kind, static_cast<int>(mode));
      for (ParameterOf<double>* p : network->parameters()) {
        p->reduce_gradient();
        const MatrixD gradient = p->gradient();
        test::check_gradient(p->value, gradient, loss);
      }
      for (EmbeddingOf<double>* e : network->embeddings()) {
        const MatrixD gradient = dense(*e);
        test::check_gradient(e->table.value, gradient, loss);
      }
    }
}

TEST_CASE("a batch's result does not depend on threads, and prediction not on who else is there", "[policy]") {
  const std::vector<LabelRows> shards = test::random_label_rows(kInputs, 40, 8, 3);
  for (const char* kind : {"din", "two_tower"}) {
    LabelNetworkConfig config = kSmall;
    config.kind = kind;
    const auto network = make_label_network<float>(config, kInputs, 1, make_key(4));
    network->set_shards(shards.size());
    const auto run = [&](int threads) {
      LabelNetwork::Pass pass;
      network->forward(shards, LabelNetwork::Mode::kProbe, threads, pass);
      std::vector<float> out;
      for (const auto& shard : pass.shards) {
        for (Eigen::Index i = 0; i < shard->output.size(); ++i) out.push_back(shard->output.data()[i]);
        shard->d_output = shard->output;
      }
      network->backward(shards, LabelNetwork::Mode::kProbe, threads, pass);
      for (Parameter* p : network->parameters()) {
        p->reduce_gradient();
        out.insert(out.end(), p->gradient().data(), p->gradient().data() + p->gradient().size());
        p->zero_gradient();
      }
      for (Embedding* e : network->embeddings()) e->zero_gradient();
      return out;
    };
    CHECK(run(1) == run(3));
    LabelNetwork::Pass whole, alone;
    network->forward(shards, LabelNetwork::Mode::kPredict, 1, whole);
    for (std::size_t s = 0; s < shards.size(); ++s) {
      network->predict(shards[s], alone);
      CHECK(alone.shards[0]->output == whole.shards[s]->output);
    }
  }
}

TEST_CASE("running statistics follow the batches, and only training moves them", "[policy]") {
  const auto base = make_label_network<double>(kSmall, kInputs, 1, make_key(5));
  const std::vector<LabelRows> shards = test::random_label_rows(kInputs, 30, 30, 6);
  NetworkD::Pass pass;
  const MatrixD before = base->statistics()[0]->value;
  base->forward(shards, NetworkD::Mode::kProbe, 1, pass);
  CHECK(base->statistics()[0]->value == before);
  for (int i = 0; i < 400; ++i) base->forward(shards, NetworkD::Mode::kTrain, 1, pass);
  const MatrixD trained = pass.shards[0]->output;
  base->forward(shards, NetworkD::Mode::kPredict, 1, pass);
  // Up to n / (n - 1) in the variance, the running statistics have become the batch's.
  CHECK((pass.shards[0]->output - trained).cwiseAbs().maxCoeff() < 0.02 * trained.cwiseAbs().maxCoeff() + 1e-3);
}

TEST_CASE("durations fall into buckets of equal ratios", "[policy]") {
  CHECK(duration_bucket(0.0) == 0);
  CHECK(duration_bucket(1.0) == 6);
  CHECK(duration_bucket(60.0) == 41);
  CHECK(duration_bucket(1e9) == static_cast<std::int32_t>(kDurationBuckets) - 1);
  LabelNetworkConfig config;
  config.kind = "deep";
  CHECK_THROWS_AS(check(config), InputError);
}

}  // namespace
}  // namespace swipegym
