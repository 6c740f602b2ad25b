#include "env/tabular/tabular_world.h"

#include <numeric>

namespace swipegym {

TabularMdp make_mdp(const TabularWorld& world, double discount) {
  TabularMdp mdp;
  mdp.states = world.states();
  mdp.actions = world.kinds;
  mdp.discount = discount;
  mdp.branches = 2 * world.levels;
  mdp.outcome.reserve(mdp.pairs() * mdp.branches);
  for (std::size_t state = 0; state < mdp.states; ++state)
    for (std::size_t kind = 0; kind < world.kinds; ++kind)
      for (std::size_t level = 0; level < world.levels; ++level) {
        const std::size_t at = world.answers(state, kind) + level;
        const double share = world.level_probability[at], leave = world.leave_probability[at];
        const double watch_s = static_cast<double>(world.play_ms[kind * world.levels + level]) / 1000.0;
        const auto next = static_cast<std::int32_t>(world.state_after(world.group_of(state), kind, level));
        mdp.outcome.push_back({share * (1.0 - leave), next, watch_s});
        mdp.outcome.push_back({share * leave, -1, watch_s});
      }
  const double sessions = std::accumulate(world.group_starts.begin(), world.group_starts.end(), 0.0);
  mdp.start.assign(mdp.states, 0.0);
  for (std::size_t group = 0; group < world.groups; ++group)
    mdp.start[world.first_state(group)] = world.group_starts[group] / sessions;
  tabulate(mdp);
  return mdp;
}

}  // namespace swipegym
