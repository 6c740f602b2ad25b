#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/learner.h"
#include "agents/policy_gradient/actor_config.h"

namespace swipegym {

/// What a learner of actors says of one update.
struct ActorReport {
  std::int64_t env_steps = 0;
  double reward = 0.0;              // of the world, a video shown
  double entropy = 0.0;             // of the policy after the update, nats
  double kl = 0.0;                  // of the policy that acted from it, nats
  int passes = 0;                   // over the rollout
  std::vector<double> rates;        // of each constraint's signal, a video shown, of the policy that acted
  std::vector<double> multipliers;  // of each constraint, as used in the update
};

/// Means of the reports in (begin, end] env steps, as figures of a training's table.
std::vector<AgentFigure> figures_of(const std::vector<ActorReport>& reports,
                                    const std::vector<ConstraintConfig>& constraints, std::int64_t begin,
                                    std::int64_t end);
/// {"updates": [...]}, every report.
Json updates_json(const std::vector<ActorReport>& reports);

/// Reports as columns of a checkpoint, so that a resumed run shows the curves of an unbroken one.
void save_reports(Hdf5Writer& file, const std::string& name, const std::vector<ActorReport>& reports);
std::vector<ActorReport> load_reports(const Hdf5Reader& file, const std::string& name, std::size_t constraints);

}  // namespace swipegym
