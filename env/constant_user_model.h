#pragma once

#include <cstdint>
#include <memory>

#include "env/simulator.h"

namespace swipegym {

/// The smallest legal user model: every video is watched to the same ratio with the same signals, and the user leaves
/// after a fixed number of videos. Nothing is random. Tests use it, and it shows what a UserModel must do.
class ConstantUserModel final : public UserModel {
 public:
  struct Options {
    int leave_after = 3;       // videos a session; the answer to the last one says `leaves`
    float watch_ratio = 0.5F;  // of every video
    SignalBits signals = 0;    // given to every video
    std::int64_t return_gap_ms = 86'400'000;
  };

  explicit ConstantUserModel(Options options) : options_(options) {}

  std::string_view name() const noexcept override { return "constant"; }
  // One float: the number of videos this session has been shown. Everything that changes lives here, so that the model
  // itself is immutable and any number of threads and sessions can share it.
  std::size_t state_size() const noexcept override { return 1; }
  // Nothing is computed in matrices, so nothing needs room.
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }

  void begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const override;
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch& scratch) const override;
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
              std::span<Expectation> out, Scratch& scratch) const override;
  void advance(std::span<const Shown> shown, std::span<const Response> seen, std::span<float* const> states,
               ExposureKind exposure, Scratch& scratch) const override;
  std::int64_t draw_return_gap(UserIndex user, std::int64_t time_ms, std::span<const float> state, RandomKey key,
                               Scratch& scratch) const override;
  void begin_next_session(std::int64_t time_ms, std::span<float> state) const override;

 private:
  Options options_;
};

/// A world without data, for tests: features, durations, tags and exposures follow from the indices alone. Durations
/// are 10 s + (index mod 50) s, exposures fall with the index, each user has `history` logged videos.
struct ToyWorld {
  std::size_t num_users = 20;
  std::size_t num_videos = 500;
  std::size_t history = 5;
};
Catalogue make_toy_catalogue(const ToyWorld& world);
Population make_toy_population(const ToyWorld& world);
std::shared_ptr<const Simulator> make_constant_simulator(const ConstantUserModel::Options& options,
                                                         const ToyWorld& world = {});

}  // namespace swipegym
