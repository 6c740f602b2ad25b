// Import: parsing log files, loading a release, writing a store, reading it back. Rates are bytes of CSV a second.
//   import_bench                                   a small release of its own
//   SWIPEGYM_BENCH_DATA=DIR import_bench           DIR's files, as bench/peers/csv_parse.py does
// The argument of a benchmark is the number of threads.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/random.h"
#include "sim_data/csv/log_csv_reader.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/csv/release_files.h"
#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/dataset.h"
#include "sim_data/store/log_store.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kUsers = 2'000, kVideos = 7'583;
constexpr std::size_t kRows = 400'000;

/// Files as long as KuaiRand's, cell by cell; what they say does not matter here.
void write_small_release(const fs::path& folder) {
  RandomStream random(make_key(1));
  UserTable users;
  for (std::uint32_t user = 0; user < kUsers; ++user) users.raw_id.push_back(user);
  for (const char* name : {"user_active_degree", "follow_user_num_range", "fans_user_num_range",
                           "friend_user_num_range", "register_days_range"})
    users.columns.push_back({.name = name, .value = std::vector<float>(kUsers, 0.0F), .categories = {"(250,500]"}});
  for (const char* name : {"is_lowactive_period", "is_live_streamer", "is_video_author", "follow_user_num",
                           "fans_user_num", "friend_user_num", "register_days"})
    users.columns.push_back({.name = name, .value = std::vector<float>(kUsers, 799.0F), .categories = {}});
  VideoTable videos;
  videos.tag_offset.push_back(0);
  for (std::uint32_t video = 0; video < kVideos; ++video) {
    videos.raw_id.push_back(video);
    videos.author.push_back(video);
    videos.author_raw_id.push_back(7'000'000 + video);
    videos.tag.push_back(static_cast<std::uint16_t>(random.below(60)));
    videos.tag_offset.push_back(video + 1);
    videos.duration_ms.push_back(static_cast<float>(5'000 + random.below(200'000)));
  }
  videos.video_type.assign(kVideos, 0);
  videos.video_types = {"NORMAL"};
  videos.upload_type.assign(kVideos, 0);
  videos.upload_types = {"LongImport"};
  videos.upload_date.assign(kVideos, 20220410);
  videos.width.assign(kVideos, 720);
  videos.height.assign(kVideos, 1280);
  videos.music_id.assign(kVideos, 9'155'697'141);
  videos.music_type.assign(kVideos, 9);
  write_user_csv(folder / "user_features_bench.csv", users);
  write_video_csv(folder / "video_features_basic_bench.csv", videos);
  LogCsvWriter log(folder, "log_standard_bench", {});
  for (std::size_t row = 0; row < kRows; ++row) {
    const std::uint32_t video = random.below(kVideos);
    log.add({.user_id = static_cast<std::int64_t>(row * kUsers / kRows),
             .video_id = video,
             .time_ms = 1'650'816'000'000 + static_cast<std::int64_t>(random.below(1'000'000'000)),
             .signals = static_cast<SignalBits>(random.below(4) == 0),
             .play_ms = static_cast<std::int32_t>(random.below(60'000)),
             .duration_ms = static_cast<std::int32_t>(videos.duration_ms[video]),
             .tab = 1});
  }
  log.finish();
}

/// The release that is measured, and a place for the store; both gone at the end.
struct Bench {
  Bench() {
    char name[] = "/tmp/swipegym-bench-XXXXXX";
    scratch = ::mkdtemp(name);
    const char* given = std::getenv("SWIPEGYM_BENCH_DATA");
    data = given != nullptr ? fs::path(given) : scratch;
    if (given == nullptr) write_small_release(scratch);
    files = find_release_files(data);
    for (const auto& path : files.logs) log_bytes += fs::file_size(path);
    all_bytes = log_bytes;
    for (const auto* list : {&files.users, &files.videos})
      for (const auto& path : *list) all_bytes += fs::file_size(path);
  }
  ~Bench() { fs::remove_all(scratch); }
  fs::path scratch, data;
  ReleaseFiles files;
  std::uint64_t log_bytes = 0, all_bytes = 0;
};

const Bench& bench() {
  static const Bench instance;
  return instance;
}

/// Of this program alone: getrusage() would also tell of the process that started it.
double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kib = 0.0; word == "VmHWM:" && status >> kib) return kib / 1024.0;
  return 0.0;
}

void count(benchmark::State& state, std::uint64_t bytes, std::uint64_t rows) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes * state.iterations()));
  state.SetItemsProcessed(static_cast<std::int64_t>(rows * state.iterations()));
  state.counters["peak_mib"] = peak_mib();
}

// Every cell of the log files checked and turned into rows; the rows are let go.
void parse(benchmark::State& state) {
  TableCsvCounts counts;
  const UserTable users = read_user_csv(bench().files.users, {}, counts);
  const VideoTable videos = read_video_csv(bench().files.videos, {}, counts);
  const IdMap user_ids(users.raw_id), video_ids(videos.raw_id);
  std::uint64_t rows = 0;
  for (auto _ : state) {
    rows = 0;
    read_log_csv(bench().files.logs, user_ids, video_ids, {.threads = static_cast<int>(state.range(0))},
                 [&](std::span<const LogRow> batch) { rows += batch.size(); });
  }
  count(state, bench().log_bytes, rows);
}

// The feature tables alone.
void tables(benchmark::State& state) {
  std::uint64_t rows = 0;
  for (auto _ : state) {
    TableCsvCounts counts;
    const TableCsvOptions options{.threads = static_cast<int>(state.range(0))};
    rows = read_user_csv(bench().files.users, options, counts).size() +
           read_video_csv(bench().files.videos, options, counts).size();
  }
  count(state, bench().all_bytes - bench().log_bytes, rows);
}

// CSV files to a store.
void import(benchmark::State& state) {
  std::uint64_t rows = 0;
  for (auto _ : state)
    rows =
        import_logs(bench().data, bench().scratch / "logs.h5", {.threads = static_cast<int>(state.range(0))}).rows_kept;
  count(state, bench().all_bytes, rows);
  state.counters["store_mib"] = static_cast<double>(fs::file_size(bench().scratch / "logs.h5")) / (1 << 20);
}

// A store to memory.
void load_store(benchmark::State& state) {
  const fs::path store = bench().scratch / "logs.h5";
  if (!fs::exists(store)) import_logs(bench().data, store);
  std::uint64_t rows = 0;
  for (auto _ : state) rows = load_dataset(store, {.threads = static_cast<int>(state.range(0))}).data.log.size();
  count(state, bench().all_bytes, rows);
}

// CSV files to memory.
void load_csv(benchmark::State& state) {
  std::uint64_t rows = 0;
  for (auto _ : state) rows = load_dataset(bench().data, {.threads = static_cast<int>(state.range(0))}).data.log.size();
  count(state, bench().all_bytes, rows);
}

BENCHMARK(parse)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(tables)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(import)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(load_store)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(load_csv)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace swipegym
