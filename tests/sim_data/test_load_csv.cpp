#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <tuple>

#include "core/error.h"
#include "sample_release.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/dataset.h"
#include "sim_data/store/log_store.h"

using namespace swipegym;
using namespace swipegym::test;
using Catch::Matchers::Contains;

namespace {

LoadedDataset load(const SampleRelease& release, const LoadOptions& options = {}) {
  const Folder folder;
  release.write(folder.path);
  return load_dataset(folder.path, options);
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("rows come out ordered by user and time with their cells intact", "[load]") {
  const LoadedDataset loaded = load(SampleRelease());
  const Dataset& data = loaded.data;
  REQUIRE(data.log.size() == 7);
  CHECK(data.users.raw_id == std::vector<std::int64_t>{3, 0, 7});
  CHECK(data.videos.raw_id == std::vector<std::int64_t>{10, 11, 12, 20});
  CHECK(data.user_offset == std::vector<std::uint64_t>{0, 3, 6, 7});
  // User 3 (index 0): the row without a duration came first; of the two at one time the random log's is kept.
  CHECK(data.log.source_row == std::vector<std::uint32_t>{6, 0, 8, 5, 2, 4, 1});
  CHECK(data.log.duration_ms == std::vector<std::int32_t>{0, 10000, 8000, 30000, 8000, 10000, 40000});
  CHECK(data.log.play_ms == std::vector<std::int32_t>{100, 12000, 2000, 40000, 3000, 0, 500});
  CHECK(data.log.is_random == std::vector<std::uint8_t>{0, 1, 0, 0, 0, 0, 1});
  CHECK(data.log.date[3] == 20220424);
  CHECK(data.log.hourmin[0] == 959);
  CHECK(data.log.tab[5] == 14);
  CHECK(data.log.time_ms[6] == 1650902400000);
  CHECK(index_of(data.log.video[3]) == 2);
  CHECK(data.log.signals[3] ==
        (bit(Signal::kFollow) | bit(Signal::kComment) | bit(Signal::kForward) | bit(Signal::kLongView)));
  CHECK(data.log.signals[4] == (bit(Signal::kClick) | bit(Signal::kLike) | bit(Signal::kProfile)));
  CHECK(data.log.signals[5] == bit(Signal::kHate));
}

TEST_CASE("what is dropped or unusual is counted", "[load]") {
  const LoadReport report = load(SampleRelease()).report;
  CHECK(report.rows_read == 9);
  CHECK(report.rows_kept == 7);
  CHECK(report.dropped == std::map<std::string, std::uint64_t>{{"repeated", 2}});
  CHECK(report.noted.at("duration 0") == 1);
  CHECK(report.noted.at("date differs from time_ms") == 1);
  CHECK(report.noted.count("hour differs from time_ms") == 0);
  CHECK(report.noted.at("user_features: empty cells") == 1);
  CHECK(report.noted.at("user_features: cells with the code -124") == 2);
  CHECK(report.noted.at("video_features_basic: empty cells") == 6);
  CHECK(report.noted.at("video_features_basic: cells with the code -124") == 1);
  CHECK(report.noted.at("video_features_basic: videos with several tags") == 1);
}

TEST_CASE("feature tables keep quoted, empty and coded cells", "[load]") {
  const Dataset data = load(SampleRelease()).data;
  const FeatureColumn* degree = data.users.find("user_active_degree");
  const FeatureColumn* range = data.users.find("follow_user_num_range");
  const FeatureColumn* streamer = data.users.find("is_live_streamer");
  const FeatureColumn* feature = data.users.find("onehot_feat1");
  REQUIRE((degree && range && streamer && feature));
  CHECK(degree->categories == std::vector<std::string>{"full_active", "UNKNOWN"});
  CHECK(degree->value == std::vector<float>{0, 0, 1});
  CHECK(range->categories == std::vector<std::string>{"500+", "(250,500]", "0"});
  CHECK(streamer->categories.empty());
  CHECK(streamer->value == std::vector<float>{1, -124, -124});
  CHECK(std::isnan(feature->value[1]));

  const VideoTable& videos = data.videos;
  CHECK(videos.author == std::vector<std::uint32_t>{0, 1, 0, 2});
  CHECK(videos.author_raw_id == std::vector<std::int64_t>{900, 901, 77});
  CHECK(videos.video_types == std::vector<std::string>{"NORMAL", "AD"});
  CHECK(videos.upload_type == std::vector<std::uint8_t>{0, 1, 1, 2});
  CHECK(videos.upload_date == std::vector<std::int32_t>{20220410, 20220411, 0, 20220410});
  CHECK(videos.duration_ms[0] == 10000.0F);
  CHECK(std::isnan(videos.duration_ms[1]));
  CHECK(videos.width == std::vector<std::int16_t>{720, 720, 0, 720});
  CHECK(videos.music_id[0] == 9155697141);
  CHECK(videos.music_type == std::vector<std::int8_t>{9, -1, 9, 4});
  CHECK(videos.tag == std::vector<std::uint16_t>{39, 12, 65});
  CHECK(videos.tag_offset == std::vector<std::uint32_t>{0, 1, 3, 3, 3});
  CHECK(videos.first_tag(1) == 12);
  CHECK(videos.first_tag(2) == VideoTable::kNoTag);
}

TEST_CASE("visible_status is kept where a video has one, and changes no other release", "[load]") {
  const SampleRelease sample;
  const LoadedDataset plain = load(sample);
  CHECK(plain.data.videos.visible_status.empty());
  SampleRelease without = sample;  // the column is not there at all
  for (const char* cell : {"Import,0.0,", "Web,0.0,", "Web,0.0,", "Kmovie,0.0,"})
    without.videos = replaced(without.videos, cell, std::string(cell, std::strchr(cell, ',') - cell + 1));
  without.videos = replaced(without.videos, "visible_status,", "");
  CHECK(load(without).data.fingerprint == plain.data.fingerprint);

  SampleRelease hidden = sample;
  hidden.videos = replaced(hidden.videos, "Import,0.0,", "Import,,");
  hidden.videos = replaced(hidden.videos, "Kmovie,0.0,", "Kmovie,3.0,");
  const LoadedDataset loaded = load(hidden);
  CHECK(loaded.data.videos.visible_status == std::vector<std::int8_t>{-1, 0, 0, 3});
  CHECK(loaded.data.fingerprint != plain.data.fingerprint);
  hidden.videos = replaced(hidden.videos, "Kmovie,3.0,", "Kmovie,hidden,");
  CHECK_THROWS_WITH(load(hidden), Contains("visible_status is 'hidden', expected a number or nothing"));

  const Folder folder;  // a store holds it too
  hidden.videos = replaced(hidden.videos, "Kmovie,hidden,", "Kmovie,3.0,");
  hidden.write(folder.path);
  import_logs(folder.path, folder.path / "logs.h5");
  const Dataset store = load_dataset(folder.path / "logs.h5").data;
  CHECK(store.videos.visible_status == loaded.data.videos.visible_status);
  CHECK(store.fingerprint == loaded.data.fingerprint);
  write_video_csv(folder.path / "written.csv", store.videos);  // and files that are written from it
  hidden.videos = read_file(folder.path / "written.csv");
  CHECK(load(hidden).data.videos.visible_status == loaded.data.videos.visible_status);
}

TEST_CASE("a release's root, its data folder and the order of columns do not matter", "[load]") {
  const std::uint64_t expected = load(SampleRelease()).data.fingerprint;
  const Folder root;
  fs::create_directory(root.path / "data");
  SampleRelease().write(root.path / "data");
  CHECK(load_dataset(root.path).data.fingerprint == expected);
  CHECK(load_dataset(root.path / "data").data.fingerprint == expected);

  // tab first, a column of our own in between
  SampleRelease moved;
  std::string out;
  for (std::size_t begin = 0; begin < moved.standard.size();) {
    const std::size_t end = moved.standard.find('\n', begin);
    std::string line = moved.standard.substr(begin, end - begin);
    const std::size_t last = line.rfind(',');
    out += line.substr(last + 1) + (begin == 0 ? ",weight," : ",\"0,25\",") + line.substr(0, last) + "\n";
    begin = end + 1;
  }
  moved.standard = out;
  CHECK(load(moved).data.fingerprint == expected);
}

TEST_CASE("line ends, a byte order mark and a missing last newline do not matter", "[load]") {
  const std::uint64_t expected = load(SampleRelease()).data.fingerprint;
  const auto with_crlf = [](const std::string& text) {
    std::string out;
    for (const char c : text) (c == '\n' ? out += "\r\n" : out += c);
    return out;
  };
  SampleRelease other;
  other.standard = with_crlf(other.standard);
  other.users = with_crlf(other.users);
  other.videos = with_crlf(other.videos);
  other.random.pop_back();
  CHECK(load(other).data.fingerprint == expected);
  other.standard.resize(other.standard.size() - 2);
  other.users.resize(other.users.size() - 2);
  other.videos.resize(other.videos.size() - 2);
  other.random.insert(0, "\xEF\xBB\xBF");
  CHECK(load(other).data.fingerprint == expected);
}

TEST_CASE("a log cut into parts is the same log, and any changed cell is not", "[load]") {
  const SampleRelease sample;
  const std::uint64_t expected = load(sample).data.fingerprint;
  const Folder folder;
  sample.write(folder.path);
  fs::remove(folder.path / "log_standard_sample.csv");
  std::size_t part = 0;
  for (std::size_t begin = kLogHeader.size(); begin < sample.standard.size(); ++part) {
    const std::size_t end = sample.standard.find('\n', begin) + 1;
    swipegym::test::write_file(folder.path / ("log_standard_part" + std::to_string(part) + ".csv"),
                               kLogHeader + sample.standard.substr(begin, end - begin));
    begin = end;
  }
  CHECK(part == 7);
  CHECK(load_dataset(folder.path).data.fingerprint == expected);

  SampleRelease changed = sample;
  changed.standard = replaced(sample.standard, "2000,8000", "2001,8000");
  CHECK(load(changed).data.fingerprint != expected);
  changed = sample;
  changed.users = replaced(sample.users, "457", "458");
  CHECK(load(changed).data.fingerprint != expected);
  changed = sample;
  changed.videos = replaced(sample.videos, "12,65", "65,12");
  CHECK(load(changed).data.fingerprint != expected);
}

TEST_CASE("dates, logs and users can be asked for, and copies are dropped before", "[load]") {
  const SampleRelease sample;
  CHECK(load(sample, {.from = 20220425, .until = 20220425}).data.log.source_row == std::vector<std::uint32_t>{0, 2, 4});
  CHECK(load(sample, {.standard = false}).data.log.source_row == std::vector<std::uint32_t>{0, 1});
  // Row 7 is a copy of row 0 of the random log, so it does not come back when that log is left out.
  CHECK(load(sample, {.random = false}).data.log.source_row == std::vector<std::uint32_t>{6, 8, 5, 2, 4});
  const Dataset one = load(sample, {.first_user = 1, .last_user = 1}).data;
  CHECK(one.log.source_row == std::vector<std::uint32_t>{5, 2, 4});
  CHECK(one.user_offset == std::vector<std::uint64_t>{0, 0, 3, 3});
  CHECK(one.users.size() == 3);
  CHECK(load(sample, {.from = 20230101}).data.log.size() == 0);
}

TEST_CASE("the number of threads changes nothing", "[load]") {
  const std::uint64_t expected = load(SampleRelease(), {.threads = 1}).data.fingerprint;
  for (const int threads : {2, 3, 8}) CHECK(load(SampleRelease(), {.threads = threads}).data.fingerprint == expected);
}

TEST_CASE("truth.json beside the files is read", "[load]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  CHECK(load_dataset(folder.path).data.truth.empty());
  swipegym::test::write_file(folder.path / "truth.json", "{\"preset\": \"tiny\"}\n");
  CHECK(load_dataset(folder.path).data.truth == "{\"preset\": \"tiny\"}\n");
}

TEST_CASE("a malformed log row is an error with file, line, column and what was expected", "[load]") {
  struct Case {
    std::string from, to, where, what;
  };
  const auto bad = GENERATE(values<Case>({
      {"1650859200000", "noon", ":2:20:", "time_ms is 'noon' (not an integer), expected milliseconds"},
      {"1650859200000", "-5", ":2:20:", "time_ms is '-5' (negative)"},
      {"1650859200000", "9999999999999", ":2:20:", "time_ms is '9999999999999' (out of range)"},
      {"1650859200000", "99999999999999999999", ":2:20:", "out of range"},
      {"20220425", "20220431", ":2:6:", "date is '20220431' (not a date), expected a date yyyymmdd"},
      {"20220425", "2022-04-25", ":2:6:", "(not an integer)"},
      {"1200", "2400", ":2:15:", "hourmin is '2400' (out of range), expected a time hhmm"},
      {"1200", "1260", ":2:15:", "hourmin is '1260' (not a time)"},
      {",3000,", ",1000000001,", ":2:48:", "play_time_ms is '1000000001' (out of range)"},
      {",3000,", ",3e3,", ":2:48:", "play_time_ms is '3e3' (not an integer)"},
      {",3000,", ",,", ":2:48:", "play_time_ms is '' (empty)"},
      {",8000,", ",-1,", ":2:53:", "duration_ms is '-1' (negative)"},
      {"3000,8000,5", "3000,8000,x", ":2:58:", "profile_stay_time is 'x'"},
      {"0000,1,1,", "0000,1,2,", ":2:36:", "is_like is '2' (out of range), expected 0 or 1"},
      {"1,0,0\n", "2,0,0\n", ":2:63:", "is_profile_enter is '2'"},
      {"1,0,0\n", "1,3,0\n", ":2:65:", "is_rand is '3'"},
      {"1,0,0\n", "1,0,255\n", ":2:67:", "tab is '255' (out of range), expected an integer from 0 to 254"},
      {"1,0,0\n", "1,0\n", ":2:", "the row has 18 columns, expected 19"},
      {"1,0,0\n", "1,0,0,0\n", ":2:", "the row has 20 columns, expected 19"},
      {"1,0,0\n", "1,0,\"0\"\n", ":2:", "quotes"},
      {"\n0,11", "\n\n0,11", ":2:", "the row has 1 columns"},
      {"\n0,11", "\n5,11", ":2:1:", "user_id is '5' (unknown), expected an id of user_features_*.csv"},
      {"\n0,11", "\n0,13", ":2:3:", "video_id is '13' (unknown), expected an id of video_features_basic_*.csv"},
      {"\n0,11", "\n0,-11", ":2:3:", "video_id is '-11'"},
  }));
  CAPTURE(bad.from, bad.to);
  SampleRelease release;
  release.standard = replaced(release.standard, bad.from, bad.to);
  const std::string message = message_of([&] { load(release); });
  CHECK_THAT(message, Contains("log_standard_sample.csv" + bad.where) && Contains(bad.what));
  CHECK(message.find('\n') == std::string::npos);

  const LoadReport report = load(release, {.skip_bad_rows = true}).report;
  CHECK(report.rows_read == (bad.to.starts_with("\n\n") ? 10 : 9));
  std::uint64_t bad_rows = 0;
  for (const auto& [reason, count] : report.dropped) bad_rows += reason == "repeated" ? 0 : count;
  CHECK(bad_rows == 1);
}

TEST_CASE("the first of several bad rows is named, with its own line, on any number of threads", "[load]") {
  // Enough rows for several blocks of 2 MiB; bad rows in two of them.
  SampleRelease release;
  const std::string row = "3,11,20220427,1500,1651042800000,0,0,0,0,0,0,0,2000,8000,0,0,0,0,1\n";
  release.standard = kLogHeader;
  std::size_t line = 1;
  for (; line < 100'000; ++line) release.standard += line == 70'000 ? "3,11,nonsense\n" : line == 95'000 ? "?\n" : row;
  const Folder folder;
  release.write(folder.path);
  for (const int threads : {1, 2, 8})
    CHECK_THAT(message_of([&] { load_dataset(folder.path, {.threads = threads}); }), Contains(".csv:70001:"));
  const LoadReport report = load_dataset(folder.path, {.skip_bad_rows = true}).report;
  CHECK(report.rows_read == 2 + 99'999);
  CHECK(report.dropped.at("wrong number of columns") == 2);
  CHECK(report.dropped.at("repeated") == 99'999 - 2 - 1);
}

TEST_CASE("a log cut short is an error at its last line", "[load]") {
  SampleRelease release;
  // Within the last cell a cut cannot be seen; anywhere before, it can.
  const std::size_t last_row = release.standard.rfind('\n', release.standard.size() - 2) + 1;
  for (std::size_t length = last_row + 1; length + 2 < release.standard.size(); ++length) {
    CAPTURE(length);
    SampleRelease cut = release;
    cut.standard.resize(length);
    CHECK_THAT(message_of([&] { load(cut); }), Contains("log_standard_sample.csv:8:"));
  }
}

TEST_CASE("a missing or repeated column is an error that names it", "[load]") {
  SampleRelease release;
  release.standard = replaced(release.standard, "play_time_ms", "play_time");
  CHECK_THAT(message_of([&] { load(release); }), Contains("log_standard_sample.csv:1:1") && Contains("'play_time_ms'"));
  release = SampleRelease();
  release.standard = replaced(release.standard, "is_follow", "is_like");
  CHECK_THAT(message_of([&] { load(release); }), Contains("'is_like' appears twice"));
  release = SampleRelease();
  release.users = replaced(release.users, "register_days,", "days,");
  CHECK_THAT(message_of([&] { load(release); }), Contains("user_features_sample.csv:1:1") && Contains("register_days"));
  release = SampleRelease();
  release.videos = replaced(release.videos, "tag", "tags");
  CHECK_THAT(message_of([&] { load(release); }), Contains("video_features_basic_sample.csv:1:1") && Contains("'tag'"));
}

TEST_CASE("bad cells of the feature tables are errors with their place", "[load]") {
  struct Case {
    bool users;
    std::string from, to, where, what;
  };
  const auto bad = GENERATE(values<Case>({
      {true, ",457,", ",many,", "user_features_sample.csv:3:24:", "follow_user_num is 'many', expected a number"},
      {true, ",457,", ",1e300,", "user_features_sample.csv:3:24:", "follow_user_num is '1e300', expected a number"},
      {false, "30000.0", "1e39", "video_features_basic_sample.csv:4:", "video_duration is '1e39', expected a number"},
      {true, "\n7,", "\n3,", "user_features_sample.csv:4:1:", "user_id 3 appeared before"},
      {true, "\n7,", "\nx,", "user_features_sample.csv:4:1:", "user_id is 'x'"},
      {true, "0,100,61-90,0,2", "0,100", "user_features_sample.csv:4:", "columns, expected 15"},
      {true, "\"[100,1k)\"", "\"[100,1k)", "user_features_sample.csv:2:", ""},
      {false, "\n12,900", "\nx,900",
       "video_features_basic_sample.csv:4:1:", "video_id is 'x', expected an integer >= 0"},
      {false, "30000.0", "long", "video_features_basic_sample.csv:4:24:", "video_duration is 'long'"},
      {false, "2022-04-11", "2022-02-30", "video_features_basic_sample.csv:3:", "upload_dt is '2022-02-30'"},
      {false, "12,65", "12,music", "video_features_basic_sample.csv:3:", "tag is '12,music'"},
      {false, "9155697141,9.0,39", "9155697141,9.0",
       "video_features_basic_sample.csv:2:", "has 11 columns, expected 12"},
      {false, "\n12,900", "\n\"12,900", "video_features_basic_sample.csv:4:1:", "a quote is not closed"},
  }));
  CAPTURE(bad.from, bad.to);
  SampleRelease release;
  std::string& table = bad.users ? release.users : release.videos;
  table = replaced(table, bad.from, bad.to);
  CHECK_THAT(message_of([&] { load(release); }), Contains(bad.where) && Contains(bad.what));
  // Skipping the table's row makes the rows of that user or video unknown; both are counted.
  const LoadReport report = load(release, {.skip_bad_rows = true}).report;
  CHECK(std::count_if(report.dropped.begin(), report.dropped.end(),
                      [](const auto& entry) { return entry.first.find("_features") != std::string::npos; }) == 1);
}

TEST_CASE("a number just beyond what its column holds counts as missing", "[load]") {
  SampleRelease release;
  release.videos = replaced(release.videos, "1280.0,9155697141,9.0,39", "32768,9223372036854775807,128,39");
  const LoadedDataset loaded = load(release);
  CHECK(loaded.data.videos.height[0] == 0);
  CHECK(loaded.data.videos.music_id[0] == 0);
  CHECK(loaded.data.videos.music_type[0] == -1);
  CHECK(loaded.report.noted.at("video_features_basic: sizes out of range, taken as missing") == 3);
}

TEST_CASE("a repeated video is an error", "[load]") {
  SampleRelease release;
  release.videos = replaced(release.videos, "\n12,900", "\n11,900");
  CHECK_THAT(message_of([&] { load(release); }), Contains("video_id 11 appears twice") && Contains("data row 3"));
}

TEST_CASE("missing files, empty files and logs without rows are errors that say so", "[load]") {
  const Folder folder;
  CHECK_THAT(message_of([&] { load_dataset(folder.path / "none"); }), Contains("no such file or folder"));
  CHECK_THAT(message_of([&] { load_dataset(folder.path); }), Contains("log_standard_*.csv"));
  SampleRelease().write(folder.path);
  fs::remove(folder.path / "user_features_sample.csv");
  CHECK_THAT(message_of([&] { load_dataset(folder.path); }), Contains("user_features_*.csv"));
  SampleRelease().write(folder.path);
  fs::remove(folder.path / "video_features_basic_sample.csv");
  CHECK_THAT(message_of([&] { load_dataset(folder.path); }), Contains("video_features_basic_*.csv"));

  SampleRelease empty;
  empty.standard.clear();
  CHECK_THAT(message_of([&] { load(empty); }), Contains("log_standard_sample.csv") && Contains("is empty"));
  empty.standard = empty.random = kLogHeader;
  CHECK_THAT(message_of([&] { load(empty); }), Contains("the log files hold no rows"));
  empty = SampleRelease();
  empty.users = kUserHeader;
  CHECK_THAT(message_of([&] { load(empty); }), Contains("no users"));
  empty = SampleRelease();
  empty.videos = kVideoHeader;
  CHECK_THAT(message_of([&] { load(empty); }), Contains("no videos"));
}

TEST_CASE("an interruption reaches the caller from every stage", "[load]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  std::set<std::string> stages;
  load_dataset(folder.path, {.progress = [&](std::string_view what, std::uint64_t done, std::uint64_t total) {
                 CHECK(done <= total);
                 stages.emplace(what);
               }});
  CHECK(stages.size() == 4);
  for (const std::string& stage : stages) {
    const auto stop = [&](std::string_view what, std::uint64_t, std::uint64_t) {
      if (what == stage) throw Interrupted();
    };
    CHECK_THROWS_AS(load_dataset(folder.path, {.progress = stop}), Interrupted);
  }
}

TEST_CASE("the real slice loads with the counts and means it is known to have", "[load][real]") {
  const char* folder = std::getenv("SWIPEGYM_DATA");
  if (folder == nullptr) {
    WARN("skipped: SWIPEGYM_DATA names no KuaiRand folder");
    return;
  }
  const LoadedDataset loaded = load_dataset(folder);
  const Log& log = loaded.data.log;
  // From pandas: read_csv of both logs, drop_duplicates on (user_id, video_id, time_ms).
  CHECK(loaded.report.rows_read == 198'895 + 1'063);
  CHECK(loaded.report.dropped == std::map<std::string, std::uint64_t>{{"repeated", 5'312}});
  CHECK(loaded.report.noted.at("duration 0") == 3129);
  CHECK(loaded.report.noted.at("date differs from time_ms") == 1716);
  CHECK(loaded.report.noted.at("hour differs from time_ms") == 33709);
  CHECK(loaded.report.noted.at("user_features: empty cells") == 874 + 6 * 714);
  REQUIRE(log.size() == 194'646);
  CHECK(loaded.data.users.size() == 27'285);
  CHECK(loaded.data.videos.size() == 7'583);
  CHECK(loaded.data.videos.num_authors() == 6'510);
  CHECK(loaded.data.videos.video_types.size() == 3);
  CHECK(loaded.data.videos.upload_types.size() == 14);
  double play = 0, duration = 0, tab = 0, hourmin = 0, random = 0, rate[kNumSignals] = {};
  for (std::size_t i = 0; i < log.size(); ++i) {
    play += log.play_ms[i];
    duration += log.duration_ms[i];
    tab += log.tab[i];
    hourmin += log.hourmin[i];
    random += log.is_random[i];
    for (std::size_t s = 0; s < kNumSignals; ++s) rate[s] += has(log.signals[i], static_cast<Signal>(s));
  }
  const double rows = static_cast<double>(log.size());
  CHECK(play / rows == Approx(2.175794e+04).epsilon(1e-6));
  CHECK(duration / rows == Approx(1.064055e+05).epsilon(1e-6));
  CHECK(tab / rows == Approx(1.348602).epsilon(1e-6));
  CHECK(hourmin / rows == Approx(1.415023e+03).epsilon(1e-6));
  CHECK(random == 1'063);
  const double expected[kNumSignals] = {4.478797e-01, 1.729807e-02, 1.274108e-03, 2.558491e-03,
                                        8.065925e-04, 8.631053e-04, 3.151773e-01, 1.868520e-02};
  for (std::size_t s = 0; s < kNumSignals; ++s) CHECK(rate[s] / rows == Approx(expected[s]).epsilon(1e-5));
}
