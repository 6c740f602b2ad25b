#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agents/offline/offline_config.h"
#include "agents/supervised_task.h"
#include "nn/matrix.h"

namespace swipegym {

/// What a video is judged by: the last one is the main reward, those before it are the auxiliaries.
inline constexpr std::size_t kOfflineResponses = 5, kOfflineMain = 4;
inline constexpr std::array<std::string_view, kOfflineResponses> kOfflineResponseNames = {"click", "like", "comment",
                                                                                          "hate", "watch"};
/// +1 where more is better, -1 for hate.
inline constexpr std::array<float, kOfflineResponses> kOfflineSigns = {1.0F, 1.0F, 1.0F, -1.0F, 1.0F};

/// Transitions among K actions, from a log cut by time: training rows first, then validation rows, then test rows, so
/// that no later day moves an earlier row.
struct OfflineRows {
  std::size_t actions = 0;                                     // K
  Matrix states;                                               // [rows, inputs]
  std::vector<std::int32_t> action;                            // [rows], in [0, K)
  std::vector<std::int32_t> next;                              // [rows] the row of s'; -1: nothing follows
  std::vector<std::uint32_t> user;                             // [rows]
  std::array<std::vector<float>, kOfflineResponses> response;  // [rows] each as logged, 0 or 1; watch in seconds
  std::vector<std::uint32_t> train, validate, test;            // row numbers, ascending
  std::vector<std::uint32_t> video;                            // [K] video index of each action

  std::size_t size() const noexcept { return action.size(); }
};

/// The standard rows of known duration of the task's training, validation and test days that show one of the K videos
/// which the training days show most. s' is the same user's next such row; a user's last row of a part ends there, so
/// that no part looks into another.
///
/// A state is what StateEncoder makes of the row as an agent met it: the user's tables, the time, and the videos of
/// strictly earlier rows, in whichever part they lie; the user's own statistics count strictly earlier rows too, where
/// a catalogue would count the row itself. Each input is put in units of its training rows' mean and deviation.
///
/// Throws InputError for settings that make no sense, for more actions than videos, and for a part without rows.
OfflineRows make_offline_rows(const SupervisedTask& task, const OfflineConfig& config);

}  // namespace swipegym
