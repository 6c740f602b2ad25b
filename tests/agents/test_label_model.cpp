#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agents/catalogue_ranking.h"
#include "agents/labels/label_batches.h"
#include "agents/labels/train_label_model.h"
#include "agents/supervised_rows.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "policy/policy_file.h"
#include "sim_data/labels.h"
#include "tests/agents/interrupt_after.h"
#include "tests/agents/label_toy.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::LabelToy;

LabelModelConfig small(const std::string& label) {
  LabelModelConfig config{
      .label = label, .epochs = testing::kSanitized ? 1 : 6, .patience = 0, .batch = 256, .learning_rate = 5e-3};
  config.network = {.embedding = 4, .attention_hidden = 4, .hidden = {16, 8}, .history_length = 10};
  return config;
}

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("labels are what their names say", "[agents]") {
  LabelToy toy(20220503);
  Log& log = toy.data.log;
  log.play_ms[0] = 3000, log.duration_ms[0] = 6000, log.signals[0] = bit(Signal::kFollow);
  log.play_ms[1] = 9000, log.duration_ms[1] = 6000, log.signals[1] = bit(Signal::kClick);
  log.duration_ms[2] = 0;
  const std::vector<std::uint32_t> rows = rows_of_days(toy.data, {toy.task.train});
  const auto value = [&](const char* label, std::size_t row) {
    return make_label_targets(toy.data, rows, label).value[row];
  };
  std::int32_t longest = 0;
  for (const std::uint32_t row : rows) longest = std::max(longest, log.play_ms[row]);
  CHECK(value("wt", 0) == Approx(3000.0 / longest));
  CHECK(value("ef", 0) == 1.0F);
  CHECK(value("ef", 1) == 0.0F);
  CHECK(value("pc", 0) == 0.0F);
  CHECK(value("pc", 1) == 1.0F);
  CHECK(value("pcr", 0) == Approx(0.5));
  CHECK(value("pcr", 1) == 1.0F);
  for (const std::string& name : label_names()) {
    const LabelTargets targets = make_label_targets(toy.data, rows, name);
    CAPTURE(name);
    CHECK(targets.value[2] == 0.0F);  // unknown duration
    CHECK(targets.feedback.empty() == (name.find("+ef") == std::string::npos));
    if (targets.bounded) {
      CHECK(*std::min_element(targets.value.begin(), targets.value.end()) >= 0.0F);
      CHECK(*std::max_element(targets.value.begin(), targets.value.end()) <= 1.0F);
    }
  }
  CHECK_THROWS_AS(make_label_targets(toy.data, rows, "likes"), InputError);
}

TEST_CASE("labels of training rows know nothing of later rows", "[agents]") {
  LabelToy toy(20220503);
  const std::vector<std::uint32_t> rows = rows_of_days(toy.data, {toy.task.train});
  Dataset other = toy.data;
  for (std::size_t row = 0; row < other.log.size(); ++row)
    if (!toy.task.train.contains(other.log.date[row])) other.log.play_ms[row] = 1'000'000;
  for (const std::string& name : label_names()) {
    const LabelTargets a = make_label_targets(toy.data, rows, name), b = make_label_targets(other, rows, name);
    CAPTURE(name);
    for (const std::uint32_t row : rows) REQUIRE(a.value[row] == b.value[row]);
  }
}

TEST_CASE("a recommender fitted to a label ranks by it, whichever it is", "[agents]") {
  LabelToy toy(20220503);
  const std::vector<std::uint32_t> later = rows_of_days(toy.data, {toy.task.validate});
  for (const char* kind : {"din", "two_tower"})
    for (const std::string label : {"wt", "pcr", "d2q", "dvr", "d2co+ef", "dvr+ef"}) {
      if (std::string(kind) == "two_tower" && label != "pcr") continue;
      LabelModelConfig config = small(label);
      config.network.kind = kind;
      const TrainedModel trained = train_label_model(toy.task, config);
      const std::vector<float> scores = score_logged_videos(*trained.policy, toy.data, toy.catalogue, later, 1);
      // The mean watch ratio of video v is .2 + .01 v: that is what any label leads to, wt apart; d2q and
      // dvr see it within videos of like duration only.
      std::vector<float> truth;
      for (const std::uint32_t row : later) {
        const auto video = static_cast<float>(index_of(toy.data.log.video[row]));
        const float duration = 1e-3F * static_cast<float>(toy.data.log.duration_ms[row]);
        truth.push_back((0.2F + 0.01F * video) * (label == "wt" ? duration : 1.0F));
      }
      if (testing::skips_quality()) continue;
      CAPTURE(kind, label, spearman(scores, truth));
      CHECK(spearman(scores, truth) > 0.2);  // by chance .03, the standard error of 960 rows
      CHECK(trained.epochs.size() == 6);
      CHECK(trained.epochs.back().train_loss < trained.epochs.front().train_loss);
      CHECK(static_cast<const LabelPolicy&>(*trained.policy).model().network_config.duration ==
            (label.substr(0, 3) != "dvr"));
    }
}

TEST_CASE("a label model's file scores as the model did, for unknown users and videos too", "[agents]") {
  LabelToy toy(20220503);
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "swipegym-label-model.h5";
  LabelModelConfig config = small("d2q+ef");
  config.epochs = 1;
  const TrainedModel trained = train_label_model(toy.task, config);
  trained.policy->save(path);
  const std::shared_ptr<const Policy> loaded = load_policy(path, toy.catalogue);
  CHECK(loaded->name() == "d2q+ef");

  const std::vector<std::uint32_t> rows = rows_of_days(toy.data, {toy.task.validate});
  const std::vector<float> expected = score_logged_videos(*trained.policy, toy.data, toy.catalogue, rows, 1);
  const LoggedStates states(toy.data, toy.catalogue, 10);
  LoggedStates::Batch batch;
  states.fill(rows, batch);
  DecisionBatch decisions;
  decisions.observation = batch.observation;
  decisions.observation.candidates = 1;
  decisions.observation.candidate = batch.video.data();
  std::vector<float> scores(rows.size());
  loaded->score(decisions, scores);
  CHECK(scores == expected);

  // A catalogue that shares no user and only every other video.
  Catalogue strange = toy.catalogue;
  for (std::int64_t& raw : strange.raw_user_id) raw += 1'000'000;
  for (std::size_t v = 0; v < strange.num_videos(); v += 2) strange.raw_video_id[v] += 1'000'000;
  const std::shared_ptr<const Policy> abroad = load_policy(path, strange);
  std::fill(batch.history_video.begin(), batch.history_video.end(), -1);  // and nobody has a history
  abroad->score(decisions, scores);
  for (const float score : scores) REQUIRE(std::isfinite(score));
  std::filesystem::remove(path);
}

TEST_CASE("a label model goes on from a checkpoint with the same bits", "[agents]") {
  LabelToy toy(20220503);
  const auto folder = std::filesystem::temp_directory_path();
  const auto checkpoint = folder / "swipegym-label-checkpoint.h5", whole = folder / "swipegym-label-whole.h5",
             resumed = folder / "swipegym-label-resumed.h5";
  LabelModelConfig config = small("dvr+ef");
  config.epochs = 3;
  toy.task.threads = 2;
  train_label_model(toy.task, config).policy->save(whole);
  std::filesystem::remove(checkpoint);
  toy.task.threads = 1;
  toy.task.checkpoint = checkpoint;
  toy.task.progress = testing::interrupt_after(2, config.epochs);
  CHECK_THROWS_AS(train_label_model(toy.task, config), Interrupted);
  toy.task.progress = {};
  toy.task.resume = true;
  train_label_model(toy.task, config).policy->save(resumed);
  CHECK(file_bytes(whole) == file_bytes(resumed));
  config.network.hidden = {8, 8};
  CHECK_THROWS_AS(train_label_model(toy.task, config), InputError);
  for (const auto& path : {checkpoint, whole, resumed}) std::filesystem::remove(path);
}

TEST_CASE("a label model that diverges says where and stops", "[agents]") {
  LabelToy toy(20220503);
  LabelModelConfig config = small("dvr");
  config.optimiser = "sgd", config.learning_rate = 10.0, config.weight_decay = 1e3;
  CHECK_THROWS_AS(train_label_model(toy.task, config), SystemError);
  config.learning_rate = -1.0;
  CHECK_THROWS_WITH(train_label_model(toy.task, config), Catch::Contains("learning_rate"));
}

}  // namespace
}  // namespace swipegym
