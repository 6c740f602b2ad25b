#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "agents/multitask/head_labels.h"
#include "agents/multitask/multitask_trainer.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "agents/supervised_rows.h"
#include "core/error.h"
#include "tests/agents/label_toy.h"
#include "tests/agents/quick_multitask.h"

namespace swipegym {
namespace {

using test::LabelToy;

constexpr std::int32_t kWarmUntil = 20220503;
constexpr double kHardlyAny = 1e-7;  // a learning rate by which nothing moves

MultitaskConfig quick_heads() {
  MultitaskConfig config = test::quick_multitask();
  config.heads = {};
  for (const char* head : {"watch", "click"}) *config.heads.find(head) = 1.0F;
  config.epochs = 2;
  return config;
}

TwoTowerTrainingConfig quick_towers() {
  TwoTowerTrainingConfig config;
  config.epochs = 2, config.patience = 0, config.history_length = 10, config.batch = 128;
  config.network = {.user_hidden = {8}, .item_hidden = {8}, .width = 6, .tag_dim = 2, .author_dim = 2, .id_dim = 3};
  config.network.history_dim = 3;
  return config;
}

// Two videos more than in the log, one of a known author and one of a new one.
Catalogue with_two_uploads(Catalogue catalogue) {
  const std::size_t videos = catalogue.num_videos();
  for (const std::uint32_t author : {catalogue.author[3], catalogue.num_authors}) {
    catalogue.raw_video_id.push_back(1'000'000 + static_cast<std::int64_t>(catalogue.num_videos()));
    catalogue.duration_ms.push_back(catalogue.duration_ms[3]);
    catalogue.tag.push_back(catalogue.tag[3]), catalogue.author.push_back(author);
    catalogue.exposures.push_back(0), catalogue.item_mean.push_back(0.3F);
    for (std::size_t f = 0; f < kVideoFeatures; ++f)
      catalogue.video_features.push_back(catalogue.video_features[3 * kVideoFeatures + f]);
  }
  catalogue.num_authors += 1;
  REQUIRE(catalogue.num_videos() == videos + 2);
  return catalogue;
}

TEST_CASE("a multi-task network that goes on begins with what it was, among more videos", "[agents]") {
  LabelToy toy(kWarmUntil);
  toy.task.validate = {1, 0};  // nothing is calibrated
  MultitaskConfig config = quick_heads();
  const bool standardise = GENERATE(true, false);
  config.standardise = standardise;
  const TrainedModel first = train_multitask(toy.task, config);

  const Catalogue later = with_two_uploads(toy.catalogue);
  SupervisedTask task = toy.task;
  Dataset data = toy.data;
  data.videos.raw_id = later.raw_video_id;
  task.data = &data, task.catalogue = &later, task.start = first.policy.get(), task.whole_log = false;
  config.epochs = 1, config.learning_rate = config.final_learning_rate = kHardlyAny;
  const TrainedModel second = train_multitask(task, config);
  const auto& before = static_cast<const MultitaskPolicy&>(*first.policy);
  const auto& after = static_cast<const MultitaskPolicy&>(*second.policy);
  CHECK(after.model().items.num_ids == before.model().items.num_ids + 2);
  CHECK(after.model().items.num_authors == before.model().items.num_authors + 1);
  CHECK(after.model().items.author[60] == before.model().items.author[3]);
  std::vector<std::uint32_t> rows = rows_of_days(toy.data, {toy.task.train});
  rows.resize(200);
  const Matrix said = head_rows(before, toy.data, toy.catalogue, rows, 1);
  const Matrix again = head_rows(after, data, later, rows, 1);
  CHECK((said - again).cwiseAbs().maxCoeff() < 2e-3F);
  CHECK((said.col(1).array() - said(0, 1)).abs().maxCoeff() > 0.02F);  // and these are not all alike

  // A network that is drawn says something else.
  task.start = nullptr;
  config = quick_heads();
  config.epochs = 1;
  const TrainedModel drawn = train_multitask(task, config);
  CHECK((head_rows(static_cast<const MultitaskPolicy&>(*drawn.policy), data, later, rows, 1) - said)
            .cwiseAbs()
            .maxCoeff() > 0.02F);
}

TEST_CASE("two towers that go on begin with what they were, and learn from as many rows as they may", "[agents]") {
  LabelToy toy(kWarmUntil);
  toy.task.validate = {1, 0};
  TwoTowerTrainingConfig config = quick_towers();
  const TrainedModel first = train_two_tower(toy.task, config);
  const Catalogue later = with_two_uploads(toy.catalogue);
  SupervisedTask task = toy.task;
  task.catalogue = &later, task.start = first.policy.get(), task.most_rows = 300;
  config.epochs = 1, config.learning_rate = kHardlyAny;
  const TrainedModel second = train_two_tower(task, config);
  CHECK(second.details["rows"] == 300);
  const Matrix& before = static_cast<const TwoTowerPolicy&>(*first.policy).model().item_table;
  const Matrix& after = static_cast<const TwoTowerPolicy&>(*second.policy).model().item_table;
  REQUIRE(after.rows() == before.rows() + 2);
  CHECK((after.topRows(before.rows()) - before).cwiseAbs().maxCoeff() < 1e-3F);
  // The upload that shares all but its id with video 3 is found near it: ids begin small.
  CHECK(after.row(before.rows()).dot(after.row(3)) > 0.8F);
  // Other settings are another network, and so is another kind of policy.
  config.network.item_hidden = {9};
  CHECK_THROWS_AS(train_two_tower(task, config), InputError);
  const TrainedModel heads = train_multitask(toy.task, quick_heads());
  task.start = heads.policy.get();
  CHECK_THROWS_WITH(train_two_tower(task, quick_towers()), Catch::Matchers::Contains("multitask"));
}

}  // namespace
}  // namespace swipegym
