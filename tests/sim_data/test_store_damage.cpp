#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "sample_release.h"
#include "sim_data/log_limits.h"
#include "sim_data/store/log_store.h"
#include "tests/hdf5_mutants.h"
#include "tests/sanitized.h"

using namespace swipegym;
using namespace swipegym::test;
using namespace swipegym::testing;
using Catch::Matchers::Contains;

namespace {

const FileImage& sample_store() {
  static const FileImage image = [] {
    const Folder folder;
    SampleRelease().write(folder.path);
    import_logs(folder.path, folder.path / "store.h5", {.threads = 1});
    return read_image(folder.path / "store.h5");
  }();
  return image;
}

// Loads a store, whole or a slice of it; what comes out is what a log may hold.
void load(const FileImage& image, LoadOptions options) {
  options.threads = 1;
  const MemoryFile file(image);
  const LoadedDataset loaded = load_log_store(file.path(), options);
  const Dataset& data = loaded.data;
  validate(data.log, data.users.size(), data.videos.size());
  data.users.validate();
  data.videos.validate();
  REQUIRE(data.user_offset.size() == data.users.size() + 1);
  REQUIRE(data.user_offset.back() == data.log.size());
}

const std::vector<LoadOptions> kSlices = {{}, {.first_user = 1, .last_user = 1}, {.from = 20220426}, {.random = false}};

}  // namespace

TEST_CASE("whatever is done to an object of a store, it is refused or holds what a log may hold", "[store]") {
  for (const LoadOptions& slice : kSlices) load(sample_store(), slice);
  const std::vector<Hdf5Mutation> mutations = hdf5_mutations(sample_store());
  REQUIRE(mutations.size() > 1500);
  const std::vector<Hdf5Mutation> tried = sample_of(mutations, kSanitized);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    CAPTURE(tried[i].object, tried[i].change);
    const FileImage damaged = mutated(sample_store(), tried[i]);
    try {
      load(damaged, kSlices[i % kSlices.size()]);
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(refused > tried.size() / 2);
}

TEST_CASE("a damaged store is refused with the name of what is wrong in it", "[store]") {
  const std::pair<Hdf5Mutation, const char*> damages[] = {
      {{"rows/tab", "all max"}, "row 0 is damaged"},
      {{"rows/video", "all max"}, "row 0 is damaged"},
      {{"rows/date", "first max"}, "row 0 is damaged"},
      {{"rows/date", "all zero"}, "row 0 is damaged"},
      {{"rows/is_random", "all max"}, "row 0 is damaged"},
      {{"rows/time_ms", "emptied"}, "'rows/time_ms'"},
      {{"users/offset", "second max"}, "users/offset"},
      {{"users/column_0", "first half of max"}, "user_active_degree"},
      {{"users/column_4", "first inf"}, "users: column 'follow_user_num'[0] is inf"},
      {{"videos/tag_offset", "second max"}, "videos/tag_offset[2]"},
      {{"videos/video_type", "first max"}, "videos/video_type[0] is 255"},
      {{"videos/duration_ms", "first inf"}, "videos/duration_ms[0] is inf"},
      {{"videos/upload_date", "first minus one"}, "videos/upload_date[0] is -1"},
      {{"chunks/random_rows", "all max"}, "chunks/random_rows[0]"},
      {{"@rows", "all max"}, "rows is 9223372036854775807"},
      {{"@fingerprint", "no UTF-8"}, "fingerprint"},
      {{"import_report", "key '/rows_read' minus one"}, "import_report"},
      {{"import_report", "deep lists"}, "import_report"},
  };
  for (const auto& [mutation, words] : damages) {
    CAPTURE(mutation.object, mutation.change);
    const FileImage damaged = mutated(sample_store(), mutation);
    CHECK_THROWS_WITH(load(damaged, {}), Contains(words) && Contains("/dev/shm/"));
    CHECK_THROWS_AS(load(damaged, {}), InputError);
  }
}
