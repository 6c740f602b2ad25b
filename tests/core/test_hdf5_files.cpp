#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

using namespace swipegym;
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

// A folder of its own for each test, gone afterwards.
struct Folder {
  Folder() {
    char name[] = "/tmp/swipegym-hdf5-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {})); }
  fs::path path;
};

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_sample(const fs::path& path) {
  Hdf5Writer writer(path);
  writer.attribute("kind", "sample");
  writer.attribute("schema_version", std::int64_t{3});
  writer.write("a/b/numbers", std::vector<float>{1.5F, -2.0F, 3.25F});
  writer.commit();
}

template <class T>
void check_round_trip() {
  const Folder folder;
  const std::vector<T> values = {std::numeric_limits<T>::lowest(), T{0}, T{1}, std::numeric_limits<T>::max()};
  {
    Hdf5Writer writer(folder.path / "f.h5");
    writer.attribute("kind", "sample");
    writer.attribute("schema_version", std::int64_t{1});
    writer.write("values", values);
    writer.write("none", std::vector<T>{});
    writer.write_matrix("matrix", std::span<const T>(values), 2, 2);
    writer.commit();
  }
  const Hdf5Reader reader(folder.path / "f.h5", "sample", 1);
  CHECK(reader.read<T>("values") == values);
  CHECK(reader.read<T>("none").empty());
  CHECK(reader.read<T>("matrix") == values);
  CHECK(reader.shape("matrix") == std::vector<std::size_t>{2, 2});
}

}  // namespace

TEST_CASE("numbers of every type come back as they were", "[hdf5]") {
  check_round_trip<float>();
  check_round_trip<double>();
  check_round_trip<std::int8_t>();
  check_round_trip<std::int16_t>();
  check_round_trip<std::int32_t>();
  check_round_trip<std::int64_t>();
  check_round_trip<std::uint8_t>();
  check_round_trip<std::uint16_t>();
  check_round_trip<std::uint32_t>();
  check_round_trip<std::uint64_t>();
}

TEST_CASE("texts and attributes come back as they were, however long", "[hdf5]") {
  const Folder folder;
  const std::string config(200'000, 'x');
  const std::vector<std::string> names = {"", "[100,1k)", "快手"};
  {
    Hdf5Writer writer(folder.path / "f.h5");
    writer.attribute("kind", "sample");
    writer.attribute("schema_version", std::int64_t{1});
    writer.attribute("config", config);
    writer.attribute("empty", "");
    writer.attribute("pi", 3.25);
    writer.write_text("text", config);
    writer.write_text("no text", "");
    writer.write_texts("names", names);
    writer.write_texts("no names", {});
    writer.commit();
  }
  CHECK(hdf5_kind(folder.path / "f.h5") == "sample");
  const Hdf5Reader reader(folder.path / "f.h5", "sample", 1);
  CHECK(reader.attribute_text("config") == config);
  CHECK(reader.attribute_text("empty").empty());
  CHECK(reader.attribute_double("pi") == 3.25);
  CHECK(reader.attribute_int("schema_version") == 1);
  CHECK(reader.read_text("text") == config);
  CHECK(reader.read_text("no text").empty());
  CHECK(reader.read_texts("names") == names);
  CHECK(reader.read_texts("no names").empty());
}

TEST_CASE("has() answers for names whose groups are missing too", "[hdf5]") {
  const Folder folder;
  write_sample(folder.path / "f.h5");
  const Hdf5Reader reader(folder.path / "f.h5", "sample", 3);
  CHECK(reader.has("a/b/numbers"));
  CHECK(reader.has("a/b"));
  CHECK_FALSE(reader.has("a/b/others"));
  CHECK_FALSE(reader.has("x/y/z"));
}

TEST_CASE("equal content gives equal bytes", "[hdf5]") {
  const Folder folder;
  write_sample(folder.path / "one.h5");
  ::sleep(1);  // object times count seconds; they must not be stored
  write_sample(folder.path / "two.h5");
  CHECK(bytes_of(folder.path / "one.h5") == bytes_of(folder.path / "two.h5"));
}

TEST_CASE("a writer that is not committed leaves the earlier file and nothing else", "[hdf5]") {
  const Folder folder;
  write_sample(folder.path / "f.h5");
  const std::string before = bytes_of(folder.path / "f.h5");
  {
    Hdf5Writer writer(folder.path / "f.h5");
    writer.write("a", std::vector<double>(1000, 1.0));
  }
  CHECK(bytes_of(folder.path / "f.h5") == before);
  CHECK(folder.files() == 1);
}

TEST_CASE("a path that cannot be written is bad input", "[hdf5]") {
  const Folder folder;
  CHECK_THROWS_AS(Hdf5Writer(folder.path / "missing" / "f.h5"), InputError);
  CHECK_THROWS_AS(Hdf5Writer(folder.path), InputError);
  CHECK_THROWS_AS(Hdf5Writer("/proc/f.h5"), InputError);
  CHECK(folder.files() == 0);
}

TEST_CASE("a write that fails half-way is a system error and leaves the earlier file", "[hdf5]") {
  const Folder folder;
  write_sample(folder.path / "f.h5");
  const std::string before = bytes_of(folder.path / "f.h5");
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 64 << 10, .rlim_max = old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto fill = [&] {
    Hdf5Writer writer(folder.path / "f.h5");
    writer.write("big", std::vector<double>(1 << 20, 1.0));
    writer.commit();
  };
  CHECK_THROWS_AS(fill(), SystemError);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  CHECK(bytes_of(folder.path / "f.h5") == before);
  CHECK(folder.files() == 1);
  write_sample(folder.path / "g.h5");  // and the library still works
  CHECK(Hdf5Reader(folder.path / "g.h5", "sample", 3).read<float>("a/b/numbers").size() == 3);
}

TEST_CASE("a file that is not what was asked for is bad input that names it", "[hdf5]") {
  const Folder folder;
  const fs::path good = folder.path / "good.h5", other = folder.path / "other.h5";
  write_sample(good);
  CHECK_THROWS_WITH(Hdf5Reader(folder.path / "none.h5", "sample", 3), Contains("none.h5") && Contains("no such file"));
  CHECK_THROWS_WITH(Hdf5Reader(folder.path, "sample", 3), Contains("folder"));
  CHECK_THROWS_WITH(Hdf5Reader(good, "policy", 3), Contains("good.h5") && Contains("'sample'") && Contains("'policy'"));
  CHECK_THROWS_WITH(Hdf5Reader(good, "sample", 4), Contains("version 3") && Contains("version 4"));
  std::ofstream(other) << "user_id,video_id\n";
  CHECK_THROWS_AS(Hdf5Reader(other, "sample", 3), InputError);
  CHECK_THROWS_AS(hdf5_kind(other), InputError);
}

TEST_CASE("an HDF5 file cut anywhere is bad input, never a crash", "[hdf5]") {
  const Folder folder;
  const fs::path whole = folder.path / "whole.h5", cut = folder.path / "cut.h5";
  write_sample(whole);
  const std::string bytes = bytes_of(whole);
  for (std::size_t length = 0; length < bytes.size(); length += 97) {
    CAPTURE(length);
    std::ofstream(cut, std::ios::binary | std::ios::trunc) << bytes.substr(0, length);
    CHECK_THROWS_AS(Hdf5Reader(cut, "sample", 3), InputError);
  }
}

TEST_CASE("a missing name or another type is bad input that names the object", "[hdf5]") {
  const Folder folder;
  write_sample(folder.path / "f.h5");
  const Hdf5Reader reader(folder.path / "f.h5", "sample", 3);
  CHECK_THROWS_WITH(reader.read<float>("weights"), Contains("f.h5") && Contains("'weights'"));
  CHECK_THROWS_WITH(reader.read<double>("a/b/numbers"), Contains("'a/b/numbers'") && Contains("type"));
  CHECK_THROWS_WITH(reader.read_text("a/b/numbers"), Contains("text"));
  CHECK_THROWS_WITH(reader.attribute_int("seed"), Contains("'seed'"));
  CHECK_THROWS_WITH(reader.attribute_int("kind"), Contains("integer"));
  CHECK_THROWS_AS(reader.attribute_text("schema_version"), InputError);
}
