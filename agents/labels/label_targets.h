#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "policy/label/label_policy.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// The labels a recommender may be fitted to: "wt", "ef", "pc", "pcr", "d2q", "dvr", "d2co", and every one but "ef"
/// with "+ef" behind it, for two tasks.
const std::vector<std::string>& label_names();

/// A label of each logged row. Whatever a label learns of the log (spreads, quantiles, mixtures), it learns from the
/// training rows.
struct LabelTargets {
  std::vector<float> value;     // [log rows]; 0 where the duration is unknown
  std::vector<float> feedback;  // [log rows] EF, the second task; empty without one
  bool bounded = true;          // in [0, 1]; otherwise a gain of mean 0 and deviation 1 within its duration group
  LabelScore score = LabelScore::kFirst;
};

/// wt: seconds over the longest of the training rows, at most 1. ef: any of like, follow, comment. pc: watched to the
/// end. pcr: share watched, at most 1. d2q: quantile within 30 duration groups. dvr: watch-time gain within them. d2co:
/// see d2co_label.h. Throws InputError for another name.
LabelTargets make_label_targets(const Dataset& data, std::span<const std::uint32_t> training_rows,
                                const std::string& label);

}  // namespace swipegym
