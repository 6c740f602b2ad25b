#include <catch2/catch.hpp>
#include <filesystem>
#include <limits>

#include "agents/sasrec/sasrec_sequences.h"
#include "agents/sasrec/train_sasrec.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/metrics/binary_score.h"
#include "tests/agents/interrupt_after.h"
#include "tests/agents/sequence_toy.h"

namespace swipegym {
namespace {

using Toy = test::TasteToy;

SasrecConfig small_sasrec() {
  SasrecConfig config;
  config.network.width = 16, config.network.inner = 16, config.network.max_length = 12, config.network.blocks = 1;
  config.network.head_hidden = {16};
  config.epochs = 3, config.batch = 16, config.learning_rate = 5e-3;
  return config;
}

/// Scores of the test day's rows.
std::vector<float> test_scores(const Dataset& data, const Catalogue& catalogue, const Policy& policy,
                               std::vector<std::uint8_t>* labels = nullptr) {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (data.log.date[row] == 20220419) rows.push_back(static_cast<std::uint32_t>(row));
  const LoggedStates states(data, catalogue, 12);
  LoggedStates::Batch batch;
  states.fill(rows, batch);
  DecisionBatch decision;
  decision.observation = batch.observation;
  decision.observation.candidates = 1, decision.observation.candidate = batch.video.data();
  std::vector<float> scores(rows.size());
  policy.score(decision, scores);
  if (labels != nullptr)
    for (const std::uint32_t row : rows) labels->push_back(states.ratio(row) > 0.5F ? 1 : 0);
  return scores;
}

TEST_CASE("SASRec learns a taste that only the history shows", "[agents]") {
  const Toy toy;
  SasrecConfig config = small_sasrec();
  config.epochs = 15, config.patience = 15;
  const TrainedModel trained = train_sasrec(toy.task(), config);
  CHECK(trained.details["rows"] == 60 * 18);
  CHECK(trained.epochs.front().train_loss > trained.epochs.back().train_loss);
  std::vector<std::uint8_t> labels;
  const std::vector<float> scores = test_scores(toy.data, toy.catalogue, *trained.policy, &labels);
  CHECK(auc(scores, labels) > 0.97);
}

TEST_CASE("a row's own answer, and what comes later, cannot change its score", "[agents]") {
  Toy toy;
  const TrainedModel trained = train_sasrec(toy.task(), small_sasrec());
  const std::vector<float> before = test_scores(toy.data, toy.catalogue, *trained.policy);
  for (std::size_t u = 0; u < 60; ++u) {  // the user's last row but one: its answer, and all of the last row
    const std::size_t row = toy.data.user_offset[u + 1] - 2;
    toy.data.log.play_ms[row] = 77'777, toy.data.log.signals[row] = 0xFF;
    toy.data.log.video[row + 1] = VideoIndex{3}, toy.data.log.play_ms[row + 1] = 1;
  }
  const std::vector<float> after = test_scores(toy.data, toy.catalogue, *trained.policy);
  bool last_row_changed = false;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (i % 6 == 5)
      last_row_changed = last_row_changed || after[i] != before[i];
    else
      CHECK(after[i] == before[i]);
  }
  CHECK(last_row_changed);  // of which the row before is history
}

TEST_CASE("SASRec trains to the same weights on any number of threads, and goes on from a checkpoint", "[agents]") {
  const Toy toy;
  SasrecConfig config = small_sasrec();
  config.next_weight = 0.5;  // all three losses
  const auto weights = [](const TrainedModel& trained) {
    SasrecNetwork network = static_cast<const SasrecPolicy&>(*trained.policy).model().network;
    return network.items.table.value;
  };
  const TrainedModel one = train_sasrec(toy.task(1), config);
  CHECK(weights(train_sasrec(toy.task(3), config)) == weights(one));

  SupervisedTask task = toy.task();
  task.checkpoint = std::filesystem::temp_directory_path() / "swipegym_test_sasrec.checkpoint";
  task.resume = true;
  task.progress = testing::interrupt_after(2, config.epochs);
  CHECK_THROWS_AS(train_sasrec(task, config), Interrupted);
  task.progress = {};
  const TrainedModel resumed = train_sasrec(task, config);
  CHECK(weights(resumed) == weights(one));
  CHECK(resumed.epochs.size() == one.epochs.size());
  CHECK(resumed.epochs[1].validation_metric == one.epochs[1].validation_metric);
  config.learning_rate *= 2.0;
  CHECK_THROWS_WITH(train_sasrec(task, config), Catch::Contains("another model or settings"));
  std::filesystem::remove(task.checkpoint);
}

TEST_CASE("SASRec learns the next video by negatives or by softmax, in every form", "[agents]") {
  const Toy toy;
  const auto [norm, softmax] =
      GENERATE(table<std::string, bool>({{"pre", false}, {"published", false}, {"post", true}}));
  CAPTURE(norm, softmax);
  SasrecConfig config = small_sasrec();
  config.objective = "next";
  config.network.norm = norm;
  config.next_weight = 1.0, config.binary_weight = 0.0, config.ratio_weight = 0.0;
  config.softmax = softmax, config.negatives = 4, config.epochs = 25, config.patience = 25;
  config.network.authors = config.network.features = config.network.feedback = config.network.ratios = false;
  const TrainedModel trained = train_sasrec(toy.task(), config);
  // One of two videos follows each: the best that can be reached is (1 + 1 / log2(3)) / 2 = .815; by chance it is .19.
  CHECK(trained.epochs[trained.details["best_epoch"].get<std::size_t>() - 1].validation_metric > 0.6);
}

TEST_CASE("a loss that is not a number stops the training with step and layer", "[agents]") {
  SasrecNetworkConfig network_config;
  network_config.width = 16, network_config.inner = 16;
  network_config.authors = network_config.features = network_config.feedback = network_config.ratios = false;
  SasrecNetwork network(network_config, 10, 0, 0, 0, make_key(1));
  SasrecLearner::Settings settings;
  settings.sequences = 4, settings.shards = 2, settings.threads = 1;
  SasrecLearner learner(network, settings);
  const auto provide = [](std::size_t, SasrecExamples& out) {
    for (std::int32_t i = 0; i < 5; ++i) {
      out.histories.item.push_back(i), out.histories.position.push_back(i);
      out.target.push_back(i + 1), out.negatives.push_back(9);
    }
    out.histories.offset.push_back(static_cast<std::uint32_t>(out.histories.rows()));
  };
  learner.step(provide);
  network.transformer.blocks[1].inner.weight.value(0, 0) = std::numeric_limits<float>::quiet_NaN();
  const Matrix before = network.items.table.value;
  CHECK_THROWS_WITH(learner.step(provide), Catch::Contains("training step 2") && Catch::Contains("parameter"));
  CHECK(network.items.table.value == before);
  CHECK_THROWS_AS(learner.step(provide), SystemError);
}

TEST_CASE("windows of a long history learn from every row once, at the positions that are served", "[agents]") {
  const Toy toy;
  SasrecConfig config = small_sasrec();
  config.network.max_length = 7;
  config.window_targets = GENERATE(0U, 1U, 7U);
  const bool left = GENERATE(true, false);
  config.network.positions = left ? "left" : "start";
  const SupervisedTask task = toy.task();
  const ItemInputs items = make_item_inputs(toy.catalogue);
  const SasrecUsers nobody;
  const SasrecSequences sequences(task, config, items, nobody, {task.train});
  CHECK(sequences.rows() == 60 * 18);
  std::size_t answers = 0;
  for (std::size_t w = 0; w < sequences.windows(); ++w) {
    SasrecExamples examples;
    sequences.write(w, make_key(1), examples);
    const std::size_t rows = examples.histories.rows();
    REQUIRE(rows <= 7);
    if (rows > 0) {
      CHECK(examples.histories.position.front() == (left ? 7 - static_cast<int>(rows) : 0));
      CHECK(examples.histories.position.back() == (left ? 6 : static_cast<int>(rows) - 1));
    }
    CHECK(examples.state.back() == static_cast<int>(rows) - 1);  // the newest input is learned from
    answers += examples.item.size();
    for (const std::int32_t state : examples.state) CHECK(state < static_cast<std::int32_t>(examples.histories.rows()));
  }
  CHECK(answers == 60 * 18);
}

TEST_CASE("SASRec's complaints name the setting, the day or the file", "[agents]") {
  const Toy toy;
  SasrecConfig config = small_sasrec();
  SupervisedTask task = toy.task();
  task.train = {20220101, 20220102};
  CHECK_THROWS_WITH(train_sasrec(task, config), Catch::Contains("20220101"));
  config.objective = "next";
  CHECK_THROWS_WITH(train_sasrec(toy.task(), config), Catch::Contains("next_weight"));
}

}  // namespace
}  // namespace swipegym
