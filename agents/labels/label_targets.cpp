#include "agents/labels/label_targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "sim_data/d2co_label.h"
#include "sim_data/duration_groups.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

using LabelOfRow = std::function<float(std::size_t row)>;

LabelOfRow main_label(const Log& log, std::span<const std::uint32_t> training_rows, const std::string& label) {
  if (label == "ef") return [&log](std::size_t r) { return has_explicit_feedback(log.signals[r]) ? 1.0F : 0.0F; };
  if (label == "pc")
    return [&log](std::size_t r) { return is_play_complete(log.play_ms[r], log.duration_ms[r]) ? 1.0F : 0.0F; };
  if (label == "pcr") return [&log](std::size_t r) { return play_completion_rate(log.play_ms[r], log.duration_ms[r]); };
  if (label == "wt") {
    std::int32_t longest = 1;
    for (const std::uint32_t row : training_rows) longest = std::max(longest, log.play_ms[row]);
    return [&log, longest](std::size_t r) {
      return std::min(1.0F, static_cast<float>(log.play_ms[r]) / static_cast<float>(longest));
    };
  }
  const std::vector<std::uint64_t> rows(training_rows.begin(), training_rows.end());
  if (label == "d2co")
    return
        [&log, d2co = D2CoLabel(log, rows)](std::size_t r) { return d2co.label(log.play_ms[r], log.duration_ms[r]); };
  const DurationGroups groups(log, rows);
  if (label == "d2q")
    return [&log, groups](std::size_t r) { return groups.quantile(log.play_ms[r], log.duration_ms[r]); };
  return [&log, groups](std::size_t r) { return groups.watch_time_gain(log.play_ms[r], log.duration_ms[r]); };
}

}  // namespace

const std::vector<std::string>& label_names() {
  static const std::vector<std::string> names = {"wt",    "ef",    "pc",     "pcr",    "d2q",    "dvr",    "d2co",
                                                 "wt+ef", "pc+ef", "pcr+ef", "d2q+ef", "dvr+ef", "d2co+ef"};
  return names;
}

LabelTargets make_label_targets(const Dataset& data, std::span<const std::uint32_t> training_rows,
                                const std::string& label) {
  if (std::find(label_names().begin(), label_names().end(), label) == label_names().end())
    throw InputError(fmt::format("label is '{}', expected one of {}", label, fmt::join(label_names(), ", ")));
  const Log& log = data.log;
  const std::size_t plus = label.find("+ef");
  const bool two_tasks = plus != std::string::npos;
  const std::string main = label.substr(0, plus);
  LabelTargets targets;
  targets.bounded = main != "dvr";
  if (two_tasks) targets.score = targets.bounded ? LabelScore::kSigmoidSum : LabelScore::kNormalSum;
  const LabelOfRow value = main_label(log, training_rows, main);
  targets.value.resize(log.size());
  if (two_tasks) targets.feedback.resize(log.size());
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.duration_ms[row] > 0) targets.value[row] = value(row);
    if (two_tasks) targets.feedback[row] = has_explicit_feedback(log.signals[row]) ? 1.0F : 0.0F;
  }
  return targets;
}

}  // namespace swipegym
