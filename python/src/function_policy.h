#pragma once

#include <nanobind/nanobind.h>

#include "policy/policy.h"

namespace swipegym::python {

/// A policy that asks a function of Python, a batch at a time, with the interpreter's lock: (observation, info) as
/// make_vec has them -> scores [rows, slots] float32. What the function raises reaches who asked for the scores.
class FunctionPolicy final : public Policy {
 public:
  explicit FunctionPolicy(nanobind::object function) : function_(std::move(function)) {}
  std::string_view name() const noexcept override { return "function"; }
  std::size_t history_length() const noexcept override { return 0; }  // only the function knows
  /// Throws InputError where there are no candidates: a function of a whole catalogue would return a matrix of it.
  void score(const DecisionBatch& batch, std::span<float> scores) const override;

 private:
  nanobind::object function_;
};

}  // namespace swipegym::python
