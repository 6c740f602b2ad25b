#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/given_settings.h"
#include "core/output_file.h"
#include "core/remarks.h"

namespace swipegym {
namespace {

struct Sums {
  float watch_s = 1.0F, like = 0.0F;
  static const std::vector<std::string>& names() {
    static const std::vector<std::string> all = {"watch_s", "like"};
    return all;
  }
  float* find(std::string_view name) { return name == "watch_s" ? &watch_s : name == "like" ? &like : nullptr; }
};

struct Network {
  int width = 64;
  std::vector<int> hidden = {8};
};
template <class Visitor>
void visit_fields(Visitor& visit, Network& network) {
  visit("width", network.width, between(1, 1024));
  visit("hidden", network.hidden, between(1, 1024), lengths(0, 4));
}

struct Training {
  int steps = 100;
  double rate = 0.5;
  std::string kind = "greedy", file;
  bool is_double = true;
  Sums reward;
  Network network;
  std::vector<Network> more;
};
template <class Visitor>
void visit_fields(Visitor& visit, Training& training) {
  visit("steps", training.steps, between(1, 1'000'000));
  visit("rate", training.rate, between(0, 1));
  visit("kind", training.kind, one_of({"greedy", "soft"}));
  visit("file", training.file, Words({""}).or_file(".h5"));
  visit("is_double", training.is_double);
  visit("reward", training.reward, between(-10, 10));
  visit("network", training.network);
  visit("more", training.more, lengths(0, 3));
}
std::vector<FormerName> former_names(const Training&) {
  return {{.old = "units", .now = "network.width"}};
}
void check(const Training& training) {
  require_setting(training.steps != 13, "steps", training.steps, "a lucky number");
}

Json used(const std::vector<std::string>& typed, GivenSettings given = {}) {
  for (const std::string& text : typed) given.type(parse_typed_setting(text, "--set"));
  return used_settings<Training>(given);
}

std::string refusal(const std::vector<std::string>& typed) {
  try {
    used(typed);
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("a typed setting changes one value and leaves the others", "[core]") {
  const Json before = used({});
  Json expected = before;
  expected["steps"] = 7, expected["network"]["width"] = 32, expected["is_double"] = false;
  expected["network"]["hidden"] = {3, 4}, expected["more"] = Json::array({{{"width", 5}, {"hidden", {8}}}});
  CHECK(used({"steps=7", "network.width=32", "is_double=false", "network.hidden=[3,4]", R"(more=[{"width": 5}])"}) ==
        expected);
  CHECK(used({R"(network={"width": 9})", "network.hidden=[]"})["network"] ==
        Json{{"width", 9}, {"hidden", Json::array()}});
  CHECK(used({"network.hidden=[]", R"(network={"width": 9})"})["network"] ==
        Json{{"width", 9}, {"hidden", Json::array()}});
}

TEST_CASE("one weight by name leaves the others, weights as a whole replace them", "[core]") {
  CHECK(used({"reward.like=2"})["reward"] == Json{{"watch_s", 1.0}, {"like", 2.0}});
  CHECK(used({R"(reward={"like": 2})"})["reward"] == Json{{"like", 2.0}});
  CHECK(used({"reward.watch_s=0"})["reward"] == Json::object());
  const GivenSettings file({{"reward", {{"like", 3}}}}, "a.json");
  CHECK(used({"reward.watch_s=2"}, file)["reward"] == Json{{"watch_s", 2.0}, {"like", 3.0}});
}

TEST_CASE("typed settings lie on top of those of a file, and what is printed reads back unchanged", "[core]") {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "swipegym_test_given.json";
  write_file(path, R"({"steps": 5, "network": {"width": 6}})");
  const GivenSettings file = GivenSettings::of_file(path);
  const Json made = used({"steps=8", "reward.like=0.1"}, file);
  CHECK(made["steps"] == 8);
  CHECK(made["network"]["width"] == 6);
  CHECK(used({}, GivenSettings(made, "printed")) == made);
  write_file(path, R"({"steps": 0})");
  CHECK_THROWS_WITH(used({"steps=8"}, GivenSettings::of_file(path)),
                    path.string() + ":1:11: 'steps' is 0, expected an integer from 1 to 1000000");
  std::filesystem::remove(path);
}

TEST_CASE("a word that is no JSON is text", "[core]") {
  CHECK(used({"kind=soft"})["kind"] == "soft");
  CHECK(used({R"(kind="soft")"})["kind"] == "soft");
  CHECK(used({"file=2024-mine.h5"})["file"] == "2024-mine.h5");
  CHECK(used({"file="})["file"] == "");
  CHECK(used({"file=a=b.h5"})["file"] == "a=b.h5");
}

TEST_CASE("what is wrong with a typed setting is said in its own words", "[core]") {
  CHECK(refusal({"network.width=0"}) ==
        "--set network.width=0: 'network.width' is 0, expected an integer from 1 to 1024");
  CHECK(
      refusal({"network.widht=3"}) ==
      "--set network.widht=3: unknown key 'network.widht', did you mean 'network.width'?; known keys here are: width, "
      "hidden");
  CHECK(refusal({"width=3"}) == "--set width=3: unknown key 'width', did you mean 'network.width'?");
  CHECK(refusal({"steps"}) == "--set is 'steps', expected KEY=JSON, as in env_steps=100000");
  CHECK(refusal({"=3"}) == "--set is '=3', expected KEY=JSON, as in env_steps=100000");
  CHECK(refusal({""}) == "--set is '', expected KEY=JSON, as in env_steps=100000");
  CHECK(refusal({"steps=NaN"}) == "--set steps=NaN: 'steps' is \"NaN\", expected an integer from 1 to 1000000");
  CHECK(refusal({"rate=1e999"}) == "--set rate=1e999: 'rate' is \"1e999\", expected a number from 0 to 1");
  CHECK(refusal({"steps=99999999999999999999"}).starts_with("--set steps=99999999999999999999: 'steps' is "));
  CHECK(refusal({"steps=null"}) == "--set steps=null: 'steps' is null, expected an integer from 1 to 1000000");
  CHECK(refusal({"kind=sof"}) == "--set kind=sof: 'kind' is \"sof\", expected one of greedy, soft");
  CHECK(refusal({"file=1"}).starts_with("--set file=1: 'file' is 1, expected "));
  CHECK(refusal({"steps=5", "steps=5"}) == "--set steps=5: 'steps' is set already, by --set steps=5");
  CHECK(refusal({"more[0].width=5"}) == "--set more[0].width=5: a list is set as a whole, as in --set 'more=[...]'");
  CHECK(refusal({"more.0=5"}).starts_with("--set more.0=5: 'more' is {\"0\":5}, expected a list"));
  CHECK(refusal({"network.hidden=[1,"}) ==
        "--set network.hidden:1:4: the text ends here, in the middle; check for a missing quote or bracket");
  CHECK(refusal({R"(network={"width": 1, "width": 2})"}) ==
        "--set network:1:14: the key \"width\" stands here for the second time");
  CHECK(refusal({"network=3"}) == "--set network=3: 'network' is 3, expected an object {\"key\": value, ...}");
  CHECK(refusal({"reward.lik=3"})
            .starts_with("--set reward.lik=3: unknown key 'reward.lik', did you mean 'reward.like'?"));
  CHECK(refusal({"reward.like.x=3"}).starts_with("--set reward.like.x=3: 'reward.like' is {\"x\":3}, expected"));
  CHECK(refusal({"steps.=3"}).starts_with("--set steps.=3: 'steps' is {\"\":3}, expected"));
  CHECK(refusal({".=3"}).starts_with("--set .=3: unknown key ''"));
  CHECK(refusal({"file=caf\xE9"}) == "--set file=caf\xE9: bytes here are no UTF-8 text");
  CHECK(refusal({std::string(400, '.') + "=1"}).find("a key has at most 64 words") != std::string::npos);
  CHECK(refusal({"more=" + std::string(100'000, '[')}).starts_with("--set more:1:65: lists and objects are nested"));
  CHECK(refusal({"kind=" + std::string(100'000, 'x')}).size() < 300);
  CHECK(refusal({"steps=13"}) == "setting 'steps' is 13, expected a lucky number");
}

TEST_CASE("a former name is read as the one of today, with a remark", "[core]") {
  std::vector<std::string> heard;
  const RemarkListener listener([&heard](const std::string& text) { heard.push_back(text); });
  CHECK(used({"units=3"}, GivenSettings({{"network", {{"width", 9}}}}, "a.json"))["network"]["width"] == 3);
  CHECK(heard == std::vector<std::string>{"--set units=3: 'units' is called 'network.width' now"});
}

TEST_CASE("everything that is said is known under the names it is said by", "[core]") {
  GivenSettings given({{"kind", "greedy"}, {"network", {{"width", 1}}}, {"old", 1}}, "a.json");
  for (const char* text : {"kind=soft", "network.hidden=[1]", "old.x=2"})
    given.type(parse_typed_setting(text, "--set"));
  CHECK(given.all() == Json{{"kind", "soft"}, {"network", {{"width", 1}, {"hidden", {1}}}}, {"old", {{"x", 2}}}});
  CHECK(GivenSettings(Json::array(), "a.json").all() == Json::object());
}

}  // namespace
}  // namespace swipegym
