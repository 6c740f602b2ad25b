#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <memory>
#include <string>

#include "policy/stages/own_stages.h"

namespace swipegym::python {

/// Stages that ask a function of Python, with the interpreter's lock; what the functions are told and may return is in
/// stages.py, which checks it.
struct AskedStage {
  nanobind::object function;
  std::string name;
  std::size_t draws = 0;     // uniform numbers that a request may use
  std::uint32_t number = 0;  // of the stage in its composition: each has numbers of its own
};

/// (observation, info, count, videos) -> [rows, any] int32; asked for a batch of requests.
std::shared_ptr<const Retriever> python_retriever(AskedStage stage);
/// (observation, info) of one request, whose videos are the candidates -> [videos] uint8, 1 for what may be shown.
std::shared_ptr<const Filter> python_filter(AskedStage stage, std::shared_ptr<const Catalogue> catalogue);
/// (observation, info) of one request, whose videos come best first and their values in info["value"] -> [slots] int32
/// in the order they would be watched, at least info["slate"].
std::shared_ptr<const Orderer> python_orderer(AskedStage stage, std::shared_ptr<const Catalogue> catalogue);

}  // namespace swipegym::python
