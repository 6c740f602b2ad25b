#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/hdf5_handle.h"

namespace swipegym {

/// Whether `name` and every group on the way to it are there. InputError for a link that leads out of the file or
/// anywhere else than to an object of it: files of ours hold hard links only.
bool hdf5_linked(hid_t file, const std::filesystem::path& path, const std::string& name);

/// Opens a data set of a file that may be damaged, or made to harm. All of its elements lie in the file itself,
/// contiguous or in chunks that are all there, packed by no other filters than ours; so what is allocated for them is
/// no more than what the file can hold. Everything else is an InputError that names file and object.
Hdf5Handle open_hdf5_dataset(hid_t file, const std::filesystem::path& path, const std::string& name);

/// Its extents; their product is a std::size_t once the data set is open.
std::vector<std::size_t> hdf5_shape(const Hdf5Handle& dataset);

std::uint64_t hdf5_file_bytes(hid_t file);

/// InputError unless the elements are stored as `type`, and the type is not shared with other objects.
void require_hdf5_type(const Hdf5Handle& stored, hid_t type, const std::filesystem::path& path,
                       const std::string& name);

}  // namespace swipegym
