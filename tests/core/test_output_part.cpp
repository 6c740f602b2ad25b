#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/hdf5_writer.h"
#include "core/output_file.h"
#include "core/output_part.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

struct Scratch {
  Scratch() {
    char name[] = "/tmp/swipegym-part-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Scratch() { fs::remove_all(path); }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(path)) out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  fs::path path;
};

void put(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
std::string contents_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_hdf5(const fs::path& path) {
  Hdf5Writer file(path);
  file.attribute("kind", "test");
  file.commit();
}

TEST_CASE("a link stays and the file it leads to is replaced, by every writer", "[output]") {
  const Scratch scratch;
  const fs::path file = scratch.path / "file", link = scratch.path / "link", far = scratch.path / "far";
  fs::create_directory(far);
  put(file, "old");
  fs::create_symlink("file", link);
  write_file(link, "new");
  CHECK(fs::is_symlink(link));
  CHECK(contents_of(file) == "new");
  write_hdf5(link);
  CHECK(fs::is_symlink(link));
  CHECK(contents_of(file).substr(1, 3) == "HDF");
  fs::create_symlink("far/new", scratch.path / "dangling");  // its target is made
  write_file(scratch.path / "dangling", "made");
  CHECK(contents_of(far / "new") == "made");
  CHECK(scratch.names() == std::vector<std::string>{"dangling", "far", "file", "link"});
  fs::create_symlink("ring", scratch.path / "ring");
  CHECK_THROWS_AS(write_file(scratch.path / "ring", "x"), InputError);
}

TEST_CASE("a pipe is written into, and refused where the file cannot be", "[output]") {
  const Scratch scratch;
  const fs::path pipe = scratch.path / "ff";
  REQUIRE(::mkfifo(pipe.c_str(), 0666) == 0);
  const auto begun = std::chrono::steady_clock::now();
  require_writable(pipe);  // nobody reads it
  CHECK_THROWS_AS(require_writable(pipe, OutputKind::kBinary), InputError);
  CHECK_THROWS_AS(require_writable(pipe, OutputKind::kFolder), InputError);
  CHECK_THROWS_AS(write_hdf5(pipe), InputError);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
  auto read = std::async(std::launch::async, [&] { return contents_of(pipe); });
  write_file(pipe, "through");
  CHECK(read.get() == "through");
  CHECK(fs::is_fifo(pipe));
  CHECK(scratch.names() == std::vector<std::string>{"ff"});
}

TEST_CASE("a device is written into and stays one", "[output]") {
  const Scratch scratch;
  const fs::path null = scratch.path / "null", full = scratch.path / "full";
  if (::mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0 ||
      ::mknod(full.c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0 || ::access(null.c_str(), W_OK) != 0 ||
      std::ofstream(null).fail()) {
    WARN("skipped: devices cannot be made or opened here");
    return;
  }
  write_file(null, "gone");
  CHECK_THROWS_AS(write_file(full, std::string(1 << 20, 'x')), SystemError);
  CHECK_THROWS_AS(write_hdf5(null), InputError);
  CHECK_THROWS_AS(write_hdf5(full), InputError);
  CHECK(fs::is_character_file(null));
  CHECK(fs::is_character_file(full));
}

TEST_CASE("what a killed run left of an output goes when it is written again, what a running one writes stays",
          "[output]") {
  const Scratch scratch;
  const fs::path out = scratch.path / "out.h5", folder = scratch.path / "data";
  put(scratch.path / ".out.h5.123-0.part", "half");
  put(scratch.path / ".out.h5.more.124-0.part", "of another output");
  fs::create_directory(scratch.path / ".data.125-3.part");
  put(scratch.path / ".data.125-3.part" / "log.csv", "half");
  std::vector<fs::path> removed;
  const OutputGroup group({}, [&](const fs::path& part) { removed.push_back(part.filename()); });
  const OutputPart running(out, OutputKind::kBinary);
  CHECK(removed == std::vector<fs::path>{".out.h5.123-0.part"});
  write_hdf5(out);
  CHECK(fs::exists(running.temporary()));
  const OutputPart other(folder, OutputKind::kFolder), second(folder, OutputKind::kFolder);
  CHECK(removed.size() == 2);
  CHECK(fs::exists(other.temporary()));
  CHECK(fs::exists(scratch.path / ".out.h5.more.124-0.part"));
}

TEST_CASE("the outputs of a group appear together at its commit, or not at all", "[output]") {
  const Scratch scratch;
  const fs::path a = scratch.path / "a", b = scratch.path / "b.h5", kept = scratch.path / "checkpoint";
  put(a, "old");
  {
    OutputGroup group({a, b});
    write_file(a, "new");
    write_hdf5(b);
    write_file(kept, "at once");
    group.remove_after(kept);
    CHECK(contents_of(a) == "old");
    CHECK(contents_of(where_written(a)) == "new");
    CHECK_FALSE(fs::exists(b));
    CHECK(contents_of(kept) == "at once");
  }
  CHECK(scratch.names() == std::vector<std::string>{"a", "checkpoint"});
  CHECK(contents_of(a) == "old");
  OutputGroup group({a, b});
  write_file(a, "new");
  write_hdf5(b);
  group.remove_after(kept);
  group.commit();
  CHECK(contents_of(a) == "new");
  CHECK(scratch.names() == std::vector<std::string>{"a", "b.h5"});
  CHECK(where_written(a) == a);
}

TEST_CASE("a path leads to one place, however it is written", "[output]") {
  const Scratch scratch;
  fs::create_directories(scratch.path / "d" / "e");
  fs::create_directory_symlink("d", scratch.path / "link");
  const fs::path place = fs::canonical(scratch.path) / "d" / "x";
  CHECK(resolved(scratch.path / "d" / "x") == place);
  CHECK(resolved(scratch.path / "d" / ".." / "d" / "x") == place);
  CHECK(resolved(scratch.path / "d" / "e" / ".." / "x") == place);
  CHECK(resolved(scratch.path / "link" / "x") == place);
  CHECK(resolved(scratch.path / "d" / "x" / "") == place);
}

TEST_CASE("a name as long as a file system takes is an output too", "[output]") {
  const Scratch scratch;
  const fs::path path = scratch.path / std::string(250, 'n');
  write_file(path, "x");
  CHECK(contents_of(path) == "x");
  CHECK(scratch.names().size() == 1);
}

}  // namespace
}  // namespace swipegym
