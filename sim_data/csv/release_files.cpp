#include "sim_data/csv/release_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "core/error.h"

namespace swipegym {

namespace fs = std::filesystem;

namespace {

enum class Part : std::uint8_t { kLog, kUsers, kVideos };

struct PartName {
  std::string_view begin;  // of a part's name; the whole name of one has more behind an underscore
  Part part;
};
constexpr std::array<PartName, 4> kPartNames = {
    PartName{"log_standard", Part::kLog}, PartName{"log_random", Part::kLog}, PartName{"user_features", Part::kUsers},
    PartName{"video_features_basic", Part::kVideos}};

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// What a name without dots before it begins like, whatever its case.
const PartName* looks_like(const std::string& name) {
  const std::string small = lower(name);
  const auto* found =
      std::find_if(kPartNames.begin(), kPartNames.end(), [&](const PartName& p) { return small.starts_with(p.begin); });
  return found != kPartNames.end() ? found : nullptr;
}

// The name of the CSV file, packed or not; nothing for a file that is not read.
std::optional<std::string> unpacked_name(std::string name, const PartName& part) {
  for (const std::string_view packed : {".gz", ".zst"})
    if (name.ends_with(std::string(".csv").append(packed))) name.resize(name.size() - packed.size());
  if (!name.ends_with(".csv") || !name.starts_with(part.begin) || name[part.begin.size()] != '_') return {};
  return name;
}

struct Found {
  std::string order;  // the name without its packing, so that a packed release has its rows in the same order
  fs::path path;
  Part part;
};

void refuse_doubles(const std::vector<Found>& found) {
  for (std::size_t i = 1; i < found.size(); ++i)
    if (found[i].order == found[i - 1].order)
      throw InputError(fmt::format("{} and {} are the same part, which would be read twice; remove one of them",
                                   found[i - 1].path.string(), found[i].path.string()));
}

ReleaseFiles list_folder(const fs::path& folder) {
  ReleaseFiles files{.folder = folder, .logs = {}, .users = {}, .videos = {}};
  std::vector<Found> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    const std::string name = path.filename().string();
    const std::size_t dots = std::min(name.find_first_not_of("._"), name.size());
    const PartName* part = looks_like(name.substr(dots));
    if (part == nullptr) continue;
    std::error_code ignored;
    const bool is_folder = fs::is_directory(path, ignored);
    if (dots > 0) {
      files.hidden += is_folder ? 0 : 1;
      continue;
    }
    const std::optional<std::string> order = unpacked_name(name, *part);
    if (is_folder && !order) continue;
    if (!order)
      throw InputError(
          fmt::format("{}: is named like a part of the release but is not read, expected {}_*.csv, .csv.gz "
                      "or .csv.zst; rename or remove it",
                      path.string(), part->begin));
    if (!fs::is_regular_file(path, ignored))
      throw InputError(fmt::format("{}: is named like a part of the release but is no file", path.string()));
    found.push_back({*order, path, part->part});
  }
  if (error) throw InputError(fmt::format("{}: cannot list it ({})", folder.string(), error.message()));
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.order != b.order ? a.order < b.order : a.path < b.path; });
  refuse_doubles(found);
  for (Found& one : found)
    (one.part == Part::kLog     ? files.logs
     : one.part == Part::kUsers ? files.users
                                : files.videos)
        .push_back(std::move(one.path));
  return files;
}

bool is_empty(const ReleaseFiles& files) {
  return files.logs.empty() && files.users.empty() && files.videos.empty();
}

}  // namespace

ReleaseFiles find_release_files(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) throw InputError(fmt::format("{}: no such file or folder", directory.string()));
  if (!fs::is_directory(directory, error)) throw InputError(fmt::format("{}: is not a folder", directory.string()));
  ReleaseFiles files = list_folder(directory);
  if (fs::is_directory(directory / "data", error)) {
    ReleaseFiles inner = list_folder(directory / "data");
    if (is_empty(files))
      files = std::move(inner);
    else if (!is_empty(inner))
      throw InputError(
          fmt::format("{}: parts of a release are here and in its folder data; name that folder, or leave parts in one "
                      "of them",
                      directory.string()));
  }
  const auto require = [&](const std::vector<fs::path>& list, std::string_view pattern) {
    if (list.empty())
      throw InputError(fmt::format("{}: no {} here or in its folder data; expected the CSV files of a KuaiRand release",
                                   directory.string(), pattern));
  };
  require(files.logs, "log_standard_*.csv or log_random_*.csv");
  require(files.users, "user_features_*.csv");
  require(files.videos, "video_features_basic_*.csv");
  return files;
}

}  // namespace swipegym
