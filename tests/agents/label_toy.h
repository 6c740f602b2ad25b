#pragma once

#include "agents/supervised_task.h"
#include "env/catalogue.h"
#include "tests/evaluation/toy_data.h"

namespace swipegym::test {

/// 60 users of 60 videos over four days: two to train on, one to hold out, one to validate on.
struct LabelToy {
  explicit LabelToy(std::int32_t known_until) : catalogue(build_catalogue(data, known_until)) {}

  Dataset data = make_toy_dataset({.users = 60, .videos = 60, .days = 4, .rows_per_day = 16});
  Catalogue catalogue;
  SupervisedTask task{.data = &data,
                      .catalogue = &catalogue,
                      .train = {20220501, 20220502},
                      .holdout = {20220503, 20220503},
                      .validate = {20220504, 20220504},
                      .seed = 3,
                      .threads = 1};
};

}  // namespace swipegym::test
