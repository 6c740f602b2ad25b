#include "env/reward_weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/range.h"

namespace swipegym {
namespace {

constexpr std::string_view kColumnPrefix = "is_";

std::string_view short_name(std::string_view column) {
  return column.starts_with(kColumnPrefix) ? column.substr(kColumnPrefix.size()) : column;
}

}  // namespace

const std::vector<std::string>& RewardWeights::names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out = {"watch_s", "watch_ratio", "return_day", "gap_h"};
    for (const std::string_view column : kSignalNames) out.emplace_back(short_name(column));
    return out;
  }();
  return all;
}

float* RewardWeights::find(std::string_view name) noexcept {
  if (name == "watch_s") return &watch_s;
  if (name == "watch_ratio") return &watch_ratio;
  if (name == "return_day") return &return_day;
  if (name == "gap_h") return &gap_h;
  for (std::size_t i = 0; i < kNumSignals; ++i)
    if (name == kSignalNames[i] || name == short_name(kSignalNames[i])) return &signal[i];
  return nullptr;
}

RewardWeights parse_reward(std::string_view what, const std::vector<std::string>& terms) {
  RewardWeights reward{.watch_s = 0.0F};
  std::vector<const float*> given;
  for (const std::string& term : terms) {
    const std::size_t equals = term.find('=');
    const std::string name = term.substr(0, equals);
    float* const weight = reward.find(name);
    if (weight == nullptr || equals == std::string::npos)
      throw InputError(fmt::format("{} has the term '{}', expected NAME=WEIGHT with a name of {}", what, term,
                                   fmt::join(RewardWeights::names(), ", ")));
    if (std::find(given.begin(), given.end(), weight) != given.end())
      throw InputError(fmt::format("{} has the term '{}' more than once", what, name));
    given.push_back(weight);
    *weight = parse_number<float>(fmt::format("{} {}", what, name), term.substr(equals + 1), ranges::kAnyWeight);
  }
  return reward;
}

}  // namespace swipegym
