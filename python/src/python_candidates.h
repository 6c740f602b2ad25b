#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "env/candidate_source.h"
#include "policy/world.h"
#include "python/src/kept_object.h"

namespace swipegym::python {

/// A function that lists videos, the engine's side of what sources.py promises.
struct ListingFunction {
  ListingFunction(nanobind::object ask, std::size_t draws_) : function(std::move(ask)), draws(draws_) {}
  KeptObject function;  // (observation, info, count, videos) -> [rows, any] int32, checked
  std::size_t draws;    // uniform numbers that a row may use
};

/// Lists as sources.py checks them, into `out`; returns their length.
std::size_t take_lists(const nanobind::object& said, std::size_t rows, std::vector<std::int32_t>& out);

/// A world as Python has it: its candidates may come from a function, which no settings can say.
struct PythonWorld {
  WorldConfig config;  // its source is what tables call the function, where there is one
  std::shared_ptr<const ListingFunction> own{};

  /// Throws InputError as make_candidates() does.
  std::shared_ptr<const CandidateSource> candidates(const std::shared_ptr<const Simulator>& simulator,
                                                    std::uint64_t seed, int threads) const;
};

}  // namespace swipegym::python
