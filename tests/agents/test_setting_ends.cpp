#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "agents/policy_gradient/sasrec_actor.h"
#include "core/config.h"
#include "core/error.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/env/two_minds.h"

// What a range allows is computed with: at its ends a training may learn nothing and may say that it diverged, but it
// does not crash or hang. Ends that would only need memory or time are left out.

namespace swipegym {
namespace {

using test::make_toy_simulator;

/// Sets one number of a struct to an end of its range.
class EndSetter {
 public:
  EndSetter(int target, bool high) : target_(target), high_(high) {}

  template <Number T>
  void operator()(const char* key, T& field, const Range& range) {
    if (count_++ != target_) return;
    key_ = key;
    const auto end = static_cast<T>(high_ ? range.high() : range.low());
    is_set_ = std::floating_point<T> || end <= static_cast<T>(kMost);
    if (!is_set_) return;
    field = end;
    if constexpr (std::floating_point<T>)
      if (!range.contains(field)) field = std::nextafter(field, high_ ? T{0} : std::numeric_limits<T>::max());
  }
  template <NamedWeights T>
  void operator()(const char*, T& weights, const Range& range) {
    for (const std::string& name : T::names()) (*this)(name.c_str(), *weights.find(name), range);
  }
  template <class T, class... R>
  void operator()(const char* key, T& field, const R&... range) {
    if constexpr (std::is_class_v<T> && sizeof...(R) == 0)
      visit_fields(*this, field);
    else if constexpr (detail::IsVector<T>::value && sizeof...(R) == 2)
      for (auto& item : field) (*this)(key, item, std::get<0>(std::tie(range...)));
  }

  int count() const noexcept { return count_; }
  bool is_set() const noexcept { return is_set_; }
  const std::string& key() const noexcept { return key_; }

 private:
  static constexpr int kMost = 100;
  int target_, count_ = 0;
  bool high_, is_set_ = false;
  std::string key_;
};

template <class Config, class Train>
int train_at_ends(const Config& small, const Train& train) {
  EndSetter all(-1, false);
  Config counted = small;
  visit_fields(all, counted);
  int trained = 0;
  for (int target = 0; target < all.count(); ++target)
    for (const bool high : {false, true}) {
      Config config = small;
      EndSetter setter(target, high);
      visit_fields(setter, config);
      if (!setter.is_set()) continue;
      CAPTURE(setter.key(), high);
      CHECK_NOTHROW(check_ranges(config));
      try {
        check(config);
      } catch (const InputError&) {
        continue;  // does not go with the other settings
      }
      try {
        train(config);
        ++trained;
      } catch (const SystemError&) {  // diverged
        ++trained;
      }
    }
  return trained;
}

TEST_CASE("a DQN trains at the ends of its settings' ranges", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<testing::TwoMindsModel>());
  DqnConfig small;
  small.world.candidates = 3, small.num_envs = 4, small.world.history_length = 4, small.world.max_steps = 5;
  small.env_steps = small.round_steps = 64, small.learning_starts = 16, small.steps_per_update = 8;
  small.replay_capacity = 64, small.batch = 4, small.n_step = 2, small.target_every = 2;
  small.network = {.state_hidden = {4}, .item_hidden = {4}, .width = 2, .interaction_hidden = 2};
  for (const bool prioritised : {false, true}) {
    small.prioritised.enabled = prioritised;
    small.exploration = prioritised ? "boltzmann" : "epsilon";
    small.network.sequence.kind = prioritised ? "sasrec" : "none";
    CHECK(train_at_ends(small, [&](const DqnConfig& config) {
            test::train_dqn(simulator, config, {.seed = 1, .threads = 1});
          }) > 60);
  }
}

TEST_CASE("actors train at the ends of their settings' ranges", "[agents]") {
  const auto simulator = make_toy_simulator(std::make_shared<testing::TwoMindsModel>());
  for (const char* algorithm : {"ppo", "rwr", "lagrangian"}) {
    CAPTURE(algorithm);
    ActorConfig small = actor_defaults(algorithm);
    small.world.candidates = 3, small.num_envs = 4, small.world.history_length = 4, small.world.max_steps = 5;
    small.rollout_steps = 4, small.round_steps = 16, small.env_steps = 32, small.minibatch = 8, small.epochs = 2;
    small.network = {.state_hidden = {4}, .item_hidden = {4}, .width = 2, .interaction_hidden = 2};
    small.critic_hidden = {4};
    CHECK(train_at_ends(small, [&](const ActorConfig& config) {
            test::train_actor(simulator, config, {.seed = 1, .threads = 1});
          }) > 60);
  }
  SasrecActorConfig small;
  small.actor.world.candidates = 3, small.actor.num_envs = 4, small.actor.world.history_length = 4,
  small.actor.world.max_steps = 5;
  small.actor.rollout_steps = 4, small.actor.round_steps = 16, small.actor.env_steps = 32, small.actor.minibatch = 8;
  small.network.width = 4, small.network.inner = 4, small.network.max_length = 4, small.actor.critic_hidden = {4};
  CHECK(train_at_ends(small, [&](const SasrecActorConfig& config) {
          train_agent(simulator, sasrec_ppo_agent(config), {.seed = 1, .threads = 1});
        }) > 50);
}

}  // namespace
}  // namespace swipegym
