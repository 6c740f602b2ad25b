#include "agents/sasrec/sqn_transitions.h"

#include <algorithm>
#include <array>

namespace swipegym {

double SqnRewards::of(SignalBits signals) const noexcept {
  const std::array<double, kNumSignals> worth = {click, like, follow, comment, forward, hate, long_view, profile_enter};
  double most = 0.0;
  for (std::size_t s = 0; s < kNumSignals; ++s)
    if (has(signals, static_cast<Signal>(s))) most = std::max(most, worth[s]);
  return most;
}

SqnTransitions::SqnTransitions(const SupervisedTask& task, const SqnConfig& config, const ItemInputs& items,
                               const std::vector<DayRange>& learned)
    : length_(config.network.max_length),
      log_(task.data->log),
      items_(items),
      inputs_(task, config.network, items, last_day(learned)) {
  const Dataset& data = *task.data;
  const auto is_learned = [&](std::uint64_t row) {
    return log_.is_random[row] == 0 && std::any_of(learned.begin(), learned.end(),
                                                   [&](const DayRange& days) { return days.contains(log_.date[row]); });
  };
  for (std::size_t user = 0; user + 1 < data.user_offset.size(); ++user) {
    const std::uint64_t first = data.user_offset[user];
    const std::size_t before = actions_.size();
    std::uint64_t end = first;  // of the rows strictly earlier than `row`
    for (std::uint64_t row = first; row < data.user_offset[user + 1]; ++row) {
      if (log_.time_ms[row] != log_.time_ms[end]) end = row;
      const double reward = config.rewards.of(log_.signals[row]);
      if (reward <= 0.0 || end == first || !is_learned(row)) continue;
      actions_.push_back({.begin = end - std::min<std::uint64_t>(length_, end - first),
                          .end = end,
                          .row = row,
                          .reward = static_cast<float>(reward),
                          .terminal = false});
    }
    if (actions_.size() > before) actions_.back().terminal = true;
  }
  std::vector<std::uint64_t> count(items_.num_ids, 0);
  for (const Action& action : actions_) ++count[row_of(action)];
  for (const std::uint64_t one : count)
    share_.push_back(static_cast<float>(static_cast<double>(one) / static_cast<double>(actions_.size())));
}

std::size_t SqnTransitions::row_of(const Action& action) const {
  return static_cast<std::size_t>(items_.id[index_of(log_.video[action.row])]);
}

void SqnTransitions::write(std::size_t index, std::size_t negatives, RandomKey key, Transitions& out) const {
  const Action& action = actions_[index];
  inputs_.append(action.begin, action.end, out.state);
  const std::size_t item = row_of(action);
  out.action.push_back(static_cast<std::int32_t>(item));
  out.reward.push_back(action.reward);
  out.share.push_back(share_[item]);
  RandomStream random(split(key, index));
  for (std::size_t i = 0; i < negatives; ++i) {  // those below the action as they are drawn, the rest one further
    const std::size_t drawn = random.below(static_cast<std::uint32_t>(share_.size()) - 1);
    out.unseen.push_back(static_cast<std::int32_t>(drawn + (drawn >= item ? 1 : 0)));
  }
  out.next.push_back(action.terminal ? -1 : static_cast<std::int32_t>(out.next_state.offset.size()) - 1);
  if (action.terminal) return;
  const std::uint64_t newest = action.row + 1;
  inputs_.append(newest - std::min<std::uint64_t>(length_, newest - action.begin), newest, out.next_state);
}

}  // namespace swipegym
