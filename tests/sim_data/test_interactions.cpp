#include <fmt/format.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "core/error.h"
#include "packed.h"
#include "sample_release.h"
#include "sim_data/csv/interaction_time.h"
#include "sim_data/csv/interactions_csv.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/dataset.h"
#include "sim_data/log_limits.h"

using namespace swipegym;
using namespace swipegym::test;
using Catch::Matchers::Contains;

namespace {

struct Imported {
  LoadReport report;
  Dataset data;
};

Imported import_text(const std::string& text, bool skip_bad_rows = false, const InteractionFormat& format = {},
                     const char* name = "log.csv") {
  const Folder folder;
  test::write_file(folder.path / name, text);
  Imported out;
  out.report = import_interactions(folder.path / name, folder.path / "log.h5",
                                   {.skip_bad_rows = skip_bad_rows, .threads = 2}, format);
  out.data = load_dataset(folder.path / "log.h5").data;
  return out;
}

TEST_CASE("ratings become watch ratios of a ten-second video", "[sim_data]") {
  const Imported made = import_text(
      "userId,movieId,rating,timestamp\n"
      "7,50,5.0,1650852000\n"
      "3,40,2.5,1650852001\n"
      "7,40,1.0,1650851000\n"
      "7,40,1.0,1650851000\n");
  const Log& log = made.data.log;
  REQUIRE(log.size() == 3);  // one row came twice
  CHECK(made.report.rows_read == 4);
  CHECK(made.report.dropped.at("repeated") == 1);
  CHECK(made.report.noted.at("no duration, 10 s assumed") == 3);
  CHECK(made.data.users.raw_id == std::vector<std::int64_t>{3, 7});
  CHECK(made.data.videos.raw_id == std::vector<std::int64_t>{40, 50});
  CHECK(log.time_ms == std::vector<std::int64_t>{1650852001000, 1650851000000, 1650852000000});
  CHECK(log.play_ms == std::vector<std::int32_t>{5000, 2000, 10000});
  CHECK(log.duration_ms == std::vector<std::int32_t>{10000, 10000, 10000});
  CHECK(log.date[0] == 20220425);
  CHECK(has(log.signals[2], Signal::kLike));
  CHECK(!has(log.signals[0], Signal::kLike));
}

TEST_CASE("tab-separated files with typed names, milliseconds and play times are read too", "[sim_data]") {
  const Imported made = import_text(
      "user_id:token\titem_id:token\tplay:float\tduration:float\ttimestamp:float\n"
      "1\t2\t3.5\t7\t1650852000123\n"
      "1\t3\t0\t0\t1650852000124\n");
  REQUIRE(made.data.log.size() == 2);
  CHECK(made.data.log.time_ms[0] == 1650852000123);
  CHECK(made.data.log.play_ms[0] == 3500);
  CHECK(made.data.log.duration_ms == std::vector<std::int32_t>{7000, 0});
  CHECK(made.report.noted.at("duration 0") == 1);
}

TEST_CASE("a bad cell is named with line and column, or counted", "[sim_data]") {
  const std::string head = "user,item,timestamp,rating\n1,2,1650852000,4\n";
  CHECK_THROWS_WITH(import_text(head + "1,,1650852000,4\n"), Contains("log.csv:3:3: item is '', expected an id"));
  CHECK_THROWS_WITH(import_text(head + "1,9,yesterday,4\n"), Contains("log.csv:3:5: timestamp is 'yesterday'"));
  CHECK_THROWS_WITH(import_text(head + "1,9,1650852000,-1\n"), Contains("log.csv:3:16: rating is '-1'"));
  CHECK_THROWS_WITH(import_text(head + "1,9,1650852000\n"), Contains("log.csv:3:1: 3 cells, expected 4"));
  CHECK_THROWS_WITH(import_text("user,item\n1,2\n"), Contains("no column 'timestamp'"));
  CHECK_THROWS_WITH(import_text("user,item,timestamp,play\n1,2,3,4\n"), Contains("'play' without 'duration'"));
  CHECK_THROWS_WITH(import_text("user,item,timestamp\n"), Contains("holds no interaction"));
  const Imported made = import_text(head + "1,,1650852000,4\n1,9,yesterday,4\n", /*skip_bad_rows=*/true);
  CHECK(made.data.log.size() == 1);
  CHECK(made.report.rows_read == 3);
  CHECK(made.report.dropped.at("item") == 1);
  CHECK(made.report.dropped.at("timestamp") == 1);
}

TEST_CASE("ratings that are all 0 are neither likes nor watched", "[sim_data]") {
  const Imported made = import_text("user,item,timestamp,rating\n1,2,1650852000,0\n1,3,1650852001,0\n");
  CHECK(made.data.log.play_ms == std::vector<std::int32_t>{0, 0});
  CHECK(made.data.log.signals == std::vector<SignalBits>{0, 0});
  CHECK(made.report.noted.at("ratings are all 0: nothing liked") == 2);
  CHECK(import_text("user,item,timestamp\n1,2,3\n").report.noted.at("times before 1990") == 1);
}

TEST_CASE("a unit behind a name is heeded", "[sim_data]") {
  const auto first = [](const std::string& text) {
    const Log log = import_text(text).data.log;
    return std::array<std::int64_t, 3>{log.time_ms[0], log.duration_ms[0], log.play_ms[0]};
  };
  using Times = std::array<std::int64_t, 3>;
  // As seconds this would be the year 2020, as milliseconds it is a day in 1970.
  CHECK(first("user,item,time_ms,duration_ms,play_time_ms\n1,2,1593878903,7000,3500\n") ==
        Times{1593878903, 7000, 3500});
  CHECK(first("user,item,timestamp_s,duration_s,play_s\n1,2,1593878903,7,3.5\n") == Times{1593878903000, 7000, 3500});
  CHECK(first("user,item,timestamp_us,videoDurationMs,watch_seconds\n1,2,1593878903123456,7000,3.5\n") ==
        Times{1593878903123, 7000, 3500});
  CHECK(first("user,item,timestamp,duration,watch_time\n1,2,1593878903,7,3.5\n") == Times{1593878903000, 7000, 3500});
  CHECK_THROWS_WITH(import_text("user,item,timestamp_s\n1,2,1593878903000\n"),
                    Contains("log.csv:2:5: timestamp is '1593878903000'"));
}

TEST_CASE("the names of public data sets are known", "[sim_data]") {
  SECTION("KuaiRec: two times for one thing, milliseconds without a suffix, a ratio beside what it is of") {
    const Imported made = import_text(
        "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
        "0,3649,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.273397\n");
    CHECK(made.data.log.time_ms[0] == 1593878903438);
    CHECK(made.data.log.play_ms[0] == 13838);
    CHECK(made.data.log.duration_ms[0] == 10867);
    CHECK(made.data.log.date[0] == 20200705);
    for (const char* name : {"time", "date", "watch_ratio"})
      CHECK(made.report.noted.at(fmt::format("column '{}' ignored", name)) == 1);
    CHECK(made.report.noted.count("column 'timestamp' ignored") == 0);
  }
  SECTION("KuaiSAR") {
    const Imported made = import_text(
        "user_id,item_id,playing_time,duration_ms,time,timestamp,click,like\n"
        "1,2,60792.0,45400.0,2023-05-22 15:53:20,1684742000000.0,1,0\n");
    CHECK(made.data.log.time_ms[0] == 1684742000000);
    CHECK(made.data.log.play_ms[0] == 60792);
    CHECK(made.data.log.duration_ms[0] == 45400);
  }
  SECTION("MovieLens, three ways") {
    const Imported csv = import_text("userId,movieId,rating,timestamp\n196,242,3.0,881250949\n");
    const Imported tab = import_text("196\t242\t3\t881250949\n", false, {}, "u.data");
    const Imported colons = import_text("196::242::3::881250949\n", false, {}, "ratings.dat");
    CHECK(csv.data.fingerprint == tab.data.fingerprint);
    CHECK(csv.data.fingerprint == colons.data.fingerprint);
    CHECK(csv.data.users.raw_id == std::vector<std::int64_t>{196});
    CHECK(csv.data.log.time_ms[0] == 881250949000);
  }
  SECTION("Amazon, ratings alone and whole reviews") {
    const Imported ratings = import_text("user_id,parent_asin,rating,timestamp\nAGKAS,B07DK1H3H5,4.0,1471546337000\n");
    CHECK(ratings.data.log.time_ms[0] == 1471546337000);
    CHECK(ratings.data.videos.id_text[0] == "B07DK1H3H5");
    const Imported reviews = import_text(
        "rating,title,text,asin,parent_asin,user_id,timestamp,helpful_vote\n"
        "4.0,\"Good, \"\"really\"\"\",x,B000000000,B07DK1H3H5,AGKAS,1471546337000,0\n");
    CHECK(reviews.data.fingerprint == ratings.data.fingerprint);
    CHECK(import_text("reviewerID,asin,overall,unixReviewTime\nA1,B1,5,1400000000\n").data.log.size() == 1);
  }
}

TEST_CASE("a watch ratio alone says how much of ten seconds was watched", "[sim_data]") {
  const Imported made = import_text("user,item,timestamp,watch_ratio\n1,2,1650852000,1.5\n");
  CHECK(made.data.log.play_ms[0] == 15000);
  const Imported timed = import_text("user,item,timestamp,watch_ratio,duration\n1,2,1650852000,1.5,4\n");
  CHECK(timed.data.log.play_ms[0] == 6000);
}

TEST_CASE("two columns for one thing are refused by both names, until one is chosen", "[sim_data]") {
  const std::string text = "user,user_id,item,timestamp,time_ms,rating,rating\n5,6,2,1650852000,1650852000123,1,2\n";
  CHECK_THROWS_WITH(import_text(text), Contains("'user' and 'user_id' both look like the user"));
  CHECK_THROWS_WITH(import_text(text, false, {.columns = {"user=user_id"}}),
                    Contains("'timestamp' and 'time_ms' both look like the time"));
  CHECK_THROWS_WITH(import_text(text, false, {.columns = {"user=user_id", "time=time_ms"}}),
                    Contains("'rating' and 'rating' both look like the rating"));
  CHECK_THROWS_WITH(import_text(text, false, {.columns = {"user=user_id", "time=time_ms", "rating=rating"}}),
                    Contains("--columns rating=rating: more than one column of that name"));
  const Imported made = import_text(text, false, {.columns = {"user=user_id", "time=time_ms", "rating=7"}});
  CHECK(made.data.users.raw_id == std::vector<std::int64_t>{6});
  CHECK(made.data.log.time_ms[0] == 1650852000123);
  CHECK(made.report.noted.at("ratings from 0 to 2") == 1);
}

TEST_CASE("columns of any names and separators are read", "[sim_data]") {
  const auto check = [](const std::string& text, const InteractionFormat& format) {
    const Imported made = import_text(text, false, format);
    CAPTURE(text);
    REQUIRE(made.data.log.size() == 1);
    CHECK(made.data.users.raw_id == std::vector<std::int64_t>{7});
    CHECK(made.data.videos.raw_id == std::vector<std::int64_t>{8});
    CHECK(made.data.log.time_ms[0] == 1650852000000);
    CHECK(made.data.log.play_ms[0] == 3500);
    CHECK(made.data.log.duration_ms[0] == 7000);
  };
  const std::vector<std::string> named = {"user=UserId", "item=sku", "time=at", "duration=len:ms", "play=seen_ms"};
  check("at,UserId,seen_ms,sku,len\n1650852000,7,3500,8,7000\n", {.columns = named});
  check("\"at\"\t\"UserId\"\t\"seen_ms\"\t\"sku\"\t\"len\"\n1650852000\t7\t3500\t8\t7000\n", {.columns = named});
  check("at\tUserId\tseen_ms\tsku\tlen\tnotes, with, commas, in, it\n1650852000\t7\t3500\t8\t7000\ta,b\n",
        {.columns = named});
  check("at|UserId|seen_ms|sku|len\n1650852000|7|3500|8|7000\n", {.columns = named});
  check("at;UserId;seen_ms;sku;len\r\n1650852000;7;3500;8;7000\r\n\r\n", {.columns = named});
  check("at::UserId::seen_ms::sku::len\n1650852000::7::3500::8::7000\n", {.columns = named});
  check("at&UserId&seen_ms&sku&len\n1650852000&7&3500&8&7000\n", {.columns = named, .separator = "&"});
  const std::vector<std::string> numbered = {"time=1", "user=2", "play=3:ms", "item=4", "duration=5:s"};
  check("1650852000,7,3500,8,7\n", {.columns = numbered, .has_header = false});
  check("1650852000 7 3500 8 7\n", {.columns = numbered, .separator = " ", .has_header = false});
  check("2022-04-25 10:00:00\t7\t3500\t8\t7\tand,a,text\n", {.columns = numbered, .has_header = false});
}

TEST_CASE("options that name no column are refused", "[sim_data]") {
  const std::string text = "user,item,timestamp,play\n1,2,1650852000,3\n";
  const auto refuse = [&](const InteractionFormat& format, const std::string& message) {
    CHECK_THROWS_WITH(import_text(text, false, format), Contains(message));
  };
  refuse({.columns = {"user"}}, "--columns has 'user', expected one of user, item");
  refuse({.columns = {"viewer=user"}}, "--columns has 'viewer=user'");
  refuse({.columns = {"user=viewer"}}, "--columns user=viewer: no column of that name among 'user'");
  refuse({.columns = {"user=9"}}, "--columns user=9: no column of that name");
  refuse({.columns = {"user=1", "user=2"}}, "--columns names user twice");
  refuse({.columns = {"user=item", "item=item"}}, "to user and to item");
  refuse({.columns = {"user=item"}}, "no column 'item'");
  refuse({.separator = "x"}, "--separator is 'x'");
  refuse({.has_header = false}, "--no-header needs the columns' numbers");
  refuse({}, "has 'play' without 'duration'");
  CHECK(import_text(text, false, {.columns = {"play=-"}}).report.noted.at("column 'play' ignored") == 1);
  CHECK_THROWS_WITH(import_text("1,2,1650852000\n"), Contains("the first line holds numbers, expected a header"));
}

TEST_CASE("ids that are texts are kept, whatever looks like a number among them", "[sim_data]") {
  const Imported made = import_text(
      "user,item,timestamp\n12,007,1650852000\nanna,7,1650852001\n\"b,\"\"c\"\"\",7,1650852002\nanna,007,1650852003\n");
  REQUIRE(made.data.users.id_text.size() == 3);
  CHECK(made.data.users.id_text[0] == "12");
  CHECK(made.data.users.id_text[1] == "anna");
  CHECK(made.data.users.id_text[2] == "b,\"c\"");
  REQUIRE(made.data.videos.id_text.size() == 2);
  CHECK(made.data.videos.id_text[0] == "007");
  CHECK(made.data.users.raw_id[1] == number_of_id("anna"));
  CHECK(index_of(made.data.log.video[2]) == 0);
  // The numbers stand in files, so they never change.
  CHECK(number_of_id("anna") == number_of_id(std::string("an") + "na"));
  CHECK(number_of_id("anna") < kMaxRawId);
  CHECK(import_text("user,item,timestamp\n12,8,1650852000\n").data.users.id_text.empty());
  const std::string tail = ",2,1650852000\n";
  CHECK_THROWS_WITH(import_text("user,item,timestamp\n" + std::string(256, 'x') + tail), Contains("user is 'xxx"));
  CHECK_THROWS_WITH(import_text("user,item,timestamp\na\x1B[2J" + tail), Contains("user is 'a\\x1B[2J'"));
}

TEST_CASE("what was imported is written as a release that reads back as the same data", "[sim_data]") {
  for (const std::string& ids : {std::string("12,8"), std::string("anna,\"b,\"\"c\"\"\"")}) {
    const Imported made = import_text("user,item,timestamp,rating\n" + ids + ",1650852000,3\n7,x,1650852001,5\n");
    const Folder folder;
    write_release(made.data, folder.path, "again");
    const LoadedDataset again = load_dataset(folder.path);
    CHECK(again.data.fingerprint == made.data.fingerprint);
    CHECK(again.report.dropped.empty());
    CHECK(again.data.users.id_text.bytes == made.data.users.id_text.bytes);
    CHECK(again.data.videos.id_text.bytes == made.data.videos.id_text.bytes);
  }
}

TEST_CASE("times are read as Unix times or as ISO 8601 has them", "[sim_data]") {
  const auto time_of = [](std::string_view text, double unit = 0.0) {
    std::int64_t time_ms = -1;
    return parse_time(text, unit, time_ms) ? time_ms : -1;
  };
  CHECK(time_of("1650852000") == 1650852000000);
  CHECK(time_of("1650852000.25") == 1650852000250);
  CHECK(time_of("1650852000250") == 1650852000250);
  CHECK(time_of("1.684742e+12") == 1684742000000);
  CHECK(time_of("1650852000250", 1.0) == 1650852000250);
  CHECK(time_of("1650852000250", 1000.0) == -1);
  CHECK(time_of("2022-04-25 10:00:00") == 1650852000000);  // without a zone, Kuaishou's clock
  CHECK(time_of("2022-04-25T10:00") == 1650852000000);
  CHECK(time_of("2022/04/25") == 1650816000000);
  CHECK(time_of("2022-04-25T02:00:00Z") == 1650852000000);
  CHECK(time_of("2022-04-25T02:00:00.2509Z") == 1650852000250);
  CHECK(time_of("2022-04-24T21:30:00-04:30") == 1650852000000);
  CHECK(time_of("2022-04-25 10:00:00 +0800") == 1650852000000);
  for (const char* bad : {"", "noon", "-1", "nan", "inf", "1e400", "2022-02-30", "2022-04-25 24:00:00", "2022-04-25 10",
                          "2022-04-25T10:00:00.Z", "2022-04-25T10:00+25:00", "2022-04-25 10:00:00 x", "2101-01-01",
                          "1969-12-31T00:00:00Z", "2022-04-25 10:00:60"}) {
    CAPTURE(bad);
    CHECK(time_of(bad) == -1);
  }
}

TEST_CASE("interactions are read packed, from a pipe, and on any number of threads", "[sim_data]") {
  std::string text = "user,item,timestamp\n";
  for (int i = 0; i < 200000; ++i) text += fmt::format("u{},{},{}\n", i * 7919 % 1000, i % 313, 1650852000 + i);
  const std::uint64_t expected = import_text(text).data.fingerprint;
  CHECK(import_text(gzip(text), false, {}, "log.csv.gz").data.fingerprint == expected);
  CHECK(import_text(zstd(text), false, {}, "log.tsv.zst").data.fingerprint == expected);
  const Folder folder;
  const fs::path pipe = folder.path / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] { test::write_file(pipe, text); });
  import_interactions(pipe, folder.path / "log.h5", {.threads = 3});
  writer.join();
  CHECK(load_dataset(folder.path / "log.h5").data.fingerprint == expected);
  CHECK_THROWS_WITH(import_interactions(folder.path, folder.path / "x.h5"), Contains("is a folder, expected a file"));
}

TEST_CASE("empty lines at the end of interactions are no rows", "[sim_data]") {
  const Imported made = import_text("user,item,timestamp\n1,2,1650852000\n1,3,1650852001\r\n\r\n\n");
  CHECK(made.report.rows_read == 2);
  CHECK_THROWS_WITH(import_text("user,item,timestamp\n\n1,2,1650852000\n"), Contains("log.csv:2:1: 1 cells"));
}

}  // namespace
