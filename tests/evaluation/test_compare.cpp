#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>

#include "core/error.h"
#include "env/constant_user_model.h"
#include "evaluation/compare/compare.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "tests/evaluation/toy_model.h"

using namespace swipegym;

namespace {

std::vector<ComparedPolicy> simple_policies(const Catalogue& catalogue) {
  return {{"random", {std::make_shared<RandomPolicy>()}},
          {"longest", {make_longest_policy(catalogue)}},
          {"shortest", {make_shortest_policy(catalogue)}},
          {"oracle", {std::make_shared<OneStepOracle>()}}};
}

CompareConfig small() {
  CompareConfig config;
  config.sessions = 60;
  config.seeds = 3;
  config.resamples = 200;
  config.engine.threads = 1;
  return config;
}

const PolicyFigures& figures_of(const SimulatorFigures& simulator, std::string_view name) {
  for (const PolicyFigures& policy : simulator.policy)
    if (policy.name == name) return policy;
  FAIL("no such policy");
  return simulator.policy.front();
}

}  // namespace

TEST_CASE("what members disagree by is told apart from what sessions differ by", "[compare][members]") {
  // By hand: within 2, between 16, two sessions a member.
  const Disagreement two = disagreement({1.0F, 5.0F, 3.0F, 7.0F}, {0, 1, 0, 1}, 2);
  CHECK(two.members == Approx(std::sqrt(7.0)));
  CHECK(two.sessions == Approx(std::sqrt(0.5)));
  CHECK(std::isnan(disagreement({1.0F, 2.0F}, {0, 1}, 2).members));  // a session each tells nothing
  CHECK(std::isnan(disagreement({1.0F, 2.0F, 3.0F}, {1, 1, 1}, 2).members));
  CHECK(std::isnan(disagreement({1.0F, 2.0F, 3.0F}, {0, 1, 1}, 2).members));

  // Members whose means deviate by 3, sessions by 10.
  RandomStream random(make_key(4));
  std::vector<float> values;
  std::vector<std::uint32_t> member;
  const auto centred = [&] { return (random.uniform() - 0.5F) * std::sqrt(12.0F); };
  std::vector<float> mean(200);
  for (float& one : mean) one = 3.0F * centred();
  for (int i = 0; i < 40'000; ++i) {
    member.push_back(random.below(200));
    values.push_back(mean[member.back()] + 10.0F * centred());
  }
  const Disagreement drawn = disagreement(values, member, 200);
  CHECK(drawn.members == Approx(3.0).epsilon(0.15));
  CHECK(drawn.sessions == Approx(10.0 / std::sqrt(40'000.0)).epsilon(0.02));
}

TEST_CASE("compare ranks policies as their world does, with random at 0 and the oracle at 1", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  const CompareReport report = compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, small());
  const SimulatorFigures& toy = report.simulator[0];
  const std::size_t reward = metric_index("reward");
  CHECK(figures_of(toy, "random").normalised.mean == 0.0);
  CHECK(figures_of(toy, "random").normalised.high == 0.0);
  CHECK(figures_of(toy, "oracle").normalised.mean == 1.0);
  CHECK(figures_of(toy, "oracle").metric[reward].mean > figures_of(toy, "longest").metric[reward].mean);
  CHECK(figures_of(toy, "longest").metric[reward].low > figures_of(toy, "random").metric[reward].high);
  CHECK(figures_of(toy, "shortest").versus_random.high < 0.0);
  for (const PolicyFigures& policy : toy.policy) {
    const auto at = [&](const char* name) { return policy.metric[metric_index(name)]; };
    CHECK(at("depth").mean == 5.0);
    CHECK(at("watch_s_per_session").mean == Approx(5.0 * at("watch_s_per_video").mean));
    CHECK(at("watch_ratio_per_session").mean == Approx(5.0 * at("watch_ratio_per_video").mean));
    CHECK(at("reward").mean == Approx(at("watch_s_per_session").mean));  // the default reward is seconds watched
    CHECK(at("is_hate").mean == 0.0);
    for (const Interval& figure : policy.metric) {
      CHECK(figure.low <= figure.mean + 1e-6);
      CHECK(figure.mean <= figure.high + 1e-6);
    }
  }
  // Random choice shows more of the catalogue than always taking the longest of ten.
  CHECK(figures_of(toy, "random").metric[metric_index("catalogue_share")].mean >
        figures_of(toy, "longest").metric[metric_index("catalogue_share")].mean);
}

TEST_CASE("returns can be taken against any of the policies, session by session", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  CompareConfig config = small();
  config.versus = "longest";
  const CompareReport report = compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, config);
  const SimulatorFigures& toy = report.simulator[0];
  const std::size_t reward = metric_index("reward");
  for (const PolicyFigures& policy : toy.policy)
    CHECK(policy.versus.mean ==
          Approx(policy.metric[reward].mean - figures_of(toy, "longest").metric[reward].mean).margin(1e-9));
  CHECK(figures_of(toy, "longest").versus.high == 0.0);
  CHECK(to_json(report)["versus"] == "longest");
  CHECK_THAT(to_text(report), Catch::Contains("return in toy less longest's"));
  config.versus = "best";
  CHECK_THROWS_WITH(compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, config),
                    Catch::Contains("'best', which is none of the compared policies: longest, oracle"));
}

TEST_CASE("choices judged by expectations have the return's share where they do not reach the future, and less noise",
          "[evaluation]") {
  const auto simulator = test::toy_simulator();  // sessions of 5 videos whatever is shown
  CompareConfig config = small();
  config.versus = "longest";
  config.expected = true;
  const CompareReport report = compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, config);
  const SimulatorFigures& toy = report.simulator[0];
  CHECK(figures_of(toy, "random").expected.share.mean == Approx(0.0).margin(1e-6));
  CHECK(figures_of(toy, "random").expected.reward.mean == Approx(toy.expected_random.mean));
  CHECK(figures_of(toy, "oracle").expected.share.mean == Approx(1.0));
  CHECK(figures_of(toy, "oracle").expected.reward.mean == Approx(toy.expected_oracle.mean));
  const PolicyFigures& longest = figures_of(toy, "longest");
  CHECK(longest.expected.share.mean > longest.normalised.low);
  CHECK(longest.expected.share.mean < longest.normalised.high);
  CHECK(longest.expected.share.high - longest.expected.share.low <
        0.75 * (longest.normalised.high - longest.normalised.low));
  CHECK(longest.expected.versus.high == 0.0);
  const PolicyFigures& shortest = figures_of(toy, "shortest");
  CHECK(shortest.expected.versus.mean == Approx(shortest.expected.share.mean - longest.expected.share.mean));
  CHECK(shortest.expected.versus.high < 0.0);

  const Json json = to_json(report);
  CHECK(json["policies"][1]["expected"]["share"]["mean"] == longest.expected.share.mean);
  CHECK(json["simulators"][0]["expected"]["oracle"]["mean"] == toy.expected_oracle.mean);
  CHECK_THAT(to_text(report), Catch::Contains("share less longest's"));
  config.expected = false;
  const CompareReport without = compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, config);
  CHECK(to_text(without).find("share less") == std::string::npos);
  CHECK_FALSE(to_json(without)["policies"][1].contains("expected"));

  // Who draws among the candidates is judged by its probabilities: uniform ones are worth what random choice is.
  config.expected = true;
  config.exploration = Exploration::epsilon_greedy(1.0F);
  const CompareReport drawn = compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, config);
  CHECK(figures_of(drawn.simulator[0], "longest").expected.share.mean == Approx(0.0).margin(1e-6));
  config.world.slate = 2;
  CHECK_THROWS_WITH(compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, config),
                    Catch::Contains("nor with slates"));
}

TEST_CASE("baselines are there without being asked for", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  const auto all = compare(simple_policies(simulator->catalogue), {{"toy", simulator}}, small());
  const auto alone = compare({{"longest", {make_longest_policy(simulator->catalogue)}}}, {{"toy", simulator}}, small());
  CHECK(alone.simulator[0].policy.size() == 1);
  CHECK(alone.simulator[0].policy[0].normalised.mean ==
        Approx(figures_of(all.simulator[0], "longest").normalised.mean));
  CHECK(alone.simulator[0].oracle.mean == Approx(all.simulator[0].oracle.mean));
}

TEST_CASE("without the oracle returns are the same, and no policy has a place on the way to it", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  CompareConfig config = small();
  const std::vector<ComparedPolicy> policies = {{"longest", {make_longest_policy(simulator->catalogue)}}};
  const CompareReport with = compare(policies, {{"toy", simulator}}, config);
  config.oracle = false;
  const CompareReport without = compare(policies, {{"toy", simulator}}, config);
  const std::size_t reward = metric_index("reward");
  const PolicyFigures& longest = figures_of(without.simulator[0], "longest");
  CHECK(longest.metric[reward].mean == figures_of(with.simulator[0], "longest").metric[reward].mean);
  CHECK(longest.versus_random.low == figures_of(with.simulator[0], "longest").versus_random.low);
  CHECK(std::isnan(longest.normalised.mean));
  CHECK(to_text(without, true).find("nan") == std::string::npos);
  CHECK(to_html(without, "title", {}).find("nan") == std::string::npos);
  CHECK(to_json(without).dump().find("\"oracle_reward\":{\"mean\":null") != std::string::npos);
}

TEST_CASE("a judge shows which promises are kept", "[evaluation]") {
  // In the dull judge answers are half as long: every policy promises more than it keeps, in the same order.
  const auto simulator = test::toy_simulator();
  const auto same = test::toy_simulator();
  const auto dull = test::toy_simulator({.interventional = 0.25});
  const CompareReport report =
      compare(simple_policies(simulator->catalogue), {{"fit", simulator}, {"same", same}, {"dull", dull}}, small());
  REQUIRE(report.agreement.size() == 2);
  CHECK(report.agreement[0].kendall_tau.mean == 1.0);
  CHECK(report.agreement[0].regret.mean == 0.0);
  CHECK(report.agreement[0].gap[0].mean == 0.0);
  CHECK(report.agreement[1].kendall_tau.mean == 1.0);  // the order stays
  CHECK(report.agreement[1].gap[1].low > 0.0);
  CHECK(report.agreement[1].gap[1].mean ==
        Approx(figures_of(report.simulator[0], "longest").metric[metric_index("reward")].mean -
               figures_of(report.simulator[2], "longest").metric[metric_index("reward")].mean));
  CHECK(report.agreement[1].choice == "oracle");
}

TEST_CASE("the table that is printed fits a hundred columns, the wide ones hold every figure", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  auto policies = simple_policies(simulator->catalogue);
  policies.back().name = "dqn-full-output";
  CompareConfig config = small();
  config.versus = "random";
  config.expected = true;
  const CompareReport report = compare(policies, {{"half-a", simulator}, {"truth", test::toy_simulator()}}, config);
  const std::string narrow = to_text(report), wide = to_text(report, true);
  std::istringstream lines(narrow);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(line.size() <= 100);
  }
  for (const char* name : {"dqn-full-output", "return in truth", "0 random, 1 oracle", "videos", "s a video",
                           "Kendall tau", "less random's", "expected at once"}) {
    CAPTURE(name);
    CHECK_THAT(narrow, Catch::Contains(name));
  }
  for (const char* name :
       {"in half-a\n", "in truth\n", "per 1000 videos", "entropy", "gap h", "return in half-a less that"}) {
    CAPTURE(name);
    CHECK_THAT(wide, Catch::Contains(name));
  }
}

TEST_CASE("training seeds that differ widen the interval, and are counted", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  const auto longest = make_longest_policy(simulator->catalogue), shortest = make_shortest_policy(simulator->catalogue);
  const CompareReport report =
      compare({{"steady", {longest, longest, longest}}, {"moody", {longest, shortest, longest}}}, {{"toy", simulator}},
              small());
  const Interval steady = report.simulator[0].policy[0].metric[metric_index("reward")];
  const Interval moody = report.simulator[0].policy[1].metric[metric_index("reward")];
  CHECK(report.simulator[0].policy[1].training_seeds == 3);
  CHECK(moody.high - moody.low > 3 * (steady.high - steady.low));
}

TEST_CASE("the report's keys, text and page hold every policy", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  auto policies = simple_policies(simulator->catalogue);
  policies[1].name = "long <b>";
  const CompareReport report = compare(policies, {{"fit", simulator}, {"judge", test::toy_simulator()}}, small());
  const Json json = to_json(report);
  REQUIRE(json["policies"].size() == 4);
  CHECK(json["policies"][0]["name"] == "random");
  for (const MetricInfo& metric : compare_metrics()) {
    const Json& figure = json["policies"][0]["metrics"][std::string(metric.name)];
    CHECK(figure.contains("mean"));
    CHECK(figure.contains("low"));
    CHECK(figure.contains("high"));
  }
  CHECK(json["simulators"].size() == 2);
  CHECK(json["simulators"][1]["name"] == "judge");
  CHECK(json["agreement"][0]["kendall_tau"]["mean"] == 1.0);
  CHECK(to_text(report).find("long <b>") != std::string::npos);
  const std::string page = to_html(report, "Policies", {"a note & more"});
  CHECK(page.find("long &lt;b&gt;") != std::string::npos);
  CHECK(page.find("long <b>") == std::string::npos);
  CHECK(page.find("a note &amp; more") != std::string::npos);
  CHECK(page.find("http") == std::string::npos);  // nothing is fetched from anywhere
  CHECK(page.find("nan") == std::string::npos);
}

TEST_CASE("compare refuses what it cannot compare", "[evaluation]") {
  const auto simulator = test::toy_simulator();
  const auto policies = simple_policies(simulator->catalogue);
  CHECK_THROWS_AS(compare({}, {{"toy", simulator}}, small()), InputError);
  CHECK_THROWS_AS(compare({policies[0], policies[0]}, {{"toy", simulator}}, small()), InputError);
  auto other = std::make_shared<Simulator>(*simulator);
  other->catalogue.raw_video_id[0] = 77;
  CHECK_THROWS_AS(compare(policies, {{"toy", simulator}, {"other", other}}, small()), InputError);
  CompareConfig none = small();
  none.sessions = 0;
  CHECK_THROWS_AS(compare(policies, {{"toy", simulator}}, none), InputError);
}
