#include "core/output_folder.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "core/config.h"
#include "core/error.h"
#include "core/output_file.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "swipegym";

using Sizes = std::map<std::string, std::uint64_t>;  // in name order, so that equal folders have equal manifests

Sizes sizes_in(const fs::path& folder) {
  Sizes sizes;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    sizes[entry.path().filename().string()] = entry.file_size();
  return sizes;
}

void write_manifest(const fs::path& folder) {
  Json files = Json::object();
  for (const auto& [name, bytes] : sizes_in(folder)) files[name] = bytes;
  const Json manifest = {{"program", kProgram}, {"version", SWIPEGYM_VERSION}, {"files", files}};
  write_file(folder / kManifestName, manifest.dump(1) + "\n");
}

// What a manifest of ours lists; empty when there is none.
Sizes read_manifest(const fs::path& folder) try {
  const Json manifest = read_json(folder / kManifestName);
  Sizes sizes;
  if (!manifest.is_object() || manifest.value("program", Json()) != kProgram || !manifest.contains("files")) return {};
  for (const auto& [name, bytes] : manifest["files"].items())
    if (bytes.is_number_unsigned()) sizes[name] = bytes.get<std::uint64_t>();
  return sizes;
} catch (const InputError&) {
  return {};
}

// The manifest is written last, so a file that is younger was changed, or copied, since.
bool is_as_written(const fs::directory_entry& file, const Sizes& sizes, fs::file_time_type manifest_time) {
  const auto listed = sizes.find(file.path().filename().string());
  return listed != sizes.end() && file.is_regular_file() && !file.is_symlink() && file.file_size() == listed->second &&
         file.last_write_time() <= manifest_time;
}

void require_as_written(const fs::path& path, const fs::directory_entry& file, const Sizes& sizes,
                        fs::file_time_type manifest_time) {
  if (is_as_written(file, sizes, manifest_time)) return;
  const std::string name = file.path().filename().string();
  if (sizes.empty())
    throw InputError(
        fmt::format("{}: holds '{}' and no {} that says this program wrote it, and would be replaced; choose another "
                    "folder, or --replace if it is a release that may go",
                    path.string(), name, kManifestName));
  throw InputError(fmt::format(
      "{}: '{}' is not as this program wrote it, and would be replaced; choose another folder, or --replace "
      "if it may go",
      path.string(), name));
}

}  // namespace

void require_replaceable(const fs::path& path, const KnownNames& known, bool replace) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  if (!fs::is_directory(path, error))
    throw InputError(fmt::format("{}: is a file, expected the name of a folder to write", path.string()));
  const Sizes sizes = read_manifest(path);
  const fs::file_time_type written = fs::last_write_time(path / kManifestName, error);  // long ago without one
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
      const std::string name = entry.path().filename().string();
      if (name == kManifestName) continue;
      if (entry.is_directory() || (sizes.count(name) == 0 && !known(name)))
        throw InputError(
            fmt::format("{}: holds '{}', which this command did not write, and would be replaced; choose another "
                        "folder or an empty one",
                        path.string(), name));
      if (!replace) require_as_written(path, entry, sizes, written);
    }
  } catch (const fs::filesystem_error& failed) {
    throw InputError(fmt::format("{}: cannot be read: {}", path.string(), failed.code().message()));
  }
}

OutputFolder::OutputFolder(fs::path path, KnownNames known, bool replace)
    : path_(std::move(path)), known_(std::move(known)), replace_(replace) {
  require_replaceable(path_, known_, replace_);
  part_.emplace(path_, OutputKind::kFolder);
}

void OutputFolder::commit() {
  write_manifest(part_->temporary());
  require_replaceable(path_, known_, replace_);  // files may have come since
  part_->commit();
}

}  // namespace swipegym
