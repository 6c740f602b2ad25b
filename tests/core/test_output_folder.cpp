#include <stdlib.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/config.h"
#include "core/error.h"
#include "core/output_folder.h"

using namespace swipegym;
namespace fs = std::filesystem;

namespace {

struct Place {
  Place() {
    char name[] = "/tmp/swipegym-folder-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Place() { fs::remove_all(path); }
  std::size_t entries() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {})); }
  fs::path path;
};

void put(const fs::path& path, const std::string& text = "x") {
  std::ofstream(path) << text;
}
bool is_csv(std::string_view name) {
  return name.ends_with(".csv");
}
void write_folder(const fs::path& path, const std::string& name, bool replace = false) {
  OutputFolder folder(path, is_csv, replace);
  put(folder.temporary() / name);
  folder.commit();
}

}  // namespace

TEST_CASE("a folder appears when committed and leaves nothing when not", "[output]") {
  const Place place;
  {
    OutputFolder folder(place.path / "out", is_csv);
    put(folder.temporary() / "a.csv");
    CHECK_FALSE(fs::exists(place.path / "out"));
  }
  CHECK(place.entries() == 0);
  write_folder(place.path / "new" / "out" / "", "a.csv");
  CHECK(fs::exists(place.path / "new" / "out" / "a.csv"));
  CHECK(place.entries() == 1);
}

TEST_CASE("a folder says what was written into it, the same each time", "[output]") {
  const Place place;
  for (const char* name : {"a", "b"}) write_folder(place.path / name, "log.csv");
  const Json manifest = read_json(place.path / "a" / kManifestName);
  CHECK(manifest["program"] == "swipegym");
  CHECK(manifest["files"] == Json{{"log.csv", 1}});
  CHECK(manifest.dump() == read_json(place.path / "b" / kManifestName).dump());
}

TEST_CASE("an earlier folder is replaced as a whole, and kept when the new one fails", "[output]") {
  const Place place;
  write_folder(place.path / "out", "old.csv");
  {
    OutputFolder folder(place.path / "out", is_csv);
    put(folder.temporary() / "new.csv");
  }
  CHECK(fs::exists(place.path / "out" / "old.csv"));
  write_folder(place.path / "out", "new.csv");
  CHECK(fs::exists(place.path / "out" / "new.csv"));
  CHECK_FALSE(fs::exists(place.path / "out" / "old.csv"));
  CHECK(place.entries() == 1);
  fs::create_directory_symlink("out", place.path / "link");
  write_folder(place.path / "link", "newer.csv");
  CHECK(fs::is_symlink(place.path / "link"));
  CHECK(fs::exists(place.path / "out" / "newer.csv"));
}

TEST_CASE("a folder without a manifest goes only when somebody says so, and only with names that are known",
          "[output]") {
  const Place place;
  const fs::path earlier = place.path / "earlier";
  fs::create_directory(earlier);
  write_folder(earlier, "a.csv");  // an empty folder is nobody's
  fs::remove(earlier / kManifestName);
  CHECK_THROWS_WITH(OutputFolder(earlier, is_csv), Catch::Contains("a.csv") && Catch::Contains("--replace"));
  write_folder(earlier, "b.csv", /*replace=*/true);
  CHECK_FALSE(fs::exists(earlier / "a.csv"));
  put(earlier / "thesis.txt");
  CHECK_THROWS_WITH(OutputFolder(earlier, is_csv, /*replace=*/true), Catch::Contains("thesis.txt"));
  fs::remove(earlier / "thesis.txt");
  put(earlier / kManifestName, "{\"program\": \"another\", \"files\": {\"b.csv\": 1}}");
  CHECK_THROWS_AS(OutputFolder(earlier, is_csv), InputError);
}

TEST_CASE("a folder whose files were changed since is not ours to replace", "[output]") {
  const Place place;
  const fs::path out = place.path / "out";
  const auto later = std::chrono::seconds(5);
  write_folder(out, "a.csv");
  put(out / "a.csv", "longer");
  CHECK_THROWS_WITH(OutputFolder(out, is_csv), Catch::Contains("a.csv") && Catch::Contains("--replace"));
  write_folder(out, "a.csv", /*replace=*/true);
  put(out / "a.csv", "y");  // as long as it was
  fs::last_write_time(out / "a.csv", fs::last_write_time(out / kManifestName) + later);
  CHECK_THROWS_AS(OutputFolder(out, is_csv), InputError);
  write_folder(out, "a.csv", /*replace=*/true);
  put(out / "b.csv");  // one more
  CHECK_THROWS_WITH(OutputFolder(out, is_csv), Catch::Contains("b.csv"));
}

TEST_CASE("somebody's files are never replaced", "[output]") {
  const Place place;
  fs::create_directories(place.path / "home" / "photos");
  CHECK_THROWS_AS(OutputFolder(place.path / "home", is_csv), InputError);
  CHECK_THROWS_AS(OutputFolder(place.path / "home", is_csv, /*replace=*/true), InputError);
  fs::create_directories(place.path / "texts");
  OutputFolder folder(place.path / "texts", is_csv);
  put(place.path / "texts" / "thesis.txt");  // while we worked
  CHECK_THROWS_AS(folder.commit(), InputError);
  CHECK(fs::exists(place.path / "texts" / "thesis.txt"));
  put(place.path / "file");
  CHECK_THROWS_AS(OutputFolder(place.path / "file", is_csv), InputError);
  CHECK_THROWS_AS(OutputFolder(place.path / "file" / "out", is_csv), InputError);
  CHECK_THROWS_AS(OutputFolder("", is_csv), InputError);
  CHECK_THROWS_AS(OutputFolder("..", is_csv), InputError);
  CHECK_THROWS_AS(OutputFolder("/proc/out", is_csv), InputError);
}
