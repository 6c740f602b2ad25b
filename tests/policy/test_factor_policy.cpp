#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "policy/embedding/factor_policy.h"

namespace swipegym {
namespace {

Catalogue catalogue_of(std::vector<std::int64_t> users, std::vector<std::int64_t> videos) {
  Catalogue catalogue;
  catalogue.raw_user_id = std::move(users), catalogue.raw_video_id = std::move(videos);
  for (std::size_t v = 0; v < catalogue.num_videos(); ++v)
    catalogue.exposures.push_back(static_cast<std::uint32_t>(10 * v));
  return catalogue;
}

// Two users, two videos, two factors.
std::shared_ptr<FactorModel> small_model() {
  auto model = std::make_shared<FactorModel>();
  model->header = {.model = "factors", .policy = "mf", .seed = 3, .catalogue_until = 20220501, .config = "{}"};
  model->mean = 0.5F;
  model->raw_user_id = {7, 8}, model->raw_video_id = {100, 101};
  model->user.resize(2, 2), model->video.resize(2, 2);
  model->user << 1, 2, 3, 4;
  model->video << 5, 6, 7, 8;
  model->user_bias = {0.1F, 0.2F}, model->video_bias = {0.01F, 0.02F};
  return model;
}

std::vector<float> scores_of(const Policy& policy, const std::vector<std::uint32_t>& users, std::size_t videos) {
  ObservationView observation;
  observation.rows = users.size();
  observation.user = users.data();
  std::vector<float> scores(users.size() * videos);
  policy.score({.observation = observation}, scores);
  return scores;
}

TEST_CASE("a factor model scores by its formula, and what it never met counts with zeros", "[policy]") {
  // By other indices than its own: user 8, a stranger; video 101, a new one, 100.
  const Catalogue catalogue = catalogue_of({8, 9}, {101, 555, 100});
  const FactorPolicy policy(small_model(), catalogue);
  const std::vector<float> scores = scores_of(policy, {0, 1}, 3);
  CHECK(scores[0] == Approx(0.5 + 0.2 + 0.02 + 3 * 7 + 4 * 8));
  CHECK(scores[1] == Approx(0.5 + 0.2));
  CHECK(scores[2] == Approx(0.5 + 0.2 + 0.01 + 3 * 5 + 4 * 6));
  CHECK(scores[3] == Approx(0.5 + 0.02));
  CHECK(scores[4] == Approx(0.5));
}

TEST_CASE("a factor model comes back from its file as it was", "[policy]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_factors.h5";
  auto model = small_model();
  model->logistic = true, model->head = std::string(kBinaryHead);
  const Catalogue catalogue = catalogue_of({7, 8}, {100, 101});
  FactorPolicy(model, catalogue).save(path);
  const auto loaded = load_policy(path, catalogue);
  CHECK(loaded->head() == kBinaryHead);
  CHECK(loaded->name() == "mf");
  CHECK(scores_of(*loaded, {0, 1}, 2) == scores_of(FactorPolicy(model, catalogue), {0, 1}, 2));
  std::filesystem::remove(path);
}

TEST_CASE("popularity as a file ranks by exposures", "[policy]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_popular.h5";
  const Catalogue catalogue = catalogue_of({7}, {100, 101, 102});
  FactorPolicy(make_popularity_model(catalogue), catalogue).save(path);
  const std::vector<float> scores = scores_of(*load_policy(path, catalogue), {0}, 3);
  CHECK(scores[2] == Approx(std::log1p(20.0F)));
  CHECK(scores[0] < scores[1]);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace swipegym
