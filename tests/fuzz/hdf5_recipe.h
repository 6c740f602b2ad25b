#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "tests/fuzz/target.h"

namespace swipegym::fuzz {

/// A target whose inputs are recipes: lines of text that say how a valid HDF5 file, `image`, is damaged before `read`
/// is given its path. So inputs are short, can be read, and keep their meaning when the valid file changes.
///
///   history/classes: all max    a change of an object, as tests/hdf5_mutants.h names them
///   any 12345                   one drawn by this seed
///   byte 512 255                of the file
///   cut 1024                    the file, after so many bytes
///
/// Lines are followed in turn, those that do not suit the file are passed over.
Target hdf5_target(std::string image, std::function<void(const std::filesystem::path&)> read);

}  // namespace swipegym::fuzz
