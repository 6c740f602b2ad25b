#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "tests/cli/program.h"

namespace swipegym::test {
namespace {

TEST_CASE("help goes to stdout and succeeds", "[cli]") {
  const Outcome help = run_program({"--help"});
  CHECK(help.code == 0);
  CHECK(help.err.empty());
  CHECK_THAT(help.out, Catch::Contains("usage: swipegym COMMAND"));
  CHECK(run_program({"--version"}).out == cli::build_text() + "\n");
}

TEST_CASE("every command explains itself", "[cli]") {
  for (const cli::Command& command : cli::make_commands()) {
    std::vector<std::string> words;
    const std::size_t space = command.name.find(' ');
    words.push_back(command.name.substr(0, space));
    if (space != std::string::npos) words.push_back(command.name.substr(space + 1));
    words.push_back("--help");
    const Outcome help = run_program(words);
    CAPTURE(command.name);
    CHECK(help.code == 0);
    CHECK_THAT(help.out, Catch::StartsWith("usage: swipegym " + command.name));
    CHECK_THAT(help.out, Catch::Contains("\nExamples\n  swipegym " + command.name));
    CHECK_THAT(help.out, Catch::Contains("\nNext\n  "));
    CHECK_THAT(help.out, Catch::Contains("--threads N"));
    CHECK_THAT(help.out, Catch::Contains("--json FILE"));
    CHECK_FALSE(command.summary.empty());
    CHECK(command.about.size() > 40);
  }
}

TEST_CASE("usage errors are one line on stderr and exit code 2", "[cli]") {
  CHECK(fails_with(run_program({}), 2, {"no command given", "quickstart"}));
  CHECK(fails_with(run_program({"zebra"}), 2, {"unknown command 'zebra'", "--help"}));
  CHECK(fails_with(run_program({"--thread"}), 2, {"unknown command '--thread'"}));
  CHECK(fails_with(run_program({"report", "out"}), 2, {"Python package", "swipegym[report]", "scripts/report.sh"}));
}

TEST_CASE("a full standard output is a failure at run time", "[cli]") {
  const std::string command = std::string(SWIPEGYM_PROGRAM) + " --help > /dev/full 2> /dev/null";
  const int status = std::system(command.c_str());
  CHECK(WEXITSTATUS(status) == 1);
}

}  // namespace
}  // namespace swipegym::test
