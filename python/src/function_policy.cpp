#include "python/src/function_policy.h"

#include <nanobind/ndarray.h>

#include <algorithm>

#include "core/error.h"
#include "python/src/observation_arrays.h"

namespace nb = nanobind;

namespace swipegym::python {

void FunctionPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& view = batch.observation;
  if (view.candidates == 0)
    throw InputError("a function chooses among candidates here, and the source 'full' offers none");
  const nb::gil_scoped_acquire locked;
  const Told told = told_of(view, 0, view.rows);
  const nb::object said = (*function_)(told.observation, told.info);
  const auto array = nb::cast<nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>>(said);
  if (array.shape(0) != view.rows || array.shape(1) != view.candidates) throw InputError("scores of another shape");
  std::copy_n(array.data(), scores.size(), scores.begin());
}

}  // namespace swipegym::python
