#pragma once

#include "agents/multitask/multitask_trainer.h"

namespace swipegym::test {

/// Settings under which a multi-task network learns the toy log in moments.
inline MultitaskConfig quick_multitask() {
  MultitaskConfig config;
  config.patience = 0, config.batch = 256, config.history_length = 10;
  config.network = {.experts = 2,
                    .state_hidden = {8},
                    .item_hidden = {8},
                    .width = 4,
                    .expert = {8, 6},
                    .tower = {4},
                    .watch_bins = 6,
                    .tag_dim = 3,
                    .author_dim = 2,
                    .id_dim = 2};
  return config;
}

}  // namespace swipegym::test
