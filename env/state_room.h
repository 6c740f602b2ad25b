#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// Room for states of a user model (UserModel::begin), each of which starts on its own cache line. Not copied: where
/// the first line begins depends on the address.
class StateRoom {
 public:
  StateRoom(std::size_t states, std::size_t floats) : floats_(floats), room_(states * stride() + kFloatsALine) {
    const auto address = reinterpret_cast<std::uintptr_t>(room_.data()) / sizeof(float);
    first_ = (kFloatsALine - address % kFloatsALine) % kFloatsALine;
  }
  StateRoom(StateRoom&&) noexcept = default;
  StateRoom& operator=(StateRoom&&) noexcept = default;

  /// Floats from a state to the next.
  std::size_t stride() const noexcept { return stride_of(floats_); }
  static std::size_t stride_of(std::size_t floats) noexcept {
    return (floats + kFloatsALine - 1) / kFloatsALine * kFloatsALine;
  }
  float* at(std::size_t state) noexcept { return room_.data() + first_ + state * stride(); }
  const float* at(std::size_t state) const noexcept { return room_.data() + first_ + state * stride(); }
  std::span<float> of(std::size_t state) noexcept { return {at(state), floats_}; }

 private:
  static constexpr std::size_t kFloatsALine = 16;

  std::size_t floats_, first_ = 0;
  std::vector<float> room_;
};

}  // namespace swipegym
