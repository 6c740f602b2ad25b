#pragma once

#include <filesystem>

#include "sim_data/csv/interaction_columns.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// The watch time that stands for an interaction whose file has no durations.
inline constexpr std::int32_t kAssumedDurationMs = 10'000;
/// The share of the largest rating from which on a row is a like.
inline constexpr double kLikedShare = 0.8;

/// Reads a plain log of interactions, as public recommender data sets have it, into a store at `out`: one file or pipe,
/// packed or not, a row an interaction, with columns of user, item, time and perhaps rating, duration and play, or the
/// ratio of these two. docs/guide/data.md says which names and separators are known and what becomes of a rating. Ids
/// are integers, or texts where any is not (IdTexts). Days are Kuaishou's (UTC+8), as everywhere in the project. Of
/// `options` skip_bad_rows, threads and progress matter. Throws InputError with line and column for a bad cell.
LoadReport import_interactions(const std::filesystem::path& csv, const std::filesystem::path& out,
                               const LoadOptions& options = {}, const InteractionFormat& format = {});

}  // namespace swipegym
