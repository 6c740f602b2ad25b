#include <catch2/catch.hpp>
#include <vector>

#include "agents/retrieval/in_batch_softmax.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "nn/gaussian_rows.h"
#include "nn/unit_rows.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

using test::check_close;
using test::matrix_of;

template <class Scalar>
struct RecordedSide {
  MatrixOf<Scalar> mean, log_variance, noise, sample, unit;
  std::vector<Scalar> kl_weight;
  RecordedSide(const Json& recorded, const std::string& side)
      : mean(matrix_of<Scalar>(recorded.at(side + "_mean"))),
        log_variance(matrix_of<Scalar>(recorded.at(side + "_log_variance"))),
        noise(matrix_of<Scalar>(recorded.at(side + "_noise"))),
        kl_weight(recorded.at(side + "_kl_weight").get<std::vector<Scalar>>()) {
    sample_rows<Scalar>(mean, log_variance, noise, sample);
    to_unit_rows<Scalar>(sample, unit);
  }
  double kl() const {
    return gaussian_kl<Scalar>(mean, log_variance, std::span<const Scalar>(kl_weight), nullptr, nullptr);
  }
  void check_gradients(const Json& recorded, const std::string& side, const MatrixOf<Scalar>& d_unit) const {
    MatrixOf<Scalar> d_mean, d_log_variance;
    unit_rows_backward<Scalar>(sample, unit, d_unit, d_mean);
    sample_rows_backward<Scalar>(d_mean, log_variance, noise, d_log_variance);
    gaussian_kl<Scalar>(mean, log_variance, std::span<const Scalar>(kl_weight), &d_mean, &d_log_variance);
    // 1e-6 stands beside a length, which the way back leaves out: a relative 1e-6 of what passes there.
    CHECK(
        (d_mean.template cast<double>() - matrix_of<double>(recorded.at("d_" + side + "_mean"))).cwiseAbs().maxCoeff() <
        2e-5);
    CHECK((d_log_variance.template cast<double>() - matrix_of<double>(recorded.at("d_" + side + "_log_variance")))
              .cwiseAbs()
              .maxCoeff() < 2e-5);
  }
};

// One shard or two: the parts of a batch add up to the whole.
template <class Scalar>
void check_against_recorded(std::size_t first_shard) {
  const Json recorded = test::read_recorded("variational.json");
  const RecordedSide<Scalar> user(recorded, "user"), item(recorded, "item");
  const auto video = recorded.at("video").get<std::vector<std::int32_t>>();
  const auto log_q = recorded.at("log_q").get<std::vector<Scalar>>();
  const InBatchSoftmax<Scalar> softmax{video, log_q, recorded.at("temperature").get<Scalar>()};
  MatrixOf<Scalar> d_user(user.unit.rows(), user.unit.cols()), d_item;
  d_item.setZero(item.unit.rows(), item.unit.cols());
  double loss = 0.0;
  for (std::size_t first = 0; first < video.size(); first += first_shard) {
    const auto n = static_cast<Eigen::Index>(std::min(first_shard, video.size() - first));
    MatrixOf<Scalar> logits, d_users, d_items;
    const MatrixOf<Scalar> own = user.unit.middleRows(static_cast<Eigen::Index>(first), n);
    loss += softmax.backward(first, own, item.unit, logits, d_users, d_items);
    d_user.middleRows(static_cast<Eigen::Index>(first), n) = d_users;
    d_item += d_items;
  }
  CHECK(loss == Approx(recorded.at("softmax").get<double>()).epsilon(1e-5));
  CHECK(user.kl() + item.kl() == Approx(recorded.at("kl").get<double>()).epsilon(1e-5));
  user.check_gradients(recorded, "user", d_user);
  item.check_gradients(recorded, "item", d_item);
}

TEST_CASE("the loss of drawn vectors, its divergences and all gradients are those of automatic differentiation",
          "[agents]") {
  check_against_recorded<double>(7);
  check_against_recorded<double>(4);
  check_against_recorded<float>(7);
}

TEST_CASE("a dimension is active where means differ", "[agents]") {
  Matrix means(4, 3);
  means << 1.0F, 0.5F, 0.10F, -1.0F, 0.5F, 0.15F, 1.0F, 0.5F, 0.20F, -1.0F, 0.5F, 0.25F;  // variances 1, 0, .003
  CHECK(active_dimensions(means) == 1);
  means.col(2) *= 2.0F;  // .0125
  CHECK(active_dimensions(means) == 2);
}

}  // namespace
}  // namespace swipegym
