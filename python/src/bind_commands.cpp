#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "cli/brought_objects.h"
#include "cli/command.h"
#include "core/error.h"
#include "core/json_text.h"
#include "core/named_files.h"
#include "python/src/bindings.h"
#include "python/src/kept_object.h"
#include "python/src/python_candidates.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

std::vector<std::string> bytes_of(const std::vector<SystemText>& words) {
  std::vector<std::string> out;
  for (const SystemText& word : words) out.push_back(word.bytes);
  return out;
}

// All by the words that stand for them. sources: (function, draws); policies: functions of the simulator that make
// them.
cli::BroughtObjects brought_objects(const nb::dict& simulators, const nb::dict& sources, const nb::dict& policies) {
  cli::BroughtObjects out;
  for (const auto& [word, simulator] : simulators)
    out.simulators[nb::cast<std::string>(word)] = nb::cast<std::shared_ptr<Simulator>>(simulator);
  for (const auto& [word, source] : sources) {
    PythonWorld world;
    world.config.source = nb::cast<std::string>(word);
    world.own = std::make_shared<const ListingFunction>(nb::object(source[0]), nb::cast<std::size_t>(source[1]));
    out.sources[world.config.source] = [world](const std::shared_ptr<const Simulator>& simulator, std::size_t slots) {
      PythonWorld with_slots = world;
      with_slots.config.candidates = slots;
      return with_slots.candidates(simulator, 0, 0);
    };
  }
  for (const auto& item : policies)
    out.policies[nb::cast<std::string>(item.first)] = [make =
                                                           std::make_shared<const KeptObject>(nb::borrow(item.second))](
                                                          const std::shared_ptr<const Simulator>& simulator) {
      const nb::gil_scoped_acquire locked;
      // Python has no const; all that it can call is.
      return nb::cast<std::shared_ptr<Policy>>((**make)(std::const_pointer_cast<Simulator>(simulator)));
    };
  return out;
}

// What `on_line` raises ends the command as Ctrl-C does, and is raised when that has cleaned up.
SystemText run_words(const std::vector<SystemText>& words, const nb::dict& simulators, const nb::dict& sources,
                     const nb::dict& policies, const std::string& config, const nb::object& on_line) {
  std::string text;
  std::exception_ptr raised;
  const cli::BroughtObjects brought = brought_objects(simulators, sources, policies);
  cli::Host host{.print = [&](const std::string& more) { text += more; },
                 .check_interrupt = &check_interrupt,
                 .brought = &brought,
                 .config = config.empty() ? Json() : parse_json(config, "config")};
  if (!on_line.is_none())
    host.on_line = [&](const std::string& line) {
      const nb::gil_scoped_acquire locked;
      try {
        on_line(line);
      } catch (const nb::python_error&) {
        raised = std::current_exception();
        throw Interrupted();
      }
    };
  try {
    const nb::gil_scoped_release unlocked;
    cli::run_words(bytes_of(words), host);
  } catch (const Interrupted&) {
    if (raised) std::rethrow_exception(raised);
    throw;
  }
  return {std::move(text)};
}

std::vector<std::string> command_names() {
  std::vector<std::string> out;
  for (const cli::Command& command : cli::make_commands()) out.push_back(command.name);
  return out;
}

}  // namespace

void bind_commands(nb::module_& module) {
  module.def(
      "run_words", &run_words, nb::arg("words"), nb::arg("simulators") = nb::dict(), nb::arg("sources") = nb::dict(),
      nb::arg("policies") = nb::dict(), nb::arg("config") = "", nb::arg("on_line").none() = nb::none(),
      "Runs a command of the program and returns what it prints; its failures are exceptions. config: settings in "
      "place of a file of --config, as JSON text. on_line: is given a training's curve, a line of JSON as it comes.");
  module.def(
      "run_program",
      [](const std::vector<SystemText>& words) {
        nb::gil_scoped_release unlocked;
        return cli::run_program(bytes_of(words));
      },
      nb::arg("words"), "The program itself: prints, takes over Ctrl-C, and returns its exit code.");
  module.def("command_names", &command_names);
  module.def(
      "hdf5_names_in", [](const SystemText& json) { return hdf5_names_in(json.bytes); }, nb::arg("json"),
      "The names of .h5 files that stand in a JSON file.");
}

}  // namespace swipegym::python
