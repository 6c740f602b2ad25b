#include "sim_data/release_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>

#include "core/error.h"

namespace swipegym {

namespace fs = std::filesystem;

namespace {

ReleaseFiles list_folder(const fs::path& folder) {
  ReleaseFiles files{.folder = folder, .logs = {}, .users = {}, .videos = {}};
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.ends_with(".csv") || entry->is_directory()) continue;
    if (name.starts_with("log_standard_") || name.starts_with("log_random_")) files.logs.push_back(entry->path());
    if (name.starts_with("user_features_")) files.users.push_back(entry->path());
    if (name.starts_with("video_features_basic_")) files.videos.push_back(entry->path());
  }
  for (auto* list : {&files.logs, &files.users, &files.videos})
    std::sort(list->begin(), list->end(),
              [](const fs::path& a, const fs::path& b) { return a.filename().string() < b.filename().string(); });
  return files;
}

}  // namespace

ReleaseFiles find_release_files(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) throw InputError(fmt::format("{}: no such file or folder", directory.string()));
  if (!fs::is_directory(directory, error)) throw InputError(fmt::format("{}: is not a folder", directory.string()));
  ReleaseFiles files = list_folder(directory);
  if (files.logs.empty() && fs::is_directory(directory / "data", error)) files = list_folder(directory / "data");
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
