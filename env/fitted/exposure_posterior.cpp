#include "env/fitted/exposure_posterior.h"

#include <cmath>

#include "nn/gaussian_rows.h"

namespace swipegym {

namespace {

constexpr Eigen::Index kEffects = kExposureFeatures * kDirections;
using OfDirections = Eigen::Matrix<double, kDirections, 1>;
using SquareOfDirections = Eigen::Matrix<double, kDirections, kDirections>;

// Derivatives of the tempered negative log posterior.
struct Derivatives {
  double objective = 0.0;
  Eigen::VectorXd gradient;          // [kEffects]
  Eigen::MatrixXd curvature;         // [kEffects, kEffects]
  double of_rows = 0, of_users = 0;  // sums of squares of rows' and of users' scores for passing the click's threshold
};

class Regression {
 public:
  explicit Regression(const ExposureSample& sample) : sample_(sample) {
    const std::size_t n = sample.user.size();
    double squares = 0.0;
    for (std::size_t i = 0, first = 0; i < n; ++i)
      if (i + 1 == n || sample.user[i + 1] != sample.user[i]) {
        squares += static_cast<double>((i + 1 - first) * (i + 1 - first));
        first = i + 1, ++users_;
      }
    others_ = n == 0 ? 0.0 : squares / static_cast<double>(n) - 1.0;
  }
  double users() const { return users_; }
  /// Other rows of the same user, of a row's point of view, on average.
  double others() const { return others_; }

  Derivatives at(const EffectTable& effects, const EffectPrior& prior, double weight) const {
    Derivatives out;
    const EffectTable away = effects - prior.mean;
    const EffectTable precision = prior.deviation.array().square().inverse();
    const EffectTable pull = precision.cwiseProduct(away);
    out.objective = 0.5 * away.cwiseProduct(pull).sum();
    out.gradient = Eigen::Map<const Eigen::VectorXd>(pull.data(), kEffects);
    out.curvature = Eigen::Map<const Eigen::VectorXd>(precision.data(), kEffects).asDiagonal();
    for (Eigen::Index begin = 0; begin < sample_.features.rows(); begin += kBlock)
      add_rows(effects, weight, begin, std::min(kBlock, sample_.features.rows() - begin), out);
    out.of_users += user_score_ * user_score_, user_score_ = 0.0;
    return out;
  }

 private:
  static constexpr Eigen::Index kBlock = 512;

  void add_rows(const EffectTable& effects, double weight, Eigen::Index begin, Eigen::Index rows,
                Derivatives& out) const {
    const Eigen::MatrixXd features = sample_.features.middleRows(begin, rows).cast<double>();
    Eigen::MatrixXd p = sample_.logits.middleRows(begin, rows).cast<double>() + (features * effects) * basis_;
    Eigen::MatrixXd miss(rows, kDirections), spread(rows, kDirections * kDirections);
    for (Eigen::Index i = 0; i < rows; ++i) {
      const auto row = static_cast<std::size_t>(begin + i);
      const auto bin = static_cast<Eigen::Index>(sample_.bin[row]);
      const double top = p.row(i).maxCoeff(), of_bin = p(i, bin) - top;
      p.row(i) = (p.row(i).array() - top).exp();
      const double sum = p.row(i).sum();
      out.objective += weight * (std::log(sum) - of_bin);
      p.row(i) /= sum;
      const OfDirections met = basis_ * p.row(i).transpose();
      miss.row(i) = (met - basis_.col(bin)).transpose();
      Eigen::Map<SquareOfDirections>(spread_.data()) =
          basis_ * p.row(i).asDiagonal() * basis_.transpose() - met * met.transpose();
      spread.row(i) = spread_.transpose();
      const double score = miss.row(i).segment<4>(1).sum();
      if (row > 0 && sample_.user[row] != sample_.user[row - 1])
        out.of_users += user_score_ * user_score_, user_score_ = 0.0;
      user_score_ += score, out.of_rows += score * score;
    }
    const Eigen::MatrixXd slope = features.transpose() * miss;  // [kExposureFeatures, kDirections]
    for (Eigen::Index a = 0; a < features.cols(); ++a)
      out.gradient.segment<kDirections>(a * kDirections) += weight * slope.row(a).transpose();
    Eigen::MatrixXd products(rows, features.cols() * features.cols());
    for (Eigen::Index a = 0; a < features.cols(); ++a)
      for (Eigen::Index b = 0; b < features.cols(); ++b)
        products.col(a * features.cols() + b) = features.col(a).cwiseProduct(features.col(b));
    const Eigen::MatrixXd all = products.transpose() * spread;
    for (Eigen::Index a = 0; a < features.cols(); ++a)
      for (Eigen::Index b = 0; b < features.cols(); ++b)
        for (Eigen::Index k = 0; k < static_cast<Eigen::Index>(kDirections); ++k)
          out.curvature.block<1, kDirections>(a * kDirections + k, b * kDirections) +=
              weight * all.row(a * features.cols() + b).segment<kDirections>(k * kDirections);
  }

  const ExposureSample& sample_;
  const Eigen::MatrixXd basis_ = exposure_directions().cast<double>();
  double users_ = 0.0, others_ = 0.0;
  mutable double user_score_ = 0.0;  // of the user at work
  mutable Eigen::Matrix<double, kDirections * kDirections, 1> spread_;
};

// Newton's method to the maximum; halves steps that lead up.
Derivatives descend(const Regression& regression, const EffectPrior& prior, double weight, EffectTable& effects) {
  Derivatives now = regression.at(effects, prior, weight);
  for (int i = 0; i < 25; ++i) {
    const Eigen::VectorXd step = now.curvature.ldlt().solve(now.gradient);
    EffectTable next;
    Derivatives there;
    double length = 1.0;
    do {
      next = effects;
      Eigen::Map<Eigen::VectorXd>(next.data(), kEffects) -= length * step;
      there = regression.at(next, prior, weight);
      length *= 0.5;
    } while (there.objective > now.objective && length > 1e-3);
    if (there.objective > now.objective) break;
    const bool done = now.objective - there.objective < 1e-9 * (1.0 + std::abs(now.objective));
    effects = next, now = std::move(there);
    if (done) break;
  }
  return now;
}

}  // namespace

EffectPosterior effect_posterior(const ExposureSample& sample, const EffectPrior& prior) {
  const Regression regression(sample);
  EffectPosterior out{.mean = prior.mean, .deviation = prior.deviation, .from_rows = EffectTable::Zero()};
  out.user_correlation = prior.user_correlation;
  out.covariance =
      Eigen::Map<const Eigen::VectorXd>(prior.deviation.data(), kEffects).array().square().matrix().asDiagonal();
  if (sample.user.empty()) return out;
  EffectPrior at_work = prior;
  Derivatives now;
  for (int i = 0; i < 3; ++i) {
    out.design_effect = 1.0 + out.user_correlation * regression.others();
    now = descend(regression, at_work, 1.0 / out.design_effect, out.mean);
    // What scores of one user have in common, against what rows of many users would.
    const double common = regression.others() < 1e-9 ? 0.0 : (now.of_users / now.of_rows - 1.0) / regression.others();
    out.user_correlation =
        (prior.worth_of_users * prior.user_correlation + regression.users() * std::max(common, 0.0)) /
        (prior.worth_of_users + regression.users());
    // A rate far from the published one is another platform's, not an outlier (the t distribution as a scale mixture).
    const auto away = (out.mean - prior.mean).row(0).array();
    at_work.deviation.row(0) =
        ((kConstantFreedom * prior.deviation.row(0).array().square() + away.square()) / (kConstantFreedom + 1.0))
            .sqrt();
  }
  out.design_effect = 1.0 + out.user_correlation * regression.others();
  now = descend(regression, at_work, 1.0 / out.design_effect, out.mean);
  out.covariance = now.curvature.ldlt().solve(Eigen::MatrixXd::Identity(kEffects, kEffects));
  const Eigen::VectorXd variance = out.covariance.diagonal().cwiseMax(0.0);
  out.deviation = Eigen::Map<const EffectTable>(variance.data()).cwiseSqrt();
  out.from_rows = (1.0 - (out.deviation.array() / at_work.deviation.array()).square()).max(0.0).matrix();
  return out;
}

EffectTable draw_effects(const EffectPosterior& posterior, RandomStream random) {
  std::vector<float> normal(static_cast<std::size_t>(kEffects));
  fill_normal(random, normal);
  const Eigen::VectorXd z = Eigen::Map<const Eigen::VectorXf>(normal.data(), kEffects).cast<double>();
  const Eigen::VectorXd off = posterior.covariance.llt().matrixL() * z;
  return posterior.mean + Eigen::Map<const EffectTable>(off.data());
}

}  // namespace swipegym
