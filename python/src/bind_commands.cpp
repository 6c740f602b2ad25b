#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "cli/command.h"
#include "core/error.h"
#include "core/named_files.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

std::vector<std::string> bytes_of(const std::vector<SystemText>& words) {
  std::vector<std::string> out;
  for (const SystemText& word : words) out.push_back(word.bytes);
  return out;
}

SystemText run_words(const std::vector<SystemText>& words) {
  std::string text;
  const cli::Host host{.print = [&](const std::string& more) { text += more; }, .check_interrupt = &check_interrupt};
  nb::gil_scoped_release unlocked;
  cli::run_words(bytes_of(words), host);
  return {std::move(text)};
}

std::vector<std::string> command_names() {
  std::vector<std::string> out;
  for (const cli::Command& command : cli::make_commands()) out.push_back(command.name);
  return out;
}

}  // namespace

void bind_commands(nb::module_& module) {
  module.def("run_words", &run_words, nb::arg("words"),
             "Runs a command of the program and returns what it prints; its failures are exceptions.");
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
