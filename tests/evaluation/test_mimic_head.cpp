#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/random_draws.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/uplift/mimic_head.h"
#include "evaluation/uplift/uplift_scores.h"

namespace swipegym {
namespace {

struct MimicWorld {
  MimicRows rows;
  std::vector<double> chance;                // that an upload of the topic follows because of the click
  std::vector<std::uint8_t> imitated;        // whether one did
  std::vector<std::uint32_t> learn, judged;  // the clicked ones of the later half
};

// Viewers who upload often or seldom, mostly in one of ten topics, of whom some imitate what they click. Clicks know
// nothing of the viewer's own topic. Imitators are told by how often their uploads answered clicks before.
MimicWorld make_mimic_world(std::uint64_t seed, double rate) {
  constexpr std::uint32_t kViewers = 600, kDays = 20, kTopics = 10;
  MimicWorld world;
  for (std::uint32_t viewer = 0; viewer < kViewers; ++viewer) {
    RandomStream random(split(make_key(seed), viewer));
    const double uploads_a_day = random.uniform_double() < 0.3 ? 0.4 : 0.05;
    const bool imitates = random.uniform_double() < 0.4;
    const std::uint32_t own = random.below(kTopics);
    const double answers = (imitates ? 0.4 : 0.1) + 0.05 * draw_normal_pair(random)[0];
    for (std::uint32_t day = 0; day < kDays; ++day) {
      const std::uint32_t watched = random.below(kTopics), other = (watched + 1 + random.below(kTopics - 1)) % kTopics;
      const double imitation = imitates ? rate : 0.0;
      const bool mimics = random.uniform_double() < imitation, uploads = random.uniform_double() < uploads_a_day;
      const std::uint32_t usual = random.uniform_double() < 0.7 ? own : random.below(kTopics);
      for (const std::uint32_t topic : {watched, other}) {
        const bool clicked = topic == watched;
        double one[kMimicFeatures] = {};
        one[kMimicClicked] = one[kMimicShare] = clicked ? 1.0 : 0.0;
        one[kMimicMatched] = clicked ? answers : 0.0;
        one[kMimicRate] = uploads_a_day + 0.02 * draw_normal_pair(random)[0];
        one[kMimicOwnTopic] = topic == own ? 0.7 : 0.03;
        one[kMimicAnswers] = answers;
        world.rows.table.values.insert(world.rows.table.values.end(), one, one + kMimicFeatures);
        world.rows.followed.push_back(mimics ? clicked : uploads && usual == topic);
        world.rows.creator.push_back(viewer), world.rows.topic.push_back(topic);
        // Less of it would have come anyway, of the same topic.
        const double anyway = uploads_a_day * ((topic == own ? 0.7 : 0.0) + 0.3 / kTopics);
        world.chance.push_back(clicked ? imitation * (1.0 - anyway) : 0.0);
        world.imitated.push_back(clicked && mimics);
        const auto row = static_cast<std::uint32_t>(world.rows.size() - 1);
        if (viewer % 2 == 0)
          world.learn.push_back(row);
        else if (clicked)
          world.judged.push_back(row);
      }
    }
  }
  return world;
}

template <class T>
std::vector<T> of_rows(const std::vector<T>& all, const std::vector<std::uint32_t>& rows) {
  std::vector<T> out;
  for (const std::uint32_t row : rows) out.push_back(all[row]);
  return out;
}

double area(const std::vector<double>& said, const std::vector<std::uint8_t>& is) {
  return auc(std::vector<float>(said.begin(), said.end()), is);
}

}  // namespace

TEST_CASE("the mimic head finds who imitates, where rates by topic and activity do not", "[evaluation]") {
  const MimicWorld world = make_mimic_world(1, 0.2);
  const MimicHead head(world.rows, world.learn, MimicHead::usual_settings(), make_key(2));
  const std::vector<double> truth = of_rows(world.chance, world.judged);
  const std::vector<std::uint8_t> imitated = of_rows(world.imitated, world.judged);
  const std::vector<double> mimics = head.mimics(world.rows, world.judged);
  const double best = area(truth, imitated);
  CHECK(best > 0.7);
  CHECK(area(mimics, imitated) > best - 0.05);
  CHECK(area(mimic_rate_by_topic(world.rows, world.learn, world.judged), imitated) < best - 0.1);
  CHECK(area(mimic_rate_by_activity(world.rows, world.learn, world.judged), imitated) < best - 0.1);
  const UpliftCalibration line = uplift_calibration(mimics, truth);
  CHECK(line.slope == Approx(1.0).margin(0.25));
  double said = 0.0, true_sum = 0.0;
  for (std::size_t i = 0; i < truth.size(); ++i) said += mimics[i], true_sum += truth[i];
  CHECK(said == Approx(true_sum).epsilon(0.15));
  // What follows has what comes anyway too.
  std::vector<std::uint8_t> followed;
  for (const std::uint32_t row : world.judged) followed.push_back(world.rows.followed[row] > 0.5);
  const std::vector<double> follows = head.follows(world.rows, world.judged);
  CHECK(expected_calibration_error(std::vector<float>(follows.begin(), follows.end()), followed) < 0.02);
  CHECK(area(follows, followed) > area(mimics, followed));
}

TEST_CASE("where nobody imitates the mimic head says next to nothing, and rates say what comes anyway",
          "[evaluation]") {
  const MimicWorld world = make_mimic_world(3, 0.0);
  const MimicHead head(world.rows, world.learn, MimicHead::usual_settings(), make_key(2));
  double said = 0.0, by_topic = 0.0;
  for (const double one : head.mimics(world.rows, world.judged)) said += one / static_cast<double>(world.judged.size());
  for (const double one : mimic_rate_by_topic(world.rows, world.learn, world.judged))
    by_topic += one / static_cast<double>(world.judged.size());
  CHECK(std::abs(said) < 0.005);
  CHECK(by_topic > 0.01);
}

TEST_CASE("a network of chances wants outcomes of 0 and 1, and no ridge regression", "[evaluation]") {
  const MimicWorld world = make_mimic_world(1, 0.2);
  UpliftSettings settings = MimicHead::usual_settings();
  settings.base = "ridge";
  CHECK_THROWS_AS(MimicHead(world.rows, world.learn, settings, make_key(2)), InputError);
  MimicRows counted = world.rows;
  counted.followed[world.learn[0]] = 2.0;
  CHECK_THROWS_AS(MimicHead(counted, world.learn, MimicHead::usual_settings(), make_key(2)), InputError);
}

}  // namespace swipegym
