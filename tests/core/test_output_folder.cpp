#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

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

void put(const fs::path& path) {
  std::ofstream(path) << "x";
}
bool is_csv(std::string_view name) {
  return name.ends_with(".csv");
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
  OutputFolder folder(place.path / "new" / "out" / "", is_csv);
  put(folder.temporary() / "a.csv");
  folder.commit();
  CHECK(fs::exists(place.path / "new" / "out" / "a.csv"));
  CHECK(place.entries() == 1);
}

TEST_CASE("an earlier folder is replaced as a whole, and kept when the new one fails", "[output]") {
  const Place place;
  fs::create_directory(place.path / "out");
  put(place.path / "out" / "old.csv");
  {
    OutputFolder folder(place.path / "out", is_csv);
    put(folder.temporary() / "new.csv");
  }
  CHECK(fs::exists(place.path / "out" / "old.csv"));
  OutputFolder folder(place.path / "out", is_csv);
  put(folder.temporary() / "new.csv");
  folder.commit();
  CHECK(fs::exists(place.path / "out" / "new.csv"));
  CHECK_FALSE(fs::exists(place.path / "out" / "old.csv"));
  CHECK(place.entries() == 1);
}

TEST_CASE("somebody's files are never replaced", "[output]") {
  const Place place;
  fs::create_directories(place.path / "home" / "photos");
  CHECK_THROWS_AS(OutputFolder(place.path / "home", is_csv), InputError);
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
