#include "sim_data/dataset.h"

#include <system_error>
#include <utility>

#include "sim_data/csv/csv_release.h"
#include "sim_data/store/log_store.h"

namespace swipegym {

std::vector<std::uint64_t> count_offsets(const Log& log, std::size_t users) {
  std::vector<std::uint64_t> offset(users + 1, 0);
  for (const UserIndex user : log.user) ++offset[index_of(user) + 1];
  for (std::size_t u = 0; u < users; ++u) offset[u + 1] += offset[u];
  return offset;
}

namespace {

LoadedDataset load_release(const std::filesystem::path& path, const LoadOptions& options) {
  LoadedDataset loaded;
  Dataset& data = loaded.data;
  const ReleaseRows rows = read_release(
      path, options, /*spill_folder=*/{}, loaded.report,
      [&](ReleaseTables&& tables) {
        data.users = std::move(tables.users);
        data.videos = std::move(tables.videos);
        data.truth = std::move(tables.truth);
      },
      [&](std::span<const LogRow> batch) { append_rows(batch, data.log); });
  data.user_offset = count_offsets(data.log, data.users.size());
  data.fingerprint = rows.fingerprint;
  return loaded;
}

}  // namespace

LoadedDataset load_dataset(const std::filesystem::path& path, const LoadOptions& options) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) ? load_log_store(path, options) : load_release(path, options);
}

}  // namespace swipegym
