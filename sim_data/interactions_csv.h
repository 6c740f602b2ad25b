#pragma once

#include <filesystem>

#include "sim_data/dataset.h"

namespace swipegym {

/// The watch time that stands for an interaction whose file has no durations.
inline constexpr std::int32_t kAssumedDurationMs = 10'000;

/// Reads a plain log of interactions, as public recommender data sets have it, into a store at `out`. The file is
/// CSV or tab-separated with a header; columns are found by name, in any order, others are ignored:
///
///   user       integer    (or user_id, userId)
///   item       integer    (or item_id, itemId, movieId, video_id)
///   timestamp  Unix time, seconds, or milliseconds from 100,000,000,000 on (or time, time_ms)
///   rating     optional, a number >= 0
///   duration, play   optional, both or neither: seconds (or duration_ms, play_ms)
///
/// A name may carry a type behind a colon ("user_id:token"). Without durations every interaction is a video of 10 s:
/// watched for rating / (largest rating) of it, or to the end where there are no ratings; the report counts these rows.
/// A rating of at least .8 of the largest is a like. Days are Kuaishou's (UTC+8), as everywhere in the project.
/// Of `options` skip_bad_rows, threads and progress matter. Throws InputError with line and column for a bad cell.
LoadReport import_interactions(const std::filesystem::path& csv, const std::filesystem::path& out,
                               const LoadOptions& options = {});

}  // namespace swipegym
