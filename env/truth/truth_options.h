#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/range.h"

namespace swipegym {

/// The synthetic worlds: sizes and aggregates of KuaiRand-Pure and KuaiRand-1K, and a tiny one for tests.
enum class TruthPreset : std::uint8_t { kTiny, kPure, k1k };

/// The name a command line and truth.json use: tiny, pure, 1k.
std::string_view preset_name(TruthPreset preset) noexcept;
/// Throws InputError that lists the names.
TruthPreset parse_preset(std::string_view name);

inline constexpr Range kHiddenSignal = between(0, 3);
inline constexpr Range kTasteDrift = between(0, 10);
inline constexpr Range kReturnListens = between(0, 10);
inline constexpr Range kTruthSessionVideos = between(2, 200).or_value(0);

/// A video that a creator of a platform uploaded, from which TruthWorld::upload() makes it again.
struct TruthUpload {
  std::uint32_t author = 0;  // raw id
  std::int32_t day = 0;      // of its season
  std::uint8_t tag = 0;      // the tag it imitates; 0: none
  std::uint64_t season = 0;
};

/// Everything a synthetic world is made of; equal options give equal worlds, on any machine of one processor type.
struct TruthOptions {
  TruthPreset preset = TruthPreset::kTiny;
  std::uint64_t seed = 1;
  /// Off: nothing that is shown changes anything later (tastes stand still, the leave hazard depends on user and
  /// position only), so that planning ahead cannot pay. On: boredom, satisfaction and drift work.
  bool satiation = true;
  /// How strongly what is watched moves the tastes, where satiation is on: 1 as ever, 0 not at all; else steps and
  /// bounds of the drift are so many times as large.
  double taste_drift = 1.0;
  /// How strongly the gap until the next visit listens to the session's satisfaction, where satiation is on: 1 as ever,
  /// 0 not at all.
  double return_listens = 1.0;
  /// How strongly the platform's hidden knowledge selects the videos of the standard log; 0 switches it off and makes
  /// the logged and the interventional response equal. 1 reproduces the gap between KuaiRand's two logs.
  double hidden_signal = 1.0;
  /// 0: sessions as long as the log's. Else the leave hazard is scaled so that the platform's own mean session has this
  /// many videos, in [2, 200].
  double mean_session_videos = 0.0;
  /// Of a platform's season: the raw ids behind the preset's videos are these, in their order.
  std::vector<TruthUpload> uploads = {};
};

/// Throws InputError naming the option that is out of its range.
void check(const TruthOptions& options);

/// The contents of truth.json: one object with the keys preset, seed, satiation, hidden_signal, mean_session_videos,
/// taste_drift and return_listens where they are not 1, and uploads where there are any.
std::string truth_json(const TruthOptions& options);
/// Reads what truth_json wrote. A missing key keeps its default; an unknown key, a wrong type or a value out of range
/// is an InputError that names it.
TruthOptions parse_truth_json(std::string_view text);

}  // namespace swipegym
