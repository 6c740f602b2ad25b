#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <map>

#include "core/error.h"
#include "policy/select.h"
#include "policy/world.h"
#include "python/src/bindings.h"
#include "python/src/python_candidates.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

using Weights = std::map<std::string, float>;

RewardWeights reward_of(const Weights& terms) {
  RewardWeights out{.watch_s = 0.0F};
  for (const auto& [name, weight] : terms) {
    float* const term = out.find(name);
    if (term == nullptr)
      throw InputError(
          fmt::format("a reward has the term '{}', expected one of {}", name, fmt::join(RewardWeights::names(), ", ")));
    *term = weight;
  }
  return out;
}

void make_world(PythonWorld* self, const SystemText& source, std::size_t candidates, std::size_t slate,
                std::size_t history_length, int max_steps, const std::string& clock, const Weights& reward,
                const std::vector<Weights>& costs, const nb::object& own_source, std::size_t own_draws) {
  WorldConfig world{.source = source.bytes,
                    .candidates = candidates,
                    .slate = slate,
                    .history_length = history_length,
                    .max_steps = max_steps,
                    .clock = clock,
                    .reward = reward_of(reward)};
  for (const Weights& cost : costs) world.costs.push_back(reward_of(cost));
  std::shared_ptr<const ListingFunction> own;
  if (!own_source.is_none()) own = std::make_shared<const ListingFunction>(own_source, own_draws);
  new (self) PythonWorld{std::move(world), std::move(own)};
}

}  // namespace

void bind_world(nb::module_& module) {
  module.attr("REWARD_TERMS") = nb::tuple(nb::cast(RewardWeights::names()));
  nb::class_<PythonWorld>(module, "World", "What a policy is offered, how long, and for which reward.")
      .def("__init__", &make_world, nb::arg("source"), nb::arg("candidates"), nb::arg("slate"),
           nb::arg("history_length"), nb::arg("max_steps"), nb::arg("clock"), nb::arg("reward"), nb::arg("costs"),
           nb::arg("own_source").none() = nb::none(), nb::arg("own_draws") = 0);
  nb::class_<Exploration>(module, "Exploration", "How a policy chooses.")
      .def(
          "__init__",
          [](Exploration* self, float epsilon, std::optional<float> temperature) {
            new (self) Exploration(explore(epsilon, temperature));
          },
          nb::arg("epsilon"), nb::arg("temperature").none(), "temperature: None for the policy's own, 0 for the best.");
}

}  // namespace swipegym::python
