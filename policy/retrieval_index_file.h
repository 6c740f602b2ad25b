#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "policy/retrieval_index.h"

namespace swipegym {

/// A file of one index: HDF5 of kind "index". Its vectors are not in it, a hash of them is.
inline constexpr std::int64_t kIndexVersion = 1;
inline constexpr std::string_view kIndexKind = "index";

/// A hash of the bits of `items` [n, d] and of their number.
std::uint64_t hash_rows(const Matrix& items) noexcept;

/// `items` are the rows that the index was made of.
void save_index_file(const RetrievalIndex& index, const Matrix& items, const std::filesystem::path& path);

/// The index of `items` at `path`. Throws InputError for a file that is damaged, and for one of other vectors or of
/// other `links` or `ef_construction` than `config` says. `config.ef` may be another.
RetrievalIndex load_index_file(const std::filesystem::path& path, const Matrix& items,
                               const RetrievalIndexConfig& config);

/// The index of `items`: read from `path` when there is a file, else made and kept there.
RetrievalIndex keep_index_file(const std::filesystem::path& path, const Matrix& items,
                               const RetrievalIndexConfig& config);

}  // namespace swipegym
