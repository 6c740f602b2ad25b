#include "agents/offline_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"

namespace swipegym {
namespace {

template <class T>
void require_offline(bool holds, const char* name, const T& value, const char* expected) {
  if (!holds) throw InputError(fmt::format("setting '{}' is {}, expected {}", name, value, expected));
}

void require_positive(const char* name, const std::vector<double>& values) {
  const bool all = std::all_of(values.begin(), values.end(), [](double value) { return value > 0.0; });
  require_offline(all && !values.empty(), name, values, "a list of positive numbers");
}

void require_layers(const char* name, const std::vector<std::size_t>& sizes) {
  const bool all = std::all_of(sizes.begin(), sizes.end(), [](std::size_t size) { return size > 0; });
  require_offline(all && !sizes.empty(), name, sizes, "a list of positive sizes");
}

}  // namespace

void check(const OfflineConfig& c) {
  require_offline(c.videos >= 2, "videos", c.videos, "at least 2");
  require_offline(c.history_length >= 1 && c.history_length <= 200, "history_length", c.history_length, "1 to 200");
  require_layers("hidden", c.hidden);
  require_layers("critic_hidden", c.critic_hidden);
  require_offline(c.dropout >= 0.0F && c.dropout < 1.0F, "dropout", c.dropout, "a number in [0, 1)");
  require_offline(c.batch >= 1, "batch", c.batch, "at least 1");
  require_offline(c.discount >= 0.0F && c.discount <= 1.0F, "discount", c.discount, "a number from 0 to 1");
  require_offline(c.weight_decay >= 0.0, "weight_decay", c.weight_decay, "at least 0");
  require_offline(c.behaviour_epochs >= 1, "behaviour_epochs", c.behaviour_epochs, "at least 1");
  require_offline(c.patience >= 1, "patience", c.patience, "at least 1");
  require_offline(c.behaviour_rate > 0.0, "behaviour_rate", c.behaviour_rate, "a positive number");
  require_offline(c.critic_epochs >= 1, "critic_epochs", c.critic_epochs, "at least 1");
  require_offline(c.critic_rate > 0.0, "critic_rate", c.critic_rate, "a positive number");
  require_offline(c.advantage_epochs >= 1, "advantage_epochs", c.advantage_epochs, "at least 1");
  require_offline(c.advantage_rate > 0.0, "advantage_rate", c.advantage_rate, "a positive number");
  require_offline(c.actor_epochs >= 1, "actor_epochs", c.actor_epochs, "at least 1");
  require_offline(c.actor_rate > 0.0, "actor_rate", c.actor_rate, "a positive number");
  require_offline(c.ratio_limit >= 1.0, "ratio_limit", c.ratio_limit, "at least 1");
  require_positive("temperatures", c.temperatures);
  require_offline(c.multiplier_rate >= 0.0, "multiplier_rate", c.multiplier_rate, "at least 0");
  require_positive("weights", c.weights);
  require_positive("lambdas", c.lambdas);
  require_offline(c.weight_limit >= 1.0, "weight_limit", c.weight_limit, "at least 1");
  require_offline(c.tolerance >= 0.0, "tolerance", c.tolerance, "at least 0");
  require_offline(c.least_effective >= 0.0 && c.least_effective <= 1.0, "least_effective", c.least_effective,
                  "a number from 0 to 1");
}

}  // namespace swipegym
