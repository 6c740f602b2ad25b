#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "env/simulator.h"
#include "policy/policy.h"

namespace swipegym {

/// Policy files: HDF5 of kind "policy". An attribute "model" names the class that reads the rest, so that one call
/// loads every policy there is; a file without it is a value network's.
inline constexpr std::int64_t kPolicyVersion = 2;
inline constexpr std::string_view kPolicyKind = "policy";

PolicyHeader read_header(const Hdf5Reader& file);
/// What a policy file says of its network: enough to build one of the same shape. `Architecture` is a settings struct,
/// whose ranges hold here as in a settings file.
template <class Architecture>
Architecture read_architecture(const Hdf5Reader& file) {
  return config_from_text<Architecture>(file.read_text("architecture"), file.path().string() + ": architecture");
}
/// A model of a header and such an architecture, whose visit_fields() names what the latter has.
template <class Model>
std::shared_ptr<Model> read_model(const Hdf5Reader& file) {
  auto model = std::make_shared<Model>(read_architecture<Model>(file));
  model->header = read_header(file);
  return model;
}
/// Throws InputError unless the file is large enough for a layer between each two neighbours of `sizes`; two sizes are
/// those of a table. Asked before room is made for a network: a damaged architecture may want any.
void require_stored(const Hdf5Reader& file, std::string_view name, const std::vector<std::size_t>& sizes);

/// The header of the file at `path`. Throws InputError when it is no policy file of this version.
PolicyHeader read_policy_header(const std::filesystem::path& path);

/// Reads a policy of any kind and matches its videos to `catalogue` by raw id, so that a policy trained on one log or
/// simulator can act in another. Throws InputError for a file that is damaged, of another kind or version, of a model
/// this build does not know, or of another catalogue: it knows none of the videos. A remark where it knows fewer than
/// half of them.
std::shared_ptr<const Policy> load_policy(const std::filesystem::path& path, const Catalogue& catalogue);
inline std::shared_ptr<const Policy> load_policy(const std::filesystem::path& path, const Simulator& simulator) {
  return load_policy(path, simulator.catalogue);
}
/// Where learned policies come from by the path of their file: load_policy(), or whoever keeps them in memory.
using PolicySource = std::function<std::shared_ptr<const Policy>(const std::filesystem::path&, const Catalogue&)>;
inline PolicySource policy_files() {
  return [](const std::filesystem::path& path, const Catalogue& catalogue) { return load_policy(path, catalogue); };
}
/// A policy that was loaded, for a later catalogue: its videos by raw id, their statistics from that catalogue. Null
/// for models that only their files bring to another catalogue.
std::shared_ptr<const Policy> for_catalogue(const Policy& policy, const Catalogue& catalogue);

}  // namespace swipegym
