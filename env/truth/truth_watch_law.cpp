#include "env/truth/truth_watch_law.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace swipegym {
namespace {

constexpr double kEnd = 1.02;        // centre of a completed play: the app reports a little more than the duration
constexpr double kEndWidth = 0.035;  // logistic scale around it
constexpr double kReplayMean = 0.8;  // mean ratio beyond 1 of a replay, before truncation

double swipe_cdf(double r, double scale) {
  const double t = r / scale;
  return t * t / (1.0 + t * t);
}
/// E[R; R <= r] of a log-logistic law with shape 2.
double swipe_moment(double r, double scale) {
  const double t = r / scale;
  return scale * (std::atan(t) - t / (1.0 + t * t));
}
double end_cdf(double r) {
  return 1.0 / (1.0 + std::exp(-(r - kEnd) / kEndWidth));
}
/// E[R; R <= r] of the logistic law, by parts: r F(r) minus the integral of F.
double end_moment(double r) {
  const double z = (r - kEnd) / kEndWidth;
  return r * end_cdf(r) - kEndWidth * (z > 30.0 ? z : std::log1p(std::exp(z)));
}
double replay_cdf(double r) {
  return r <= 1.0 ? 0.0 : -std::expm1(-(r - 1.0) / kReplayMean);
}
/// E[R; R <= r] of 1 + exponential.
double replay_moment(double r) {
  if (r <= 1.0) return 0.0;
  const double x = (r - 1.0) / kReplayMean;
  return replay_cdf(r) * (1.0 + kReplayMean) - kReplayMean * x * std::exp(-x);
}

}  // namespace

double TruthWatchLaw::cdf(double r) const {
  if (r < 0.0) return 0.0;
  if (r >= cut) return 1.0;
  const double skipped = swipe_cdf(r, swipe) / swipe_cdf(cut, swipe);
  const double partial = r >= 1.0 ? 1.0 : (r <= 0.0 ? 0.0 : std::pow(r, static_cast<double>(power)));
  const double matched = (1.0 - complete - replay) * partial + complete * end_cdf(r) / end_cdf(cut) +
                         replay * replay_cdf(r) / replay_cdf(cut);
  return zero + (1.0 - zero) * ((1.0 - match) * skipped + match * matched);
}

void TruthWatchLaw::quantiles(std::span<const double> p, std::span<double> out) const {
  assert(p.size() == out.size());
  double low = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] <= zero) {
      out[i] = 0.0;
      continue;
    }
    // Bisection keeps the bracket; a secant step from its ends shortens most of the way.
    double a = low, b = cut, fa = cdf(a) - p[i], fb = 1.0 - p[i];
    const auto narrow = [&] { return 1e-10 + 1e-6 * a; };
    for (int step = 0; step < 100 && b - a > narrow(); ++step) {
      double x = step % 3 == 2 ? 0.5 * (a + b) : a - fa * (b - a) / (fb - fa);
      const double edge = std::min(0.5 * narrow(), 0.5 * (b - a));
      x = std::clamp(x, a + edge, b - edge);
      const double fx = cdf(x) - p[i];
      if (fx < 0.0)
        a = x, fa = fx;
      else
        b = x, fb = fx;
    }
    out[i] = low = 0.5 * (a + b);
  }
}

float TruthWatchLaw::matched_mean() const {
  const double partial = power / (1.0 + power);
  return static_cast<float>((1.0 - complete - replay) * partial + complete * end_moment(cut) / end_cdf(cut) +
                            replay * replay_moment(cut) / replay_cdf(cut));
}

float TruthWatchLaw::mean() const {
  const double skipped = swipe_moment(cut, swipe) / swipe_cdf(cut, swipe);
  return static_cast<float>((1.0 - zero) * ((1.0 - match) * skipped + match * matched_mean()));
}

float TruthWatchLaw::mean_up_to_one() const {
  const double swipe_norm = swipe_cdf(cut, swipe), end_norm = end_cdf(cut);
  const double skipped = (swipe_moment(1.0, swipe) + swipe_norm - swipe_cdf(1.0, swipe)) / swipe_norm;
  const double partial = power / (1.0 + power);
  const double ended = (end_moment(1.0) + end_norm - end_cdf(1.0)) / end_norm;
  const double matched = (1.0 - complete - replay) * partial + complete * ended + replay;
  return static_cast<float>((1.0 - zero) * ((1.0 - match) * skipped + match * matched));
}

double TruthWatchLaw::crps(double ratio) const {
  // Five-point Gauss-Legendre on panels that are narrow where the law is: near 0 and around the end of the video.
  static constexpr double kNode[5] = {-0.9061798459386640, -0.5384693101056831, 0.0, 0.5384693101056831,
                                      0.9061798459386640};
  static constexpr double kWeight[5] = {0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665,
                                        0.2369268850561891};
  static constexpr double kEdge[] = {0.0,  0.0005, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15,
                                     0.25, 0.4,    0.6,   0.75,  0.85, 0.92, 0.97, 1.02, 1.07,
                                     1.12, 1.2,    1.25,  1.4,   1.7,  2.2,  3.0,  4.0,  5.0};
  const double observed = std::min(ratio, 5.0);
  double sum = 0.0;
  const auto panel = [&](double a, double b) {
    for (int i = 0; i < 5; ++i) {
      const double r = 0.5 * (a + b) + 0.5 * (b - a) * kNode[i];
      const double miss = cdf(r) - (observed <= r ? 1.0 : 0.0);
      sum += 0.5 * (b - a) * kWeight[i] * miss * miss;
    }
  };
  for (std::size_t i = 0; i + 1 < std::size(kEdge); ++i) {
    const bool split = observed > kEdge[i] && observed < kEdge[i + 1];
    panel(kEdge[i], split ? observed : kEdge[i + 1]);
    if (split) panel(observed, kEdge[i + 1]);
  }
  return sum;
}

TruthWatchLaw::Sample TruthWatchLaw::draw(RandomStream& random) const {
  const float plays = random.uniform();
  const float matches = random.uniform();
  const float part = random.uniform();
  // In the middle of its 2^-24 cell, so that neither 0 nor 1 reaches a logarithm.
  const double u = static_cast<double>(random.uniform()) + 0x1p-25;
  if (plays < zero) return {0.0F, false};
  if (matches >= match) {
    const double f = u * swipe_cdf(cut, swipe);
    return {static_cast<float>(std::min(swipe * std::sqrt(f / (1.0 - f)), static_cast<double>(cut))), false};
  }
  double ratio;
  if (part < complete) {
    const double f = u * end_cdf(cut);
    ratio = kEnd + kEndWidth * std::log(f / (1.0 - f));
  } else if (part < complete + replay) {
    ratio = 1.0 - kReplayMean * std::log1p(-u * replay_cdf(cut));
  } else {
    ratio = std::exp(std::log(u) / power);
  }
  return {static_cast<float>(std::clamp(ratio, 0.0, static_cast<double>(cut))), true};
}

}  // namespace swipegym
