#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/parallel_for.h"
#include "env/candidate_sources.h"
#include "env/catalogue.h"
#include "env/constant_user_model.h"
#include "policy/make_policy.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

ValueNetworkConfig small_network() {
  ValueNetworkConfig config;
  config.state_hidden = {16}, config.item_hidden = {12}, config.width = 6;
  config.tag_dim = 3, config.author_dim = 2, config.id_dim = 4, config.interaction_hidden = 5;
  return config;
}

struct PlayedWorld {
  explicit PlayedWorld(std::size_t envs, std::size_t slots, const std::string& source = "random")
      : simulator(make_constant_simulator({.leave_after = 50}, {.num_videos = 150, .history = 6})),
        env(simulator, make_candidate_source(source, simulator->catalogue, slots),
            {.num_envs = envs, .threads = 1, .history_length = 12, .max_steps = 30}),
        keys(envs),
        streams(envs) {
    std::vector<std::uint64_t> seeds(envs);
    std::iota(seeds.begin(), seeds.end(), 1);
    env.reset(seeds);
    const std::vector<std::int32_t> actions(envs, 0);
    if (source != "full")
      for (int step = 0; step < 9; ++step) env.step(actions);
  }
  DecisionBatch batch(int threads = 1) const { return {env.observation(), &env, keys, streams, threads}; }
  std::vector<float> score(const Policy& policy, int threads = 1) const {
    std::vector<float> scores(env.observation().rows * num_slots(env.observation(), 150));
    policy.score(batch(threads), scores);
    return scores;
  }
  std::shared_ptr<ValueModel> model(std::uint64_t seed = 1) const {
    return make_value_model("dqn", simulator->catalogue, small_network(), {}, seed);
  }
  std::shared_ptr<const Simulator> simulator;
  VectorEnv env;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
};

TEST_CASE("the value network's gradients are its finite differences", "[policy]") {
  const std::size_t per_state = GENERATE(1, 2, 3);  // the same six pairs, of six, three or two states
  const bool dueling = GENERATE(false, true);
  const std::string sequence = GENERATE(as<std::string>{}, "none", "gru", "sasrec");
  const std::size_t outputs = sequence == "none" ? 3 : 1;
  CAPTURE(per_state, dueling, sequence);
  const PlayedWorld world(6, 4);
  ValueNetworkConfig config = small_network();
  config.dueling = dueling;
  config.outputs = outputs;
  config.sequence = {.kind = sequence, .length = 7, .width = 6, .blocks = 2, .heads = 2};
  auto model = make_value_model("dqn", world.simulator->catalogue, config, {}, 1);
  const StateEncoder encoder = make_state_encoder(*model);
  ValueNetwork& network = model->network;
  network.set_shards(1);
  ValueNetwork::Work work;
  const std::size_t rows = 6, states = rows / per_state;
  const std::vector<float> slopes = {1.0F, -0.5F, 0.7F, 2.0F, -1.0F, 0.3F};
  Matrix output_slopes(6, static_cast<Eigen::Index>(outputs)), by_output;
  for (Eigen::Index i = 0; i < output_slopes.size(); ++i)
    output_slopes.data()[i] = slopes[static_cast<std::size_t>(i) % 5] + 0.1F * static_cast<float>(i);
  work.states.resize(static_cast<Eigen::Index>(states), static_cast<Eigen::Index>(encoder.state_size()));
  encoder.encode(world.env.observation(), 0, states, work.states, work.histories);
  work.cross.resize(6, static_cast<Eigen::Index>(StateEncoder::kCross));
  for (std::size_t i = 0; i < rows; ++i) {
    work.videos.push_back(world.env.observation().candidate[i * 4]);
    encoder.cross(work.states, work.histories, i / per_state, work.videos[i],
                  work.cross.data() + i * StateEncoder::kCross);
  }
  std::vector<float> values(rows);
  ValueNetwork::Work reference;
  reference.videos = {3, 17, 17, 90, 149};
  const auto loss = [&] {
    if (dueling) network.centre(*model->items, reference);
    network.forward_states(*model->items, work);
    network.forward_items(*model->items, work);
    network.combine(work.item.output(), false, rows, per_state, work, values);
    double sum = 0.0;
    for (std::size_t i = 0; i < rows; ++i) sum += static_cast<double>(slopes[i]) * static_cast<double>(values[i]);
    if (outputs == 1) return sum;
    network.outputs(work, values, by_output);
    return by_output.cwiseProduct(output_slopes).cast<double>().sum();
  };
  loss();
  if (outputs == 1)
    network.backward(slopes, work, 0, per_state);
  else
    network.backward_outputs(output_slopes, work, 0, per_state);
  network.scatter(*model->items, work);
  if (dueling) {
    network.backward_centre(-work.d_item.colwise().sum(), reference, 0);
    network.scatter(*model->items, reference);
  }
  // Float arithmetic: differences over .02 are good to a few parts in a thousand of the gradient's size.
  const auto check = [&](float& variable, float analytic, double scale) {
    const float centre = variable;
    variable = centre + 0.01F;
    const double above = loss();
    variable = centre - 0.01F;
    const double below = loss();
    variable = centre;
    CHECK(static_cast<double>(analytic) == Approx((above - below) / 0.02).margin(0.005 * scale + 2e-4));
  };
  for (Parameter* parameter : network.parameters()) {
    const double scale = parameter->gradient().cwiseAbs().maxCoeff();
    const Matrix gradient = parameter->gradient();
    const Eigen::Index stride = std::max<Eigen::Index>(1, gradient.size() / 23);
    for (Eigen::Index i = 0; i < gradient.size(); i += stride)
      check(parameter->value.data()[i], gradient.data()[i], scale);
  }
  for (Embedding* embedding : network.embeddings()) {
    CHECK_FALSE(embedding->touched().empty());
    const double scale = embedding->touched_gradient()
                             .topRows(static_cast<Eigen::Index>(embedding->touched().size()))
                             .cwiseAbs()
                             .maxCoeff();
    for (std::size_t slot = 0; slot < embedding->touched().size(); ++slot)
      for (Eigen::Index j = 0; j < embedding->table.value.cols(); ++j)
        check(embedding->table.value(embedding->touched()[slot], j),
              embedding->touched_gradient()(static_cast<Eigen::Index>(slot), j), scale);
  }
}

TEST_CASE("with dueling the videos' outputs are 0 on average over the reference set, without it they are not",
          "[policy]") {
  const PlayedWorld world(6, 4);
  for (const bool dueling : {true, false}) {
    ValueNetworkConfig config = small_network();
    config.dueling = dueling;
    auto model = make_value_model("dqn", world.simulator->catalogue, config, {}, 5);
    ValueNetwork::Work reference;
    for (std::int32_t video = 0; video < 150; ++video) reference.videos.push_back(video);
    const Matrix plain = model->network.item_table(*model->items, 1);
    if (dueling) model->network.centre(*model->items, reference);
    const Matrix table = model->network.item_table(*model->items, 1);
    const float mean = table.colwise().mean().cwiseAbs().maxCoeff();
    if (dueling) {
      CHECK(mean < 1e-5F);
      CHECK((plain - table).rowwise().norm().maxCoeff() > 0.01F);  // it did move, by one row for all videos
      CHECK((plain.rowwise() - plain.row(0) - (table.rowwise() - table.row(0))).cwiseAbs().maxCoeff() < 1e-5F);
    } else {
      CHECK(mean > 0.01F);
    }
  }
}

TEST_CASE("a row's scores do not depend on the batch around it, on threads or on the table", "[policy]") {
  const PlayedWorld world(150, 7);
  ValueNetworkConfig config = small_network();
  config.sequence.kind = GENERATE(as<std::string>{}, "none", "gru", "sasrec");
  auto model = make_value_model("dqn", world.simulator->catalogue, config, {}, 1);
  const ValuePolicy policy(model);
  const std::vector<float> all = world.score(policy);
  CHECK(all == world.score(policy, 2));
  CHECK(all == world.score(policy, 3));
  // One row at a time, from a view of its own.
  for (const std::size_t row : {0UL, 63UL, 64UL, 149UL}) {
    ObservationView one = world.env.observation();
    one.rows = 1;
    one.user += row, one.user_features += row * kUserFeatures, one.context += row * kContextFeatures;
    one.history_video += row * 12, one.history_ratio += row * 12, one.candidate += row * 7;
    std::vector<float> scores(7);
    policy.score({one, nullptr, world.keys, world.streams, 1}, scores);
    CHECK(std::equal(scores.begin(), scores.end(), all.begin() + static_cast<std::ptrdiff_t>(row * 7)));
  }
  model->item_table = model->network.item_table(*model->items, 1);
  const std::vector<float> from_table = world.score(ValuePolicy(model));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(from_table[i] == Approx(all[i]).margin(1e-5));
}

TEST_CASE("permuting candidates permutes scores, and the full catalogue scores as candidates do", "[policy]") {
  const PlayedWorld world(3, 9);
  const ValuePolicy policy(world.model());
  const std::vector<float> scores = world.score(policy);
  std::vector<std::int32_t> reversed(27);
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t slot = 0; slot < 9; ++slot)
      reversed[row * 9 + slot] = world.env.observation().candidate[row * 9 + 8 - slot];
  DecisionBatch batch = world.batch();
  batch.observation.candidate = reversed.data();
  std::vector<float> other(27);
  policy.score(batch, other);
  for (std::size_t i = 0; i < 27; ++i) CHECK(other[i] == scores[i / 9 * 9 + 8 - i % 9]);

  batch.observation.candidates = 0;
  std::vector<float> full(3 * 150);
  policy.score(batch, full);
  for (std::size_t i = 0; i < 27; ++i)
    CHECK(full[i / 9 * 150 + static_cast<std::size_t>(world.env.observation().candidate[i])] ==
          Approx(scores[i]).margin(1e-5));
}

TEST_CASE("the seconds a video is watched are given to the network as a product of its statistics", "[policy]") {
  const PlayedWorld world(1, 3);
  Catalogue catalogue = world.simulator->catalogue;
  float* features = catalogue.video_features.data();
  features[kVideoLogDuration] = (std::log(100.0F) - 3.5F) / 1.5F;  // 100 s
  features[kVideoMeanRatio] = 0.3F, features[kVideoClickRate] = 0.2F;
  const ItemInputs items = make_item_inputs(catalogue);
  CHECK(items.derived(0, kItemMeanSeconds) == Approx(30.0 / 20.0));
  CHECK(items.derived(0, kItemClickRoot) == Approx(2.0 / 4.0));
}

TEST_CASE("cross features say how a candidate meets the history", "[policy]") {
  const PlayedWorld world(1, 3);
  ItemInputs items = make_item_inputs(world.simulator->catalogue);
  for (std::size_t v = 0; v < items.num_videos(); ++v) {
    items.tag[v] = static_cast<std::int32_t>(v % 2), items.author[v] = static_cast<std::int32_t>(v % 5);
    items.features(static_cast<Eigen::Index>(v), kVideoLogDuration) = v % 2 == 0 ? 0.0F : 3.0F;
  }
  // Watched, oldest first: video 2 (tag 0, author 2) to .2 and video 7 (tag 1, author 2) to 1.
  const std::vector<std::int32_t> history = {-1, -1, 2, 7};
  const std::vector<float> ratio = {0.0F, 0.0F, 0.2F, 1.0F};
  ObservationView o = world.env.observation();
  o.history_length = 4, o.history_video = history.data(), o.history_ratio = ratio.data();
  StateEncoderConfig config;
  config.fast_decay = 0.5F, config.slow_decay = 1.0F;
  const StateEncoder encoder(config, items);
  Matrix states(1, static_cast<Eigen::Index>(encoder.state_size()));
  StateEncoder::Histories histories;
  encoder.encode(o, 0, 1, states, histories);
  std::vector<float> c(StateEncoder::kCross);
  encoder.cross(states, histories, 0, /*video=*/12, c.data());  // tag 0, author 2, short
  CHECK(c[0] == Approx(0.5));                                   // fast weight of tag 0: one video back
  CHECK(c[1] == Approx(0.5));                                   // half of the slow weight
  CHECK(c[2] == Approx(-0.4 / (1.0 + 2.0)));                    // watched .4 less than the usual .6; shrunk by 2
  CHECK(c[3] == 0.0F);                                          // the newest video has tag 1
  CHECK(c[4] == Approx(1.5));                                   // both videos are by author 2
  CHECK(c[5] == Approx(0.0).margin(1e-6));                      // .4 more and .4 less
  CHECK(c[6] == Approx(-0.4 / (1.0 + 2.0)));                    // only video 2 is about as long
  CHECK(c[7] == Approx(0.5));
  encoder.cross(states, histories, 0, /*video=*/11, c.data());  // tag 1, author 1
  CHECK(c[3] == 1.0F);
  CHECK(c[4] == 0.0F);
  CHECK(c[5] == 0.0F);
}

TEST_CASE("a sequence encoder sees the newest videos alone, and no padding", "[policy]") {
  const PlayedWorld world(1, 3);
  const std::string kind = GENERATE(as<std::string>{}, "gru", "sasrec");
  CAPTURE(kind);
  ValueNetworkConfig config = small_network();
  config.sequence = {.kind = kind, .length = 3, .width = 6};
  const auto model = make_value_model("dqn", world.simulator->catalogue, config, {}, 1);
  const StateEncoder encoder = make_state_encoder(*model);
  const auto encode = [&](const std::vector<std::int32_t>& history) {
    const std::vector<float> ratio(history.size(), 0.5F);
    ObservationView o = world.env.observation();
    o.history_length = history.size(), o.history_video = history.data(), o.history_ratio = ratio.data();
    ValueNetwork::Work work;
    work.states.resize(1, static_cast<Eigen::Index>(encoder.state_size()));
    encoder.encode(o, 0, 1, work.states, work.histories);
    model->network.forward_states(*model->items, work);
    return work.sequence.output;
  };
  const Matrix two = encode({8, 3});
  CHECK(encode({-1, 8, 3}) == two);
  CHECK(encode({-1, -1, -1, -1, -1, 8, 3}) == two);
  const Matrix three = encode({5, 8, 3});
  CHECK((three - two).norm() > 0.01F);
  CHECK(encode({-1, 9, 1, 5, 8, 3}) == three);  // 9 and 1 lie beyond its length
  CHECK((encode({3, 8}) - two).norm() > 0.01F);
  CHECK(encode({-1, -1}).isZero(0.0F));
}

TEST_CASE("a saved policy scores as before, and in another simulator it finds its videos by raw id", "[policy]") {
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_policy.h5";
  const PlayedWorld world(5, 8);
  auto model = world.model(7);
  model->header.seed = 7, model->header.data_fingerprint = 0xF000000000000001ULL, model->header.config = "{\"a\":1}";
  const std::vector<float> scores = world.score(ValuePolicy(model));
  ValuePolicy(model).save(path);
  const auto loaded = make_policy(path.string(), *world.simulator);
  CHECK(loaded->name() == "dqn");
  CHECK(dynamic_cast<const ValuePolicy&>(*loaded).model().header.data_fingerprint == 0xF000000000000001ULL);
  const std::vector<float> again = world.score(*loaded);
  for (std::size_t i = 0; i < scores.size(); ++i) CHECK(again[i] == Approx(scores[i]).margin(1e-5));

  // The same videos the other way round, one of them replaced by a stranger.
  Simulator other = *world.simulator;
  Catalogue& catalogue = other.catalogue;
  std::reverse(catalogue.raw_video_id.begin(), catalogue.raw_video_id.end());
  catalogue.raw_video_id[0] = -5;
  const auto moved = load_policy(path, other);
  const ItemInputs& items = *dynamic_cast<const ValuePolicy&>(*moved).model().items;
  CHECK(items.tag[1] == model->items->tag[148]);
  CHECK(items.features.row(1) == model->items->features.row(148));
  CHECK(items.id[149] == 0);
  // Of the stranger is known what others share with it: that catalogue's tag and author, as the file has them.
  for (std::size_t v = 149; v > 0; --v)
    if (catalogue.tag[v] == catalogue.tag[0]) CHECK(items.tag[0] >= 0);
  CHECK(items.id[0] == -1);
  CHECK(items.features(0, 0) == catalogue.video_features[0]);

  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  CHECK_THROWS_AS(make_policy(path.string(), *world.simulator), InputError);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace swipegym
