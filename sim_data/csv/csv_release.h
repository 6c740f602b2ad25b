#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "sim_data/dataset.h"
#include "sim_data/log_row.h"

namespace swipegym {

/// The feature tables of a release, read before its rows.
struct ReleaseTables {
  UserTable users;
  VideoTable videos;
  std::string truth;  // contents of truth.json, or empty
};

/// What the rows added up to.
struct ReleaseRows {
  std::uint64_t rows = 0;         // handed to the sink
  std::uint64_t fingerprint = 0;  // of the tables and those rows
};

/// Reads a release: first on_tables(tables), once, then on_rows(rows) with the rows asked for in the order of a Log
/// (repeated ones dropped), a piece at a time. With a spill folder memory does not grow with the rows. Fills `counts`.
ReleaseRows read_release(const std::filesystem::path& directory, const LoadOptions& options,
                         const std::filesystem::path& spill_folder, LoadReport& counts,
                         const std::function<void(ReleaseTables&&)>& on_tables,
                         const std::function<void(std::span<const LogRow>)>& on_rows);

}  // namespace swipegym
