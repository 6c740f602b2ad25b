#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "env/observation_buffers.h"
#include "env/seen_videos.h"
#include "env/state_room.h"
#include "env/vector_env.h"
#include "env/video_range.h"

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;
class ListedCandidates;

/// The sessions of a VectorEnv as structure-of-arrays, and what is done to them a chunk at a time. Rows share nothing
/// that changes, so different chunks may run at the same time, each with its worker's own room.
class SessionRows {
 public:
  /// Room for one chunk's call of the model; one a worker, on its own cache lines.
  struct alignas(64) Worker {
    Worker(const UserModel& model, std::size_t slate);
    std::unique_ptr<UserModel::Scratch> scratch;
    std::array<std::uint32_t, kChunk> row;
    std::array<Shown, kChunk> shown;
    std::array<float*, kChunk> state;
    std::array<RandomKey, kChunk> key;
    std::array<std::uint32_t, kChunk> stream;
    std::array<Response, kChunk> response;
    std::vector<Expectation> said;              // room for what the model says of the same videos
    std::array<float, kChunk> expected, stays;  // where rewards are expectations: they, and P(the user stays)
    std::vector<std::int32_t> slate;            // [kChunk, K] videos to show
  };

  SessionRows(const Simulator& simulator, const CandidateSource& source, const VectorEnvConfig& config);
  /// What such rows take of memory, with so many candidates a step.
  static std::uint64_t bytes(const Simulator& simulator, std::size_t slots, const VectorEnvConfig& config);

  /// Starts episode 0 of `seed` in a row; its observation is complete after observe().
  void reset(std::size_t row, std::uint64_t seed);
  /// As above, at a start the caller names.
  void reset_at(std::size_t row, std::uint64_t seed, const SessionStart& start);
  /// Starts the episode behind the row's current one, whether that is over or not.
  void next_episode(std::size_t row);
  /// Lets the user of a row whose session is over come back after a gap that the model draws.
  void next_session(std::size_t row, UserModel::Scratch& scratch);
  /// Row i becomes what rows[i] >= i was, and there are so many rows. Outputs of the last step are lost.
  void keep(std::span<const std::uint32_t> rows);
  /// Row `to` becomes what row `from` of `other` is, rows of the same simulator, source and settings.
  void take_row(const SessionRows& other, std::size_t from, std::size_t to);
  /// How many rows there are, at most what there is room for; those that are new are stale.
  void set_rows(std::size_t rows) noexcept;
  /// With the full catalogue: only these videos may be chosen from here on.
  void offer(VideoRange videos) noexcept { on_offer_ = videos; }
  VideoRange on_offer() const noexcept { return on_offer_; }
  bool may_show(std::size_t row, std::uint32_t video) const noexcept {
    return on_offer_.contains(video) && !seen_[row].contains(video);
  }
  /// Videos on offer that a row was not shown, with the full catalogue.
  std::size_t choices(std::size_t row) const noexcept;
  /// All that rows hold between two sessions, and the way back; InputError unless the file's rows fit these.
  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group);
  /// Draws candidates and writes candidate features and mask of rows [begin, end).
  void observe(std::size_t begin, std::size_t end);
  /// Throws InputError when a row's actions are not a valid slate of what it was offered.
  void check(std::size_t row, std::span<const std::int32_t> actions) const;
  /// One step of rows [begin, end), at most kChunk; actions: [envs, K].
  void step(std::size_t begin, std::size_t end, std::span<const std::int32_t> actions, Worker& worker);

  bool finished(std::size_t row) const noexcept { return finished_[row] != 0; }
  std::size_t member(std::size_t row) const noexcept { return simulator_.model->member_of(response_key_[row]); }
  const SeenVideos& seen(std::size_t row) const noexcept { return seen_[row]; }
  const float* state(std::size_t row) const noexcept { return states_.at(row); }
  Shown shown_next(std::size_t row, std::int32_t video) const noexcept;
  std::uint32_t videos_shown(std::size_t row) const noexcept { return videos_shown_[row]; }
  std::int64_t start_ms(std::size_t row) const noexcept { return start_ms_[row]; }
  std::int64_t time_ms(std::size_t row) const noexcept { return time_ms_[row]; }

  const StepView& view() const noexcept { return view_; }
  ObservationView observation() const noexcept { return now_.view(); }

 private:
  float* state(std::size_t row) noexcept { return states_.at(row); }
  void move_row(std::size_t from, std::size_t to);
  template <class Self, class Visit>
  static void each_column(Self& self, const Visit& visit);
  void copy_columns(const SessionRows& other, std::size_t from, std::size_t to);
  void begin_episode(std::size_t row);
  void clear_session(std::size_t row);
  void begin_at(std::size_t row, const SessionStart& start);
  void clear_outputs(std::size_t row) noexcept;
  void choose(std::size_t row, std::span<const std::int32_t> actions, std::span<std::int32_t> slate) const;
  void redraw(std::size_t row, std::span<const std::int32_t> actions, std::span<std::int32_t> slate) const;
  void add_expected_rewards(std::size_t live, Worker& worker);
  void show(std::size_t row, std::size_t place, std::int32_t video, const Response& response);
  void shift_history(std::size_t row) noexcept;
  void write_context(std::size_t row) noexcept;
  void finish(std::size_t row, UserModel::Scratch& scratch);
  void list(std::size_t begin, std::size_t end, std::vector<std::int32_t>& lists) const;
  void draw_gap(std::size_t row, UserModel::Scratch& scratch);
  std::int64_t next_gap_ms(std::size_t row, UserModel::Scratch& scratch) const;

  const Simulator& simulator_;
  const CandidateSource& source_;
  const ListedCandidates* listed_;  // the same, where it is one that is asked for a chunk at a time; else null
  const VectorEnvConfig& config_;
  std::size_t slots_, slate_, costs_, excluded_;
  bool gaps_;  // whether anybody asks when users come back
  VideoRange on_offer_;

  std::vector<RandomKey> env_key_, candidate_key_, response_key_, redraw_key_;
  std::vector<std::uint32_t> episode_, step_, videos_shown_;
  std::vector<std::int64_t> start_ms_, time_ms_;
  std::vector<std::int64_t> last_shown_ms_;  // -1: not known
  std::vector<std::uint8_t> finished_;
  std::vector<SeenVideos> seen_;
  StateRoom states_;  // [envs]

  ObservationBuffers now_, final_;
  std::vector<float> reward_, stays_, cost_, gap_h_, watch_ratio_, watch_s_;
  std::vector<std::uint8_t> terminated_, truncated_, autoreset_;
  std::vector<std::uint32_t> consumed_;
  std::vector<std::int32_t> video_;
  std::vector<SignalBits> signals_;
  StepView view_;
};

}  // namespace swipegym
