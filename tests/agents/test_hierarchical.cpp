#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "agents/masked_softmax.h"
#include "agents/policy_gradient/actor_learner.h"
#include "agents/policy_gradient/hierarchical_actor.h"
#include "agents/policy_gradient/hierarchical_learner.h"
#include "agents/registry.h"
#include "core/error.h"
#include "env/candidate_sources.h"
#include "policy/select.h"
#include "tests/agents/toy_models.h"
#include "tests/agents/trained.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::LadderModel;
using test::make_toy_simulator;
using test::PatienceModel;

// Video v has tag v mod 5; what it is worth depends on tag and on v mod 4.
constexpr std::size_t kBanditTags = 5, kVideoKinds = 4;
double bandit_worth(std::size_t tag, std::size_t kind) {
  constexpr double kBanditWorth[kBanditTags][kVideoKinds] = {
      {0.1, 0.2, 0.3, 0.4}, {1.0, 0.2, 0.2, 0.2}, {0.5, 0.5, 0.5, 0.5}, {0.2, 0.7, 0.6, 0.4}, {0.0, 0.1, 0.7, 0.3}};
  return kBanditWorth[tag][kind];
}

/// Sessions of one video: a bandit of tags and videos.
class TagBandit final : public test::ToyModel {
 public:
  std::string_view name() const noexcept override { return "tag bandit"; }
  std::size_t state_size() const noexcept override { return 1; }

 protected:
  float ratio(std::uint32_t video, const float*) const override {
    return static_cast<float>(bandit_worth(video % kBanditTags, video % kVideoKinds));
  }
  bool move_on(std::uint32_t, float*) const override { return true; }
};

std::shared_ptr<const Simulator> with_tags(const std::shared_ptr<const Simulator>& from, std::size_t tags) {
  auto simulator = std::make_shared<Simulator>(*from);
  simulator->catalogue.num_tags = static_cast<std::uint32_t>(tags);
  for (std::size_t v = 0; v < simulator->catalogue.num_videos(); ++v)
    simulator->catalogue.tag[v] = static_cast<std::uint16_t>(v % tags);
  return simulator;
}

HierarchicalConfig small_hierarchical() {
  HierarchicalConfig config;
  ActorConfig& actor = config.actor;
  actor.num_envs = 64;
  actor.world.history_length = 4;
  actor.world.max_steps = 20;
  actor.world.reward = {.watch_s = 0.0F, .watch_ratio = 1.0F};
  actor.rollout_steps = 12;
  actor.round_steps = 10 * 768;
  actor.env_steps = testing::kSanitized ? 10 * 768 : 60 * 768;
  actor.minibatch = 256;
  actor.reward_scale = 1.0F;
  actor.learning_rate = 5e-3;
  actor.critic_rate = 5e-3;
  actor.gae_lambda = 0.9F;
  actor.entropy = 0.001F;
  actor.encoder.recent = 1;
  config.tag_videos = 6;
  config.network.towers = {.state_hidden = {16}, .item_hidden = {16}, .width = 8, .id_dim = 0, .interaction_hidden = 8};
  return config;
}

OnlineResult train_hierarchical(const std::shared_ptr<const Simulator>& simulator, const HierarchicalConfig& config,
                                const OnlineRun& run) {
  return train_agent(simulator, make_agent<HierarchicalLearner>(config), run);
}

const HierarchicalModel& model_of(const OnlineResult& trained) {
  return static_cast<const HierarchicalPolicy&>(*trained.policy).model();
}

TEST_CASE("the loss of a choice in steps has the slopes of its finite differences", "[agents]") {
  constexpr std::array<std::size_t, 2> kEnds = {3, 8};
  constexpr std::array<std::int32_t, 2> kTaken = {1, 5};
  const std::array<std::uint8_t, 8> mask = {1, 1, 1, 1, 1, 1, 0, 1};
  std::array<float, 8> scores = {0.3F, -0.2F, 0.9F, 0.1F, -0.4F, 0.6F, 5.0F, 0.2F}, old_log{}, log{};
  const auto log_probs = [&](std::array<float, 8>& out) {
    log_softmax(std::span(scores).first(3), std::span(mask).first(3), std::span(out).first(3));
    log_softmax(std::span(scores).last(5), std::span(mask).last(5), std::span(out).last(5));
  };
  log_probs(old_log);
  scores[1] += 0.05F, scores[5] += 0.05F;  // the ratio is 1.07: within a clip of .2, beyond one of .05
  for (const float clip : {0.2F, 0.05F})
    for (const float advantage : {1.3F, -0.7F}) {
      CAPTURE(clip, advantage);
      const PolicyLoss how{.clip = clip, .entropy = 0.2F};
      std::array<float, 8> slopes{}, room{};
      const auto loss = [&](std::array<float, 8>& d) {
        log_probs(log);
        return chained_policy_loss(how, {log, old_log, kTaken, advantage}, kEnds, d);
      };
      const PolicyRowResult here = loss(slopes);
      const double ratio =
          std::exp(static_cast<double>(log[1] + log[5]) - static_cast<double>(old_log[1] + old_log[5]));
      REQUIRE(ratio == Approx(1.07).margin(0.02));
      const double counted = advantage > 0.0F ? std::min(ratio, 1.0 + static_cast<double>(clip)) : ratio;
      CHECK(here.loss == Approx(-counted * static_cast<double>(advantage) - 0.2 * here.entropy).epsilon(1e-5));
      for (std::size_t i = 0; i < scores.size(); ++i) {
        const float centre = scores[i];
        scores[i] = centre + 1e-2F;
        const double above = loss(room).loss;
        scores[i] = centre - 1e-2F;
        const double below = loss(room).loss;
        scores[i] = centre;
        CAPTURE(i);
        CHECK(static_cast<double>(slopes[i]) == Approx((above - below) / 0.02).margin(2e-3));
      }
      CHECK(slopes[6] == 0.0F);  // masked
    }
  // One step is the loss of a single softmax, to the bit.
  constexpr std::array<std::size_t, 1> kOne = {8};
  constexpr std::array<std::int32_t, 1> kFifth = {5};
  log_softmax(scores, mask, log);
  std::array<float, 8> single{}, chained{};
  const PolicyLoss how{.clip = 0.2F, .entropy = 0.1F};
  const PolicyRow row{log, old_log, kFifth, 0.8F};
  CHECK(policy_loss(how, row, single).loss == chained_policy_loss(how, row, kOne, chained).loss);
  CHECK(single == chained);
}

// A rollout of a few envs that a fresh policy fills, and what it offered.
struct SmallRollout {
  explicit SmallRollout(const HierarchicalConfig& config)
      : simulator(with_tags(make_toy_simulator(std::make_shared<TagBandit>(), 60), kBanditTags)),
        model(make_hierarchical_model("hierarchical", simulator->catalogue, config.network, config.actor.encoder, 3)),
        offers(kRowEnvs, model->groups->size(), config.tag_videos),
        encoder(config.actor.encoder, *model->items),
        rollout(encoder, {.envs = kRowEnvs, .steps = 1, .slots = offers.slots, .threads = 1}) {
    for (Parameter* one : model->network.parameters()) one->value *= 1.5F;
    VectorEnv env(simulator, std::make_shared<FullCatalogue>(),
                  {.num_envs = kRowEnvs, .threads = 1, .history_length = 4, .max_steps = 20});
    std::vector<std::uint64_t> seeds(kRowEnvs);
    std::iota(seeds.begin(), seeds.end(), 8);
    rollout.begin(env.reset(seeds));
    std::vector<RandomKey> keys(kRowEnvs);
    for (std::size_t row = 0; row < kRowEnvs; ++row) keys[row] = make_key(row);
    const std::vector<std::uint32_t> streams(kRowEnvs);
    std::vector<float> room;
    std::vector<std::int32_t> actions(kRowEnvs);
    choose_actions(HierarchicalPolicy(model, &offers), {env.observation(), &env, keys, streams, 1}, {}, 60, room,
                   actions);
    ObservationView seen = env.observation();
    seen.candidates = offers.slots, seen.candidate = offers.candidate.data(), seen.mask = offers.mask.data();
    rollout.offer(seen);
    rollout.add(env.step(actions), {});
  }
  static constexpr std::size_t kRowEnvs = 3;
  std::shared_ptr<const Simulator> simulator;
  std::shared_ptr<HierarchicalModel> model;
  TagOffers offers;
  StateEncoder encoder;
  Rollout rollout;
};

TEST_CASE("the gradient of log pi(tag) + log pi(video) is its finite differences, in both networks", "[agents]") {
  HierarchicalConfig config = small_hierarchical();
  config.network.towers = {.state_hidden = {4},
                           .item_hidden = {4},
                           .width = 3,
                           .tag_dim = 2,
                           .author_dim = 1,
                           .id_dim = 1,
                           .interaction_hidden = 3};
  SmallRollout small(config);
  const std::size_t slots = small.offers.slots, tags = small.model->groups->size();
  REQUIRE(tags == kBanditTags);
  const auto actor = make_hierarchical_actor(small.model, {.most_rows = 8, .threads = 1});
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  // Of each row minus its joint log probability, by the policy's own arithmetic; its slopes are p - [chosen].
  const auto joint = [&](std::size_t row, std::span<const float> scores, std::span<float> d_scores) {
    std::vector<float> log(slots);
    const std::span<const std::uint8_t> mask = std::span(small.rollout.mask).subspan(row * slots, slots);
    log_softmax(scores.first(tags), mask.first(tags), std::span(log).first(tags));
    log_softmax(scores.last(slots - tags), mask.last(slots - tags), std::span(log).last(slots - tags));
    const auto slot = static_cast<std::size_t>(small.rollout.action[row]);
    const auto video = static_cast<std::size_t>(small.rollout.candidate[row * slots + slot]);
    const auto tag = static_cast<std::size_t>(small.model->groups->group_of[video]);
    for (std::size_t i = 0; i < slots; ++i) d_scores[i] = std::exp(log[i]) - (i == slot || i == tag ? 1.0F : 0.0F);
    return -static_cast<double>(log[slot]) - static_cast<double>(log[tag]);
  };
  std::vector<float> gradient(actor->size()), weights(actor->size()), room(actor->size());
  actor->gradient(small.rollout, rows, joint, gradient);
  actor->read(weights);
  std::size_t alive = 0;
  for (std::size_t i = 0; i<weights.size(); i += weights.size()> 1500 ? 3 : 1) {
    const float centre = weights[i];
    weights[i] = centre + 1e-2F;
    actor->write(weights);
    const double above = actor->gradient(small.rollout, rows, joint, room);
    weights[i] = centre - 1e-2F;
    actor->write(weights);
    const double below = actor->gradient(small.rollout, rows, joint, room);
    weights[i] = centre;
    CAPTURE(i, weights.size());
    CHECK(static_cast<double>(gradient[i]) == Approx((above - below) / 0.02).epsilon(0.02).margin(2e-3));
    alive += std::abs(gradient[i]) > 1e-4F;
  }
  CHECK(alive > 100);
}

TEST_CASE("with one tag a hierarchical learner makes the updates of PPO on the same candidates", "[agents]") {
  // A shelf of all ten videos of the world, and the world itself: both are offered what was not watched.
  const auto simulator = with_tags(make_toy_simulator(std::make_shared<LadderModel>(4), 10), 1);
  HierarchicalConfig config = small_hierarchical();
  config.actor.num_envs = 32, config.actor.rollout_steps = 6, config.actor.minibatch = 64, config.actor.epochs = 2;
  config.tag_videos = 10;
  ActorConfig plain = config.actor;
  plain.world.source = "top", plain.world.candidates = 10, plain.network = config.network.towers;
  HierarchicalLearner learner(simulator, config, 5, 1);
  ActorLearner ppo(simulator, plain, 5, 1);
  const VectorEnvConfig sessions{.num_envs = 32,
                                 .threads = 1,
                                 .history_length = 4,
                                 .max_steps = 8,
                                 .reward = config.actor.world.reward,
                                 .exclude_history = 0};
  VectorEnv full(simulator, std::make_shared<FullCatalogue>(), sessions);
  VectorEnv shelf(simulator, make_candidate_source("top", simulator->catalogue, 10), sessions);
  std::vector<std::uint64_t> seeds(32);
  std::iota(seeds.begin(), seeds.end(), 40);
  learner.begin(full.reset(seeds));
  ppo.begin(shelf.reset(seeds));
  std::vector<RandomKey> keys(32);
  for (std::size_t row = 0; row < 32; ++row) keys[row] = make_key(row);
  std::vector<std::uint32_t> streams(32);
  std::vector<float> room;
  std::vector<std::int32_t> slots(32), videos(32);
  const std::int64_t updates = 2;
  for (std::int64_t step = 1; step <= updates * 6; ++step) {
    choose_actions(ppo.policy(), {shelf.observation(), &shelf, keys, streams, 1}, ppo.exploration(0), 10, room, slots);
    choose_actions(learner.policy(), {full.observation(), &full, keys, streams, 1}, learner.exploration(0), 10, room,
                   videos);  // says what it is offered; what PPO drew is taken
    for (std::size_t row = 0; row < 32; ++row)
      videos[row] = video_in_slot(shelf.observation(), row, static_cast<std::size_t>(slots[row]));
    learner.before_step(full, videos), ppo.before_step(shelf, slots);
    learner.observe(full.step(videos)), ppo.observe(shelf.step(slots));
    learner.update(step * 32), ppo.update(step * 32);
    for (std::uint32_t& stream : streams) ++stream;
  }
  REQUIRE(ppo.reports().size() == updates);
  // The policies, not the weights: some only add a constant to all scores, and Adam makes steps of rounding there.
  const auto published = learner.snapshot(), other = ppo.snapshot();
  const ValuePolicy fresh(make_value_model("ppo", simulator->catalogue, plain.network, plain.encoder, 5));
  std::vector<float> scores(32 * 10), at_first(scores.size());
  other->score({shelf.observation(), &shelf, keys, streams, 1}, scores);
  fresh.score({shelf.observation(), &shelf, keys, streams, 1}, at_first);
  double moved = 0.0, apart = 0.0;
  for (std::size_t row = 0; row < 32; ++row) {
    const std::span<const std::uint8_t> mask(shelf.observation().mask + row * 10, 10);
    std::vector<double> ours(10), theirs(10), before(10);
    REQUIRE(published->best_probabilities({full.observation(), &full, keys, streams, 1}, row, ours));
    const auto softmax = [&](std::span<const float> of, std::span<double> out) {
      selection_probabilities(of.subspan(row * 10, 10), mask, Exploration::boltzmann(1.0F), false, out);
    };
    softmax(scores, theirs), softmax(at_first, before);
    for (std::size_t slot = 0; slot < 10; ++slot) {
      const auto video = static_cast<std::size_t>(video_in_slot(shelf.observation(), row, slot));
      moved = std::max(moved, std::abs(theirs[slot] - before[slot]));
      apart = std::max(apart, std::abs(theirs[slot] - ours[video]));
    }
  }
  CAPTURE(moved, apart);
  CHECK(moved > 0.02);
  CHECK(apart < 1e-4);
  const Json a = learner.details()["updates"], b = ppo.details()["updates"];
  for (std::size_t i = 0; i < a.size(); ++i)
    for (const char* figure : {"reward", "entropy", "kl"})
      CHECK(a[i][figure].get<double>() == Approx(b[i][figure].get<double>()).margin(1e-5));
}

TEST_CASE("a bandit of tags and videos is learned to its optimum", "[agents]") {
  if (testing::skips_quality()) return;
  const auto simulator = with_tags(make_toy_simulator(std::make_shared<TagBandit>()), kBanditTags);
  HierarchicalConfig config = small_hierarchical();
  config.choice = "best";
  config.actor.entropy = 0.05F;
  const OnlineResult trained = train_hierarchical(simulator, config, {.seed = 4, .threads = 1});
  // The best video of the best tag: by their means two tags are better (.5 and .475, this one .4).
  VectorEnv env = make_training_env(simulator, config.actor, 1);
  std::vector<std::uint64_t> seeds(config.actor.num_envs);
  std::iota(seeds.begin(), seeds.end(), 900);
  env.reset(seeds);
  const std::vector<RandomKey> keys(seeds.size());
  const std::vector<std::uint32_t> streams(seeds.size());
  std::vector<float> room;
  std::vector<std::int32_t> actions(seeds.size());
  choose_actions(*trained.policy, {env.observation(), &env, keys, streams, 1}, {}, 200, room, actions);
  std::size_t best = 0;
  for (const std::int32_t video : actions) best += video % 5 == 1 && video % 4 == 0;
  CHECK(best == actions.size());
}

TEST_CASE("a bandit of tags and videos is learned to its softmax", "[agents]") {
  if (testing::skips_quality()) return;
  // Where PPO rests: with advantages in deviations d of the reward and entropy weight w, a tag's videos have
  // p(v | t) ~ exp(r(v) / (w d)) and tags p(t) ~ exp(E[r | t] / (w d)); all videos of a tag are offered here.
  const auto simulator = with_tags(make_toy_simulator(std::make_shared<TagBandit>(), 20), kBanditTags);
  HierarchicalConfig config = small_hierarchical();
  config.tag_videos = 4;
  config.actor.entropy = 0.8F;
  config.actor.target_kl = 0.0;
  config.actor.env_steps = 80 * 768;
  config.actor.final_learning_rate = 1e-4;
  config.actor.world.max_steps = 2;
  const OnlineResult trained = train_hierarchical(simulator, config, {.seed = 4, .threads = 1});
  auto env = VectorEnv(simulator, std::make_shared<FullCatalogue>(),
                       {.num_envs = 1, .threads = 1, .history_length = 4, .max_steps = 2, .exclude_history = 0});
  const std::uint64_t seed = 3;
  env.reset({&seed, 1});
  const std::vector<RandomKey> keys(1);
  const std::vector<std::uint32_t> streams(1);
  std::vector<double> p(20);
  REQUIRE(trained.policy->best_probabilities({env.observation(), &env, keys, streams, 1}, 0, p));
  const auto reward = [](std::size_t v) { return bandit_worth(v % kBanditTags, v % kVideoKinds); };
  double mean = 0.0, square = 0.0;
  for (std::size_t v = 0; v < 20; ++v) mean += p[v] * reward(v), square += p[v] * reward(v) * reward(v);
  const double unit = 0.8 * std::sqrt(square - mean * mean);
  std::vector<double> expected(20), in_tag(kBanditTags, 0.0), value(kBanditTags, 0.0);
  double all = 0.0;
  for (std::size_t v = 0; v < 20; ++v) in_tag[v % kBanditTags] += expected[v] = std::exp(reward(v) / unit);
  for (std::size_t v = 0; v < 20; ++v) value[v % kBanditTags] += expected[v] / in_tag[v % kBanditTags] * reward(v);
  for (const double one : value) all += std::exp(one / unit);
  double apart = 0.0, from_even = 0.0;  // total variation
  for (std::size_t v = 0; v < 20; ++v) {
    expected[v] *= std::exp(value[v % kBanditTags] / unit) / all / in_tag[v % kBanditTags];
    apart += 0.5 * std::abs(p[v] - expected[v]), from_even += 0.5 * std::abs(p[v] - 0.05);
  }
  CAPTURE(apart, from_even, unit, mean);
  CHECK(apart < 0.1);
  CHECK(from_even > 0.3);
}

bool same_weights(const OnlineResult& a, const OnlineResult& b) {
  HierarchicalNetwork x = model_of(a).network, y = model_of(b).network;
  const auto p = x.parameters(), q = y.parameters();
  bool same = p.size() == q.size() && a.learner->details() == b.learner->details();
  for (std::size_t i = 0; same && i < p.size(); ++i) same = p[i]->value == q[i]->value;
  return same;
}

TEST_CASE("threads change no bit of a hierarchical policy, and a resumed run ends as the unbroken one",
          "[agents][threads]") {
  const auto checkpoint = std::filesystem::temp_directory_path() / "swipegym_test_hierarchical_checkpoint.h5";
  std::filesystem::remove(checkpoint);
  const auto simulator = with_tags(make_toy_simulator(std::make_shared<LadderModel>(3)), kBanditTags);
  HierarchicalConfig config = small_hierarchical();
  config.actor.num_envs = 150;  // three chunks
  config.actor.round_steps = 2 * 1800, config.actor.env_steps = 4 * 1800;
  const OnlineResult whole = train_hierarchical(simulator, config, {.seed = 9, .threads = 1});
  CHECK(same_weights(whole, train_hierarchical(simulator, config, {.seed = 9, .threads = 3})));
  CHECK_FALSE(same_weights(whole, train_hierarchical(simulator, config, {.seed = 10, .threads = 1})));
  OnlineRun run{.seed = 9, .threads = 1, .checkpoint = checkpoint, .checkpoint_rounds = 1};
  run.progress = [&](std::string_view, std::uint64_t done, std::uint64_t) {
    if (done > 3 * 1800) throw Interrupted();
  };
  CHECK_THROWS_AS(train_hierarchical(simulator, config, run), Interrupted);
  run.progress = {};
  run.resume = true;
  CHECK(same_weights(whole, train_hierarchical(simulator, config, run)));
  std::filesystem::remove(checkpoint);
}

TEST_CASE("settings that a hierarchical policy cannot serve are refused by name", "[agents]") {
  const auto refused = [](auto change) {
    HierarchicalConfig config = small_hierarchical();
    change(config);
    try {
      check(config);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  using Catch::Matchers::Contains;
  CHECK(refused([](HierarchicalConfig&) {}) == "accepted");
  CHECK_THAT(refused([](HierarchicalConfig& c) { c.actor.world.source = "random"; }), Contains("world.source"));
  CHECK_THAT(refused([](HierarchicalConfig& c) { c.tag_videos = 1; }), Contains("tag_videos"));
  CHECK_THAT(refused([](HierarchicalConfig& c) { c.choice = "greedy"; }), Contains("choice"));
  CHECK_THAT(refused([](HierarchicalConfig& c) { c.actor.world.slate = 2; }), Contains("world.slate"));
}

}  // namespace
}  // namespace swipegym
