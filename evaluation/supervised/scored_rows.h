#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/progress.h"
#include "policy/policy.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// A policy's score of each logged row: the row's video as the only candidate, offered to the row's user at its time,
/// after the user's strictly earlier rows. `catalogue` is the one the policy was loaded for, of the same data set. A
/// score depends on its row alone, so neither the other rows nor `threads` change a bit of it.
std::vector<float> score_rows(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                              std::span<const std::uint32_t> rows, int threads, const Progress& progress = {});

/// Writes user_id, video_id, time_ms, score, head: one line a row, in the order given. The score has nine digits, which
/// bring back the same float.
void write_scores(const std::filesystem::path& path, const Dataset& data, std::span<const std::uint32_t> rows,
                  std::span<const float> scores, std::string_view head);

}  // namespace swipegym
