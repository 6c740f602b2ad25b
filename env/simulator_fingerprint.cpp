#include "env/simulator_fingerprint.h"

#include <array>
#include <bit>
#include <string_view>
#include <vector>

namespace swipegym {
namespace {

class Hash {
 public:
  void add(std::uint64_t word) noexcept {
    const auto product = static_cast<unsigned __int128>(word ^ state_) * 0x9E3779B97F4A7C15U;
    state_ = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ ++words_;
  }
  void add(float value) noexcept { add(std::uint64_t{std::bit_cast<std::uint32_t>(value)}); }
  template <class T>
  void add(const std::vector<T>& values) noexcept {
    add(std::uint64_t{values.size()});
    for (const T value : values) {
      if constexpr (std::is_same_v<T, float>)
        add(value);
      else
        add(static_cast<std::uint64_t>(value));
    }
  }
  void add(std::string_view text) noexcept {
    add(std::uint64_t{text.size()});
    for (const char c : text) add(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  }
  std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0x243F6A8885A308D3U, words_ = 0;
};

std::string settings_of(const Simulator& simulator) {
  Json settings = simulator.fit.all;
  if (settings.is_null()) return "";
  settings.erase("data");  // where the rows lay is no part of it
  return settings.dump();
}

// What the model expects of starts spread over the population, each shown a video of its own.
void add_expectations(const Simulator& simulator, Hash& hash) {
  const Population& population = simulator.population;
  const std::size_t starts = population.start_user.size(), videos = simulator.catalogue.num_videos();
  if (simulator.model == nullptr || starts == 0 || videos == 0) return;
  const UserModel& model = *simulator.model;
  std::vector<float> states(kChunk * model.state_size());
  std::array<Shown, kChunk> shown;
  std::array<const float*, kChunk> state;
  std::array<Expectation, kChunk> expected;
  for (std::size_t i = 0; i < kChunk; ++i) {
    const std::size_t start = i * starts / kChunk, video = i * videos / kChunk;
    const std::span<float> mine(states.data() + i * model.state_size(), model.state_size());
    shown[i] = {UserIndex{population.start_user[start]}, VideoIndex{static_cast<std::uint32_t>(video)},
                population.start_time_ms[start], simulator.catalogue.duration_ms[video], population.start_tab[start]};
    model.begin(shown[i].user, shown[i].time_ms, mine);
    state[i] = mine.data();
  }
  model.expect(shown, state, ExposureKind::kInterventional, expected, *model.make_scratch());
  for (const Expectation& one : expected) {
    hash.add(one.watch_ratio), hash.add(one.watch_s), hash.add(one.leave);
    for (const float probability : one.signal) hash.add(probability);
  }
}

}  // namespace

std::uint64_t simulator_fingerprint(const Simulator& simulator) {
  const Catalogue& catalogue = simulator.catalogue;
  const Population& population = simulator.population;
  Hash hash;
  hash.add(catalogue.raw_video_id), hash.add(catalogue.raw_user_id), hash.add(catalogue.duration_ms);
  hash.add(catalogue.tag), hash.add(catalogue.author), hash.add(catalogue.exposures);
  hash.add(catalogue.video_features), hash.add(catalogue.user_features);
  hash.add(population.start_user), hash.add(population.start_time_ms), hash.add(population.start_tab);
  hash.add(population.history_video), hash.add(population.history_ratio), hash.add(population.history_signals);
  hash.add(std::string_view(settings_of(simulator)));
  hash.add(simulator.data_fingerprint);
  add_expectations(simulator, hash);
  return hash.value();
}

}  // namespace swipegym
