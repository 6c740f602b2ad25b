#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include "agents/logged_states.h"
#include "agents/multitask/head_labels.h"
#include "agents/multitask/multitask_trainer.h"
#include "agents/supervised_rows.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/metrics/binary_score.h"
#include "policy/policy_file.h"
#include "tests/agents/interrupt_after.h"
#include "tests/agents/label_toy.h"
#include "tests/agents/quick_multitask.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;
using test::LabelToy;

MultitaskConfig small_multitask() {
  MultitaskConfig config = test::quick_multitask();
  config.epochs = testing::kSanitized ? 1 : 6, config.learning_rate = 5e-3;
  return config;
}

const MultitaskPolicy& as_multitask(const TrainedModel& trained) {
  return static_cast<const MultitaskPolicy&>(*trained.policy);
}

std::string multitask_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("labels of heads are what their names say, and leaving what the gap says", "[agents]") {
  LabelToy toy(20220503);
  Log& log = toy.data.log;
  const auto user = index_of(log.user[0]);
  const std::size_t first = toy.data.user_offset[user], end = toy.data.user_offset[user + 1];
  log.play_ms[first] = 3000, log.duration_ms[first] = 4000;
  log.signals[first] = static_cast<SignalBits>(bit(Signal::kLike) | bit(Signal::kForward));
  log.time_ms[first + 1] = log.time_ms[first] + kSessionGapMs;
  log.time_ms[first + 2] = log.time_ms[first + 1] + kSessionGapMs + 1;
  log.duration_ms[first + 1] = 0;
  const HeadLabels labels(toy.data, 99999999);
  CHECK(labels.of(first, HeadOutput::kWatch) == 0.75F);
  CHECK(labels.of(first, HeadOutput::kWatched) == 1.0F);
  CHECK(labels.of(first, HeadOutput::kLike) == 1.0F);
  CHECK(labels.of(first, HeadOutput::kForward) == 1.0F);
  CHECK(labels.of(first, HeadOutput::kHate) == 0.0F);
  CHECK(labels.of(first, HeadOutput::kLeave) == 0.0F);
  CHECK(labels.of(first + 1, HeadOutput::kLeave) == 1.0F);
  CHECK(std::isnan(labels.of(first + 1, HeadOutput::kWatched)));
  // The log's very last moment: nobody knows whether the session goes on.
  std::size_t last = 0;
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.time_ms[row] > log.time_ms[last]) last = row;
  CHECK(std::isnan(labels.of(last, HeadOutput::kLeave)));
  // What comes after the known days is not looked at.
  const std::size_t day = end - 1;
  HeadLabels known(toy.data, log.date[first]);
  for (std::size_t row = first; row + 1 < day; ++row)
    if (log.date[row] == log.date[first] && log.date[row + 1] > log.date[first])
      CHECK(known.of(row, HeadOutput::kLeave) != 0.0F);
}

// P(ratio > .5) of a video as the toy draws it (tests/evaluation/toy_data.h).
float toy_watched(std::uint32_t video) {
  return static_cast<float>(0.9 * std::exp(-0.5 / (0.2 + 0.01 * (video % 60))));
}

TEST_CASE("a multi-task network foresees what videos differ by, by every kind of loss and network", "[agents]") {
  LabelToy toy(20220503);
  const std::vector<std::uint32_t> later = rows_of_days(toy.data, {toy.task.validate});
  const HeadLabels labels(toy.data, toy.task.validate.until);
  for (const std::string weighting : {"uncertainty", "fixed"})
    for (const std::string kind : {"mmoe", "shared_bottom"}) {
      MultitaskConfig config = small_multitask();
      config.weighting = weighting, config.network.kind = kind;
      if (!testing::kSanitized) config.epochs = 30, config.learning_rate = 1e-2;
      const TrainedModel trained = train_multitask(toy.task, config);
      const Matrix said = head_rows(as_multitask(trained), toy.data, toy.catalogue, later, 1);
      std::vector<float> watched, truth;
      std::vector<std::uint8_t> is;
      double expected = 0.0, ratio = 0.0;
      for (std::size_t i = 0; i < later.size(); ++i) {
        const auto row = static_cast<Eigen::Index>(i);
        watched.push_back(said(row, static_cast<Eigen::Index>(HeadOutput::kWatched)));
        truth.push_back(toy_watched(index_of(toy.data.log.video[later[i]])));
        is.push_back(labels.of(later[i], HeadOutput::kWatched) > 0.5F);
        expected += said(row, 0);
        ratio += std::min(labels.of(later[i], HeadOutput::kWatch), config.clip);
        for (Eigen::Index k = 1; k < said.cols(); ++k) REQUIRE((said(row, k) >= 0.0F && said(row, k) <= 1.0F));
      }
      const double best = auc(truth, is);
      const double noise = expected_calibration_error(truth, is);  // what so few rows alone make of it
      CAPTURE(weighting, kind, auc(watched, is), best, expected / ratio, noise);
      if (testing::skips_quality()) continue;
      CHECK(expected == Approx(ratio).epsilon(0.02));  // calibrated on these very rows
      CHECK(auc(watched, is) > best - 0.03);
      CHECK(trained.epochs.back().train_loss < trained.epochs.front().train_loss);
      CHECK(expected_calibration_error(watched, is) < noise + 0.04);
    }
}

TEST_CASE("a trained network keeps the sums of its last layers over the rows that taught it", "[agents]") {
  LabelToy toy(20220503);
  MultitaskConfig config = small_multitask();
  config.epochs = 1, config.rows = 0.5F;
  const TrainedModel trained = train_multitask(toy.task, config);
  const MultitaskPolicy& policy = as_multitask(trained);
  SupervisedTask threaded = toy.task;
  threaded.threads = 3;
  const TrainedModel other = train_multitask(threaded, config);
  const auto rows = static_cast<double>(trained.details["rows"].get<std::size_t>());
  for (std::size_t i = 0; i < kHeadOutputs; ++i) {
    const LastLayerSums* sums = policy.last_layer_sums(i);
    REQUIRE(sums != nullptr);
    CHECK(sums->squares == as_multitask(other).last_layer_sums(i)->squares);
    CHECK(sums->rows <= rows);
    CHECK(sums->rows > 0.9 * rows);  // of leaving the last rows are not known
    CHECK(sums->squares.back() == sums->rows);
    CHECK_NOTHROW(sums->validate());
  }
  // All rows of the days, one by one, as they are served: what the sums are sums of where nothing is left out.
  config.rows = 1.0F, config.left_out = "nothing";
  const TrainedModel whole = train_multitask(toy.task, config);
  const std::vector<std::uint32_t> learned = rows_of_days(toy.data, {toy.task.train, toy.task.holdout});
  const LoggedStates states(toy.data, toy.catalogue, config.history_length);
  const HeadLabels labels(toy.data, std::max(toy.task.train.until, toy.task.holdout.until));
  LoggedStates::Batch batch;
  states.fill(learned, batch);
  std::vector<std::uint32_t> own(learned.size()), offset(learned.size() + 1);
  std::iota(own.begin(), own.end(), 0U);
  std::iota(offset.begin(), offset.end(), 0U);
  const DecisionBatch decisions{
      .observation = batch.observation, .env = nullptr, .keys = {}, .streams = {}, .threads = 1};
  for (const HeadOutput output : {HeadOutput::kWatch, HeadOutput::kWatched, HeadOutput::kLike, HeadOutput::kLeave}) {
    Matrix said;
    LastLayer layer{.head = static_cast<std::size_t>(output), .values = {}};
    as_multitask(whole).foresee(
        {.batch = decisions, .rows = own, .offset = offset, .videos = batch.video, .wanted = {}}, said, &layer);
    LastLayerSums expected(static_cast<std::size_t>(layer.values.cols()));
    for (std::size_t i = 0; i < learned.size(); ++i) {
      const float label = labels.of(learned[i], output);
      if (std::isnan(label)) continue;
      const Eigen::VectorXd x = layer.values.row(static_cast<Eigen::Index>(i)).cast<double>();
      expected.add(x.data(), static_cast<double>(output == HeadOutput::kWatch ? std::min(label, config.clip) : label));
    }
    const LastLayerSums& sums = *as_multitask(whole).last_layer_sums(static_cast<std::size_t>(output));
    CHECK(sums.rows == expected.rows);
    CHECK(sums.rewards == Approx(expected.rewards));
    for (std::size_t j = 0; j < expected.products.size(); ++j)
      CHECK(sums.products[j] == Approx(expected.products[j]).margin(1e-3));
    for (std::size_t j = 0; j < expected.squares.size(); ++j)
      CHECK(sums.squares[j] == Approx(expected.squares[j]).margin(1e-3));
  }
}

TEST_CASE("without creator_id nothing that is made from authors reaches the network", "[agents]") {
  LabelToy toy(20220503);
  Catalogue others = toy.catalogue;
  for (std::uint32_t& author : others.author) author = (author + 1) % std::max(2U, others.num_authors);
  others.num_authors = std::max(2U, others.num_authors);
  const std::vector<std::uint32_t> rows = rows_of_days(toy.data, {toy.task.validate});
  const auto said = [&](const Catalogue& catalogue, bool creator_id) {
    SupervisedTask task = toy.task;
    task.catalogue = &catalogue;
    MultitaskConfig config = small_multitask();
    config.epochs = 1;
    config.network.creator_id = creator_id;
    return head_rows(as_multitask(train_multitask(task, config)), toy.data, catalogue, rows, 1);
  };
  CHECK(said(toy.catalogue, false) == said(others, false));
  CHECK(said(toy.catalogue, true) != said(others, true));
}

TEST_CASE("a multi-task policy's file says what the policy said, pair by pair and in any company", "[agents]") {
  LabelToy toy(20220503);
  const fs::path path = fs::temp_directory_path() / "swipegym-multitask.h5";
  MultitaskConfig config = small_multitask();
  config.epochs = 1;
  config.value.weight = {};
  *config.value.weight.find("long_view") = 2.0F, *config.value.weight.find("hate") = -1.0F;
  const TrainedModel trained = train_multitask(toy.task, config);
  trained.policy->save(path);
  const std::shared_ptr<const Policy> loaded = load_policy(path, toy.catalogue);
  const auto& policy = static_cast<const MultitaskPolicy&>(*loaded);
  const std::vector<std::uint32_t> rows = rows_of_days(toy.data, {toy.task.validate});
  const Matrix said = head_rows(policy, toy.data, toy.catalogue, rows, 2);
  CHECK(said == head_rows(as_multitask(trained), toy.data, toy.catalogue, rows, 1));
  CHECK(policy.model().calibration.slope == as_multitask(trained).model().calibration.slope);

  // The same rows through score(), and several videos of a few rows through foresee().
  const LoggedStates states(toy.data, toy.catalogue, 10);
  LoggedStates::Batch batch;
  states.fill(rows, batch);
  DecisionBatch decisions;
  decisions.observation = batch.observation;
  decisions.observation.candidates = 1;
  decisions.observation.candidate = batch.video.data();
  std::vector<float> scores(rows.size());
  policy.score(decisions, scores);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    REQUIRE(scores[i] == 2.0F * said(row, 2) - said(row, 8));
  }
  const std::vector<std::uint32_t> some = {3, 40, 700}, offset = {0, 2, 2, 5};
  const std::vector<std::int32_t> videos = {batch.video[3], 7, 1, batch.video[700], 59};
  Matrix out;
  LastLayer layer{.head = static_cast<std::size_t>(HeadOutput::kClick), .values = {}};
  policy.foresee({.batch = decisions, .rows = some, .offset = offset, .videos = videos, .wanted = {}}, out, &layer);
  REQUIRE(out.rows() == 5);
  CHECK(out.row(0) == said.row(3));
  CHECK(out.row(3) == said.row(700));
  CHECK(layer.values.rows() == 5);
  CHECK(layer.values.cols() == 5);
  CHECK(layer.values.allFinite());
  CHECK((layer.values.col(4).array() == 1.0F).all());

  // All videos without candidates are what they are one by one.
  decisions.observation = batch.observation;
  std::vector<float> all(rows.size() * toy.catalogue.num_videos());
  policy.score(decisions, all);
  CHECK(all[3 * toy.catalogue.num_videos() + static_cast<std::size_t>(batch.video[3])] == scores[3]);
  fs::remove(path);
}

TEST_CASE("a product of outputs is the product, and heads that are not there are named", "[agents]") {
  LabelToy toy(20220503);
  MultitaskConfig config = small_multitask();
  config.epochs = 1;
  config.value.rule = "product";
  config.value.weight = {};
  *config.value.weight.find("watched") = 1.0F, *config.value.weight.find("click") = 0.5F;
  const TrainedModel trained = train_multitask(toy.task, config);
  std::array<float, kHeadOutputs> outputs{};
  outputs[1] = 0.4F, outputs[3] = 0.25F;
  CHECK(as_multitask(trained).value(outputs.data()) == Approx(0.2F));
  CHECK(as_multitask(trained).head() == "ranking");
  *config.heads.find("click") = 0.0F;
  CHECK_THROWS_WITH(train_multitask(toy.task, config), Catch::Contains("no head 'click'"));
  config.heads = {};
  CHECK_THROWS_WITH(train_multitask(toy.task, config), Catch::Contains("heads"));
}

TEST_CASE("a multi-task training goes on from a checkpoint with the same bits", "[agents]") {
  LabelToy toy(20220503);
  const auto folder = fs::temp_directory_path();
  const auto checkpoint = folder / "swipegym-multitask-checkpoint.h5", whole = folder / "swipegym-multitask-whole.h5",
             resumed = folder / "swipegym-multitask-resumed.h5";
  MultitaskConfig config = small_multitask();
  config.epochs = 3;
  toy.task.threads = 3;
  train_multitask(toy.task, config).policy->save(whole);
  fs::remove(checkpoint);
  toy.task.threads = 1;
  toy.task.checkpoint = checkpoint;
  toy.task.progress = testing::interrupt_after(2, config.epochs);
  CHECK_THROWS_AS(train_multitask(toy.task, config), Interrupted);
  toy.task.progress = {};
  toy.task.resume = true;
  train_multitask(toy.task, config).policy->save(resumed);
  CHECK(multitask_bytes(whole) == multitask_bytes(resumed));
  config.network.experts = 3;
  CHECK_THROWS_AS(train_multitask(toy.task, config), InputError);
  for (const auto& path : {checkpoint, whole, resumed}) fs::remove(path);
}

}  // namespace
}  // namespace swipegym
