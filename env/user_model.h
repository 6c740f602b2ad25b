#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/random.h"
#include "sim_data/log.h"

namespace swipegym {

/// Work is cut into chunks of this many sessions whatever the thread count: a remainder row takes another code path in
/// a matrix product, so chunk borders must not move.
inline constexpr std::size_t kChunk = 64;

/// A standard row was shown because the platform, which knows more than our features, expected it to be liked; a
/// policy's choice was not. The two answers differ, and `step` always asks for the second.
enum class ExposureKind : std::uint8_t { kLogged, kInterventional };

/// Which hazard ends a session: as fitted on the thinned log, or shifted to sessions of a realistic length.
enum class Clock : std::uint8_t { kLog, kDense };

/// One video shown to one session.
struct Shown {
  UserIndex user{};
  VideoIndex video{};
  std::int64_t time_ms = 0;
  std::int32_t duration_ms = 0;  // > 0
  std::uint8_t tab = 1;
};

/// What the user did with it.
struct Response {
  float watch_ratio = 0.0F;  // play_ms / duration_ms
  std::int32_t play_ms = 0;
  SignalBits signals = 0;
  bool leaves = false;  // the session ends after this video
};

/// What the model expects, without a draw.
struct Expectation {
  float watch_ratio = 0.0F;        // mean of the ratio, clipped as the model says
  float watch_s = 0.0F;            // mean play time in seconds
  float signal[kNumSignals] = {};  // probability of each signal
  float leave = 0.0F;              // probability of leaving after this video
};

/// Which part of an Expectation somebody looks at: all of it, or watch_ratio and watch_s, which takes less time.
enum class ExpectedPart : std::uint8_t { kAll, kWatch };

/// How a user answers videos: the one seam of the environment. Implementations are immutable after construction and
/// callable from many threads; everything that changes lives in the session's `state` (state_size() floats, owned by
/// the caller, trivially copyable) and in a Scratch made per worker.
class UserModel {
 public:
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };

  virtual ~UserModel() = default;
  virtual std::string_view name() const noexcept = 0;
  virtual std::size_t state_size() const noexcept = 0;
  virtual std::unique_ptr<Scratch> make_scratch() const = 0;

  /// Fills the state of a session of `user` that starts at `time_ms`, with the user's history as of the fitted log.
  virtual void begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const = 0;

  /// Draws the answers to shown[i] in states[i] (n <= kChunk rows; states[i] has state_size() floats) and moves each
  /// state on. Row i draws from stream `streams[i]` of keys[i] only, so rows do not depend on each other.
  virtual void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
                       std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
                       Scratch& scratch) const = 0;

  /// Expectations of showing shown[i] next in states[i]; several rows may name the same state; n <= kChunk.
  virtual void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                      std::span<Expectation> out, Scratch& scratch) const = 0;

  /// expect() for who looks at watch_ratio and watch_s only: these have the same bits. A model that saves time by it
  /// leaves the other fields 0; here it is expect() itself.
  virtual void expect_watch(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                            std::span<Expectation> out, Scratch& scratch) const;
  void expect_part(ExpectedPart part, std::span<const Shown> shown, std::span<const float* const> states,
                   ExposureKind exposure, std::span<Expectation> out, Scratch& scratch) const {
    if (part == ExpectedPart::kWatch) return expect_watch(shown, states, exposure, out, scratch);
    expect(shown, states, exposure, out, scratch);
  }

  /// A model may be several, members of a posterior that differ by what the log leaves open: each
  /// session is answered by the one that its key draws, and expect() is their mean. This one tells what each of them
  /// expects of shown[i]: out[member * n + i], [num_members(), n].
  virtual std::size_t num_members() const noexcept { return 1; }
  virtual std::size_t member_of([[maybe_unused]] RandomKey session) const noexcept { return 0; }
  virtual void expect_members(ExpectedPart part, std::span<const Shown> shown, std::span<const float* const> states,
                              ExposureKind exposure, std::span<Expectation> out, Scratch& scratch) const {
    expect_part(part, shown, states, exposure, out, scratch);
  }

  /// Moves the states on as if shown[i] had been answered by seen[i], whoever drew that answer; n <= kChunk. For models
  /// that look on while somebody else answers. Throws InputError when this one cannot.
  virtual void advance(std::span<const Shown> shown, std::span<const Response> seen, std::span<float* const> states,
                       ExposureKind exposure, Scratch& scratch) const;

  /// Milliseconds from the end of this session to the same user's next one; draws from `key`.
  virtual std::int64_t draw_return_gap(UserIndex user, std::int64_t time_ms, std::span<const float> state,
                                       RandomKey key, Scratch& scratch) const = 0;

  /// Tells the state that a gap of this length passed and a new session begins at `time_ms`.
  virtual void begin_next_session(std::int64_t time_ms, std::span<float> state) const = 0;
};

}  // namespace swipegym
