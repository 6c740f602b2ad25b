#include <catch2/catch.hpp>
#include <string>

#include "core/config.h"
#include "tests/cli/program.h"

namespace swipegym::test {

TEST_CASE("bandits prints a table, and writes the same bytes for any number of threads", "[cli]") {
  const TemporaryFolder folder;
  const std::string config = folder / "small.json";
  write_text(config, R"({"uploads_a_day": 20, "life_days": 4, "days": 12, "slate": 10, "found_shows": 5})");
  const auto play = [&](const std::string& threads, const std::string& json) {
    return run_program({"bandits", "--config", config, "--impressions", "5,20", "--seeds", "3", "--policies",
                        "bayes-ucb,buckets", "--threads", threads, "--json", folder / json, "--quiet"});
  };
  const Outcome one = play("1", "one.json");
  INFO(one.err);
  REQUIRE(one.code == 0);
  CHECK(one.err.empty());
  CHECK(one.out.find("bayes-ucb") != std::string::npos);
  CHECK(one.out.find("value at 20") != std::string::npos);
  CHECK(play("3", "three.json").out == one.out);
  CHECK(read_text(folder / "one.json") == read_text(folder / "three.json"));
  const Json result = parse_json(read_text(folder / "one.json"), "one.json");
  REQUIRE(result.at("seasons").size() == 4);
  CHECK(result.at("seasons")[3].at("policy") == "buckets");
  CHECK(result.at("config").at("slate") == 10);
  CHECK(result.at("config").at("seeds") == 3);
  CHECK(result.at("seed") == 1);
}

TEST_CASE("bandits refuses bad input with exit code 2", "[cli]") {
  const TemporaryFolder folder;
  CHECK(fails_with(run_program({"bandits", "--impressions", "0"}), 2, {"--impressions", "'0'"}));
  CHECK(fails_with(run_program({"bandits", "--seeds", "0"}), 2, {"--seeds"}));
  CHECK(fails_with(run_program({"bandits", "--policies", "greedier"}), 2, {"'greedier'", "greedy"}));
  const auto configured = [&](const std::string& text) {
    write_text(folder / "bad.json", text);
    return run_program({"bandits", "--config", folder / "bad.json"});
  };
  CHECK(fails_with(configured(R"({"buckets": {"shares": [0.5, 0.1, 0.1, 0.1]}})"), 2, {"flow.shares sum to 0.8"}));
  CHECK(fails_with(configured(R"({"buckets": {"edges": [], "shares": []}})"), 2, {"buckets.shares"}));
  CHECK(fails_with(configured(R"({"prior": {"alpha": 0, "beta": 1}})"), 2, {"prior.alpha"}));
  CHECK(fails_with(configured(R"({"days": 40})"), 2, {"days is 40"}));
}

}  // namespace swipegym::test
