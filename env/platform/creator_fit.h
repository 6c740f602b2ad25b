#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>

#include "core/progress.h"
#include "env/platform/creator_law.h"
#include "env/platform/creator_likelihood.h"
#include "env/platform/creator_panel.h"

namespace swipegym {

/// A coefficient's estimate with its standard error and 95 % interval; these are NaN where the panel does not say what
/// the coefficient is (the likelihood is flat along it, or greatest at the end of what is searched).
struct CreatorEstimate {
  double value = 0.0;
  double error = 0.0;            // by the delta method
  double low = 0.0, high = 0.0;  // of the free coefficient, turned back: within the range of what is estimated
  bool identified() const noexcept { return error == error; }
};

/// What a panel says of the law of creators.
struct CreatorFit {
  std::array<CreatorEstimate, kNumCreatorCoefficients> coefficients{};  // as kCreatorCoefficientNames
  /// The mean of b over all creators, responsive * response + (1 - responsive) * response_rest: known even where few or
  /// none answer, and the parts are not.
  CreatorEstimate mean_response{};
  CreatorFitSettings settings{};  // `given.memory` is the one that was taken
  std::uint64_t creators = 0, creator_days = 0, uploads = 0;
  double log_likelihood = 0.0;
  std::int32_t steps = 0;
  bool converged = false;
  std::int32_t first_date = 0, last_date = 0;  // yyyymmdd, of a log; 0: no log
  std::uint64_t data_fingerprint = 0;

  const CreatorEstimate& of(std::string_view coefficient) const;  // InputError for a name that is none
  /// The law with these coefficients; arrivals and mimicry as `others` has them.
  CreatorSettings law(CreatorSettings others = {}) const;
  void validate() const;
};

/// Maximum marginal likelihood (creator_likelihood.h says of what), by damped steps with the outer product of the
/// creators' gradients (Berndt, Hall, Hall & Hausman, "Estimation and inference in nonlinear structural models", 1974),
/// then with the Hessian, which is the difference of gradients. Standard errors are those of the inverse Hessian. The
/// same bytes for any number of threads. InputError for a panel without a day after an arrival, in which no upload
/// follows one or every such day has one, or of fewer creators than coefficients.
CreatorFit fit_creators(const CreatorPanel& panel, const CreatorFitSettings& settings = {}, int threads = 0,
                        const Progress& progress = {});

/// A file of its own kind, "creator_fit"; whole or not at all.
void save_creator_fit(const CreatorFit& fit, const std::filesystem::path& path);
/// InputError for anything that save_creator_fit() does not write.
CreatorFit read_creator_fit(const std::filesystem::path& path);

}  // namespace swipegym
