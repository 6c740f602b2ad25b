#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "core/config.h"
#include "env/constant_user_model.h"
#include "tests/cli/program.h"
#include "tests/policy/multitask_toy.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym::test {

TEST_CASE("recommend shows each stage of a request, within a hundred columns", "[cli]") {
  const TemporaryFolder folder;
  const std::string world = folder / "world", file = folder / "flow.json", json = folder / "served.json";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--out", world, "--quiet"}).code == 0);
  write_text(file, R"({"retrieve": [{"use": "category", "count": 20}, {"use": "random", "count": 5}],
                       "filter": [{"use": "rules", "unsuitable": [{"column": "duration_s", "op": "<", "value": 8}]}],
                       "score": {"use": "policy", "file": "item-mean"},
                       "order": [{"use": "slate", "method": "mmr"}]})");
  const auto serve = [&](const std::string& threads) {
    return run_program({"recommend", "--simulator", world, "--policy", file, "--slate", "5", "--seed", "4", "--threads",
                        threads, "--json", json, "--quiet"});
  };
  const Outcome served = serve("1");
  INFO(served.err << served.out);
  REQUIRE(served.code == 0);
  std::istringstream lines(served.out);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
  for (const char* part : {"flow recommends to user", "category 20, random 5", "by value, then mmr", "probability"})
    CHECK(served.out.find(part) != std::string::npos);
  const Json result = parse_json(read_text(json), json);
  const auto placed = std::count_if(result.at("videos").begin(), result.at("videos").end(),
                                    [](const Json& video) { return !video.at("place").is_null(); });
  CHECK(placed == 5);
  CHECK(result.at("violations") == 0);
  for (const Json& video : result.at("videos"))
    CHECK((video.at("dropped_by").is_null() ? video.at("duration_s") >= 8.0 : video.at("dropped_by") == "unsuitable"));

  // The same person and the same draws on any number of threads; only the times differ.
  REQUIRE(serve("3").code == 0);
  Json three = parse_json(read_text(json), json), one = result;
  for (Json* each : {&one, &three}) each->erase("milliseconds"), each->erase("config");
  CHECK(one == three);

  // Five of one tag under a cap of one: four places break it.
  write_text(file, R"({"retrieve": [{"use": "category", "categories": 1, "count": 20}],
                       "order": [{"use": "slate", "rules": {"tag_cap": 1}}]})");
  const Outcome broken = serve("1");
  INFO(broken.err << broken.out);
  CHECK(broken.out.find("rules are broken 4 times") != std::string::npos);
  CHECK(parse_json(read_text(json), json).at("violations") == 4);
}

// Networks of twelve videos whose raw ids are -1 and so on, but for the first `shared`, which are those of a release.
void save_networks(const TemporaryFolder& folder, const std::vector<std::int64_t>& shared) {
  Catalogue catalogue = make_toy_catalogue({.num_users = 3, .num_videos = 12});
  for (std::size_t v = 0; v < 12; ++v)
    catalogue.raw_video_id[v] = v < shared.size() ? shared[v] : -1 - static_cast<std::int64_t>(v);
  TwoTowerPolicy(small_towers_model(catalogue, false)).save(folder / "two_tower.h5");
  MultitaskPolicy(small_multitask_model(catalogue)).save(folder / "multitask.h5");
}

TEST_CASE("networks for another catalogue are refused by recommend and compare, and little in common is said",
          "[cli]") {
  const TemporaryFolder folder;
  const std::string world = folder / "world", file = folder / "networks.json";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--out", world, "--quiet"}).code == 0);
  const std::string retrieve = R"({"retrieve": [{"use": "vectors", "file": "two_tower.h5", "count": 5}])";
  const std::string score =
      R"({"retrieve": [{"use": "random"}], "score": {"use": "multitask", "file": "multitask.h5"}})";
  const auto compared = [&](const std::string& policy) {
    return run_program({"compare", "--simulator", world, "--policies", policy, "--source", "full", "--no-oracle",
                        "--sessions", "2", "--seeds", "1"});
  };
  save_networks(folder, {});
  for (const auto& [text, network] :
       {std::pair<std::string, std::string>{retrieve + "}", "two_tower.h5"}, {score, "multitask.h5"}}) {
    write_text(file, text);
    CHECK(fails_with(run_program({"recommend", "--simulator", world, "--policy", file}), 2,
                     {network, "knows none of the", "another catalogue"}));
    CHECK(fails_with(compared(file), 2, {network, "knows none of the", "another catalogue"}));
    CHECK(fails_with(compared(folder / network), 2, {network, "knows none of the"}));
  }
  save_networks(folder, {1, 2, 3});
  write_text(file, retrieve + "}");
  const Outcome few = compared(file);
  INFO(few.err << few.out);
  CHECK(few.code == 0);
  CHECK(few.err.find("two_tower.h5: knows 3 of the") != std::string::npos);
}

TEST_CASE("recommend refuses bad input with exit code 2 and its place", "[cli]") {
  const TemporaryFolder folder;
  const std::string world = folder / "world", file = folder / "bad.json";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--out", world, "--quiet"}).code == 0);
  const auto composed = [&](const std::string& text, const std::vector<std::string>& more = {}) {
    write_text(file, text);
    std::vector<std::string> words = {"recommend", "--simulator", world, "--policy", file};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  };
  CHECK(fails_with(composed("{\n\"retrieve\": [{\"use\": \"towers\"}]}"), 2, {"bad.json:2:", "retrieve[0].use"}));
  CHECK(fails_with(composed(R"({"retrieve": [{"use": "bucket", "shares": [0.5, 0.2, 0.2, 0.2]}]})"), 2,
                   {"retrieve[0].shares", "sum to 1.1"}));
  CHECK(fails_with(composed(R"({"retrieve": [{"use": "bucket", "shares": []}]})"), 2, {"retrieve[0].shares"}));
  CHECK(fails_with(composed(R"({"retrieve": [{"use": "random"}],
                                "filter": [{"use": "rules", "unsuitable": [{"column": "colour"}]}]})"),
                   2, {"colour", "duration_s"}));
  CHECK(fails_with(composed(R"({"retrieve": [{"use": "random"}], "score": {"use": "multitask", "file": "none.h5"}})"),
                   2, {"score.file", "a file that is there"}));
  CHECK(fails_with(composed(R"({"retrieve": [{"use": "random"}]})", {"--user", "-5"}), 2, {"no user -5"}));
  // All of it filtered: something is served, and it is said.
  const Outcome all = composed(R"({"retrieve": [{"use": "random", "count": 5}],
                                   "filter": [{"use": "rules",
                                               "unsuitable": [{"column": "duration_s", "op": ">", "value": 0}]}]})",
                               {"--slate", "3", "--quiet"});
  INFO(all.err << all.out);
  REQUIRE(all.code == 0);
  CHECK(all.out.find("too few were left, 3 of the most exposed were added") != std::string::npos);
}

}  // namespace swipegym::test
