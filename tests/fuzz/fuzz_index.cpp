#include "nn/gaussian_rows.h"
#include "policy/retrieval_index_file.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"

namespace swipegym::fuzz {

std::vector<std::string> target_names() {
  return {"index"};
}

Target make_target(const std::string&) {
  const auto items = std::make_shared<Matrix>(12, 2);
  fill_normal(RandomStream(make_key(1)), {items->data(), 24});
  const RetrievalIndexConfig config{.links = 2, .ef_construction = 4, .ef = 4};
  std::string file =
      written_by([&](const auto& path) { save_index_file(RetrievalIndex(*items, config), *items, path); });
  return hdf5_target(std::move(file), [items, config](const std::filesystem::path& path) {
    load_index_file(path, *items, config).search(*items, 3, 1);
  });
}

}  // namespace swipegym::fuzz
