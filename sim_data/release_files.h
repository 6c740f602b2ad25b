#pragma once

#include <filesystem>
#include <vector>

namespace swipegym {

/// The CSV files of a KuaiRand release, each list in plain string order of the names. video_features_statistic_*.csv is
/// left alone: it is aggregated over the whole period and would leak the future into a time split.
struct ReleaseFiles {
  std::filesystem::path folder;
  std::vector<std::filesystem::path> logs;    // log_random_*.csv and log_standard_*.csv
  std::vector<std::filesystem::path> users;   // user_features_*.csv
  std::vector<std::filesystem::path> videos;  // video_features_basic_*.csv
};

/// Looks in `directory` (a release's root or its data folder). Throws InputError naming what is missing.
ReleaseFiles find_release_files(const std::filesystem::path& directory);

}  // namespace swipegym
