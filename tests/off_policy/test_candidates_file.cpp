#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "evaluation/off_policy/logged_candidates.h"
#include "tests/hdf5_mutants.h"

using namespace swipegym;
using namespace swipegym::testing;
using Catch::Matchers::Contains;

TEST_CASE("whatever is done to a file of candidates, it is refused or offers videos of the data", "[candidates]") {
  VideoTable videos;
  videos.raw_id = {50, 60, 70};
  const auto path = std::filesystem::temp_directory_path() / ("swipegym-offers-" + std::to_string(::getpid()) + ".h5");
  save_candidates({.slots = 2, .video = {0, 1, 2, -1, 1, 2}}, videos, path);
  const FileImage image = read_image(path);
  std::filesystem::remove(path);

  const auto load = [&](const Hdf5Mutation& mutation) {
    const MemoryFile file(mutated(image, mutation));
    return load_candidates(file.path(), videos);
  };
  std::size_t refused = 0;
  for (const Hdf5Mutation& mutation : hdf5_mutations(image)) {
    CAPTURE(mutation.object, mutation.change);
    try {
      const LoggedCandidates loaded = load(mutation);
      CHECK(loaded.rows() * loaded.slots == loaded.video.size());
      for (const std::int32_t video : loaded.video) CHECK((video >= -1 && video < 3));
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(refused > 40);
  CHECK_THROWS_WITH(load({"candidate", "first min"}), Contains("candidate[0] is -2147483648"));
  CHECK_THROWS_WITH(load({"candidate", "flattened"}), Contains("candidate: expected a table of rows and slots"));
}
