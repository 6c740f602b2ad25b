#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/folder_lock.h"
#include "core/named_files.h"

using namespace swipegym;
namespace fs = std::filesystem;

TEST_CASE("a folder is one's own until the lock is gone, and a file is none", "[core]") {
  const fs::path folder = fs::temp_directory_path() / ("swipegym-lock-" + std::to_string(::getpid()));
  fs::create_directory(folder);
  std::optional<FolderLock> mine(folder);
  CHECK_THROWS_WITH(FolderLock(folder), Catch::Contains(folder.string()) && Catch::Contains("at work"));
  mine.reset();
  CHECK_NOTHROW(FolderLock(folder));
  fs::remove(folder);
  CHECK_THROWS_AS(FolderLock(folder), InputError);
  std::ofstream(folder) << "a file";
  CHECK_THROWS_AS(FolderLock(folder), InputError);
  fs::remove(folder);
}

TEST_CASE("the names of HDF5 files are found wherever they stand in a JSON file", "[core]") {
  const fs::path file = fs::temp_directory_path() / ("swipegym-names-" + std::to_string(::getpid()) + ".json");
  const auto names = [&](const std::string& text) {
    std::ofstream(file) << text;
    return hdf5_names_in(file);
  };
  CHECK(names(R"({"a": ["x/y.h5", {"b": "z.h5"}], "c.h5": 1, "d": "h5"} // u.h5)") ==
        std::vector<std::string>{"x/y.h5", "z.h5"});
  CHECK(names(R"({"a": "x.h5")").empty());
  fs::remove(file);
  CHECK(hdf5_names_in(file).empty());
}
