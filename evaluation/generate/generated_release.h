#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "core/output_folder.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/dataset.h"
#include "sim_data/log_row.h"

namespace swipegym {

struct ReleaseFormat {
  bool random_log = false;          // rows go to log_random_*, as uniform exposures do, instead of log_standard_*
  bool propensity = true;           // a 20th column
  std::uint64_t rows_per_part = 0;  // 0: one file
  bool replace = false;             // an earlier release without a manifest too, see OutputFolder
};

/// Writes generated rows as a KuaiRand release: the log in parts, and the feature tables of the data the simulator was
/// fitted on, so that the folder is a valid --data. The folder appears when commit() succeeds.
class GeneratedRelease {
 public:
  GeneratedRelease(const std::filesystem::path& folder, const UserTable& users, const VideoTable& videos,
                   const ReleaseFormat& format);
  void add(std::span<const LogRow> rows);
  void commit();

 private:
  OutputFolder folder_;
  const UserTable& users_;
  const VideoTable& videos_;
  LogCsvWriter log_;
};

}  // namespace swipegym
