#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/random.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// The candidate sets a log's rows were chosen from, in the order of the log's files (Log::source_row). What a log must
/// bring beside propensities before another policy can be judged by it: its choice depends on what was offered.
struct LoggedCandidates {
  std::size_t slots = 0;            // m
  std::vector<std::int32_t> video;  // [rows, m] video indices of the data set; -1: a slot that could not be chosen

  std::size_t rows() const noexcept { return slots == 0 ? 0 : video.size() / slots; }
  /// Throws InputError unless it is a table of rows and slots.
  void validate() const;
};

/// HDF5 of kind "candidates", by raw video ids. Throws InputError when `path` cannot be written.
void save_candidates(const LoggedCandidates& candidates, const VideoTable& videos, const std::filesystem::path& path);
/// Throws InputError when the file is damaged, or names videos the table does not have.
LoggedCandidates load_candidates(const std::filesystem::path& path, const VideoTable& videos);

/// Says among what a logged row's video is judged: fills the candidates and their mask (1: may be chosen), and returns
/// the slot of the logged video. `draw` counts the sets asked for a row. Callable from several threads.
using CandidatesOf = std::function<std::size_t(std::uint32_t row, std::size_t draw, std::span<std::int32_t> videos,
                                               std::span<std::uint8_t> mask)>;

/// The sets that were really offered. Throws InputError, then or when called, where they are not those of the log's
/// rows. Both must outlive the result.
CandidatesOf offered_candidates(const LoggedCandidates& candidates, const Log& log);

/// For rows whose video was drawn uniformly from a pool: the logged video among m - 1 others of the pool, drawn
/// uniformly, in a slot drawn uniformly. Given the set, each of its videos was equally likely to be the logged one, so
/// that the chance of the logged one is 1 / m.
CandidatesOf redrawn_candidates(const Log& log, std::vector<std::uint32_t> pool, RandomKey key);

/// The videos that random rows of the log show, in order of their indices: the pool they were drawn from.
std::vector<std::uint32_t> random_pool(const Log& log);

}  // namespace swipegym
