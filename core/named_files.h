#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/json_text.h"

namespace swipegym {

/// The names of .h5 files that stand anywhere in a JSON file, such as a composition's policies, in their order; none of
/// what is no file of JSON: whoever reads that says what is wrong with it.
std::vector<std::string> hdf5_names_in(const std::filesystem::path& json);
/// The same of JSON that no file holds.
std::vector<std::string> hdf5_names_of(const Json& value);

}  // namespace swipegym
