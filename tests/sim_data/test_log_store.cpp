#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/random.h"
#include "sample_release.h"
#include "sim_data/calendar.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/store/column_codec.h"
#include "sim_data/store/log_store.h"

using namespace swipegym;
using namespace swipegym::test;
using Catch::Matchers::Contains;

namespace {

// A release of `rows` random rows over 40 users and 300 videos, some repeated, in no particular order.
void write_random_release(const fs::path& folder, std::size_t rows, std::uint64_t seed) {
  RandomStream random(make_key(seed));
  UserTable users;
  VideoTable videos;
  for (std::int64_t u = 0; u < 40; ++u) users.raw_id.push_back(3 * u + 1);
  for (const char* name : {"user_active_degree", "is_lowactive_period", "is_live_streamer", "is_video_author",
                           "follow_user_num", "follow_user_num_range", "fans_user_num", "fans_user_num_range",
                           "friend_user_num", "friend_user_num_range", "register_days", "register_days_range"})
    users.columns.push_back({.name = name, .value = std::vector<float>(40, 0.0F), .categories = {}});
  videos.tag_offset.push_back(0);
  for (std::int64_t v = 0; v < 300; ++v) {
    videos.raw_id.push_back(v);
    videos.author.push_back(static_cast<std::uint32_t>(v) / 3);
    if (v % 3 == 0) videos.author_raw_id.push_back(1000 + v);
    videos.tag.push_back(static_cast<std::uint16_t>(v % 7));
    videos.tag_offset.push_back(static_cast<std::uint32_t>(videos.tag.size()));
  }
  videos.video_type.assign(300, 0);
  videos.video_types = {"NORMAL"};
  videos.upload_type.assign(300, 0);
  videos.upload_types = {"Web"};
  videos.upload_date.assign(300, 20220410);
  videos.duration_ms.assign(300, 10000.0F);
  videos.width.assign(300, 720);
  videos.height.assign(300, 1280);
  videos.music_id.assign(300, 0);
  videos.music_type.assign(300, -1);
  write_user_csv(folder / "user_features_x.csv", users);
  write_video_csv(folder / "video_features_basic_x.csv", videos);
  LogCsvWriter writer(folder, "log_standard_x", {});
  for (std::size_t i = 0; i < rows; ++i) {
    const std::int64_t time_ms = 1650816000000 + std::int64_t{random.below(4)} * kDayMs + random.below(86'400'000);
    CsvLogRow row{.user_id = 3 * std::int64_t{random.below(40)} + 1,
                  .video_id = random.below(300),
                  .time_ms = time_ms,
                  .signals = static_cast<SignalBits>(random.below(256)),
                  .play_ms = static_cast<std::int32_t>(random.below(30000)),
                  .duration_ms = 10000,
                  .is_random = static_cast<std::uint8_t>(random.below(10) == 0),
                  .tab = static_cast<std::uint8_t>(random.below(5))};
    writer.add(row);
    if (i % 100 == 0) writer.add(row);
  }
  writer.finish();
}

void check_same(const Dataset& a, const Dataset& b) {
  CHECK(a.fingerprint == b.fingerprint);
  CHECK(a.user_offset == b.user_offset);
  CHECK(a.truth == b.truth);
  CHECK(a.log.user == b.log.user);
  CHECK(a.log.video == b.log.video);
  CHECK(a.log.time_ms == b.log.time_ms);
  CHECK(a.log.play_ms == b.log.play_ms);
  CHECK(a.log.duration_ms == b.log.duration_ms);
  CHECK(a.log.date == b.log.date);
  CHECK(a.log.hourmin == b.log.hourmin);
  CHECK(a.log.tab == b.log.tab);
  CHECK(a.log.signals == b.log.signals);
  CHECK(a.log.is_random == b.log.is_random);
  CHECK(a.log.source_row == b.log.source_row);
  CHECK(a.users.raw_id == b.users.raw_id);
  CHECK(a.videos.raw_id == b.videos.raw_id);
  CHECK(a.videos.author_raw_id == b.videos.author_raw_id);
}

}  // namespace

TEST_CASE("a chunk unpacks to what was packed, whatever it holds", "[store]") {
  RandomStream random(make_key(7));
  ColumnEncoder encoder;
  ColumnDecoder decoder;
  std::vector<std::byte> packed, back;
  for (const std::size_t size : {1, 2, 4, 8})
    for (int kind = 0; kind < 8; ++kind) {
      CAPTURE(size, kind);
      std::vector<std::byte> bytes(kColumnChunk * size);
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::uint32_t noise = random.next();
        const std::uint32_t value = kind == 0   ? 0
                                    : kind == 1 ? noise
                                    : kind == 2 ? noise % 3
                                    : kind == 3 ? static_cast<std::uint32_t>(i / 500)
                                    : kind == 4 ? (i % size == 0 ? noise : 0)                 // one noisy plane
                                    : kind == 5 ? (i * i / 9973 % 7 == 0 ? noise % 40 : 200)  // runs of all lengths
                                    : kind == 6
                                        ? static_cast<std::uint32_t>(__builtin_ctz(noise | 1U << 20))  // a deep code
                                        : (i == bytes.size() - 1 ? 1 : 255);  // constant but for one
        bytes[i] = static_cast<std::byte>(value);
      }
      encoder.encode(bytes, size, packed);
      CHECK(packed.size() <= bytes.size() + 64);
      back.assign(bytes.size(), std::byte{1});
      CHECK(decoder.decode(packed, size, back));
      CHECK(back == bytes);
      if (kind == 0) CHECK(packed.size() < bytes.size() / 100);
      // Damage is noticed: the checksum is of the unpacked bytes.
      packed[packed.size() / 2] ^= std::byte{16};
      CHECK_FALSE((decoder.decode(packed, size, back) && back != bytes));
      packed.resize(packed.size() / 2);
      CHECK_FALSE(decoder.decode(packed, size, back));
    }
}

TEST_CASE("HDF5's own filters read a column", "[store]") {
  const Folder folder;
  RandomStream random(make_key(8));
  std::vector<std::int32_t> values(3 * kColumnChunk + 5);
  for (auto& value : values) value = static_cast<std::int32_t>(random.below(1U << random.below(24)));
  {
    Hdf5Writer writer(folder.path / "f.h5");
    writer.attribute("kind", "sample");
    writer.attribute("schema_version", std::int64_t{1});
    write_column(writer, "deep/values", values, 3);
    writer.commit();
  }
  const Hdf5Reader reader(folder.path / "f.h5", "sample", 1);
  CHECK(reader.read<std::int32_t>("deep/values") == values);
  CHECK(read_column<std::int32_t>(reader, "deep/values", 2) == values);
  CHECK_THROWS_WITH(read_column<float>(reader, "deep/values", 1), Contains("f.h5") && Contains("'deep/values'"));
}

TEST_CASE("a store holds what the CSV files hold", "[store]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  swipegym::test::write_file(folder.path / "truth.json", "{\"a\": 1}");
  const LoadedDataset csv = load_dataset(folder.path);
  const LoadReport imported = import_logs(folder.path, folder.path / "logs.h5");
  CHECK(imported.rows_read == csv.report.rows_read);
  CHECK(imported.rows_kept == csv.report.rows_kept);
  CHECK(imported.dropped == csv.report.dropped);
  CHECK(imported.noted == csv.report.noted);
  CHECK(hdf5_kind(folder.path / "logs.h5") == "logs");
  const LoadedDataset store = load_dataset(folder.path / "logs.h5");
  check_same(csv.data, store.data);
  CHECK(store.report.rows_read == csv.report.rows_read);
  CHECK(store.report.dropped == csv.report.dropped);
  CHECK(store.report.noted == csv.report.noted);
  const FeatureColumn* range = store.data.users.find("follow_user_num_range");
  REQUIRE(range != nullptr);
  CHECK(range->categories == std::vector<std::string>{"500+", "(250,500]", "0"});
  CHECK(std::isnan(store.data.users.find("onehot_feat1")->value[1]));
  CHECK(store.data.log.propensity.empty());
}

TEST_CASE("every slice of a store is the slice of the CSV files", "[store]") {
  const Folder folder;
  write_random_release(folder.path, 60'000, 1);
  import_logs(folder.path, folder.path / "logs.h5");
  const std::vector<LoadOptions> slices = {{},
                                           {.from = 20220426},
                                           {.until = 20220425},
                                           {.from = 20220426, .until = 20220427, .random = false},
                                           {.standard = false},
                                           {.first_user = 13, .last_user = 13},
                                           {.first_user = 5, .last_user = 20},
                                           {.from = 20220427, .until = 20220427, .first_user = 39},
                                           {.first_user = 40},
                                           {.from = 20300101}};
  for (std::size_t i = 0; i < slices.size(); ++i) {
    CAPTURE(i);
    const LoadedDataset csv = load_dataset(folder.path, slices[i]),
                        store = load_dataset(folder.path / "logs.h5", slices[i]);
    check_same(csv.data, store.data);
    CHECK(store.report.rows_kept == csv.report.rows_kept);
    CHECK(store.report.noted == csv.report.noted);
    LoadOptions many = slices[i];
    many.threads = 8;
    CHECK(load_dataset(folder.path / "logs.h5", many).data.fingerprint == csv.data.fingerprint);
  }
}

TEST_CASE("a slice reads only the chunks it touches", "[store]") {
  const Folder folder;
  write_random_release(folder.path, 100'000, 2);
  import_logs(folder.path, folder.path / "logs.h5");
  const auto chunks_for = [&](const LoadOptions& options) {
    const LogStoreReader reader(folder.path / "logs.h5");
    RowSummary summary;
    reader.read_rows(options, summary);
    return reader.chunks_read();
  };
  const std::uint64_t all = chunks_for({});
  CHECK(all == 7 * 10);  // 7 chunks of 10 columns; no propensity, no selection
  CHECK(chunks_for({.first_user = 3, .last_user = 3}) == 10);
  CHECK(chunks_for({.first_user = 38}) == 20);  // rows 95,000 on; the last chunk begins at 98,304
  CHECK(chunks_for({.from = 20300101}) == 0);
  CHECK(chunks_for({.until = 20220425}) > all);  // every chunk holds that day: two columns are read twice
  CHECK(chunks_for({.first_user = 40}) == 0);
}

TEST_CASE("parts, one file and any number of threads import to the same bytes", "[store]") {
  const Folder folder;
  write_random_release(folder.path, 50'000, 3);
  import_logs(folder.path, folder.path / "one.h5", {.threads = 1});
  import_logs(folder.path, folder.path / "eight.h5", {.threads = 8});
  CHECK(read_file(folder.path / "one.h5") == read_file(folder.path / "eight.h5"));
  // Four parts of uneven size.
  const std::string log = read_file(folder.path / "log_standard_x.csv");
  fs::remove(folder.path / "log_standard_x.csv");
  const std::size_t head = log.find('\n') + 1;
  std::size_t begin = head;
  for (int part = 0; part < 4; ++part) {
    const std::size_t end =
        part == 3 ? log.size() : log.find('\n', head + (log.size() - head) * (part * part + 1) / 11) + 1;
    swipegym::test::write_file(folder.path / ("log_standard_x_" + std::to_string(part) + ".csv"),
                               log.substr(0, head) + log.substr(begin, end - begin));
    begin = end;
  }
  import_logs(folder.path, folder.path / "parts.h5");
  CHECK(LogStoreReader(folder.path / "parts.h5").fingerprint() == LogStoreReader(folder.path / "one.h5").fingerprint());
  CHECK(read_file(folder.path / "parts.h5") == read_file(folder.path / "one.h5"));
}

TEST_CASE("a sorter that spills gives the rows of one that does not", "[store]") {
  const Folder folder;
  RandomStream random(make_key(5));
  // 3 users share 60,000 rows, so that each bucket fills many pieces; every seventh row repeats an earlier one.
  std::vector<LogRow> rows(60'000);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % 7 == 6)
      rows[i] = rows[random.below(static_cast<std::uint32_t>(i))];
    else
      rows[i] = {.time_ms = random.below(50'000),
                 .user = random.below(3),
                 .video = random.below(1000),
                 .play_ms = static_cast<std::int32_t>(random.below(1000))};
    rows[i].source_row = static_cast<std::uint32_t>(i);
  }
  const auto sorted = [&](const fs::path& spill, int threads) {
    RowSorter sorter(3, spill);
    sorter.add(rows);
    std::vector<LogRow> out;
    sorter.drain(threads, RowFilter(LoadOptions{}), {},
                 [&](auto part) { out.insert(out.end(), part.begin(), part.end()); });
    return out;
  };
  const std::vector<LogRow> memory = sorted({}, 1), disk = sorted(folder.path, 4);
  CHECK(folder.files() == 0);
  REQUIRE(memory.size() == disk.size());
  const auto key = [](const LogRow& row) { return std::tuple(row.user, row.time_ms, row.source_row); };
  CHECK(std::is_sorted(memory.begin(), memory.end(), [&](auto& a, auto& b) { return key(a) < key(b); }));
  CHECK(std::equal(memory.begin(), memory.end(), disk.begin(),
                   [&](auto& a, auto& b) { return key(a) == key(b) && a.video == b.video && a.play_ms == b.play_ms; }));
  // Against the definition: the first row of each (user, video, time).
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::int64_t>> seen;
  std::size_t first_copies = 0;
  std::vector<bool> kept(rows.size());
  for (const LogRow& row : memory) kept[row.source_row] = true;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_first = seen.emplace(rows[i].user, rows[i].video, rows[i].time_ms).second;
    first_copies += is_first;
    REQUIRE(kept[i] == is_first);
  }
  CHECK(memory.size() == first_copies);
}

TEST_CASE("many rows of one user at one instant lose only their copies", "[store]") {
  std::vector<LogRow> rows(5'000);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = {.time_ms = 1000,
               .user = 0,
               .video = static_cast<std::uint32_t>(i * i % 1'237),
               .source_row = static_cast<std::uint32_t>(i)};
  RowSorter sorter(1, {});
  sorter.add(rows);
  std::set<std::uint32_t> videos;
  const auto drained = sorter.drain(1, RowFilter(LoadOptions{}), {}, [&](auto part) {
    for (const LogRow& row : part) {
      CHECK(videos.insert(row.video).second);
      CHECK(row.source_row < 1'237);
    }
  });
  CHECK(drained.repeated + videos.size() == rows.size());
}

TEST_CASE("rows that are generated make the same store as rows that are read", "[store]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  const Dataset data = load_dataset(folder.path).data;
  LogStoreBuilder builder(folder.path / "built.h5", data.users, data.videos, data.truth);
  for (std::size_t i = data.log.size(); i-- > 0;) {
    LogRow row = row_at(data.log, i);
    row.propensity = 0.25F;
    builder.add(std::span(&row, 1));
  }
  const LoadReport report = builder.finish();
  CHECK(report.rows_kept == data.log.size());
  Dataset back = load_dataset(folder.path / "built.h5").data;
  CHECK(back.log.propensity == std::vector<float>(data.log.size(), 0.25F));
  CHECK(back.fingerprint != data.fingerprint);  // propensities count
  back.fingerprint = data.fingerprint;
  check_same(data, back);
}

TEST_CASE("an import that is stopped leaves the earlier store and nothing else", "[store]") {
  const Folder in, out;
  SampleRelease().write(in.path);
  import_logs(in.path, out.path / "logs.h5");
  const std::string before = read_file(out.path / "logs.h5");
  for (const std::string stage : {"reading users", "reading videos", "reading logs", "sorting rows"}) {
    CAPTURE(stage);
    const auto stop = [&](std::string_view what, std::uint64_t, std::uint64_t) {
      if (what == stage) throw Interrupted();
    };
    CHECK_THROWS_AS(import_logs(in.path, out.path / "logs.h5", {.progress = stop}), Interrupted);
    CHECK(read_file(out.path / "logs.h5") == before);
    CHECK(out.files() == 1);
  }
  SampleRelease bad;
  bad.standard += "1,2,3\n";
  bad.write(in.path);
  CHECK_THROWS_AS(import_logs(in.path, out.path / "logs.h5"), InputError);
  CHECK(read_file(out.path / "logs.h5") == before);
  CHECK(out.files() == 1);
  CHECK_THROWS_AS(import_logs(in.path, out.path / "missing" / "logs.h5"), InputError);
  CHECK_THROWS_AS(import_logs(in.path, out.path), InputError);
}

TEST_CASE("a full disk during an import is a system error and leaves the earlier store", "[store]") {
  const Folder in, out;
  write_random_release(in.path, 30'000, 4);
  import_logs(in.path, out.path / "logs.h5");
  const std::string before = read_file(out.path / "logs.h5");
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t limit : {8 << 10, 100 << 10, 300 << 10}) {
    const rlimit small{.rlim_cur = limit, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    CHECK_THROWS_AS(import_logs(in.path, out.path / "logs.h5"), SystemError);
    setrlimit(RLIMIT_FSIZE, &old);
  }
  std::signal(SIGXFSZ, old_handler);
  CHECK(read_file(out.path / "logs.h5") == before);
  CHECK(out.files() == 1);
}

TEST_CASE("a store that is cut, damaged or of another version is bad input", "[store]") {
  const Folder folder;
  write_random_release(folder.path, 20'000, 6);
  const fs::path good = folder.path / "logs.h5", bad = folder.path / "bad.h5";
  import_logs(folder.path, good);
  const std::string bytes = read_file(good);
  for (std::size_t length = 0; length < bytes.size(); length += bytes.size() / 41) {
    CAPTURE(length);
    swipegym::test::write_file(bad, bytes.substr(0, length));
    CHECK_THROWS_AS(load_dataset(bad), InputError);
  }
  // Any flipped byte either changes nothing that is read or is noticed; none may crash or give other rows.
  const std::uint64_t fingerprint = load_dataset(good).data.fingerprint;
  RandomStream random(make_key(11));
  int noticed = 0;
  for (int i = 0; i < 60; ++i) {
    std::string damaged = bytes;
    const std::size_t at = random.below(static_cast<std::uint32_t>(bytes.size()));
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    swipegym::test::write_file(bad, damaged);
    CAPTURE(at);
    std::uint64_t found = fingerprint;
    try {
      found = load_dataset(bad).data.fingerprint;
    } catch (const InputError&) {
      ++noticed;
    }
    CHECK(found == fingerprint);
  }
  CHECK(noticed > 30);
  {
    Hdf5Writer writer(bad);
    writer.attribute("kind", "logs");
    writer.attribute("schema_version", std::int64_t{999});
    writer.commit();
  }
  CHECK_THROWS_WITH(load_dataset(bad), Contains("bad.h5") && Contains("version 999"));
  {
    Hdf5Writer writer(bad);
    writer.attribute("kind", "policy");
    writer.attribute("schema_version", std::int64_t{1});
    writer.commit();
  }
  CHECK_THROWS_WITH(load_dataset(bad), Contains("'policy'") && Contains("'logs'"));
  swipegym::test::write_file(bad, kLogHeader);
  CHECK_THROWS_WITH(load_dataset(bad), Contains("not an HDF5 file"));
}

TEST_CASE("the real slice is the same from CSV and from a store", "[store][real]") {
  const char* real = std::getenv("SWIPEGYM_DATA");
  if (real == nullptr) {
    WARN("skipped: SWIPEGYM_DATA names no KuaiRand folder");
    return;
  }
  const Folder folder;
  const LoadReport report = import_logs(real, folder.path / "logs.h5");
  CHECK(report.rows_kept == 194'646);
  check_same(load_dataset(real).data, load_dataset(folder.path / "logs.h5").data);
  const LoadOptions last_days{.from = 20220505, .until = 20220506, .random = false};
  const Dataset slice = load_dataset(folder.path / "logs.h5", last_days).data;
  check_same(load_dataset(real, last_days).data, slice);
  CHECK(std::count_if(slice.log.duration_ms.begin(), slice.log.duration_ms.end(), [](auto d) { return d > 0; }) ==
        26'197);
}
