#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "core/output_part.h"

namespace swipegym {

/// The file that says which files the program wrote into a folder: {program, version, files: {name: bytes}}.
inline constexpr std::string_view kManifestName = "swipegym-manifest.json";

/// True for the names of files that may go with a folder which has no manifest of ours, when somebody says so.
using KnownNames = std::function<bool(std::string_view name)>;

/// Throws InputError when `path` is a folder that would be lost by writing it anew: when its manifest does not say that
/// this program wrote exactly the files that are there, as they are. With `replace` it need only hold files of known
/// names, as a folder of an earlier version does.
void require_replaceable(const std::filesystem::path& path, const KnownNames& known, bool replace);

/// A folder of files that appears only when whole: files are written into a temporary folder beside `path`, which
/// commit() puts in its place and a destructor without commit() removes, so that an interrupted run leaves the earlier
/// folder intact. Nobody's files are lost to a mistyped path, see require_replaceable().
class OutputFolder {
 public:
  /// Throws InputError when a folder cannot be made there, or when one is there that must stay.
  OutputFolder(std::filesystem::path path, KnownNames known, bool replace = false);

  /// Where to write the files until they are whole.
  const std::filesystem::path& temporary() const noexcept { return part_->temporary(); }
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Writes the manifest and puts the folder in place of the earlier one. Throws SystemError when that fails.
  void commit();

 private:
  std::filesystem::path path_;
  KnownNames known_;
  bool replace_;
  std::optional<OutputPart> part_;  // made after the check
};

}  // namespace swipegym
