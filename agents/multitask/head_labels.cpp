#include "agents/multitask/head_labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "agents/logged_states.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"

namespace swipegym {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kHeadRowsAtOnce = 256;

}  // namespace

HeadLabels::HeadLabels(const Dataset& data, std::int32_t until) : data_(data) {
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (data.log.date[row] <= until) known_until_ms_ = std::max(known_until_ms_, data.log.time_ms[row]);
}

float HeadLabels::leaves(std::size_t row) const noexcept {
  const Log& log = data_.log;
  const std::int64_t now = log.time_ms[row];
  if (row + 1 < data_.user_offset[index_of(log.user[row]) + 1]) {
    const std::int64_t next = log.time_ms[row + 1];
    if (next <= known_until_ms_ && next - now <= kSessionGapMs) return 0.0F;
  }
  return now + kSessionGapMs <= known_until_ms_ ? 1.0F : kUnknown;
}

std::array<float, kNumHeads> HeadLabels::of(std::size_t row) const noexcept {
  const Log& log = data_.log;
  std::array<float, kNumHeads> label{};
  const auto set = [&](Head head, float value) { label[static_cast<std::size_t>(head)] = value; };
  const auto signal = [&](Head head, Signal which) { set(head, has(log.signals[row], which) ? 1.0F : 0.0F); };
  set(Head::kWatch, log.duration_ms[row] > 0
                        ? std::clamp(static_cast<float>(log.play_ms[row]) / static_cast<float>(log.duration_ms[row]),
                                     0.0F, kRatioClip)
                        : kUnknown);
  signal(Head::kLongView, Signal::kLongView);
  signal(Head::kClick, Signal::kClick);
  signal(Head::kLike, Signal::kLike);
  signal(Head::kFollow, Signal::kFollow);
  signal(Head::kComment, Signal::kComment);
  signal(Head::kForward, Signal::kForward);
  signal(Head::kHate, Signal::kHate);
  set(Head::kLeave, leaves(row));
  return label;
}

float HeadLabels::of(std::size_t row, HeadOutput output) const noexcept {
  const float label = of(row)[static_cast<std::size_t>(head_of(output))];
  if (output != HeadOutput::kWatched || std::isnan(label)) return label;
  return label > kWatchedAbove ? 1.0F : 0.0F;
}

Matrix head_rows(const MultitaskPolicy& policy, const Dataset& data, const Catalogue& catalogue,
                 std::span<const std::uint32_t> rows, int threads) {
  const LoggedStates states(data, catalogue, policy.history_length());
  Matrix out(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(kHeadOutputs));
  std::vector<std::uint32_t> own(kHeadRowsAtOnce), offset(kHeadRowsAtOnce + 1);
  std::iota(own.begin(), own.end(), 0U);
  std::iota(offset.begin(), offset.end(), 0U);
  parallel_for((rows.size() + kHeadRowsAtOnce - 1) / kHeadRowsAtOnce, threads, [&](std::size_t piece, int) {
    thread_local LoggedStates::Batch batch;
    thread_local Matrix said;
    const std::size_t first = piece * kHeadRowsAtOnce, count = std::min(kHeadRowsAtOnce, rows.size() - first);
    states.fill(rows.subspan(first, count), batch);
    const DecisionBatch decisions{
        .observation = batch.observation, .env = nullptr, .keys = {}, .streams = {}, .threads = 1};
    policy.foresee({.batch = decisions,
                    .rows = std::span(own).first(count),
                    .offset = std::span(offset).first(count + 1),
                    .videos = batch.video,
                    .wanted = {}},
                   said, nullptr);
    out.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)) = said;
  });
  return out;
}

}  // namespace swipegym
