#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "evaluation/off_policy/estimators.h"
#include "evaluation/off_policy/linear_model.h"
#include "tests/parity/recorded.h"

using namespace swipegym;

namespace {

constexpr double kTolerance = 1e-6;  // the promise; most agree to rounding

/// What the Open Bandit Pipeline saw, with users who have one row each.
struct Recorded {
  Json json = test::read_recorded("off_policy.json");
  std::size_t rows = json["rows"], actions = json["actions"];
  std::vector<double> reward = json["reward"].get<std::vector<double>>();
  std::vector<std::int32_t> action = json["action"].get<std::vector<std::int32_t>>();
  std::vector<double> propensity = json["behaviour_64ths"].get<std::vector<double>>();
  std::vector<double> evaluation = json["evaluation_64ths"].get<std::vector<double>>();
  std::vector<double> q_hat = json["q_hat"].get<std::vector<double>>();
  std::vector<std::uint32_t> user = std::vector<std::uint32_t>(rows);

  Recorded() {
    for (double& p : propensity) p /= 64.0;
    for (double& p : evaluation) p /= 64.0;
    for (std::size_t i = 0; i < rows; ++i) user[i] = static_cast<std::uint32_t>(7 * i);
  }
  std::vector<OffPolicyRow> seen(std::span<const double> probabilities, std::span<const double> model) const {
    return off_policy_rows({actions, reward, action, propensity, probabilities, model, user});
  }
  /// Probability 1 for the first most likely action.
  std::vector<double> greedy() const {
    std::vector<double> out(evaluation.size(), 0.0);
    for (std::size_t i = 0; i < rows; ++i) {
      const auto first = evaluation.begin() + static_cast<std::ptrdiff_t>(i * actions);
      out[static_cast<std::size_t>(std::max_element(first, first + static_cast<std::ptrdiff_t>(actions)) -
                                   evaluation.begin())] = 1.0;
    }
    return out;
  }
};

Estimator named(const std::string& name) {
  for (const EstimatorInfo& info : estimator_infos())
    if (info.name == name) return info.estimator;
  FAIL("no estimator " << name);
  return {};
}

}  // namespace

TEST_CASE("every estimator gives the Open Bandit Pipeline's value", "[off_policy]") {
  const Recorded recorded;
  const auto rows = recorded.seen(recorded.evaluation, recorded.q_hat);
  const auto greedy = recorded.seen(recorded.greedy(), {});
  std::size_t checked = 0;
  for (const Json& one : recorded.json["values"]) {
    const std::string name = one["name"];
    CAPTURE(name);
    const double lambda = one.value("lambda", kNoLimit);
    CHECK(estimate(named(name), lambda, name == "replay" ? greedy : rows) ==
          Approx(one["value"].get<double>()).margin(kTolerance));
    ++checked;
  }
  CHECK(checked == estimator_infos().size() + 1);  // IPS with and without a bound
}

TEST_CASE("SLOPE chooses the lambdas the Open Bandit Pipeline chooses", "[off_policy]") {
  const Recorded recorded;
  std::map<std::string, std::size_t> different;
  for (const Json& one : recorded.json["slope"]) {
    const std::string name = one["name"];
    std::vector<double> model = recorded.q_hat;
    for (double& q : model) q += one["shift"].get<double>();
    const auto rows = recorded.seen(recorded.evaluation, model);
    const auto lambdas = one["lambdas"].get<std::vector<double>>();
    CAPTURE(name, one["shift"].get<double>());
    const double chosen = slope_setting(named(name), lambdas, rows);
    CHECK(chosen == one["chosen"].get<double>());
    CHECK(estimate(named(name), chosen, rows) == Approx(one["value"].get<double>()).margin(kTolerance));
    ++different[name + one["chosen"].dump()];
  }
  CHECK(different.size() >= 8);  // the choice is not always the same
}

TEST_CASE("least squares and MRDR's weights give the Open Bandit Pipeline's models", "[off_policy]") {
  const Recorded recorded;
  const std::size_t width = recorded.json["width"];
  const auto context = recorded.json["context"].get<std::vector<double>>();
  const auto n = static_cast<Eigen::Index>(recorded.rows),
             features = static_cast<Eigen::Index>(width + recorded.actions);
  // The context and one feature an action; the pipeline's intercept lies in their span.
  LinearRows linear{.logged = Matrix::Zero(n, features),
                    .policy = Matrix::Zero(n, features),
                    .reward = recorded.reward,
                    .user = recorded.user,
                    .continues = {}};
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    for (std::size_t f = 0; f < width; ++f)
      linear.logged(i, static_cast<Eigen::Index>(f)) = linear.policy(i, static_cast<Eigen::Index>(f)) =
          static_cast<float>(context[row * width + f]);
    linear.logged(i, static_cast<Eigen::Index>(width) + recorded.action[row]) = 1.0F;
    for (std::size_t a = 0; a < recorded.actions; ++a)
      linear.policy(i, static_cast<Eigen::Index>(width + a)) =
          static_cast<float>(recorded.evaluation[row * recorded.actions + a]);
  }
  const auto plain = recorded.seen(recorded.evaluation, {});
  std::vector<double> weight;
  for (const OffPolicyRow& row : plain) weight.push_back(mrdr_weight(row));
  for (const bool mrdr : {false, true}) {
    CAPTURE(mrdr);
    const Json& model = recorded.json["models"][mrdr ? "mrdr" : "normal"];
    const auto q_hat = model["q_hat"].get<std::vector<double>>();
    const CrossFitted fitted = fit_rewards(linear, mrdr ? std::span<const double>(weight) : std::span<const double>(),
                                           {.folds = 1, .ridge = 1e-10}, make_key(1));
    std::vector<OffPolicyRow> rows = plain;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      // Contexts are stored in float: hundredths are exact to 1e-8 only.
      CHECK(fitted.logged[i] ==
            Approx(q_hat[i * recorded.actions + static_cast<std::size_t>(recorded.action[i])]).margin(kTolerance));
      rows[i].q_logged = fitted.logged[i], rows[i].q_policy = fitted.policy[i];
    }
    CHECK(estimate(Estimator::kDr, kNoLimit, rows) == Approx(model["dr"].get<double>()).margin(kTolerance));
  }
}
