#include "env/tabular/tabular_simulator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "env/catalogue.h"
#include "env/seen_videos.h"

namespace swipegym {
namespace {

constexpr std::int64_t kTabularStart = 1'650'000'000'000;  // April 2022; every session begins then
constexpr std::int64_t kTabularGapMs = 86'400'000;

class TabularUserModel final : public UserModel {
 public:
  TabularUserModel(TabularWorld world, std::size_t copies) : world_(std::move(world)), copies_(copies) {}

  std::string_view name() const noexcept override { return "tabular"; }
  std::size_t state_size() const noexcept override { return 1; }  // the state's number, exact in a float
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }

  void begin(UserIndex user, std::int64_t, std::span<float> state) const override {
    state[0] = static_cast<float>(world_.first_state(index_of(user)));
  }

  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      RandomStream random(keys[i], streams[i]);
      const std::size_t kind = kind_of(shown[i]), state = state_of(states[i]);
      const std::size_t at = world_.answers(state, kind);
      std::size_t level = 0;
      for (double left = random.uniform_double() - world_.level_probability[at];
           left >= 0.0 && level + 1 < world_.levels; left -= world_.level_probability[at + level])
        ++level;
      const std::int32_t play_ms = world_.play_ms[kind * world_.levels + level];
      out[i] = {};
      out[i].play_ms = play_ms;
      out[i].watch_ratio = static_cast<float>(play_ms) / static_cast<float>(shown[i].duration_ms);
      out[i].leaves = random.uniform_double() < world_.leave_probability[at + level];
      states[i][0] = static_cast<float>(world_.state_after(world_.group_of(state), kind, level));
    }
  }

  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind,
              std::span<Expectation> out, Scratch&) const override {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const std::size_t kind = kind_of(shown[i]), at = world_.answers(state_of(states[i]), kind);
      double play_ms = 0.0, leave = 0.0;
      for (std::size_t level = 0; level < world_.levels; ++level) {
        play_ms += world_.level_probability[at + level] * world_.play_ms[kind * world_.levels + level];
        leave += world_.level_probability[at + level] * world_.leave_probability[at + level];
      }
      out[i] = {};
      out[i].watch_s = static_cast<float>(play_ms / 1000.0);
      out[i].watch_ratio = static_cast<float>(play_ms / shown[i].duration_ms);
      out[i].leave = static_cast<float>(leave);
    }
  }

  std::int64_t draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey, Scratch&) const override {
    return kTabularGapMs;
  }
  void begin_next_session(std::int64_t, std::span<float> state) const override {
    state[0] = static_cast<float>(world_.first_state(world_.group_of(state_of(state.data()))));
  }

 private:
  std::size_t kind_of(const Shown& shown) const noexcept { return index_of(shown.video) / copies_; }
  static std::size_t state_of(const float* state) noexcept { return static_cast<std::size_t>(*state); }

  TabularWorld world_;
  std::size_t copies_;  // videos of each kind
};

class KindShelf final : public CandidateSource {
 public:
  KindShelf(std::size_t kinds, std::size_t copies) : kinds_(kinds), copies_(copies) {}
  std::string_view name() const noexcept override { return "kinds"; }
  std::size_t slots() const noexcept override { return kinds_; }
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override {
    for (std::size_t kind = 0; kind < kinds_; ++kind) videos[kind] = static_cast<std::int32_t>(kind * copies_);
    std::fill(mask.begin(), mask.end(), std::uint8_t{1});
    // Copies are shown in order, so the next one of a kind is as far along as the kind was shown.
    for (const std::uint32_t watched : request.seen->watched()) {
      const std::size_t kind = watched / copies_;
      if (watched + 1 < (kind + 1) * copies_)
        ++videos[kind];
      else
        mask[kind] = 0;
    }
  }

 private:
  std::size_t kinds_, copies_;
};

Catalogue make_tabular_catalogue(const TabularWorld& world, std::size_t copies) {
  Catalogue catalogue;
  catalogue.num_tags = static_cast<std::uint32_t>(world.kinds + 1);  // the last one is 'none'
  catalogue.num_authors = 1;
  for (std::size_t kind = 0; kind < world.kinds; ++kind) {
    const float* features = world.video_features.data() + kind * kVideoFeatures;
    for (std::size_t copy = 0; copy < copies; ++copy) {
      catalogue.raw_video_id.push_back(static_cast<std::int64_t>(kind * copies + copy));
      catalogue.duration_ms.push_back(world.duration_ms[kind]);
      catalogue.tag.push_back(static_cast<std::uint16_t>(kind));
      catalogue.author.push_back(0);
      catalogue.exposures.push_back(1);
      catalogue.item_mean.push_back(features[kVideoMeanRatio]);
      catalogue.video_features.insert(catalogue.video_features.end(), features, features + kVideoFeatures);
    }
  }
  for (std::size_t group = 0; group < world.groups; ++group)
    catalogue.raw_user_id.push_back(static_cast<std::int64_t>(group));
  catalogue.user_features = world.user_features;
  return catalogue;
}

Population make_tabular_population(const TabularWorld& world) {
  Population population;
  for (std::size_t group = 0; group < world.groups; ++group)
    population.start_user.insert(population.start_user.end(), world.group_starts[group],
                                 static_cast<std::uint32_t>(group));
  population.start_time_ms.assign(population.start_user.size(), kTabularStart);
  population.start_tab.assign(population.start_user.size(), 1);
  population.history_offset.assign(world.groups + 1, 0);
  return population;
}

}  // namespace

std::size_t TabularSimulator::state(const ObservationView& observation, std::size_t row) const noexcept {
  const std::size_t group = observation.user[row], newest = (row + 1) * observation.history_length - 1;
  const std::int32_t video = observation.history_video[newest];
  if (video < 0) return world.first_state(group);
  const std::size_t kind = simulator->catalogue.tag[static_cast<std::size_t>(video)];
  const float play_ms = observation.history_ratio[newest] * static_cast<float>(world.duration_ms[kind]);
  std::size_t nearest = 0;
  const auto distance = [&](std::size_t level) {
    return std::abs(static_cast<float>(world.play_ms[kind * world.levels + level]) - play_ms);
  };
  for (std::size_t level = 1; level < world.levels; ++level)
    if (distance(level) < distance(nearest)) nearest = level;
  return world.state_after(group, kind, nearest);
}

TabularSimulator make_tabular_simulator(const TabularWorld& world, std::size_t max_steps) {
  if (max_steps == 0) throw InputError("a tabular simulator for sessions of 0 steps: ask for at least 1");
  auto simulator = std::make_shared<Simulator>();
  simulator->catalogue = make_tabular_catalogue(world, max_steps);
  simulator->population = make_tabular_population(world);
  simulator->model = std::make_shared<TabularUserModel>(world, max_steps);
  simulator->fit = fit_notes({{"model", "tabular"}});
  return {world, std::move(simulator), std::make_shared<KindShelf>(world.kinds, max_steps)};
}

}  // namespace swipegym
