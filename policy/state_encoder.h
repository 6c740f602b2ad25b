#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/range.h"
#include "env/observation.h"
#include "nn/matrix.h"
#include "policy/item_inputs.h"

namespace swipegym {

struct StateEncoderConfig {
  float fast_decay = 0.8F;    // weight of a video falls by this with each newer one: what was just watched
  float slow_decay = 0.97F;   // the same for standing taste
  std::size_t recent = 3;     // newest videos that enter one by one
  bool session_clock = true;  // use context 0 and 1, the position in the session; logged rows do not know it
  bool cross = true;          // cross features; without them a whole catalogue is searched by products
};

template <class Visitor>
void visit_fields(Visitor& visit, StateEncoderConfig& config) {
  visit("fast_decay", config.fast_decay, between(0, 1));
  visit("slow_decay", config.slow_decay, between(0, 1));
  visit("recent", config.recent, between(0, 200));
  visit("session_clock", config.session_clock);
  visit("cross", config.cross);
}

/// Describes a session by fixed arithmetic on its observation; what is learned comes after it (ValueNetwork).
///
/// A state row holds user features, context, weighted means of the watched videos' features and ratios, the newest
/// videos, and for each tag its fast and slow weight and how much better than usual its videos were watched. Cross
/// features hold a candidate against the history: how much of its tag and author was watched lately and how much better
/// than usual, and the same for videos of like duration. Ratios are clipped to 2 here.
class StateEncoder {
 public:
  static constexpr std::size_t kCross = 8;

  /// The newest videos of the encoded rows, one row behind the other, oldest first, without padding: row i has
  /// [offset[i], offset[i + 1]). For networks that read a history in its order.
  struct Watched {
    std::vector<std::uint32_t> offset = {0};
    std::vector<std::int32_t> video;
    std::vector<float> ratio;  // clipped to 2
  };

  /// What cross() and a sequence encoder need of the encoded rows; made once a worker and reused.
  struct Histories {
    Watched watched;
    std::size_t stride = 0;
    std::vector<std::int32_t> author;        // [rows, stride], -1 where there is none
    std::vector<float> deviation, duration;  // [rows, stride]: ratio minus the row's mean; log duration
    std::vector<float> fast, slow;           // [rows, stride] weights, 0 for padding
    std::vector<std::int32_t> last_tag;      // [rows]
  };

  /// `items` must outlive the encoder. `watched` newest videos of each row are kept in their order.
  StateEncoder(const StateEncoderConfig& config, const ItemInputs& items, std::size_t watched = 0);

  std::size_t state_size() const noexcept { return size_; }
  /// The same before there is an encoder.
  static std::size_t state_size(const StateEncoderConfig& config, std::size_t num_tags) noexcept;

  /// Rows [first, first + count) of the observation into rows 0, 1, ... of `states`, which has at least that many.
  void encode(const ObservationView& observation, std::size_t first, std::size_t count, Matrix& states,
              Histories& histories) const;
  /// The same for any rows of the observation.
  void encode(const ObservationView& observation, std::span<const std::uint32_t> rows, Matrix& states,
              Histories& histories) const;
  /// Cross features of `video` against encoded row `row`; zeros where the settings leave them out.
  void cross(const Matrix& states, const Histories& histories, std::size_t row, std::int32_t video, float* out) const;

 private:
  template <class RowOf>
  void encode_rows(const ObservationView& observation, std::size_t count, const RowOf& row_of, Matrix& states,
                   Histories& histories) const;
  void append_watched(const ObservationView& observation, std::size_t row, Watched& watched) const;
  void encode_row(const ObservationView& observation, std::size_t row, float* state, Histories& histories,
                  std::size_t to) const;

  StateEncoderConfig config_;
  const ItemInputs* items_;
  std::size_t watched_ = 0;
  std::size_t tags_ = 0;                                                // tags beyond this many share places
  std::size_t size_ = 0, tag_fast_ = 0, tag_slow_ = 0, tag_liked_ = 0;  // offsets of the tag blocks
};

}  // namespace swipegym
