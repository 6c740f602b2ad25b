#pragma once

#include <array>
#include <memory>
#include <vector>

#include "env/fitted/fitted_parts.h"
#include "env/fitted/response_pass.h"
#include "env/user_model.h"

namespace swipegym {

/// The predictive distribution of one shown video, before anything is drawn.
struct Prediction {
  std::array<float, WatchGrid::kBins> bin{};  // probabilities
  std::array<float, kNumSignals> signal{};    // marginal probabilities
  float leave = 0.0F;
  float watch_s = 0.0F;  // mean play time
};

/// The simulator's user model: watch, joint feedback, leave and return as fitted distributions
/// (docs/guide/simulator.md). A session's state is its UserHistory and, without members, the user's half of the first
/// layer. Of a posterior's members a session's key draws one, which answers all of the session; expectations and
/// predictions are means over members.
class FittedUserModel final : public UserModel {
 public:
  FittedUserModel(FittedParts parts, Clock clock);

  std::string_view name() const noexcept override { return "fitted"; }
  std::size_t state_size() const noexcept override;
  std::unique_ptr<Scratch> make_scratch() const override;
  void begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const override;
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch& scratch) const override;
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
              std::span<Expectation> out, Scratch& scratch) const override;
  void expect_watch(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                    std::span<Expectation> out, Scratch& scratch) const override;
  void advance(std::span<const Shown> shown, std::span<const Response> seen, std::span<float* const> states,
               ExposureKind exposure, Scratch& scratch) const override;
  std::int64_t draw_return_gap(UserIndex user, std::int64_t time_ms, std::span<const float> state, RandomKey key,
                               Scratch& scratch) const override;
  void begin_next_session(std::int64_t time_ms, std::span<float> state) const override;
  std::size_t num_members() const noexcept override { return parts_.num_members(); }
  std::size_t member_of(RandomKey session) const noexcept override;
  void expect_members(ExpectedPart part, std::span<const Shown> shown, std::span<const float* const> states,
                      ExposureKind exposure, std::span<Expectation> out, Scratch& scratch) const override;

  /// Predictive distributions of showing shown[i] after histories[i]; n <= kChunk.
  void predict(std::span<const Shown> shown, std::span<const UserHistory* const> histories, ExposureKind exposure,
               std::span<Prediction> out, Scratch& scratch) const;
  /// One joint draw from a prediction made by predict() in this scratch at row `row` (leaving included). A watch_level
  /// in [0, 1) places the play time at that quantile instead of at a drawn one; the signals are drawn all the same.
  Response draw(const Shown& shown, std::size_t row, RandomKey key, std::uint32_t stream, Scratch& scratch,
                float watch_level = -1.0F) const;
  /// The 99 percentiles (.01 to .99) of the watch ratio.
  void ratio_quantiles(const Prediction& prediction, std::int32_t duration_ms, std::span<float> out) const;

  /// Room for videos that are uploaded later: indices below `videos` are valid then, and copies of the first one until
  /// copy_video() makes one answered as another is. Neither may be called while somebody asks the model.
  void make_room(std::size_t videos);
  void copy_video(VideoIndex from, VideoIndex to, std::uint32_t author);

  /// The history that a session's state holds.
  static const UserHistory& history(const float* state) noexcept;

  const FittedParts& parts() const noexcept { return parts_; }
  Clock clock() const noexcept { return clock_; }

 private:
  struct Buffers;
  /// What shown[i] reads of at.histories[i].
  void read_histories(std::span<const Shown> shown, Buffers& at) const;
  /// Then, as at.pass.member says, to the probabilities and feedback terms of shown[i]; `states` has the users' halves,
  /// or is empty.
  void forward(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure, Buffers& at,
               ExpectedPart part = ExpectedPart::kAll) const;
  void forward_states(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                      Buffers& at) const;
  /// visit(member) for each, its answers to shown[i] in `at`.
  template <class Visit>
  void for_all_members(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                       Buffers& at, ExpectedPart part, const Visit& visit) const;
  /// Everything of an Expectation, or watch_s and watch_ratio alone, from the probabilities in `row`.
  void expect_row(const Shown& shown, std::size_t row, ExpectedPart part, Buffers& at, Expectation& out) const;
  void expect_mean(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                   ExpectedPart part, std::span<Expectation> out, Buffers& at) const;
  /// watch_s and watch_ratio of showing this, from the probabilities in `row`.
  void expect_play(const Shown& shown, std::size_t row, Buffers& at, Expectation& out) const;
  Response draw_row(const Shown& shown, std::size_t row, RandomKey key, std::uint32_t stream, float watch_level,
                    Buffers& at) const;
  void centre_on_prediction(const Shown& shown, const Response& response, std::size_t row, const UserHistory& history,
                            const Buffers& at, HistoryEvent& event) const noexcept;
  void remember(const Shown& shown, const Response& response, std::size_t row, ExposureKind exposure, const Buffers& at,
                UserHistory& past) const noexcept;
  float leave_shift() const noexcept { return clock_ == Clock::kDense ? parts_.dense_leave_shift : 0.0F; }

  FittedParts parts_;
  Clock clock_;
  ResponsePass pass_;
  // What centre_on_prediction averages over the bins: the click's column of the network's bin_effect, and the levels of
  // the random-exposure cells. The bins that only fill vectors up have probability 0.
  using BinRow = std::array<float, ResponsePass::kBinStride>;
  std::array<BinRow, kTabClasses> click_of_bin_{};
  std::array<std::array<BinRow, WatchGrid::kGroups>, kTabClasses> level_of_bin_{};
  std::vector<UserHistory> last_history_;  // [users]
};

}  // namespace swipegym
