#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "nn/mlp.h"
#include "tests/hdf5_mutants.h"

using namespace swipegym;
using namespace swipegym::testing;
using Catch::Matchers::Contains;

namespace {

const std::array<std::size_t, 3> kSizes = {3, 4, 2};

FileImage saved_mlp() {
  const auto path = std::filesystem::temp_directory_path() / ("swipegym-mlp-" + std::to_string(::getpid()) + ".h5");
  {
    Hdf5Writer file(path);
    file.attribute("kind", "mlp");
    file.attribute("schema_version", std::int64_t{1});
    save(file, "mlp", Mlp(kSizes, Activation::kRelu, make_key(1)), /*moments=*/true);
    file.commit();
  }
  FileImage image = read_image(path);
  std::filesystem::remove(path);
  return image;
}

Mlp load_mlp(const FileImage& image) {
  const MemoryFile file(image);
  Mlp mlp(kSizes, Activation::kRelu, make_key(2));
  load(Hdf5Reader(file.path(), "mlp", 1), "mlp", mlp);
  return mlp;
}

}  // namespace

TEST_CASE("a tensor of a file has its shape and holds weights", "[parameter_file]") {
  const FileImage image = saved_mlp();
  CHECK(load_mlp(image).layers[0].weight.value == Mlp(kSizes, Activation::kRelu, make_key(1)).layers[0].weight.value);
  const std::pair<Hdf5Mutation, const char*> damages[] = {
      {{"mlp/0/weight/value", "middle nan"}, "mlp/0/weight/value[6] is nan"},
      {{"mlp/0/weight/value", "all max"}, "mlp/0/weight/value[0]"},
      {{"mlp/0/weight/value", "transposed"}, "'mlp/0/weight/value' has shape [4, 3], expected [3, 4]"},
      {{"mlp/0/weight/value", "flattened"}, "'mlp/0/weight/value' has shape [12], expected [3, 4]"},
      {{"mlp/1/bias/value", "doubled"}, "'mlp/1/bias/value' has shape [2, 2], expected [1, 2]"},
      {{"mlp/1/weight/first_moment", "last inf"}, "mlp/1/weight/first_moment[7] is inf"},
      {{"mlp/1/weight/second_moment", "all minus one"}, "mlp/1/weight/second_moment[0] is -1"},
      {{"mlp/1/weight/second_moment", "removed"}, "no data set 'mlp/1/weight/second_moment'"},
      {{"mlp/1/weight/first_moment", "removed"}, "no data set 'mlp/1/weight/first_moment'"},
  };
  for (const auto& [mutation, words] : damages) {
    CAPTURE(mutation.object, mutation.change);
    const FileImage damaged = mutated(image, mutation);
    CHECK_THROWS_WITH(load_mlp(damaged), Contains(words) && Contains("/dev/shm/"));
    CHECK_THROWS_AS(load_mlp(damaged), InputError);
  }
}
