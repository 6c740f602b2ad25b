#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/progress.h"
#include "env/truth/truth_model.h"
#include "env/truth/truth_platform.h"
#include "sim_data/dataset.h"
#include "sim_data/log_row.h"
#include "sim_data/statistics.h"

namespace swipegym {

/// What to synthesise.
struct SynthesisOptions {
  TruthOptions truth;
  PlatformTaste platform;
  std::uint64_t standard_rows = 0;  // 0: all users of the preset; else users are added until so many rows are reached
  std::uint64_t rows_per_part = 0;  // 0: one file a log; else parts of so many rows
  bool replace = false;             // an earlier release without a manifest too, see OutputFolder
  int threads = 0;                  // 0: all; never changes a byte
  Progress progress{};
};

/// One user's month, 2022-04-08 to 2022-05-08 in Beijing, in order of time: sessions that the platform fills, and from
/// 04-22 on sessions that the random-exposure experiment takes over. `user` and `video` are raw ids; source_row is not
/// filled in.
std::vector<LogRow> synthesise_user(const TruthModel& world, const TruthPlatform& platform, UserIndex user);

/// A synthetic KuaiRand in memory, as loading its files would give it, but without a fingerprint. Dense indices equal
/// raw ids.
Dataset synthesise_dataset(const SynthesisOptions& options);

/// What synthesise() made.
struct SynthesisReport {
  DataStatistics standard, random;
};

/// Writes a synthetic KuaiRand in its schema: log_standard_<preset>.csv, log_random_<preset>.csv (where the preset has
/// one), user_features_<preset>.csv, video_features_basic_<preset>.csv, and truth.json, from which the truth can be
/// rebuilt. Equal options give equal bytes. The folder appears when it is whole. Throws InputError when it cannot be
/// made or holds other files, and SystemError when the disk is full.
SynthesisReport synthesise(const SynthesisOptions& options, const std::filesystem::path& folder);

}  // namespace swipegym
