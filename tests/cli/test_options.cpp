#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/help.h"
#include "cli/options.h"
#include "cli/progress_bar.h"
#include "core/error.h"
#include "core/remarks.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

struct Settings {
  std::string data;
  std::int32_t until = 0;
  std::size_t sessions = 1000;
  double rate = 0.25;
  bool is_dense = false;
  std::string clock = "dense";
  std::vector<std::string> policies = {"random"};
};

Options options_for(Settings& settings) {
  Options options;
  options.input("data", settings.data, "DIR", "logs")
      .date("until", settings.until, "last day")
      .add("sessions", settings.sessions, between(1, 1'000'000), "N", "sessions")
      .add("rate", settings.rate, between(0, 1), "R", "rate")
      .choice("clock", settings.clock, {"log", "dense"}, "hazard")
      .add("policies", settings.policies, "A,B", "policies")
      .flag("skip", settings.is_dense, "skip");
  return options;
}

Settings parse(const std::vector<std::string>& words) {
  Settings settings;
  options_for(settings).parse(words, "fit");
  return settings;
}

std::string error_of(const std::vector<std::string>& words) {
  try {
    parse(words);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("an option's former name goes on working, with a remark", "[cli]") {
  Settings settings;
  Options options;
  options.add("sessions", settings.sessions, between(1, 1'000'000), "N", "sessions").formerly("episodes");
  std::vector<std::string> remarks;
  const RemarkListener listener([&](const std::string& text) { remarks.push_back(text); });
  options.parse({"--episodes", "7"}, "fit");
  CHECK(settings.sessions == 7);
  CHECK(options.given("sessions"));
  CHECK(remarks == std::vector<std::string>{"'--episodes' is called '--sessions' now"});
  CHECK_THROWS_WITH(options.parse({"--episodes", "7", "--sessions", "8"}, "fit"), Catch::Contains("both are given"));
  CHECK_THROWS_WITH(options.parse({"--episodes", "0"}, "fit"), Catch::Contains("--sessions is '0'"));
}

TEST_CASE("options set the variables they are bound to, and only those that were given", "[cli]") {
  const Settings settings = parse({"--data", "d", "--until=20220504", "--policies", "random,'dqn=a.h5'", "--skip"});
  CHECK(settings.data == "d");
  CHECK(settings.until == 20220504);
  CHECK(settings.sessions == 1000);
  CHECK(settings.is_dense);
  CHECK(settings.policies == std::vector<std::string>{"random", "'dqn=a.h5'"});
}

TEST_CASE("bad options say what was got and what was expected", "[cli]") {
  CHECK(error_of({}) == "--data DIR is missing; see 'swipegym fit --help'");
  CHECK(error_of({"--data", "d", "--untli", "3"}) ==
        "unknown option '--untli', did you mean '--until'?; see 'swipegym fit --help'");
  CHECK(error_of({"--data", "d", "--sessions", "-1"}) == "--sessions is '-1', expected an integer from 1 to 1000000");
  CHECK(error_of({"--data", "d", "--sessions", "10x"}) == "--sessions is '10x', expected an integer from 1 to 1000000");
  CHECK(error_of({"--data", "d", "--rate", "nan"}) == "--rate is 'nan', expected a number from 0 to 1");
  CHECK(error_of({"--data", "d", "--until", "20220231"}) ==
        "--until is '20220231', expected a day as YYYYMMDD, such as 20220504");
  CHECK(error_of({"--data", "d", "--clock", "wall"}) == "--clock is 'wall', expected log|dense");
  CHECK(error_of({"--data", "d", "--data", "e"}) == "--data is given more than once; see 'swipegym fit --help'");
  CHECK(error_of({"--data", "d", "--until", "00000101"}) ==
        "--until is '00000101', expected a day as YYYYMMDD, such as 20220504");
  CHECK(error_of({"--data", "d", "--policies", ","}) == "--policies is ',', expected a list such as A,B");
  CHECK(error_of({"d"}) == "too many arguments; see 'swipegym fit --help'");
  CHECK(error_of({"--da", "d"}) == "unknown option '--da', did you mean '--data'?; see 'swipegym fit --help'");
}

TEST_CASE("an option may be repeated where it says so, and what is required may be let off", "[cli]") {
  std::vector<std::string> given;
  std::string data, model;
  const auto options = [&] {
    Options made;
    made.positional("model", model, "MODEL", "what").input("data", data, "DIR", "logs");
    made.repeated("set", "KEY=JSON", "a setting", [&given](const std::string& text) { given.push_back(text); });
    return made;
  };
  options().parse({"mf", "--set", "a=1", "--data", "d", "--set=b=c=2"}, "fit");
  CHECK(given == std::vector<std::string>{"a=1", "b=c=2"});
  CHECK_THROWS_WITH(options().parse({"mf"}, "fit"), "--data DIR is missing; see 'swipegym fit --help'");
  CHECK_NOTHROW(options().parse({"mf"}, "fit", Options::Missing::kAllowed));
  CHECK_THROWS_WITH(options().parse({}, "fit", Options::Missing::kAllowed),
                    "the argument MODEL is missing; see 'swipegym fit --help'");
}

TEST_CASE("a help page shows usage, defaults and required options", "[cli]") {
  Settings settings;
  Command command{.name = "fit", .summary = "fit a simulator"};
  command.about = "Fits.";
  command.options = options_for(settings);
  command.examples = {"swipegym fit --data d"};
  const std::string page = command_page(command, command.options);
  CHECK_THAT(page, Catch::StartsWith("usage: swipegym fit --data DIR [options]\n\nFits.\n"));
  CHECK_THAT(page, Catch::Contains("--sessions N       sessions (1 to 1000000, default 1000)\n"));
  CHECK_THAT(page, Catch::Contains("--clock log|dense  hazard (default dense)\n"));
  CHECK_THAT(page, Catch::Contains("\nExamples\n  swipegym fit --data d\n"));
}

TEST_CASE("numbers and tables read easily", "[cli]") {
  CHECK(short_count(950) == "950");
  CHECK(short_count(1234567) == "1.23 M");
  CHECK(clock_time(75) == "1:15");
  CHECK(clock_time(3700) == "1:01:40");
  CHECK(show_count(1234567) == "1,234,567");
  CHECK(show_count(100) == "100");
  CHECK(show_interval({12.44, 11.9, 13}, 2) == "12.44 [11.90, 13.00]");
  CHECK(show_interval({12.44, std::nan(""), std::nan("")}, 1) == "12.4");
  CHECK(show_figure(std::nan(""), 1) == "-");
  Table table({"policy", "watch"});
  table.add({"random", "7.5"});
  CHECK(table.text() == "  policy  watch\n  -------------\n  random    7.5\n");
}

TEST_CASE("progress says the share, the rate since it began and the time left", "[cli]") {
  CHECK(progress_text("rows", 30, 120, 10, 10.0, false) == "rows  25 %  2/s  0:45 left");
  CHECK(progress_text("rows", 30, 120, 30, 10.0, false) == "rows  25 %");
  CHECK(progress_text("rows", 30, 120, 30, 0.0, true) == "rows  [######..................]  25 %");
  CHECK(progress_text("rows", 1500, 0, 0, 3.0, false) == "rows  1.50 k done  500/s");
  CHECK(progress_text("rows", 120, 120, 0, 60.0, false) == "rows 100 %  2/s");
  CHECK(progress_text("epochs", 1, 3, 0, 50.0, false) == "epochs  33 %  1:40 left");
}

}  // namespace
}  // namespace swipegym::cli
