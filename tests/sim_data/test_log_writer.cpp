#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.h"
#include "sample_release.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/dataset.h"

using namespace swipegym;
using namespace swipegym::test;

namespace {

// The sample without its two copies: what is dropped at loading cannot be written again.
SampleRelease sample_without_copies() {
  SampleRelease sample;
  const std::size_t first = sample.standard.find("\n0,11,") + 1;
  sample.standard.erase(first, sample.standard.find('\n', first) + 1 - first);
  const std::size_t second = sample.standard.find("3,10,20220425");
  sample.standard.erase(second, sample.standard.find('\n', second) + 1 - second);
  return sample;
}

}  // namespace

TEST_CASE("a release that is loaded and written again is the same release", "[writer]") {
  const Folder in, out;
  sample_without_copies().write(in.path);
  swipegym::test::write_file(in.path / "truth.json", "{}");
  const LoadedDataset loaded = load_dataset(in.path);
  REQUIRE(loaded.report.dropped.empty());
  for (const std::uint64_t rows_per_part : {0, 1, 2, 100}) {
    CAPTURE(rows_per_part);
    const fs::path folder = out.path / std::to_string(rows_per_part);
    write_release(loaded.data, folder, "sample", rows_per_part);
    const Dataset again = load_dataset(folder).data;
    CHECK(again.fingerprint == loaded.data.fingerprint);
    CHECK(again.truth == "{}");
    for (const auto& entry : fs::directory_iterator(folder)) CHECK(is_release_file(entry.path().filename().string()));
  }
  CHECK(fs::exists(out.path / "2" / "log_standard_sample_part00003.csv"));
  CHECK_FALSE(fs::exists(out.path / "2" / "log_standard_sample_part00004.csv"));
}

TEST_CASE("a log file has KuaiRand's columns and one row a line", "[writer]") {
  const Folder folder;
  LogCsvWriter writer(folder.path, "log_standard_x", {});
  writer.add({.user_id = 5,
              .video_id = 17,
              .time_ms = 1650859200123,
              .signals = static_cast<SignalBits>(bit(Signal::kClick) | bit(Signal::kProfile)),
              .play_ms = 3000,
              .duration_ms = 8000,
              .profile_stay_ms = 9,
              .comment_stay_ms = 10,
              .is_random = 1,
              .tab = 4});
  writer.add({.user_id = 5, .video_id = 17, .time_ms = 0, .date = 20220508, .hourmin = 2359});
  writer.finish();
  CHECK(read_file(folder.path / "log_standard_x.csv") ==
        kLogHeader +
            "5,17,20220425,1200,1650859200123,1,0,0,0,0,0,0,3000,8000,9,10,1,1,4\n"
            "5,17,20220508,2359,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n");
}

TEST_CASE("a writer without rows leaves a file that holds the header", "[writer]") {
  const Folder folder;
  LogCsvWriter(folder.path, "log_standard_x", {.rows_per_part = 3}).finish();
  CHECK(read_file(folder.path / "log_standard_x_part00001.csv") == kLogHeader);
}

TEST_CASE("propensities are written, read, fingerprinted and written again", "[writer]") {
  const Folder in, out, changed;
  SampleRelease sample = sample_without_copies();
  sample.standard.clear();
  sample.random = kLogHeader.substr(0, kLogHeader.size() - 1) + ",propensity\n";
  const auto row = [](const char* propensity) {
    return std::string("3,10,20220425,1000,1650852000000,1,0,0,0,0,0,1,12000,10000,0,0,0,1,1,") + propensity + "\n";
  };
  const std::string header = sample.random;
  sample.random = header + row("0.1");
  sample.standard = kLogHeader + "0,10,20220425,1200,1650859200000,0,0,0,0,0,1,0,0,10000,0,0,0,0,14\n";
  sample.write(in.path);
  const Dataset data = load_dataset(in.path).data;
  REQUIRE(data.log.propensity.size() == 2);
  CHECK(data.log.propensity[0] == 0.1F);
  CHECK(std::isnan(data.log.propensity[1]));

  write_release(data, out.path / "both", "x");  // one file has the column, the other has not
  CHECK(load_dataset(out.path / "both").data.fingerprint == data.fingerprint);

  sample.random = header + row("0.2");
  sample.write(changed.path);
  CHECK(load_dataset(changed.path).data.fingerprint != data.fingerprint);
  const Dataset plain = load_dataset(in.path, {.random = false}).data;
  CHECK(plain.log.propensity.empty());

  for (const char* bad : {"0", "1.5", "-0.1", "nan", "", "high"}) {
    CAPTURE(bad);
    sample.random = header + row(bad);
    sample.write(changed.path);
    CHECK_THROWS_WITH(load_dataset(changed.path), Catch::Matchers::Contains(".csv:2:") &&
                                                      Catch::Matchers::Contains("propensity is '" + std::string(bad)));
  }

  Dataset only_random = load_dataset(in.path, {.standard = false}).data;
  write_release(only_random, out.path / "r", "x");
  CHECK(load_dataset(out.path / "r").data.fingerprint == only_random.fingerprint);
}

TEST_CASE("a full disk while writing is a system error and leaves no half file", "[writer]") {
  const Folder folder;
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 256 << 10, .rlim_max = old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto fill = [&] {
    LogCsvWriter writer(folder.path, "log_standard_x", {});
    for (int i = 0; i < 100'000; ++i) writer.add({.user_id = i});
    writer.finish();
  };
  CHECK_THROWS_AS(fill(), SystemError);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  CHECK(folder.files() == 0);
}

TEST_CASE("a writer into a folder that does not exist is bad input", "[writer]") {
  CHECK_THROWS_AS(LogCsvWriter("/nonexistent", "log_standard_x", {}), InputError);
}

TEST_CASE("the real feature tables survive being written", "[writer][real]") {
  const char* real = std::getenv("SWIPEGYM_DATA");
  if (real == nullptr) {
    WARN("skipped: SWIPEGYM_DATA names no KuaiRand folder");
    return;
  }
  const Dataset data = load_dataset(real).data;
  const Folder folder;
  write_release(data, folder.path / "all", "pure");
  const LoadedDataset again = load_dataset(folder.path / "all");
  CHECK(again.report.dropped.empty());
  CHECK(again.data.users.raw_id == data.users.raw_id);
  CHECK(again.data.log.play_ms == data.log.play_ms);
  CHECK(again.data.log.video == data.log.video);
  CHECK(again.data.videos.tag == data.videos.tag);
  CHECK(again.data.videos.author == data.videos.author);
  // A second trip changes nothing at all: row numbers are without gaps by then.
  write_release(again.data, folder.path / "twice", "pure");
  CHECK(load_dataset(folder.path / "twice").data.fingerprint == again.data.fingerprint);
}
