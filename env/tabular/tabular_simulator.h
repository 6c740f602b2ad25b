#pragma once

#include <cstddef>
#include <memory>

#include "env/candidate_source.h"
#include "env/observation.h"
#include "env/tabular/tabular_world.h"

namespace swipegym {

/// A tabular world as an ordinary simulator and candidate source, so that VectorEnv and every agent run on it
/// unchanged.
///
/// An environment never offers a video twice in a session, and a kind must always be on offer: each kind has
/// `max_steps` videos that differ in nothing but their index, and slot k of a candidate set holds the first one of kind
/// k that the session has not watched. Its sessions of up to max_steps steps are therefore those of make_mdp(world),
/// and a slot is an action of it. User u is group u; a video's tag is its kind. Time of day, tab and author say
/// nothing.
struct TabularSimulator {
  TabularWorld world;
  std::shared_ptr<const Simulator> simulator;
  std::shared_ptr<const CandidateSource> candidates;

  /// The state that row `row` of an observation shows: by its user, its newest video and how far that was watched.
  std::size_t state(const ObservationView& observation, std::size_t row) const noexcept;
};
TabularSimulator make_tabular_simulator(const TabularWorld& world, std::size_t max_steps);

}  // namespace swipegym
