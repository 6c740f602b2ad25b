#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <limits>

#include "agents/epoch_loop.h"
#include "core/error.h"
#include "env/simulator.h"

namespace swipegym {
namespace {

// A model of one number that Adam pulls towards 1, with a checkpoint of its own.
struct LoopToy {
  Dataset data;
  SupervisedTask task;
  Parameter weight;
  Adam adam{{.learning_rate = 0.1}};
  TrainedParts parts;
  std::vector<double> metrics;  // of each epoch; empty: always better

  explicit LoopToy(const char* file) {
    data.fingerprint = 9;
    task.data = &data;
    task.checkpoint = std::filesystem::temp_directory_path() / file;
    weight.resize(1, 2);
    parts.parameters = {{"weight", &weight}};
    parts.adam = &adam;
  }
  ~LoopToy() { std::filesystem::remove(task.checkpoint); }

  std::vector<EpochReport> run(int epochs, int patience = 0, const char* identity = "toy") {
    return run_epochs(
        task, {.epochs = epochs, .patience = patience, .identity = identity}, parts,
        [&](int epoch, const Progress&) {
          weight.gradient()(0, 0) = weight.value(0, 0) - 1.0F;
          weight.gradient()(0, 1) = static_cast<float>(epoch) * (weight.value(0, 1) + 1.0F);
          Parameter* all[] = {&weight};
          adam.step(all);
          return 1.0;
        },
        [&]() -> Validation {
          if (metrics.empty()) return {0.0, static_cast<double>(weight.value(0, 0))};
          return {0.0, metrics[static_cast<std::size_t>(adam.steps() - 1)]};
        });
  }
};

TEST_CASE("an interrupted training goes on with the same bits", "[agents]") {
  LoopToy whole("swipegym_epochs_whole.h5");
  whole.run(6);
  LoopToy half("swipegym_epochs_half.h5");
  half.run(3);
  LoopToy rest("swipegym_epochs_half.h5");
  rest.task.resume = true;
  const auto reports = rest.run(6);
  CHECK(rest.weight.value == whole.weight.value);
  CHECK(rest.weight.second_moment == whole.weight.second_moment);
  CHECK(reports.size() == 6);
  CHECK(rest.adam.steps() == 6);
}

TEST_CASE("training stops when nothing gets better, and keeps the best epoch", "[agents]") {
  LoopToy toy("swipegym_epochs_stop.h5");
  toy.metrics = {1.0, 3.0, 2.0, 2.5, 9.0, 9.0};
  const auto reports = toy.run(6, /*patience=*/2);
  CHECK(reports.size() == 4);  // two epochs after the best one, before the better one that nobody waits for
  LoopToy two("swipegym_epochs_two.h5");
  two.run(2);
  CHECK(toy.weight.value == two.weight.value);
}

TEST_CASE("a checkpoint of something else is refused, saying of what", "[agents]") {
  LoopToy toy("swipegym_epochs_other.h5");
  toy.run(1);
  toy.task.resume = true;
  CHECK_THROWS_WITH(toy.run(2, 0, "another"), Catch::Contains("another model or settings"));
  toy.task.seed = 2;
  CHECK_THROWS_WITH(toy.run(2), Catch::Contains("another seed"));
  toy.task.seed = 1, toy.data.fingerprint = 1;
  CHECK_THROWS_WITH(toy.run(2), Catch::Contains("other data"));
  toy.data.fingerprint = 9;
  toy.weight.resize(2, 2);
  CHECK_THROWS_AS(toy.run(2), InputError);  // another shape
}

TEST_CASE("a loss that is no number stops, names step and layer, and leaves the last good epoch", "[agents]") {
  LoopToy toy("swipegym_epochs_nan.h5");
  toy.run(2);
  const Matrix good = toy.weight.value;
  toy.weight.value(0, 1) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(require_finite(std::nan(""), 3, 17, toy.parts),
                    Catch::Contains("step 17 of epoch 3") && Catch::Contains("layer weight"));
  CHECK_THROWS_AS(require_finite(std::nan(""), 3, 17, toy.parts), SystemError);
  CHECK_NOTHROW(require_finite(1.0, 3, 17, toy.parts));
  toy.task.resume = true;
  toy.run(2);  // nothing left to do: it is what the checkpoint holds
  CHECK(toy.weight.value == good);
}

}  // namespace
}  // namespace swipegym
