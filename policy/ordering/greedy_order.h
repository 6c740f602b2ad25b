#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/ordering/order_settings.h"

namespace swipegym {

/// n videos with what an order looks at. Likeness of two videos is the cosine of their vectors, of any length; one of
/// zeros is like nothing. A matrix may stand in place of the vectors.
struct ScoredList {
  std::span<const float> relevance;  // [n], any finite numbers
  std::span<const float> vectors{};  // [n, width], row-major
  std::size_t width = 0;
  std::span<const float> likeness{};        // [n, n]: symmetric, positive semidefinite, 1 on its diagonal
  std::span<const std::uint32_t> author{};  // [n]; may be empty where no rule looks at it
  std::span<const std::uint16_t> tag{};     // [n]; likewise
  std::int32_t no_tag = -1;                 // the value of `tag` that stands for none

  std::size_t size() const noexcept { return relevance.size(); }
  /// Throws InputError for lengths that differ and numbers that are not finite.
  void validate() const;
};

/// What each video would add if it took the next place, for the four methods. Memory is kept from list to list.
///
///   value  relevance
///   mmr    l * relevance - (1 - l) * largest likeness to a video that was taken (Carbonell and Goldstein, SIGIR 1998)
///   dpp    greedy MAP of the determinantal point process of L = diag(q) S diag(q), q = exp(theta * relevance), by
///          rows of its Cholesky factor in O(n) a place and taken video (Chen, Zhang, Zhou, NeurIPS 2018): the factor
///          by which det L of those taken grows. Where likeness leaves a video less than 1e-10 of its squared length,
///          or its quality is 0 beside the best one's, it adds nothing, and comes by relevance behind all that do.
///   ssd    relevance + gamma * volume spanned by the last window - 1 taken and this one (sliding spectrum
///          decomposition: Huang et al., KDD 2021). The volume is that of the window's own vectors. The paper's
///          algorithm adds back the projection onto the one that leaves, whose successors stay orthogonal to it;
///          the two agree until a video leaves the window.
class GreedyOrder {
 public:
  /// `boost` multiplies the weight of diversity: (1 - l), at most to 1, and gamma; theta is divided by it.
  void begin(const ScoredList& list, const OrderSettings& settings, float boost, std::size_t places);
  /// [n] larger is better; those of taken videos mean nothing.
  std::span<const double> gains() const noexcept { return gain_; }
  void take(std::size_t video);
  /// Relevance as the method weighs it: scaled.
  std::span<const double> relevance() const noexcept { return relevance_; }

 private:
  enum class Method : std::uint8_t { kValue, kMmr, kDpp, kSsd };

  void prepare_vectors();
  void find_likeness(std::size_t video, double* out) const;
  bool extend_factor(std::size_t video, const double* likeness);
  void update_mmr(std::size_t video);
  void update_dpp(std::size_t video);
  void update_ssd(std::size_t video);
  void set_dpp_gains();

  const ScoredList* list_ = nullptr;
  Method method_ = Method::kValue;
  std::size_t n_ = 0, window_ = 0;
  double lambda_ = 1.0, gamma_ = 0.0;
  double least_relevance_ = 0.0;
  std::vector<double> relevance_, gain_;  // [n]
  std::vector<double> turned_;            // [width, n] vectors of length 1, so that loops run along the videos
  std::vector<double> quality_;           // [n] dpp: squared, 1 for the best
  std::vector<double> nearest_;           // [n] mmr
  std::vector<double> residual_;          // [n] squared length that likeness to the taken ones leaves
  std::vector<double> factor_;            // [rows, n] of the Cholesky factor
  std::vector<double> row_;               // [n], or ssd: [places, n] likeness to each taken video
  std::vector<std::size_t> taken_;
  std::size_t rows_ = 0;
};

/// (variance / mean_variance)^power within [1 / limit, limit]: what the weight of diversity is multiplied by. 1 where
/// mean_variance is 0. Throws InputError for a negative variance.
float diversity_boost(float variance, float mean_variance, const VarianceBoost& settings);

}  // namespace swipegym
