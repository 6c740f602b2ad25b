#pragma once

#include <Eigen/Core>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/range.h"
#include "env/platform/creator_law.h"
#include "env/platform/creator_panel.h"
#include "env/platform/gauss_nodes.h"

namespace swipegym {

/// What a fit of creators takes as given, and how exactly it integrates.
struct CreatorFitSettings {
  // Of the law, the fields of visit_reception(): not fitted. Its first_reception is that of creators who were there
  // before the panel, when it begins.
  CreatorSettings given{.first_reception = 0.0};
  // Instead of the memory the one of greatest likelihood is taken, whose choice the intervals do not know of.
  std::vector<double> memories;
  double response_width = CreatorSettings{}.response_high - CreatorSettings{}.response_low;
  std::string watch = "click";                       // what counts as a watch in a log
  bool newcomers = false;                            // of a log: only creators who arrive while it runs
  std::int32_t base_nodes = 15, response_nodes = 5;  // points of the integrals over a and b
  std::int32_t max_steps = 500;                      // of the search
  std::uint64_t most_creators = 100'000;             // of a log
};

/// The settings with what that law gives: all of it that is not fitted.
CreatorFitSettings with_given(CreatorFitSettings settings, const CreatorSettings& law);

template <class Visitor>
void visit_fields(Visitor& visit, CreatorFitSettings& settings) {
  visit_reception(visit, settings.given);
  visit("memories", settings.memories, between(0, 1), lengths(0, 100));
  visit("response_width", settings.response_width, between(0, 20));
  visit("watch", settings.watch, one_of({"row", "click", "long_view"}));
  visit("newcomers", settings.newcomers);
  visit("base_nodes", settings.base_nodes, between(1, 200));
  visit("response_nodes", settings.response_nodes, between(1, 200));
  visit("max_steps", settings.max_steps, between(1, 100'000));
  visit("most_creators", settings.most_creators, between(1, 100'000'000));
}

/// Coefficients of the law that are estimated, in the order of every list of them. `response` is the mean of b among
/// those who answer, (response_low + response_high) / 2; the others have their names of CreatorSettings.
inline constexpr std::size_t kNumCreatorCoefficients = 8;
inline constexpr std::array<std::string_view, kNumCreatorCoefficients> kCreatorCoefficientNames = {
    "base_mean",     "base_deviation", "responsive",   "response",
    "response_rest", "idle_slope",     "leave_hazard", "leave_scale"};
using CreatorVector = Eigen::Matrix<double, kNumCreatorCoefficients, 1>;
using CreatorMatrix = Eigen::Matrix<double, kNumCreatorCoefficients, kNumCreatorCoefficients>;

/// Coefficients as numbers without bounds, which the search moves in, and back: base_deviation and leave_scale by their
/// logarithms, responsive and leave_hazard by their log-odds, the others as they are.
CreatorVector free_coefficients(const CreatorVector& natural) noexcept;
CreatorVector natural_coefficients(const CreatorVector& free) noexcept;
/// d natural / d free, one by one.
CreatorVector natural_slopes(const CreatorVector& free) noexcept;

/// The marginal likelihood of a panel under CreatorLaw, without mimicry.
///
/// Timing, that of a platform: a day's videos get what they get; at midnight S = memory S + that day's worth; then the
/// creator leaves with probability leave_hazard exp(-S / leave_scale); one who is still there uploads on the day that
/// begins with probability sigmoid(a + b ln(1 + S / reception_scale) + idle_slope idle), where idle is the days from
/// the last upload to that day, 1 right after one. So what day d brings answers the S of day d - 1, the day of arrival
/// is given, and what the last day got answers for nothing. S is 0 before arrival, and first_reception before the panel
/// for creators who were there: wrong by more or less for the first 1 / (1 - memory) days or so.
///
/// Leaving is not observed. Days after the last upload are summed over when the creator left, if at all, by the
/// recursion B(d) = q(d) + (1 - q(d)) (1 - p(d + 1)) B(d + 1) from B(last) = 1. a and b are the creator's own and
/// integrated over by Gauss nodes: a over N(base_mean, base_deviation), b over the law's mixture.
class CreatorLikelihood {
 public:
  /// The panel is no longer needed afterwards. InputError for settings out of range and for a panel that is none.
  CreatorLikelihood(const CreatorPanel& panel, const CreatorFitSettings& settings, double memory, int threads);

  struct Value {
    double log_likelihood = 0.0;
    CreatorVector gradient = CreatorVector::Zero();  // by the free coefficients
    CreatorMatrix outer = CreatorMatrix::Zero();     // sum over creators of gradient gradient'
  };
  /// At free coefficients. The same bytes for any number of threads.
  Value at(const CreatorVector& free) const;

  std::size_t creators() const noexcept { return first_.size() - 1; }
  /// The mean S of a creator's day.
  double mean_score() const noexcept { return mean_score_; }
  /// The share of days with an upload, those of arrival aside.
  double upload_rate() const noexcept { return upload_rate_; }

 private:
  struct Nodes;
  struct Scratch;
  // A day's end and what the next day brought.
  struct Step {
    float log_reception;  // ln(1 + S / reception_scale)
    float idle;
    double score;  // S
    bool uploaded;
  };

  Nodes nodes_at(const CreatorVector& natural) const;
  void add_creator(std::size_t creator, const CreatorVector& natural, const Nodes& nodes, Scratch& scratch,
                   Value& sum) const;

  std::vector<Step> step_;
  std::vector<std::uint64_t> first_;  // [creators + 1]: where a creator's steps begin
  GaussNodes base_, response_;
  double width_ = 0.0, mean_score_ = 0.0, upload_rate_ = 0.0;
  int threads_ = 0;
};

}  // namespace swipegym
