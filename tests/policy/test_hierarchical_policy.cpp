#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "policy/select.h"
#include "policy/stages/composition.h"
#include "policy/value/hierarchical_policy.h"

namespace swipegym {
namespace {

constexpr std::size_t kVideos = 23, kRows = 70;  // more rows than a chunk

// Tags of very different size, and two that no video has.
std::shared_ptr<const Simulator> tagged_world(std::size_t videos = kVideos) {
  auto simulator = std::make_shared<Simulator>(
      *make_constant_simulator({.leave_after = 50}, {.num_users = 8, .num_videos = videos, .history = 3}));
  simulator->catalogue.num_tags = 6;
  for (std::size_t v = 0; v < videos; ++v)
    simulator->catalogue.tag[v] = static_cast<std::uint16_t>(v == 0 ? 5 : v % 4 == 1 ? 1 : v < 6 ? 0 : 3);
  return simulator;
}

std::shared_ptr<HierarchicalModel> small_hierarchy(const Catalogue& catalogue, float temperature = 1.0F) {
  HierarchicalNetworkConfig network;
  network.towers.state_hidden = {6}, network.towers.item_hidden = {5}, network.towers.width = 3;
  auto model = make_hierarchical_model("hierarchical", catalogue, network, {.recent = 1}, 3);
  for (Parameter* one : model->network.parameters()) one->value *= 2.0F;  // far from uniform
  model->header.temperature = temperature;
  return model;
}

// Sessions a few steps on, among all videos or among candidates.
struct TaggedSessions {
  TaggedSessions(std::shared_ptr<const Simulator> world, std::size_t slots, std::size_t rows = kRows)
      : env(world, make_candidate_source(slots > 0 ? "random" : "full", world->catalogue, slots),
            {.num_envs = rows, .threads = 1, .history_length = 5, .max_steps = 12, .exclude_history = 2}),
        keys(rows),
        streams(rows) {
    std::vector<std::uint64_t> seeds(rows);
    std::iota(seeds.begin(), seeds.end(), 3);
    env.reset(seeds);
    for (std::size_t row = 0; row < rows; ++row) keys[row] = make_key(row);
  }
  DecisionBatch batch(int threads = 1) { return {env.observation(), &env, keys, streams, threads}; }
  void play(const Policy& policy, int steps) {
    std::vector<float> room;
    std::vector<std::int32_t> actions(keys.size());
    for (int step = 0; step < steps; ++step) {
      choose_actions(policy, batch(), {}, env.simulator().catalogue.num_videos(), room, actions);
      env.step(actions);
      for (std::uint32_t& stream : streams) ++stream;
    }
  }
  VectorEnv env;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
};

TEST_CASE("a catalogue by tag: every video once, and a tag stands for the mean of its videos", "[policy]") {
  const auto world = tagged_world();
  ItemInputs videos = make_item_inputs(world->catalogue);
  videos.tag[7] = -1;  // as of a tag that a policy has never met
  const TagGroups groups = group_by_tag(videos);
  CHECK(groups.tag == std::vector<std::int32_t>{-1, 0, 1, 3, 5});
  CHECK(groups.of(0).size() == 1);
  std::vector<int> met(kVideos, 0);
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (const std::int32_t video : groups.of(g)) {
      const auto v = static_cast<std::size_t>(video);
      ++met[v];
      CHECK(videos.tag[v] == groups.tag[g]);
      CHECK(groups.group_of[v] == static_cast<std::int32_t>(g));
    }
  CHECK(met == std::vector<int>(kVideos, 1));
  const ItemInputs all = with_tag_rows(videos, groups);
  REQUIRE(all.num_videos() == kVideos + groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto row = static_cast<std::size_t>(tag_row(groups, g));
    CHECK(all.tag[row] == groups.tag[g]);
    CHECK((all.author[row] == -1 && all.id[row] == -1));
    for (Eigen::Index f = 0; f < all.features.cols(); ++f) {
      double sum = 0.0;
      for (const std::int32_t video : groups.of(g)) sum += static_cast<double>(videos.features(video, f));
      CHECK(all.features(tag_row(groups, g), f) == Approx(sum / static_cast<double>(groups.of(g).size())).margin(1e-6));
    }
  }
  const ItemInputs again = first_rows(all, kVideos);
  CHECK((again.raw_id == videos.raw_id && again.tag == videos.tag && again.features == videos.features &&
         again.derived == videos.derived && again.id == videos.id && again.num_tags == videos.num_tags));
}

TEST_CASE("the videos that a hierarchical policy takes are those with its best scores", "[policy]") {
  const auto world = tagged_world();
  for (const float temperature : {0.0F, 1.0F}) {
    auto model = small_hierarchy(world->catalogue, temperature);
    if (temperature > 0.0F) model->item_table = model->network.videos.item_table(*model->items, 1);
    const HierarchicalPolicy policy(model);
    TaggedSessions sessions(world, 0);
    sessions.play(policy, 6);  // small tags run out
    std::vector<std::uint32_t> rows(kRows);
    std::iota(rows.begin(), rows.end(), 0U);
    std::vector<float> scores(kRows * kVideos);
    policy.score(sessions.batch(2), scores);
    for (const std::size_t count : {std::size_t{1}, std::size_t{4}}) {
      CAPTURE(temperature, count);
      std::vector<std::int32_t> expected(kRows * count), out(kRows * count), alone(count);
      select_actions(sessions.batch(), scores, Exploration::greedy(), expected, count);
      REQUIRE(policy.best_videos(sessions.batch(2), rows, count, out));
      CHECK(out == expected);
      const std::uint32_t last = kRows - 1;  // a row does not depend on those around it
      REQUIRE(policy.best_videos(sessions.batch(), {&last, 1}, count, alone));
      CHECK(std::equal(alone.begin(), alone.end(), out.end() - static_cast<std::ptrdiff_t>(count)));
    }
  }
}

// The law itself, from the networks: softmax over tags with something to show, times softmax within the tag.
std::vector<double> law_of(const HierarchicalModel& model, TaggedSessions& sessions, std::size_t row,
                           const std::vector<std::int32_t>& offered) {
  const StateEncoder encoder(model.encoder_config, *model.items);
  const auto logit = [&](const ValueNetwork& network, std::int32_t item) {
    ValueNetwork::Work work;
    work.states.setZero(1, static_cast<Eigen::Index>(encoder.state_size()));
    encoder.encode(sessions.env.observation(), row, 1, work.states, work.histories);
    work.videos = {item};
    work.cross.setZero(1, static_cast<Eigen::Index>(StateEncoder::kCross));
    encoder.cross(work.states, work.histories, 0, item, work.cross.data());
    network.forward_states(*model.items, work);
    network.forward_items(*model.items, work);
    float out = 0.0F;
    network.combine(work.item.output(), false, 1, 1, work, {&out, 1});
    return static_cast<double>(out) / static_cast<double>(model.header.temperature);
  };
  std::map<std::int32_t, double> of_tag, sum;  // by group
  double all = 0.0;
  std::vector<double> weight;
  for (const std::int32_t video : offered) {
    const std::int32_t g = model.groups->group_of[static_cast<std::size_t>(video)];
    if (!of_tag.contains(g))
      all += of_tag[g] = std::exp(logit(model.network.tags, tag_row(*model.groups, static_cast<std::size_t>(g))));
    sum[g] += weight.emplace_back(std::exp(logit(model.network.videos, video)));
  }
  std::vector<double> law;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const std::int32_t g = model.groups->group_of[static_cast<std::size_t>(offered[i])];
    law.push_back(of_tag[g] / all * weight[i] / sum[g]);
  }
  return law;
}

TEST_CASE("a hierarchical policy draws by the product of two softmaxes, and says so", "[policy]") {
  const auto world = tagged_world();
  const auto model = small_hierarchy(world->catalogue, 0.7F);
  const HierarchicalPolicy policy(model);
  for (const std::size_t slots : {std::size_t{0}, std::size_t{9}}) {
    CAPTURE(slots);
    TaggedSessions sessions(world, slots, 1);
    sessions.play(policy, 4);
    const ObservationView seen = sessions.env.observation();
    std::vector<std::int32_t> offered;
    std::vector<std::size_t> slot_of;
    for (std::size_t slot = 0; slot < num_slots(seen, kVideos); ++slot) {
      const std::int32_t video = video_in_slot(seen, 0, slot);
      if (slots == 0 && !sessions.env.may_show(0, static_cast<std::uint32_t>(video))) continue;
      offered.push_back(video), slot_of.push_back(slot);
    }
    CHECK(offered.size() == (slots > 0 ? slots : kVideos - sessions.env.seen(0).size()));
    const std::vector<double> law = law_of(*model, sessions, 0, offered);
    std::vector<double> said(num_slots(seen, kVideos));
    REQUIRE(policy.best_probabilities(sessions.batch(), 0, said));
    CHECK(std::accumulate(said.begin(), said.end(), 0.0) == Approx(1.0));
    double most = 0.0;
    for (std::size_t i = 0; i < offered.size(); ++i) {
      CHECK(said[slot_of[i]] == Approx(law[i]).epsilon(1e-4));
      most = std::max(most, law[i]);
    }
    CHECK(most > 2.0 / static_cast<double>(offered.size()));  // there is something to tell

    constexpr int kDraws = 4000;
    std::vector<double> drawn(said.size(), 0.0);
    std::vector<float> room;
    std::vector<std::int32_t> action(1);
    for (int draw = 0; draw < kDraws; ++draw) {
      sessions.keys[0] = split(make_key(77), static_cast<std::uint64_t>(draw));
      choose_actions(policy, sessions.batch(), {}, kVideos, room, action);
      drawn[static_cast<std::size_t>(action[0])] += 1.0 / kDraws;
    }
    for (std::size_t slot = 0; slot < said.size(); ++slot) {
      CAPTURE(slot, said[slot], drawn[slot]);
      CHECK(std::abs(drawn[slot] - said[slot]) < 4.0 * std::sqrt(said[slot] * (1.0 - said[slot]) / kDraws) + 1e-9);
    }
  }
}

TEST_CASE("without draws a hierarchical policy takes the best tag and its best video", "[policy]") {
  const auto world = tagged_world();
  const auto model = small_hierarchy(world->catalogue, 1.0F);
  TaggedSessions sessions(world, 0, 1);
  std::vector<std::int32_t> all(kVideos);
  std::iota(all.begin(), all.end(), 0);
  std::erase_if(all, [&](std::int32_t video) { return !sessions.env.may_show(0, static_cast<std::uint32_t>(video)); });
  const std::vector<double> law = law_of(*model, sessions, 0, all);
  std::map<std::int32_t, double> of_tag;
  for (std::size_t i = 0; i < all.size(); ++i)
    of_tag[model->groups->group_of[static_cast<std::size_t>(all[i])]] += law[i];
  const auto best_tag =
      std::max_element(of_tag.begin(), of_tag.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::size_t expected = all.size();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (model->groups->group_of[static_cast<std::size_t>(all[i])] == best_tag->first &&
        (expected == all.size() || law[i] > law[expected]))
      expected = i;
  const auto best = std::make_shared<HierarchicalModel>(*model);
  best->header.temperature = 0.0F;
  std::vector<double> said(kVideos);
  CHECK_FALSE(HierarchicalPolicy(best).best_probabilities(sessions.batch(), 0, said));
  std::vector<std::int32_t> out(1);
  const std::uint32_t row = 0;
  REQUIRE(HierarchicalPolicy(best).best_videos(sessions.batch(), {&row, 1}, 1, out));
  CHECK(out[0] == all[expected]);
}

TEST_CASE("what is offered of a tag while it learns: unseen, distinct, uniform, all where there are few", "[policy]") {
  constexpr std::size_t kFew = 3, kMany = 400;
  const auto world = tagged_world(kMany);
  const auto model = small_hierarchy(world->catalogue);
  const std::size_t groups = model->groups->size();
  TagOffers offers(kRows, groups, kFew);
  const HierarchicalPolicy acting(model, &offers);
  TaggedSessions sessions(world, 0);
  sessions.play(acting, 3);
  std::map<std::int32_t, std::size_t> large;  // how often each video of the largest tag was offered
  std::size_t times = 0;
  const std::size_t largest = static_cast<std::size_t>(model->groups->group_of[10]);
  REQUIRE(model->groups->of(largest).size() > 250);
  std::vector<float> room;
  std::vector<std::int32_t> actions(kRows);
  for (std::uint64_t draw = 0; draw < 60; ++draw) {
    for (std::size_t row = 0; row < kRows; ++row) sessions.keys[row] = split(make_key(draw), row);
    choose_actions(acting, sessions.batch(2), {}, kMany, room, actions);
    for (std::size_t row = 0; row < kRows; ++row) {
      const std::int32_t* candidate = &offers.candidate[row * offers.slots];
      const std::uint8_t* mask = &offers.mask[row * offers.slots];
      const std::int32_t g = model->groups->group_of[static_cast<std::size_t>(actions[row])];
      std::size_t open = 0, free = 0;
      bool chosen = false;
      for (std::size_t slot = groups; slot < offers.slots; ++slot) {
        CHECK(model->groups->group_of[static_cast<std::size_t>(candidate[slot])] == g);
        if (mask[slot] == 0) continue;
        ++open;
        chosen = chosen || candidate[slot] == actions[row];
        CHECK(sessions.env.may_show(row, static_cast<std::uint32_t>(candidate[slot])));
        CHECK(std::count(candidate + groups, candidate + slot, candidate[slot]) == 0);
        if (g == static_cast<std::int32_t>(largest)) ++large[candidate[slot]];
      }
      for (const std::int32_t video : model->groups->of(static_cast<std::size_t>(g)))
        free += sessions.env.may_show(row, static_cast<std::uint32_t>(video));
      CHECK(open == std::min(kFew, free));
      CHECK(chosen);
      CHECK(mask[g] == 1);
      times += g == static_cast<std::int32_t>(largest);
    }
  }
  REQUIRE(times > 500);
  CHECK(large.size() > model->groups->of(largest).size() * 9 / 10);  // all come, none much more often than others
  const double mean = static_cast<double>(kFew * times) / static_cast<double>(model->groups->of(largest).size());
  for (const auto& [video, count] : large) CHECK(static_cast<double>(count) < mean + 6.0 * std::sqrt(mean));
}

TEST_CASE("a hierarchical policy that was saved and loaded scores the same", "[policy]") {
  const auto world = tagged_world();
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_hierarchical.h5";
  auto model = small_hierarchy(world->catalogue, 0.5F);
  model->item_table = model->network.videos.item_table(*model->items, 1);
  const HierarchicalPolicy policy(model);
  policy.save(path);
  const auto loaded = load_policy(path, *world);
  CHECK(loaded->header().temperature == 0.5F);
  CHECK(loaded->temperature() == 0.0F);  // it draws itself: nobody else is to
  TaggedSessions sessions(world, 0);
  std::vector<float> one(kRows * kVideos), two(one.size());
  policy.score(sessions.batch(), one);
  loaded->score(sessions.batch(), two);
  CHECK(one == two);
  // A composition says how likely its first video is, and knows nothing of draws within a scorer.
  const std::string composed = R"({"retrieve": [{"use": "random", "count": 5}], "score": {"use": "policy", "file": ")" +
                               path.string() + R"("}})";
  CHECK_THROWS_WITH(parse_composition(composed, "composition", world->catalogue),
                    Catch::Contains("a policy that does not draw by itself"));
  model->header.temperature = 0.0F;
  HierarchicalPolicy(model).save(path);
  CHECK_NOTHROW(parse_composition(composed, "composition", world->catalogue));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace swipegym
