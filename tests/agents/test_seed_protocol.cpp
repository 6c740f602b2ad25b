#include <catch2/catch.hpp>
#include <cmath>

#include "agents/sasrec/sasrec_seed_protocol.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "tests/env/toy_log.h"

namespace swipegym {
namespace {

TEST_CASE("the report's protocol counts padding, and padding makes everything look better", "[agents]") {
  const Dataset data = testing::toy_log(40, 30, 16, 3);
  const Catalogue catalogue = build_catalogue(data, 20220426);
  SupervisedTask task;
  task.data = &data, task.catalogue = &catalogue;
  task.train = {20220425, 20220426}, task.validate = {20220427, 20220427}, task.test = {20220428, 20220428};
  task.threads = 1;
  SasrecConfig config;
  config.network.width = 8, config.network.inner = 8, config.network.max_length = 32;
  config.network.head_hidden = {8};
  config.epochs = 6, config.batch = 16, config.learning_rate = 0.01;
  config.ratio_weight = 0.0;
  const SeedProtocolResult made = run_seed_protocol(task, config);

  // Users have 16 rows over four days, so a user's two training days fill a quarter of 32 places on average.
  CHECK(made.train_padding == Approx(0.75).margin(0.03));
  CHECK(made.validate_padding == Approx(0.875).margin(0.03));
  REQUIRE(made.epochs.size() == 6);
  const SeedProtocolEpoch& last = made.epochs.back();
  // Padding is easy: with it the shorter histories of the validation days look better learned than the training days.
  CHECK(last.validate_padded < last.train_again);
  CHECK(last.train_again < last.train_unpadded);
  CHECK(last.validate_padded < last.validate_unpadded);
  CHECK(made.pooled.accuracy > made.unpadded.accuracy + 0.02);

  task.test = {20230101, 20230102};
  CHECK_THROWS_WITH(run_seed_protocol(task, config), Catch::Contains("test days") && Catch::Contains("20230101"));
}

}  // namespace
}  // namespace swipegym
