#include <catch2/catch.hpp>
#include <string>

#include "core/error.h"
#include "sample_release.h"
#include "sim_data/dataset.h"
#include "sim_data/interactions_csv.h"

using namespace swipegym;
using namespace swipegym::test;
using Catch::Matchers::Contains;

namespace {

struct Imported {
  LoadReport report;
  Dataset data;
};

Imported import_text(const std::string& text, bool skip_bad_rows = false) {
  const Folder folder;
  write_file(folder.path / "log.csv", text);
  Imported out;
  out.report = import_interactions(folder.path / "log.csv", folder.path / "log.h5",
                                   {.skip_bad_rows = skip_bad_rows, .threads = 1});
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
  CHECK_THROWS_WITH(import_text(head + "1,x9,1650852000,4\n"),
                    Contains("log.csv:3:3: item is 'x9', expected an integer"));
  CHECK_THROWS_WITH(import_text(head + "1,9,yesterday,4\n"), Contains("log.csv:3:5: timestamp is 'yesterday'"));
  CHECK_THROWS_WITH(import_text(head + "1,9,1650852000,-1\n"), Contains("log.csv:3:16: rating is '-1'"));
  CHECK_THROWS_WITH(import_text(head + "1,9,1650852000\n"), Contains("log.csv:3:1: 3 cells, expected 4"));
  CHECK_THROWS_WITH(import_text("user,item\n1,2\n"), Contains("no column 'timestamp'"));
  CHECK_THROWS_WITH(import_text("user,item,timestamp,play\n1,2,3,4\n"), Contains("'play' without 'duration'"));
  CHECK_THROWS_WITH(import_text("user,item,timestamp\n"), Contains("holds no interaction"));
  const Imported made = import_text(head + "1,x9,1650852000,4\n1,9,yesterday,4\n", /*skip_bad_rows=*/true);
  CHECK(made.data.log.size() == 1);
  CHECK(made.report.rows_read == 3);
  CHECK(made.report.dropped.at("item") == 1);
  CHECK(made.report.dropped.at("timestamp") == 1);
}

}  // namespace
