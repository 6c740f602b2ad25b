#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>

#include "core/error.h"
#include "data_set_samples.h"
#include "packed.h"
#include "sim_data/data_sets/data_sets.h"

using namespace swipegym;
using namespace swipegym::test;
using Catch::Matchers::Contains;

namespace {

struct ImportedSet {
  LoadReport report;
  Dataset data;

  std::vector<std::uint16_t> tags(std::size_t video) const {
    const auto begin = data.videos.tag.begin();
    return {begin + data.videos.tag_offset[video], begin + data.videos.tag_offset[video + 1]};
  }
  // The row that came so many rows behind the first one of all files.
  std::size_t row(std::uint32_t source_row) const {
    for (std::size_t i = 0; i < data.log.size(); ++i)
      if (data.log.source_row[i] == source_row) return i;
    FAIL("no such row");
    return 0;
  }
};

ImportedSet import_set(const std::string& name, const SampleFiles& files, bool skip_bad_rows = false, int threads = 2) {
  const Folder folder;
  write_samples(files, folder.path / "set");
  ImportedSet out;
  out.report = import_data_set(name, folder.path / "set", folder.path / "log.h5",
                               {.skip_bad_rows = skip_bad_rows, .threads = threads});
  out.data = load_dataset(folder.path / "log.h5").data;
  return out;
}

void replace_in(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

// What the import of a sample says when a part of a file is another.
std::string refusal(const std::string& name, SampleFiles files, const std::string& file, const std::string& from,
                    const std::string& to) {
  replace_in(files.at(file), from, to);
  try {
    import_set(name, files);
  } catch (const InputError& error) {
    const std::string what = error.what();
    return what.substr(what.find("/set") + 1);
  }
  return "nothing";
}

TEST_CASE("KuaiRec: tables, times, and the complete matrix as random exposure", "[sim_data]") {
  const ImportedSet made = import_set("kuairec", kuairec_sample());
  const Log& log = made.data.log;
  REQUIRE(log.size() == 3);
  CHECK(made.report.rows_read == 4);
  CHECK(made.report.dropped.at("no time") == 1);
  CHECK(made.data.users.raw_id == std::vector<std::int64_t>{0, 14});
  CHECK(made.data.users.find("follow_user_num")->value[1] == 386.0F);
  CHECK(made.data.videos.raw_id == std::vector<std::int64_t>{147, 148, 183, 3649});
  CHECK(made.tags(1) == std::vector<std::uint16_t>{27, 9});
  CHECK(made.data.videos.author_raw_id == std::vector<std::int64_t>{3309, 12, 9});
  CHECK(made.data.videos.duration_ms[0] == 6067.0F);
  CHECK(std::isnan(made.data.videos.duration_ms[2]));
  CHECK(made.data.videos.upload_date == std::vector<std::int32_t>{20200330, 20200330, 0, 20200401});
  CHECK(made.data.videos.video_types[made.data.videos.video_type[2]] == "AD");
  const std::size_t first = made.row(0), complete = made.row(2);
  CHECK(log.time_ms[first] == 1593878903438);
  CHECK(log.date[first] == 20200705);
  CHECK(log.play_ms[first] == 13838);
  CHECK(log.duration_ms[first] == 10867);
  CHECK((has(log.signals[first], Signal::kLongView) && has(log.signals[first], Signal::kClick)));
  CHECK(log.is_random[first] == 0);
  CHECK(log.is_random[complete] == 1);
  CHECK(log.signals[complete] == 0);
}

TEST_CASE("KuaiSAR: clicks of its own, unknown durations, padding", "[sim_data]") {
  const ImportedSet made = import_set("kuaisar", kuaisar_sample());
  const Log& log = made.data.log;
  REQUIRE(log.size() == 3);
  CHECK(made.report.noted.at("duration 0") == 1);
  CHECK(made.data.users.find("rec_active_level")->value == std::vector<float>{4, 3});
  CHECK(made.data.videos.raw_id == std::vector<std::int64_t>{50, 103656000000});
  CHECK(made.data.videos.upload_date == std::vector<std::int32_t>{20230422, 0});
  CHECK(made.tags(0) == std::vector<std::uint16_t>{9});
  CHECK(made.tags(1).empty());  // its category 0 is no topic
  CHECK(log.time_ms[made.row(0)] == 1684742000000);
  CHECK(log.signals[made.row(0)] == (bit(Signal::kClick) | bit(Signal::kLongView) | bit(Signal::kLike)));
  CHECK(log.signals[made.row(2)] == (bit(Signal::kForward) | bit(Signal::kFollow)));
  CHECK(log.play_ms[made.row(0)] == 60792);
}

TEST_CASE("MovieLens: a rating is the share of 5 that was watched of ten seconds", "[sim_data]") {
  const ImportedSet made = import_set("movielens", movielens_sample());
  const Log& log = made.data.log;
  REQUIRE(log.size() == 3);
  CHECK(log.duration_ms == std::vector<std::int32_t>{10000, 10000, 10000});
  CHECK(log.play_ms == std::vector<std::int32_t>{5000, 10000, 8000});
  CHECK(log.time_ms[0] == 1260759144000);
  CHECK(made.report.noted.at("no duration, 10 s assumed, watched by the rating's share of 5") == 3);
  CHECK(!has(log.signals[0], Signal::kLike));
  CHECK((has(log.signals[1], Signal::kLike) && has(log.signals[2], Signal::kLike)));
  // Comedy, Drama, Romance in the order of their names.
  CHECK(made.tags(0) == std::vector<std::uint16_t>{0, 1, 2});
  CHECK(made.tags(1) == std::vector<std::uint16_t>{1});
  CHECK(made.tags(2).empty());
}

TEST_CASE("MovieLens: the older releases say the same in other ways", "[sim_data]") {
  const SampleFiles million = {{"ratings.dat", "1::31::2.5::1260759144\n7::10::5::851868750\n7::31::4::851868751\n"},
                               {"movies.dat",
                                "10::American President, The (1995)::Comedy|Drama|Romance\n"
                                "31::Say \"yes\" (1995)::Drama\n99::Unseen (2001)::(no genres listed)\n"},
                               {"users.dat", "1::F::18::10::48067\n7::M::56::16::70072\n"}};
  const std::string flags = "|0|0|0|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0";
  const SampleFiles hundred = {
      {"u.data", "1\t31\t2.5\t1260759144\n7\t10\t5\t851868750\n7\t31\t4\t851868751\n"},
      {"u.item", "10|Am\xE9rican (1995)|01-Jan-1995||http://x" + flags + "\n31|Say|01-Jan-1995||" + flags + "\n"},
      {"u.user", "1|24|M|technician|85711\n7|53|F|other|94043\n"}};
  const ImportedSet named = import_set("movielens", movielens_sample()), dat = import_set("movielens", million),
                    old = import_set("movielens", hundred);
  CHECK(dat.data.log.play_ms == named.data.log.play_ms);
  CHECK(dat.data.videos.tag == named.data.videos.tag);
  CHECK(dat.data.users.find("age")->value == std::vector<float>{18, 56});
  CHECK(dat.data.users.find("gender")->categories == std::vector<std::string>{"F", "M"});
  CHECK(old.data.log.play_ms == named.data.log.play_ms);
  CHECK(old.tags(0) == std::vector<std::uint16_t>{0});
  CHECK(old.data.users.find("occupation")->categories == std::vector<std::string>{"technician", "other"});
  SampleFiles both = million;
  both.insert(hundred.begin(), hundred.end());
  CHECK_THROWS_WITH(import_set("movielens", both), Contains("ratings.dat and u.data, which are of two releases"));
}

TEST_CASE("Tenrec: rows in order, twenty a day, watched where clicked", "[sim_data]") {
  SampleFiles files = tenrec_sample();
  for (int i = 0; i < 40; ++i) files["QB-video.csv"] += "9,100,1,0,0,0,1,1,2,\\N\n";
  const ImportedSet made = import_set("tenrec", files);
  const Log& log = made.data.log;
  REQUIRE(log.size() == 44);  // none is a copy: without times nobody knows
  CHECK(made.report.noted.at("no times: 20 rows of a user are called a day") == 44);
  CHECK(made.data.users.raw_id == std::vector<std::int64_t>{5, 9});
  CHECK(made.data.users.find("gender")->value == std::vector<float>{1, 2});
  CHECK(std::isnan(made.data.users.find("age")->value[1]));
  CHECK(made.tags(0) == std::vector<std::uint16_t>{1});
  CHECK(made.tags(1) == std::vector<std::uint16_t>{0});  // not said in its first row
  CHECK((log.play_ms[0] == 20000 && log.play_ms[1] == 0 && log.play_ms[2] == 0 && log.play_ms[3] == 10000));
  CHECK(log.signals[0] == (bit(Signal::kClick) | bit(Signal::kLongView) | bit(Signal::kLike)));
  CHECK(log.signals[2] == (bit(Signal::kFollow) | bit(Signal::kForward)));
  CHECK((log.date[0] == 20210101 && log.hourmin[0] == 800));
  CHECK(log.time_ms[1] == log.time_ms[0] + 20000);
  CHECK(log.time_ms[2] == log.time_ms[1] + 1000);
  for (std::size_t k = 0; k < 41; ++k) CHECK(log.date[3 + k] == 20210101 + static_cast<int>(k / 20));
}

TEST_CASE("WeChat: a day's rows are one session in their order, without copies", "[sim_data]") {
  SampleFiles files = wechat_sample();
  files["user_action.csv"] += "8,71474,1,1,0,0,1,500,5366,0,0,0,0\n";
  const ImportedSet made = import_set("wechat", files);
  const Log& log = made.data.log;
  REQUIRE(log.size() == 4);
  CHECK(made.report.dropped.at("repeated") == 1);
  CHECK(made.report.noted.at("only days known: a user's day is a session, in the file's order") == 4);
  CHECK(made.data.users.raw_id == std::vector<std::int64_t>{3, 8});
  CHECK(made.data.videos.duration_ms == std::vector<float>{19000, 8000});
  CHECK(made.tags(0) == std::vector<std::uint16_t>{42, 0, 119});
  CHECK(made.tags(1).empty());
  CHECK(made.data.videos.music_id[0] == 5526);
  const std::size_t a = made.row(0), b = made.row(1), c = made.row(2), d = made.row(3);
  CHECK((log.date[a] == 20210101 && log.date[c] == 20210102 && log.date[d] == 20210114));
  CHECK(log.time_ms[b] == log.time_ms[a] + 1000);  // the shortest step is a second
  CHECK(log.duration_ms[a] == 19000);
  CHECK(log.signals[a] == bit(Signal::kLike));
  CHECK(log.signals[c] == (bit(Signal::kClick) | bit(Signal::kLongView) | bit(Signal::kComment) |
                           bit(Signal::kProfile) | bit(Signal::kForward) | bit(Signal::kFollow)));
  CHECK(has(log.signals[d], Signal::kLongView));
}

TEST_CASE("carriage returns, a byte order mark and packed files change nothing", "[sim_data]") {
  for (const auto& [name, sample] : std::map<std::string, SampleFiles>{{"kuairec", kuairec_sample()},
                                                                       {"kuaisar", kuaisar_sample()},
                                                                       {"movielens", movielens_sample()},
                                                                       {"tenrec", tenrec_sample()},
                                                                       {"wechat", wechat_sample()}}) {
    CAPTURE(name);
    SampleFiles odd;
    for (const auto& [file, text] : sample) {
      std::string changed = "\xEF\xBB\xBF";
      for (const char c : text) changed += c == '\n' ? "\r\n" : std::string(1, c);
      odd[file + (odd.size() % 2 == 0 ? ".gz" : ".zst")] = odd.size() % 2 == 0 ? gzip(changed) : zstd(changed);
    }
    const std::uint64_t fingerprint = import_set(name, sample).data.fingerprint;
    CHECK(import_set(name, odd).data.fingerprint == fingerprint);
    for (const int threads : {1, 5}) CHECK(import_set(name, sample, false, threads).data.fingerprint == fingerprint);
  }
}

TEST_CASE("what a data set's file may not hold is named with line and column", "[sim_data]") {
  CHECK(refusal("wechat", wechat_sample(), "user_action.csv", ",play,", ",played,") ==
        "set/user_action.csv:1:1: no column 'play'; expected the WeChat challenge's header");
  CHECK(refusal("wechat", wechat_sample(), "user_action.csv", "8,71474,2", "8,555,2") ==
        "set/user_action.csv:4:3: feedid is '555', expected one that the table of videos has");
  CHECK(refusal("wechat", wechat_sample(), "user_action.csv", "1,500,5366", "1,-500,5366") ==
        "set/user_action.csv:2:19: play is '-500', expected a number from 0 to 1e+09");
  CHECK(refusal("wechat", wechat_sample(), "user_action.csv", "3,73916,14", "3,73916,0") ==
        "set/user_action.csv:5:9: date_ is '0', expected an integer from 1 to 31");
  CHECK(refusal("wechat", wechat_sample(), "feed_info.csv", "42;0;119", "42;x;119")
            .find("set/feed_info.csv:2:51: manual_tag_list is '42;x;119', expected tags") == 0);
  CHECK(refusal("wechat", wechat_sample(), "feed_info.csv", "73916,13,8", "73916,13,eight") ==
        "set/feed_info.csv:3:10: videoplayseconds is 'eight', expected a number from 0 to 1e+06");
  CHECK(refusal("kuairec", kuairec_sample(), "big_matrix.csv", "0,3649,13838", "1,3649,13838") ==
        "set/big_matrix.csv:2:1: user_id is '1', expected a user of the table of users");
  CHECK(refusal("kuairec", kuairec_sample(), "big_matrix.csv", "13838", "a lot") ==
        "set/big_matrix.csv:2:8: play_duration is 'a lot', expected a number from 0 to 1e+09");
  CHECK(refusal("kuairec", kuairec_sample(), "item_categories.csv", "\"[27, 9]\"", "\"[27; 9]\"") ==
        "set/item_categories.csv:3:6: feat is '[27; 9]', expected a list of tags such as [27, 9]");
  CHECK(refusal("kuairec", kuairec_sample(), "item_categories.csv", "\"[27, 9]\"", "\"[27, 9]") ==
        "set/item_categories.csv:3:1: a quote is not closed");
  CHECK(refusal("kuairec", kuairec_sample(), "item_daily_features.csv", "2020-03-30", "2020-02-30")
            .find("set/item_daily_features.csv:2:26: upload_dt is '2020-02-30', expected a date") == 0);
  CHECK(refusal("kuaisar", kuaisar_sample(), "rec_inter.csv", "1,0,1,0,0,0\n", "2,0,1,0,0,0\n") ==
        "set/rec_inter.csv:2:58: click is '2', expected 0 or 1");
  CHECK(refusal("kuaisar", kuaisar_sample(), "rec_inter.csv", ",1,0,1,0,0,0\n", ",1,0,1,0\n")
            .find("set/rec_inter.csv:2:64: the row has 10 columns, expected 12") == 0);
  CHECK(refusal("movielens", movielens_sample(), "ratings.csv", "1,31,2.5", "1,31,6") ==
        "set/ratings.csv:2:6: rating is '6', expected a number from 0 to 5");
  CHECK(refusal("tenrec", tenrec_sample(), "QB-video.csv", "5,101", "five,101") ==
        "set/QB-video.csv:3:1: user_id is 'five', expected an integer of at most 18 digits");
}

TEST_CASE("bad rows of a data set are left out by reason", "[sim_data]") {
  SampleFiles files = wechat_sample();
  replace_in(files["user_action.csv"], "8,71474,2", "8,555,2");
  replace_in(files["user_action.csv"], "0,250,1533", "0,x,1533");
  const ImportedSet made = import_set("wechat", files, /*skip_bad_rows=*/true);
  CHECK(made.data.log.size() == 2);
  CHECK(made.report.rows_read == 4);
  CHECK((made.report.dropped.at("feedid") == 1 && made.report.dropped.at("play") == 1));
}

TEST_CASE("files of a data set that are missing, twice there or empty", "[sim_data]") {
  SampleFiles files = wechat_sample();
  files.erase("feed_info.csv");
  CHECK_THROWS_WITH(import_set("wechat", files), Contains("holds no feed_info.csv"));
  CHECK_THROWS_WITH(import_set("kuairec", wechat_sample()),
                    Contains("holds no big_matrix.csv and no small_matrix.csv"));
  files = tenrec_sample();
  files["QK-video.csv"] = files["QB-video.csv"];
  CHECK_THROWS_WITH(import_set("tenrec", files), Contains("give one of these files"));
  files = kuaisar_sample();
  files["rec_inter.csv.gz"] = gzip(files["rec_inter.csv"]);
  CHECK_THROWS_WITH(import_set("kuaisar", files), Contains("are one file; keep one of them"));
  files = kuairec_sample();
  files["big_matrix.csv"] = "user_id,video_id,play_duration,video_duration,timestamp\n";
  files.erase("small_matrix.csv");
  CHECK_THROWS_WITH(import_set("kuairec", files), Contains("no row of the log was kept"));
  // Tables are read as far as they are there.
  files = kuairec_sample();
  for (const char* table : {"user_features.csv", "item_daily_features.csv", "item_categories.csv"}) files.erase(table);
  CHECK(import_set("kuairec", files).data.users.raw_id == std::vector<std::int64_t>{0, 14});
}

}  // namespace
