#include "cli/file_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "core/named_files.h"
#include "core/output_folder.h"
#include "sim_data/csv/log_writer.h"

namespace swipegym::cli {
namespace {

namespace fs = std::filesystem;

bool is_folder(Writing writing) {
  return writing == Writing::kFolder || writing == Writing::kWorkFolder;
}

OutputKind kind_of(Writing writing) {
  return is_folder(writing) ? OutputKind::kFolder : writing == Writing::kText ? OutputKind::kText : OutputKind::kBinary;
}

// One file by its place, or by what is there: a hard link has another place.
bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return resolved(a) == resolved(b) || fs::equivalent(a, b, ignored);
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path inner = resolved(path), outer = resolved(folder);
  const auto [at, end] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return at == outer.end() && inner != outer;
}

// The folders of a release whose files are read: its root or `data` in it.
std::vector<fs::path> read_folders(const fs::path& release) {
  return {release, release / "data"};
}

bool is_beside(const fs::path& file, const fs::path& release) {
  const std::vector<fs::path> folders = read_folders(release);
  return std::any_of(folders.begin(), folders.end(),
                     [&](const fs::path& folder) { return resolved(file).parent_path() == resolved(folder); });
}

// One of the release's files, by a link that lies elsewhere.
bool holds_same(const fs::path& release, const fs::path& file) {
  std::error_code error, ignored;
  for (const fs::path& folder : read_folders(release))
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
      if (fs::equivalent(entry->path(), file, ignored)) return true;
  return false;
}

// A file that is no part of a release and that an earlier run may have put beside it: a store, a report.
bool is_own_result(const OutputUse& output) {
  if (output.writing == Writing::kText) return output.path.extension() == ".json" || output.path.extension() == ".html";
  char begin[8] = {};
  std::ifstream(output.path, std::ios::binary).read(begin, sizeof begin);
  return std::string_view(begin, sizeof begin) == std::string_view("\x89HDF\r\n\x1a\n", 8);
}

// A name that a reader of the folder takes for a part of the release, packed or not.
bool is_release_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return is_release_file(name) || is_release_file(path.stem().string()) || name == kManifestName;
}

[[noreturn]] void refuse(const OutputUse& output, const InputUse& input, std::string_view how) {
  throw InputError(fmt::format("{} {} {} {} {}: the input would be lost; give another {}", output.option,
                               output.path.string(), how, input.option, input.path.string(), output.option));
}

void require_apart(const OutputUse& output, const InputUse& input) {
  std::error_code ignored;
  if (is_stream(output.path) || is_stream(input.path) || input.path.empty()) return;
  if (is_same(output.path, input.path)) refuse(output, input, "is the same as");
  const bool input_is_folder = fs::is_directory(input.path, ignored);
  if (is_folder(output.writing)) {
    if (lies_in(output.path, input.path)) refuse(output, input, "lies in");
    if (output.writing == Writing::kFolder && lies_in(input.path, output.path)) refuse(output, input, "holds");
    return;
  }
  if (!input_is_folder) return;
  const bool is_there = fs::exists(output.path, ignored);
  const bool beside = is_beside(output.path, input.path);
  if (beside && (is_release_name(output.path) || (is_there && !is_own_result(output))))
    refuse(output, input, "is or would be a file of");
  if (is_there && !beside && holds_same(input.path, output.path)) refuse(output, input, "is a file of");
}

void require_apart(const OutputUse& a, const OutputUse& b) {
  if (is_stream(a.path) || is_stream(b.path)) return;
  if (is_same(a.path, b.path))
    throw InputError(
        fmt::format("{} and {} are the same, {}; give one of them another name", a.option, b.option, b.path.string()));
  for (const auto& [outer, inner] : {std::pair{&a, &b}, std::pair{&b, &a}})
    if (outer->writing == Writing::kFolder && lies_in(inner->path, outer->path))
      throw InputError(fmt::format("{} {} lies in the folder of {}, which is replaced as a whole; put it elsewhere",
                                   inner->option, inner->path.string(), outer->option));
}

}  // namespace

std::vector<fs::path> files_named_in(const fs::path& json) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const std::string& name : hdf5_names_in(json)) {
    files.push_back(json.parent_path() / name);
    if (fs::exists(name, ignored)) files.emplace_back(name);
  }
  return files;
}

void require_apart(const FileUse& use) {
  for (std::size_t i = 0; i < use.outputs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) require_apart(use.outputs[j], use.outputs[i]);
    for (const InputUse& input : use.inputs) require_apart(use.outputs[i], input);
  }
}

void require_writable(const FileUse& use) {
  std::error_code ignored;
  const auto awaits_folder = [&](const OutputUse& output) {
    return std::any_of(use.outputs.begin(), use.outputs.end(), [&](const OutputUse& folder) {
      return folder.writing == Writing::kWorkFolder && !fs::exists(folder.path, ignored) &&
             lies_in(output.path, folder.path);
    });
  };
  for (const OutputUse& output : use.outputs) {
    if (output.writing == Writing::kFolder) require_replaceable(output.path, is_release_file, output.replaces_any);
    if (!awaits_folder(output)) require_writable(output.path, kind_of(output.writing));
  }
}

fs::path checkpoint_of(const fs::path& out) {
  return fs::path(out).concat(".checkpoint");
}

void add_checkpoint(FileUse& use, const fs::path& out) {
  use.outputs.push_back(
      {.option = "the checkpoint of --out", .path = checkpoint_of(out), .writing = Writing::kCheckpoint});
}

std::vector<fs::path> final_outputs(const FileUse& use) {
  std::vector<fs::path> paths;
  for (const OutputUse& output : use.outputs)
    if (output.writing != Writing::kCheckpoint && output.writing != Writing::kWorkFolder) paths.push_back(output.path);
  return paths;
}

}  // namespace swipegym::cli
