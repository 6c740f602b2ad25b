#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace swipegym {

/// The CSV files of a KuaiRand release, plain (.csv) or packed (.csv.gz, .csv.zst), each list in plain string order of
/// the names without their packing. video_features_statistic_*.csv is left alone: it is aggregated over the whole
/// period and would leak the future into a time split.
struct ReleaseFiles {
  std::filesystem::path folder;
  std::vector<std::filesystem::path> logs;    // log_random_*.csv and log_standard_*.csv
  std::vector<std::filesystem::path> users;   // user_features_*.csv
  std::vector<std::filesystem::path> videos;  // video_features_basic_*.csv
  std::uint64_t hidden = 0;  // files named like these behind a dot: a writer that did not end left them
};

/// Looks in `directory` (a release's root or its data folder). Throws InputError naming what is missing, a file that is
/// named like a part but not read, two files that are one part, and a root that has parts beside those of its data
/// folder.
ReleaseFiles find_release_files(const std::filesystem::path& directory);

}  // namespace swipegym
