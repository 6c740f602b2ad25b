#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

// Tests run side by side.
struct File {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("swipegym_finite_" + std::to_string(::getpid()) + ".h5");
  ~File() { std::filesystem::remove(path); }
};

void begin(Hdf5Writer& writer) {
  writer.attribute("kind", "test");
  writer.attribute("schema_version", std::int64_t{1});
}

TEST_CASE("what is not finite is never written, and the earlier file stays", "[core]") {
  const File file;
  {
    Hdf5Writer writer(file.path);
    begin(writer);
    writer.write("net/weight", std::vector<float>{1, 2, 3});
    writer.commit();
  }
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  for (const float bad : {NAN, kInfinite, -kInfinite}) {
    Hdf5Writer writer(file.path);
    begin(writer);
    CHECK_THROWS_AS(writer.write("net/weight", std::vector<float>{1, bad, 3}), SystemError);
    CHECK_THROWS_WITH(writer.write("net/weight", std::vector<float>{1, bad, 3}),
                      Catch::Contains("net/weight") && Catch::Contains(" at 1") && Catch::Contains("learning_rate"));
    CHECK_THROWS_AS(writer.write_matrix<float>("m", std::vector<float>{bad, 1}, 1, 2), SystemError);
    CHECK_THROWS_AS(writer.write("d", std::vector<double>{static_cast<double>(bad)}), SystemError);
    CHECK_THROWS_AS(writer.attribute("temperature", static_cast<double>(bad)), SystemError);
  }
  const Hdf5Reader reader(file.path, "test", 1);
  CHECK(reader.read<float>("net/weight") == std::vector<float>{1, 2, 3});
}

TEST_CASE("figures that were not measured are written as they are", "[core]") {
  const File file;
  {
    Hdf5Writer writer(file.path);
    begin(writer);
    writer.write_figures("epochs", std::vector<double>{1.0, NAN});
    writer.write("largest",
                 std::vector<float>{std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest()});
    writer.commit();
  }
  const Hdf5Reader reader(file.path, "test", 1);
  CHECK(std::isnan(reader.read<double>("epochs").at(1)));
}

}  // namespace
}  // namespace swipegym
