#include "agents/policy_gradient/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <numeric>

#include "core/memory_budget.h"
#include "core/parallel_pieces.h"

namespace swipegym {

Rollout::Rollout(const StateEncoder& encoder, const Shape& shape) : encoder_(encoder), shape_(shape) {
  const std::size_t m = shape.slots;
  MemoryBudget()
      .add(fmt::format("the steps of {} sessions between two updates", shape.envs), bytes(encoder.state_size(), shape),
           "num_envs, rollout_steps or slots")
      .require();
  states.setZero(static_cast<Eigen::Index>(state_rows()), static_cast<Eigen::Index>(encoder.state_size()));
  cross.setZero(static_cast<Eigen::Index>(state_rows() * m), static_cast<Eigen::Index>(StateEncoder::kCross));
  candidate.resize(state_rows() * m);
  mask.resize(state_rows() * m);
  action.resize(rows() * shape.slate);
  reward.resize(rows());
  cost.resize(rows() * shape.costs);
  signal.resize(rows() * shape.signals * m);
  videos.resize(rows());
  valid.resize(rows());
  stays.resize(rows());
  terminated.resize(rows());
  truncated.resize(rows());
  gap_h.resize(rows());
  if (shape.returns) left.setZero(static_cast<Eigen::Index>(rows()), static_cast<Eigen::Index>(encoder.state_size()));
  all_.resize(shape.envs);
  std::iota(all_.begin(), all_.end(), 0U);
}

std::uint64_t Rollout::bytes(std::size_t state_size, const Shape& shape) noexcept {
  constexpr std::uint64_t kSlot = sizeof(float) * StateEncoder::kCross + sizeof(std::int32_t) + sizeof(std::uint8_t);
  const std::uint64_t a_state = sum_of({product_of({state_size, sizeof(float)}), product_of({shape.slots, kSlot})});
  const std::uint64_t a_row =
      sum_of({product_of({shape.slate, sizeof(std::int32_t)}), product_of({shape.costs, sizeof(float)}),
              product_of({shape.signals, shape.slots, sizeof(float)}), 4 * sizeof(float), 3,
              shape.returns ? product_of({state_size, sizeof(float)}) : 0});
  return sum_of(
      {product_of({shape.envs, sum_of({shape.steps, 1}), a_state}), product_of({shape.envs, shape.steps, a_row})});
}

void Rollout::begin(const ObservationView& first) {
  gathered_ = 0;
  left_by.clear();
  encode(first, 0, all_);
}

void Rollout::encode(const ObservationView& observation, std::size_t block, std::span<const std::uint32_t> envs) {
  const std::size_t m = observation.candidates, base = block * shape_.envs;
  assert(m == 0 || m == shape_.slots);
  parallel_pieces(envs.size(), kChunk, shape_.threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local Matrix encoded;
    thread_local StateEncoder::Histories histories;
    const std::span<const std::uint32_t> own = envs.subspan(first, count);
    encoded.resize(static_cast<Eigen::Index>(kChunk), states.cols());
    encoder_.encode(observation, own, encoded, histories);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = base + own[i];
      std::copy_n(observation.candidate + own[i] * m, m, &candidate[row * m]);
      std::copy_n(observation.mask + own[i] * m, m, &mask[row * m]);
      states.row(static_cast<Eigen::Index>(row)) = encoded.row(static_cast<Eigen::Index>(i));
      for (std::size_t pair = row * m; pair < (row + 1) * m; ++pair)
        encoder_.cross(encoded, histories, i, candidate[pair], cross.data() + pair * StateEncoder::kCross);
    }
  });
}

void Rollout::add(const StepView& step, std::span<const float> costs, std::span<const float> signals) {
  assert(!full() && costs.size() == shape_.envs * shape_.costs);
  assert(signals.size() == shape_.envs * shape_.signals * shape_.slots);
  const std::size_t envs = shape_.envs, m = shape_.slots, slate = shape_.slate;
  const std::size_t base = gathered_ * envs;
  for (std::size_t env = 0; env < envs; ++env) {
    const std::size_t row = base + env;
    valid[row] = !step.autoreset[env];
    stays[row] = step.stays[env];
    terminated[row] = step.terminated[env];
    truncated[row] = step.truncated[env];
    gap_h[row] = step.gap_h[env];
    reward[row] = step.reward[env];
    videos[row] = step.consumed[env];
    for (std::size_t c = 0; c < shape_.costs; ++c) cost[c * rows() + row] = costs[env * shape_.costs + c];
    const auto offered = candidate.begin() + static_cast<std::ptrdiff_t>(row * m);
    for (std::size_t place = 0; place < slate; ++place) {
      const std::int32_t video = step.video[env * slate + place];
      const auto found = std::find(offered, offered + static_cast<std::ptrdiff_t>(m), video);
      action[row * slate + place] = video < 0 ? -1 : static_cast<std::int32_t>(found - offered);
    }
  }
  std::copy(signals.begin(), signals.end(), signal.begin() + static_cast<std::ptrdiff_t>(base * shape_.signals * m));
  ++gathered_;
  encode(step.observation, gathered_, all_);
}

void Rollout::come_back(const ObservationView& now, std::span<const std::uint8_t> back) {
  assert(shape_.returns && gathered_ > 0 && back.size() == shape_.envs);
  back_.clear();
  for (std::size_t env = 0; env < shape_.envs; ++env) {
    if (!back[env]) continue;
    const std::size_t next = gathered_ * shape_.envs + env;
    left.row(static_cast<Eigen::Index>(left_by.size())) = states.row(static_cast<Eigen::Index>(next));
    left_by.push_back(static_cast<std::uint32_t>(next - shape_.envs));
    back_.push_back(static_cast<std::uint32_t>(env));
  }
  encode(now, gathered_, back_);
}

void Rollout::restart() {
  const std::size_t envs = shape_.envs, m = shape_.slots, last = shape_.steps * envs;
  states.topRows(static_cast<Eigen::Index>(envs)) =
      states.middleRows(static_cast<Eigen::Index>(last), static_cast<Eigen::Index>(envs)).eval();
  cross.topRows(static_cast<Eigen::Index>(envs * m)) =
      cross.middleRows(static_cast<Eigen::Index>(last * m), static_cast<Eigen::Index>(envs * m)).eval();
  std::copy_n(candidate.begin() + static_cast<std::ptrdiff_t>(last * m), envs * m, candidate.begin());
  std::copy_n(mask.begin() + static_cast<std::ptrdiff_t>(last * m), envs * m, mask.begin());
  gathered_ = 0;
  left_by.clear();
}

}  // namespace swipegym
