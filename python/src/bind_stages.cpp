#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include "policy/stages/policy_stages.h"
#include "policy/stages/staged_policy.h"
#include "python/src/bindings.h"
#include "python/src/function_policy.h"
#include "python/src/python_stages.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// A composition on its way: the stages of one's own that its text names.
class Stages {
 public:
  explicit Stages(const Simulator& simulator) : catalogue_(std::make_shared<const Catalogue>(simulator.catalogue)) {}

  void retriever(const std::string& word, const nb::object& function, const std::string& name, std::size_t draws) {
    std::get<OwnStagesOf<Retriever>>(own_)[word] = python_retriever(stage(function, name, draws));
  }
  void filter(const std::string& word, const nb::object& function, const std::string& name, std::size_t draws) {
    std::get<OwnStagesOf<Filter>>(own_)[word] = python_filter(stage(function, name, draws), catalogue_);
  }
  void scorer(const std::string& word, const nb::object& function, const std::string& name) {
    std::get<OwnStagesOf<Scorer>>(own_)[word] =
        scorer_of(std::make_shared<const FunctionPolicy>(function, name), catalogue_);
  }
  void orderer(const std::string& word, const nb::object& function, const std::string& name, std::size_t draws) {
    std::get<OwnStagesOf<Orderer>>(own_)[word] = python_orderer(stage(function, name, draws), catalogue_);
  }
  std::shared_ptr<Policy> compose(const SystemText& text, const std::string& name) const {
    const nb::gil_scoped_release unlocked;
    return std::make_shared<StagedPolicy>(parse_composition(text.bytes, name, *catalogue_, policy_files(), own_),
                                          catalogue_->num_videos());
  }

 private:
  AskedStage stage(const nb::object& function, const std::string& name, std::size_t draws) {
    return {.function = function, .name = name, .draws = draws, .number = number_++};
  }

  std::shared_ptr<const Catalogue> catalogue_;
  OwnStages own_;
  std::uint32_t number_ = 0;
};

}  // namespace

void bind_stages(nb::module_& module) {
  nb::class_<Stages>(module, "Stages", "A composition with stages of one's own; swipegym.Policy is its face.")
      .def(nb::init<const Simulator&>(), nb::arg("simulator"))
      .def("retriever", &Stages::retriever, nb::arg("word"), nb::arg("function"), nb::arg("name"), nb::arg("draws"))
      .def("filter", &Stages::filter, nb::arg("word"), nb::arg("function"), nb::arg("name"), nb::arg("draws"))
      .def("scorer", &Stages::scorer, nb::arg("word"), nb::arg("function"), nb::arg("name"))
      .def("orderer", &Stages::orderer, nb::arg("word"), nb::arg("function"), nb::arg("name"), nb::arg("draws"))
      .def("compose", &Stages::compose, nb::arg("text"), nb::arg("name"));
}

}  // namespace swipegym::python
