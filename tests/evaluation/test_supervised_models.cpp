#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "agents/labels/train_label_model.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/supervised/scored_rows.h"
#include "evaluation/supervised/supervised_models.h"
#include "policy/policy_file.h"
#include "tests/env/toy_log.h"

namespace swipegym {
namespace {

// One suite for every model there is: what a person may rely on whichever one is trained.

struct ToyTask {
  Dataset data = testing::toy_log(30, 24, 24, 3);
  Catalogue catalogue = build_catalogue(data, 20220426);
  SupervisedTask task;
  ToyTask() {
    task.data = &data, task.catalogue = &catalogue;
    task.train = {20220425, 20220426}, task.validate = {20220427, 20220427}, task.test = {20220428, 20220428};
    task.threads = 1;
  }
  std::vector<std::uint32_t> test_rows() const {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < data.log.size(); ++row)
      if (task.test.contains(data.log.date[row])) rows.push_back(row);
    return rows;
  }
};

// As quick as can be: what is learned is not looked at here.
Json quick(const SupervisedModel& model) {
  Json settings = model.defaults();
  for (const char* name : {"epochs", "max_epochs"})
    if (settings.contains(name)) settings[name] = 1;
  if (settings.contains("batch")) settings["batch"] = 64;
  if (settings.contains("towers")) settings["towers"]["epochs"] = 1, settings["towers"]["batch"] = 64;
  return settings;
}

TEST_CASE("every supervised model keeps its word", "[evaluation]") {
  const ToyTask toy;
  const std::vector<std::uint32_t> rows = toy.test_rows();
  for (const SupervisedModel& model : supervised_models()) {
    // Labels and LabelCraft have tests of their own beside their trainers.
    const auto& labels = label_names();
    if (std::find(labels.begin(), labels.end(), model.name) != labels.end() || model.name.starts_with("labelcraft"))
      continue;
    DYNAMIC_SECTION(model.name) {
      const TrainedModel trained = model.train(toy.task, quick(model), "quick");
      const std::vector<float> scores = score_rows(*trained.policy, toy.data, toy.catalogue, rows, 1);

      // The file scores as the model did, and says up to which day it knows.
      const auto path = std::filesystem::temp_directory_path() / ("swipegym_suite_" + model.name + ".h5");
      trained.policy->save(path);
      CHECK(read_policy_header(path).catalogue_until == 20220426);
      const auto loaded = load_policy(path, toy.catalogue);
      CHECK(score_rows(*loaded, toy.data, toy.catalogue, rows, 2) == scores);
      CHECK(loaded->head() == trained.policy->head());
      CHECK(loaded->history_length() == trained.policy->history_length());

      // Threads change no bit of the training.
      SupervisedTask threads = toy.task;
      threads.threads = 3;
      CHECK(score_rows(*model.train(threads, quick(model), "quick").policy, toy.data, toy.catalogue, rows, 1) ==
            scores);

      // The row itself and what comes after it cannot change a score.
      Dataset other = toy.data;
      for (const std::uint32_t row : rows) {
        const std::uint64_t last = other.user_offset[index_of(other.log.user[row]) + 1] - 1;
        if (row != last) continue;
        other.log.play_ms[row] = 0, other.log.signals[row] = 255;
      }
      CHECK(score_rows(*loaded, other, toy.catalogue, rows, 1) == scores);

      // A user without a row before, whose history is padding alone, and videos of which the policy has met one.
      Dataset strange = toy.data;
      for (std::int64_t& id : strange.videos.raw_id) id += 1'000'000;
      strange.videos.raw_id[0] -= 1'000'000;
      for (std::int64_t& id : strange.users.raw_id) id += 1'000'000;
      const Catalogue unknown = build_catalogue(strange, 20220426);
      const auto stranger = load_policy(path, unknown);
      std::vector<std::uint32_t> first;
      for (std::size_t u = 0; u + 1 < strange.user_offset.size(); ++u)
        first.push_back(static_cast<std::uint32_t>(strange.user_offset[u]));
      CHECK_NOTHROW(score_rows(*stranger, strange, unknown, first, 1));  // throws where a score is not finite
      std::filesystem::remove(path);
    }
  }
}

TEST_CASE("a setting that a model does not have is refused with those it has", "[evaluation]") {
  const ToyTask toy;
  CHECK_THROWS_WITH(find_supervised_model("mf").train(toy.task, {{"factor", 3}}, "mine.json"),
                    Catch::Contains("mine.json") && Catch::Contains("factor"));
  CHECK_THROWS_WITH(find_supervised_model("oracle"), Catch::Contains("two-tower"));
}

}  // namespace
}  // namespace swipegym
