#pragma once

#include <memory>

#include "env/candidate_source.h"
#include "env/seen_videos.h"
#include "tests/agents/toy_models.h"

namespace swipegym::test {

/// A user is in a good or a bad mood, and the newest video of the history tells which: an odd one leaves a good mood,
/// an even one a bad one (logged or watched now; half of the users begin in each). In a good mood everything is watched
/// whole. In a bad mood an even video is watched to .3, an odd one to .1. Whoever looks ahead shows odd videos in a bad
/// mood; but where users leave after every video nothing lies ahead, and the even one is better.
class MoodModel final : public ToyModel {
 public:
  explicit MoodModel(bool leaves) : leaves_(leaves) {}
  std::string_view name() const noexcept override { return "mood"; }
  std::size_t state_size() const noexcept override { return 1; }  // 1 in a good mood
  void begin(UserIndex user, std::int64_t, std::span<float> state) const override {
    state[0] = static_cast<float>(index_of(user) % 2);  // a toy user's newest logged video is odd iff the user is
  }

 protected:
  float ratio(std::uint32_t video, const float* state) const override {
    if (state[0] > 0.0F) return 1.0F;
    return video % 2 == 1 ? 0.1F : 0.3F;
  }
  bool move_on(std::uint32_t video, float* state) const override {
    state[0] = static_cast<float>(video % 2);
    return leaves_;
  }

 private:
  bool leaves_;
};

/// Videos of class 0 and 1 (index mod 4) are worth nothing, class 2 half and class 3 one. A session has two videos; the
/// shelf below makes the first one a door.
class DoorModel final : public ToyModel {
 public:
  std::string_view name() const noexcept override { return "doors"; }
  std::size_t state_size() const noexcept override { return 1; }  // videos shown

 protected:
  float ratio(std::uint32_t video, const float*) const override {
    constexpr float kWorth[] = {0.0F, 0.0F, 0.5F, 1.0F};
    return kWorth[video % 4];
  }
  bool move_on(std::uint32_t, float* state) const override { return ++state[0] >= 2.0F; }
};

/// Four slots. First there are doors of class 0 and 1. Behind a class 0 lies class 2, open. Behind a class 1 lies class
/// 3, which is masked in seven sessions of ten, with class 0 beside it: .3 on average, unless one reckons with what is
/// masked.
class DoorShelf final : public CandidateSource {
 public:
  std::string_view name() const noexcept override { return "doors"; }
  std::size_t slots() const noexcept override { return 4; }
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override {
    RandomStream random(request.key, request.stream);
    int classes[4] = {0, 1, 0, 1};
    bool is_masked = false;  // class 3 is
    if (!request.seen->watched().empty()) {
      const bool wrong_door = request.seen->watched().back() % 4 == 1;
      classes[0] = classes[2] = wrong_door ? 0 : 2;
      classes[1] = classes[3] = wrong_door ? 3 : 0;
      is_masked = random.uniform() < 0.7F;
    }
    for (int slot = 0; slot < 4; ++slot) {
      // The upper half of the slots draws from other videos than the lower, so that no slot repeats one.
      std::uint32_t video = 0;
      do {
        video = 4 * (random.below(25) + (slot >= 2 ? 25 : 0)) + static_cast<std::uint32_t>(classes[slot]);
      } while (request.seen->contains(video));
      videos[static_cast<std::size_t>(slot)] = static_cast<std::int32_t>(video);
      mask[static_cast<std::size_t>(slot)] = !(is_masked && classes[slot] == 3);
    }
  }
};

}  // namespace swipegym::test
