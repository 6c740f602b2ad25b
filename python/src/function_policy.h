#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "policy/policy.h"
#include "python/src/kept_object.h"

namespace swipegym::python {

/// A policy that asks a function of Python, a batch at a time, with the interpreter's lock: (observation, info) as
/// make_vec has them -> scores [rows, slots] float32. What the function raises reaches who asked for the scores.
class FunctionPolicy final : public Policy {
 public:
  FunctionPolicy(nanobind::object function, std::string name)
      : function_(std::move(function)), name_(std::move(name)) {}
  std::string_view name() const noexcept override { return name_; }
  std::size_t history_length() const noexcept override { return 0; }  // only the function knows
  /// Throws InputError where there are no candidates: a function of a whole catalogue would return a matrix of it.
  void score(const DecisionBatch& batch, std::span<float> scores) const override;

 private:
  KeptObject function_;
  std::string name_;
};

}  // namespace swipegym::python
