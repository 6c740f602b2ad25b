#include "sim_data/dataset.h"
#include "sim_data/store/log_store.h"
#include "tests/evaluation/toy_data.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"

namespace swipegym::fuzz {
namespace {

std::string store() {
  Dataset data = test::make_toy_dataset({.users = 3, .videos = 8, .days = 2, .rows_per_day = 5});
  data.users.columns.resize(2);  // a text and a number: each column is a whole chunk to unpack
  std::vector<LogRow> rows;
  for (std::size_t row = 0; row < data.log.size(); ++row) rows.push_back(row_at(data.log, row));
  for (std::size_t u = 0; u < 3; ++u)
    for (std::uint64_t row = data.user_offset[u]; row < data.user_offset[u + 1]; ++row)
      rows[row].user = static_cast<std::uint32_t>(u);
  return written_by([&](const std::filesystem::path& path) {
    LogStoreBuilder builder(path, data.users, data.videos, "", 1);
    builder.add(rows);
    builder.finish();
  });
}

void use(const std::filesystem::path& path) {
  load_dataset(path, {.threads = 1});
  load_dataset(path, {.from = 20220502, .random = false, .last_user = 1, .threads = 1});
}

}  // namespace

std::vector<std::string> target_names() {
  return {"store"};
}

Target make_target(const std::string&) {
  return hdf5_target(store(), use);
}

}  // namespace swipegym::fuzz
