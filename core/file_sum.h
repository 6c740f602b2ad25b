#pragma once

#include <cstdint>
#include <filesystem>

#include "core/byte_sum.h"

namespace swipegym {

/// byte_sum() of a file's contents; `sum` is that of what came before. InputError for a file that cannot be read.
std::uint64_t file_sum(const std::filesystem::path& path, std::uint64_t sum = kNoBytes);

}  // namespace swipegym
