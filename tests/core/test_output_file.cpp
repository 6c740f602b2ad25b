#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/error.h"
#include "core/output_file.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / "swipegym_test_output_file";
  TemporaryFolder() { fs::remove_all(path), fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

TEST_CASE("an output appears when it is whole and leaves nothing else behind", "[core]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path / "a.csv";
  write_file(path, "first");
  {
    OutputFile file(path);
    file.write("second");
    CHECK(text_of(path) == "first");
    file.commit();
  }
  CHECK(text_of(path) == "second");
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("an output that is given up leaves the earlier file as it was", "[core]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path / "a.csv";
  write_file(path, "first");
  { OutputFile(path).write("half"); }
  CHECK(text_of(path) == "first");
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("an impossible path is bad input and a full disk is not", "[core]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(OutputFile(folder.path / "none" / "a.csv"), Catch::Contains("does not exist"));
  CHECK_THROWS_WITH(OutputFile(folder.path), Catch::Contains("is a directory"));
  CHECK_THROWS_AS(require_writable(folder.path / "none" / "a.csv"), InputError);
  CHECK_NOTHROW(require_writable(folder.path / "a.csv"));
  CHECK_FALSE(fs::exists(folder.path / "a.csv"));
  CHECK_THROWS_AS(write_file("/dev/full", std::string(1 << 20, 'x')), SystemError);
  CHECK(fs::is_character_file("/dev/full"));
}

}  // namespace
}  // namespace swipegym
