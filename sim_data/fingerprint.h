#pragma once

#include <cstdint>
#include <string>

#include "sim_data/log_row.h"
#include "sim_data/tables.h"

namespace swipegym {

/// A hash of a row, its position in the files included.
std::uint64_t hash_row(const LogRow& row) noexcept;

/// A hash of every cell of the tables.
std::uint64_t hash_tables(const UserTable& users, const VideoTable& videos);

/// Row hashes are added (each knows its own position), so rows may be visited in any order and in parallel.
std::uint64_t combine_fingerprint(std::uint64_t tables, std::uint64_t sum_of_row_hashes, std::uint64_t rows) noexcept;

/// 16 hexadecimal digits, as every table and file prints it.
std::string fingerprint_text(std::uint64_t fingerprint);

}  // namespace swipegym
