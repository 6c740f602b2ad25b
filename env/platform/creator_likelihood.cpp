#include "env/platform/creator_likelihood.h"

#include <algorithm>
#include <cmath>

#include "core/config.h"
#include "core/parallel_for.h"

namespace swipegym {
namespace {

// Places of the coefficients.
enum : int {
  kBaseMean,
  kBaseDeviation,
  kResponsive,
  kResponseMean,
  kResponseRest,
  kIdleSlope,
  kLeaveHazard,
  kLeaveScale
};

constexpr std::size_t kShard = 64;       // creators whose sums are added in their order, whoever computes them
constexpr double kMostLogOdds = 40.0;    // beyond, an upload is as good as certain or impossible
constexpr int kDaysUntilLogarithm = 16;  // exp(-40 * 16) is still a double

double odds_to_share(double log_odds) {
  return 1.0 / (1.0 + std::exp(-log_odds));
}

bool is_logarithm(int coefficient) {
  return coefficient == kBaseDeviation || coefficient == kLeaveScale;
}
bool is_log_odds(int coefficient) {
  return coefficient == kResponsive || coefficient == kLeaveHazard;
}

}  // namespace

CreatorFitSettings with_given(CreatorFitSettings settings, const CreatorSettings& law) {
  settings.given = with_reception(settings.given, law);
  settings.response_width = law.response_high - law.response_low;
  return settings;
}

CreatorVector free_coefficients(const CreatorVector& natural) noexcept {
  CreatorVector free = natural;
  for (int i = 0; i < free.size(); ++i)
    if (is_logarithm(i))
      free[i] = std::log(natural[i]);
    else if (is_log_odds(i))
      free[i] = std::log(natural[i]) - std::log1p(-natural[i]);
  return free;
}

CreatorVector natural_coefficients(const CreatorVector& free) noexcept {
  CreatorVector natural = free;
  for (int i = 0; i < free.size(); ++i)
    if (is_logarithm(i))
      natural[i] = std::exp(free[i]);
    else if (is_log_odds(i))
      natural[i] = odds_to_share(free[i]);
  return natural;
}

CreatorVector natural_slopes(const CreatorVector& free) noexcept {
  const CreatorVector natural = natural_coefficients(free);
  CreatorVector slopes = CreatorVector::Ones();
  for (int i = 0; i < free.size(); ++i)
    if (is_logarithm(i))
      slopes[i] = natural[i];
    else if (is_log_odds(i))
      slopes[i] = natural[i] * (1.0 - natural[i]);
  return slopes;
}

CreatorLikelihood::CreatorLikelihood(const CreatorPanel& panel, const CreatorFitSettings& settings, double memory,
                                     int threads)
    : base_(normal_nodes(settings.base_nodes)),
      response_(uniform_nodes(settings.response_nodes)),
      width_(settings.response_width),
      threads_(threads) {
  check_ranges(settings);
  panel.validate();
  const CreatorSettings& given = settings.given;
  step_.reserve(panel.days() - panel.size());
  first_.push_back(0);
  for (std::size_t c = 0; c < panel.size(); ++c) {
    double score = panel.was_there[c] != 0 ? given.first_reception : 0.0;
    std::int32_t idle = panel.idle_before[c];
    for (std::uint64_t day = panel.offset[c]; day + 1 < panel.offset[c + 1]; ++day) {
      score = memory * score + given.watch_weight * panel.watches[day] + given.like_weight * panel.likes[day] +
              given.follow_weight * panel.follows[day];
      idle = panel.uploaded[day] != 0 ? 1 : idle + 1;
      step_.push_back({.log_reception = static_cast<float>(std::log1p(score / given.reception_scale)),
                       .idle = static_cast<float>(idle),
                       .score = score,
                       .uploaded = panel.uploaded[day + 1] != 0});
      mean_score_ += score, upload_rate_ += panel.uploaded[day + 1];
    }
    first_.push_back(step_.size());
  }
  const double steps = std::max<double>(1.0, static_cast<double>(step_.size()));
  mean_score_ /= steps, upload_rate_ /= steps;
}

// Pairs (a, b) of the integrals: those with b = response_rest first.
struct CreatorLikelihood::Nodes {
  Eigen::ArrayXd base, normal, response;  // a, (a - base_mean) / base_deviation, b
  Eigen::ArrayXd log_weight;
  Eigen::Index rest = 0;  // how many have b = response_rest
};

// Of a creator's likelihood P at each node: what is known, and derivatives of ln P.
struct CreatorLikelihood::Scratch {
  Eigen::ArrayXd log_odds, chance, slope;
  Eigen::ArrayXd product, log_product;           // days up to the last upload
  Eigen::ArrayXd tail;                           // B(d)
  Eigen::ArrayXd by_base, by_response, by_idle;  // by a, b, idle_slope
  Eigen::ArrayXd by_hazard, by_scale;            // by the free coefficients of leaving
  Eigen::ArrayXd posterior;
};

CreatorLikelihood::Nodes CreatorLikelihood::nodes_at(const CreatorVector& natural) const {
  const auto bases = static_cast<Eigen::Index>(base_.at.size()),
             responses = static_cast<Eigen::Index>(response_.at.size());
  const Eigen::Index size = bases * (1 + responses);
  Nodes nodes{.base = Eigen::ArrayXd(size),
              .normal = Eigen::ArrayXd(size),
              .response = Eigen::ArrayXd(size),
              .log_weight = Eigen::ArrayXd(size),
              .rest = bases};
  // Shares so near 0 that their logarithm is none have no weight.
  const double log_rest = std::log(std::max(1e-300, 1.0 - natural[kResponsive]));
  const double log_share = std::log(std::max(1e-300, natural[kResponsive]));
  Eigen::Index k = 0;
  for (Eigen::Index r = -1; r < responses; ++r)
    for (std::size_t b = 0; b < base_.at.size(); ++b, ++k) {
      const auto at = static_cast<std::size_t>(std::max<Eigen::Index>(r, 0));
      nodes.normal[k] = base_.at[b];
      nodes.base[k] = natural[kBaseMean] + natural[kBaseDeviation] * base_.at[b];
      nodes.response[k] = r < 0 ? natural[kResponseRest] : natural[kResponseMean] + width_ * response_.at[at];
      nodes.log_weight[k] = std::log(base_.weight[b]) + (r < 0 ? log_rest : log_share + std::log(response_.weight[at]));
    }
  return nodes;
}

void CreatorLikelihood::add_creator(std::size_t creator, const CreatorVector& natural, const Nodes& nodes, Scratch& s,
                                    Value& sum) const {
  const std::uint64_t begin = first_[creator], end = first_[creator + 1];
  std::uint64_t last = end;  // the step whose next day has the last upload; the tail begins after it
  while (last > begin && !step_[last - 1].uploaded) --last;
  const Eigen::Index size = nodes.base.size();
  const double hazard = natural[kLeaveHazard], scale = natural[kLeaveScale];
  const auto leave = [&](const Step& step) { return hazard * std::exp(-step.score / scale); };
  const auto chances = [&](const Step& step) {
    s.log_odds = (nodes.base + nodes.response * static_cast<double>(step.log_reception) +
                  natural[kIdleSlope] * static_cast<double>(step.idle))
                     .max(-kMostLogOdds)
                     .min(kMostLogOdds);
    s.chance = (1.0 + (-s.log_odds).exp()).inverse();
  };

  // The tail, backward: by_* are derivatives of B itself until it is done.
  s.tail.setOnes(size);
  for (Eigen::ArrayXd* by : {&s.by_base, &s.by_response, &s.by_idle, &s.by_hazard, &s.by_scale}) by->setZero(size);
  for (std::uint64_t i = end; i-- > last;) {
    const Step& step = step_[i];
    const double q = leave(step);
    chances(step);
    const double log_reception = step.log_reception, idle = step.idle;
    s.slope = (1.0 - q) * (1.0 - s.chance);  // of B by the B after it
    s.log_odds = s.chance * s.tail;          // less this: by the log-odds
    s.by_base = s.slope * (s.by_base - s.log_odds);
    s.by_response = s.slope * (s.by_response - log_reception * s.log_odds);
    s.by_idle = s.slope * (s.by_idle - idle * s.log_odds);
    s.log_odds = 1.0 - (1.0 - s.chance) * s.tail;  // by q
    s.by_hazard = s.slope * s.by_hazard + (q * (1.0 - hazard)) * s.log_odds;
    s.by_scale = s.slope * s.by_scale + (q * step.score / scale) * s.log_odds;
    s.tail = q + s.slope * s.tail;
  }
  s.tail = s.tail.max(1e-300);  // a node so far out that a creator like this cannot have stopped uploading
  for (Eigen::ArrayXd* by : {&s.by_base, &s.by_response, &s.by_idle, &s.by_hazard, &s.by_scale}) *by /= s.tail;
  s.log_product = s.tail.log();

  // Days up to the last upload, after which the creator was still there.
  double log_stayed = 0.0, hazard_stayed = 0.0, scale_stayed = 0.0;
  s.product.setOnes(size);
  for (std::uint64_t i = begin; i < last; ++i) {
    const Step& step = step_[i];
    const double q = leave(step);
    log_stayed += std::log1p(-q);
    hazard_stayed -= q * (1.0 - hazard) / (1.0 - q);
    scale_stayed -= q * step.score / scale / (1.0 - q);
    chances(step);
    if (step.uploaded) {
      s.product *= s.chance;
      s.slope = 1.0 - s.chance;
    } else {
      s.product *= 1.0 - s.chance;
      s.slope = -s.chance;
    }
    s.by_base += s.slope;
    s.by_response += static_cast<double>(step.log_reception) * s.slope;
    s.by_idle += static_cast<double>(step.idle) * s.slope;
    if ((i - begin) % kDaysUntilLogarithm == kDaysUntilLogarithm - 1 || i + 1 == last) {
      s.log_product += s.product.log();
      s.product.setOnes();
    }
  }

  s.posterior = s.log_product + nodes.log_weight;
  const double most = s.posterior.maxCoeff();
  s.posterior = (s.posterior - most).exp();
  const double total = s.posterior.sum();
  s.posterior /= total;
  sum.log_likelihood += most + std::log(total) + log_stayed;

  const Eigen::Index rest = nodes.rest, others = size - rest;
  const double responsive = s.posterior.tail(others).sum();
  CreatorVector gradient;
  gradient[kBaseMean] = (s.posterior * s.by_base).sum();
  gradient[kBaseDeviation] = natural[kBaseDeviation] * (s.posterior * s.by_base * nodes.normal).sum();
  gradient[kResponsive] = responsive - natural[kResponsive];
  gradient[kResponseMean] = (s.posterior * s.by_response).tail(others).sum();
  gradient[kResponseRest] = (s.posterior * s.by_response).head(rest).sum();
  gradient[kIdleSlope] = (s.posterior * s.by_idle).sum();
  gradient[kLeaveHazard] = (s.posterior * s.by_hazard).sum() + hazard_stayed;
  gradient[kLeaveScale] = (s.posterior * s.by_scale).sum() + scale_stayed;
  sum.gradient += gradient;
  sum.outer.noalias() += gradient * gradient.transpose();
}

CreatorLikelihood::Value CreatorLikelihood::at(const CreatorVector& free) const {
  const CreatorVector natural = natural_coefficients(free);
  const Nodes nodes = nodes_at(natural);
  std::vector<Value> shards((creators() + kShard - 1) / kShard);
  std::vector<Scratch> scratch(static_cast<std::size_t>(worker_count(threads_)));
  parallel_for(shards.size(), threads_, [&](std::size_t shard, int worker) {
    const std::size_t end = std::min(creators(), (shard + 1) * kShard);
    for (std::size_t c = shard * kShard; c < end; ++c)
      add_creator(c, natural, nodes, scratch[static_cast<std::size_t>(worker)], shards[shard]);
  });
  Value sum;
  for (const Value& shard : shards) {
    sum.log_likelihood += shard.log_likelihood;
    sum.gradient += shard.gradient;
    sum.outer += shard.outer;
  }
  return sum;
}

}  // namespace swipegym
