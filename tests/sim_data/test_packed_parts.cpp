#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>

#include "core/error.h"
#include "packed.h"
#include "sample_release.h"
#include "sim_data/csv/byte_stream.h"
#include "sim_data/csv/csv_blocks.h"
#include "sim_data/csv/release_files.h"
#include "sim_data/dataset.h"
#include "sim_data/store/log_store.h"

using namespace swipegym;
using namespace swipegym::test;
using Catch::Matchers::Contains;

namespace {

// Replaces a part by a packed one.
void pack(const fs::path& path, const std::string& packed, const char* extension) {
  fs::remove(path);
  swipegym::test::write_file(path.string() + extension, packed);
}

std::uint64_t fingerprint_of(const fs::path& folder, int threads = 2) {
  return load_dataset(folder, {.threads = threads}).data.fingerprint;
}

std::string unpacked(const fs::path& path) {
  ByteStream stream(path);
  std::string out(1 << 20, '\0');
  out.resize(stream.read(out.data(), out.size()));
  return out;
}

// A log of many rows, over several blocks once it is unpacked.
std::string many_rows(std::size_t rows) {
  std::string text = kLogHeader;
  for (std::size_t i = 0; i < rows; ++i)
    text += fmt::format("0,11,20220425,1200,{},1,1,0,0,0,0,0,3000,8000,5,10,1,0,0\n", 1650859200000 + i);
  return text;
}

}  // namespace

TEST_CASE("packed parts are read as the same release", "[packed]") {
  const Folder plain, packed;
  SampleRelease sample;
  sample.standard = many_rows(60000);  // 4.3 MB
  sample.write(plain.path);
  sample.write(packed.path);
  pack(packed.path / "log_standard_sample.csv", gzip(sample.standard), ".gz");
  pack(packed.path / "log_random_sample.csv", zstd(sample.random), ".zst");
  pack(packed.path / "user_features_sample.csv", gzip(sample.users), ".gz");
  pack(packed.path / "video_features_basic_sample.csv", zstd(sample.videos), ".zst");
  const std::uint64_t expected = fingerprint_of(plain.path);
  for (const int threads : {1, 2, 5}) CHECK(fingerprint_of(packed.path, threads) == expected);
  import_logs(plain.path, plain.path / "a.h5");
  import_logs(packed.path, packed.path / "a.h5");
  CHECK(read_file(plain.path / "a.h5") == read_file(packed.path / "a.h5"));
}

TEST_CASE("the order of parts does not depend on their packing", "[packed]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  // As plain names a.csv comes before a_b.csv; with .gz behind it it still does.
  swipegym::test::write_file(folder.path / "log_standard_a_b.csv", kLogHeader);
  swipegym::test::write_file(folder.path / "log_standard_a.csv.gz", gzip(kLogHeader));
  const ReleaseFiles files = find_release_files(folder.path);
  CHECK(files.logs[1].filename() == "log_standard_a.csv.gz");
  CHECK(files.logs[2].filename() == "log_standard_a_b.csv");
}

TEST_CASE("several members and frames are one text", "[packed]") {
  const Folder folder;
  swipegym::test::write_file(folder.path / "a.gz", gzip("one\nt") + gzip("") + gzip("wo\n"));
  CHECK(unpacked(folder.path / "a.gz") == "one\ntwo\n");
  const std::string skippable("\x53\x2A\x4D\x18\x03\0\0\0abc", 11);
  swipegym::test::write_file(folder.path / "a.zst", skippable + zstd("one\nt") + skippable + zstd("wo\n"));
  CHECK(unpacked(folder.path / "a.zst") == "one\ntwo\n");
  swipegym::test::write_file(folder.path / "a", "plain");
  CHECK(unpacked(folder.path / "a") == "plain");
}

TEST_CASE("a packed part that is cut short, damaged or followed by anything is refused by name", "[packed]") {
  SampleRelease sample;
  sample.standard = many_rows(3000);
  const auto refuse = [&](const std::string& packed, const char* extension, const std::string& message) {
    const Folder folder;
    sample.write(folder.path);
    pack(folder.path / "log_standard_sample.csv", packed, extension);
    CAPTURE(message);
    CHECK_THROWS_WITH(load_dataset(folder.path),
                      Contains(std::string("log_standard_sample.csv") + extension + ":") && Contains(message));
    CHECK_THROWS_AS(load_dataset(folder.path), InputError);
  };
  for (const bool is_gzip : {true, false}) {
    const char* extension = is_gzip ? ".gz" : ".zst";
    const std::string good = is_gzip ? gzip(sample.standard) : zstd(sample.standard);
    refuse(good.substr(0, good.size() / 2), extension, "cut short");
    refuse(good.substr(0, good.size() - 1), extension, "cut short");
    refuse(good.substr(0, 20), extension, "cut short");
    refuse(good + "xyz and more", extension, "behind its packed end");
    std::string damaged = good;
    damaged[damaged.size() - 3] = static_cast<char>(damaged[damaged.size() - 3] ^ 1);  // of the checksum
    refuse(damaged, extension, "damaged");
    refuse(sample.standard, extension, is_gzip ? "named .gz but is no gzip file" : "named .zst but is no zstd file");
    refuse("", extension, "is named");
  }
}

TEST_CASE("what unpacks to very much, or without line ends, stays within memory", "[packed]") {
  SampleRelease sample;
  const Folder folder;
  sample.write(folder.path);
  // 64 MB of one letter in 64 KB: a line that never ends.
  pack(folder.path / "log_standard_sample.csv", zstd(kLogHeader + std::string(64 << 20, 'a')), ".zst");
  CHECK_THROWS_WITH(load_dataset(folder.path), Contains("is longer than 1048576 bytes"));
  fs::remove(folder.path / "log_standard_sample.csv.zst");
  swipegym::test::write_file(folder.path / "log_standard_sample.csv.gz",
                             gzip(kLogHeader + std::string(64 << 20, '\n')));
  CHECK_THROWS_WITH(load_dataset(folder.path), Contains("a run of empty ones, is longer"));
}

TEST_CASE("a file that is named like a part but not read is an error that names it", "[packed]") {
  for (const char* name :
       {"log_standard_part2.csv.bz2", "log_standard_part2.CSV", "LOG_STANDARD_part2.csv", "log_random_x.tmp",
        "log_standard_x.csv.part", "user_features_x.parquet", "video_features_basic_x.csv.xz", "log_standard.csv",
        "log_standard_x.csv.GZ", "log_standard_x.csv~", "log_standard_x"}) {
    const Folder folder;
    SampleRelease().write(folder.path);
    swipegym::test::write_file(folder.path / name, "");
    CAPTURE(name);
    CHECK_THROWS_WITH(load_dataset(folder.path), Contains(std::string(name) + ": is named like a part"));
  }
}

TEST_CASE("hidden files, folders and statistics beside the parts are left alone, the first counted", "[packed]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  swipegym::test::write_file(folder.path / ".log_standard_x.csv.PID-7.part", "user_id");
  swipegym::test::write_file(folder.path / "._log_standard_sample.csv", "");
  swipegym::test::write_file(folder.path / "video_features_statistic_sample.csv.gz", "no gzip");
  fs::create_directory(folder.path / "log_standard_old");
  CHECK(load_dataset(folder.path).report.noted.at("hidden files named like parts, not read") == 2);
  fs::create_directory(folder.path / "log_standard_old.csv");
  CHECK_THROWS_WITH(load_dataset(folder.path), Contains("log_standard_old.csv: is named like a part"));
}

TEST_CASE("one part in two packings is not read twice", "[packed]") {
  const Folder folder;
  const SampleRelease sample;
  sample.write(folder.path);
  swipegym::test::write_file(folder.path / "log_standard_sample.csv.gz", gzip(sample.standard));
  CHECK_THROWS_WITH(load_dataset(folder.path), Contains("log_standard_sample.csv and ") &&
                                                   Contains("log_standard_sample.csv.gz are the same part"));
}

TEST_CASE("a root with parts does not hide those of its data folder", "[packed]") {
  const Folder root;
  fs::create_directory(root.path / "data");
  SampleRelease().write(root.path / "data");
  CHECK_NOTHROW(load_dataset(root.path));
  swipegym::test::write_file(root.path / "log_standard_more.csv", kLogHeader);
  CHECK_THROWS_WITH(load_dataset(root.path), Contains("are here and in its folder data"));
  CHECK_NOTHROW(load_dataset(root.path / "data"));
}

TEST_CASE("thousands of parts need no more open files than workers", "[packed]") {
  const Folder folder;
  SampleRelease().write(folder.path);
  for (int i = 0; i < 300; ++i) {
    const std::string text =
        kLogHeader + fmt::format("0,11,20220425,1200,{},1,1,0,0,0,0,0,3000,8000,5,10,1,0,0\n", 1650859300000 + i);
    const std::string name = fmt::format("log_standard_part{:03}.csv", i);
    if (i % 3 == 0)
      swipegym::test::write_file(folder.path / (name + ".gz"), gzip(text));
    else
      swipegym::test::write_file(folder.path / name, text);
  }
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  const std::uint64_t rows = load_dataset(folder.path, {.threads = 4}).report.rows_read;
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(rows == 309);
}

TEST_CASE("empty lines at the end are no rows, before a row they are bad ones", "[packed]") {
  const std::uint64_t expected = [] {
    const Folder folder;
    SampleRelease().write(folder.path);
    return fingerprint_of(folder.path);
  }();
  for (const bool is_packed : {false, true}) {
    const Folder folder;
    SampleRelease sample;
    sample.random += "\n";  // in front of the rows of another file
    sample.standard += "\r\n\n\n";
    sample.users += "\n\n";
    sample.videos.pop_back();
    sample.videos += "\r\n\r\n";
    const auto write = [&] {
      sample.write(folder.path);
      if (is_packed) pack(folder.path / "log_standard_sample.csv", gzip(sample.standard), ".gz");
    };
    write();
    const LoadedDataset loaded = load_dataset(folder.path);
    CHECK(loaded.data.fingerprint == expected);
    CHECK(loaded.report.rows_read == 9);
    sample.standard.insert(kLogHeader.size(), "\n\n1,x\n");
    write();
    CHECK_THROWS_WITH(load_dataset(folder.path), Contains(":2:1: the row has 1 columns"));
    CHECK(load_dataset(folder.path, {.skip_bad_rows = true}).report.rows_read == 12);
  }
}

TEST_CASE("blocks of a stream hold empty lines back until a row follows", "[packed]") {
  const Folder folder;
  const auto text_of = [&](const std::string& rows, std::uint64_t block_bytes) {
    swipegym::test::write_file(folder.path / "x.csv.gz", gzip("head\n" + rows));
    std::vector<CsvFile> files;
    files.emplace_back(folder.path / "x.csv.gz");
    CsvBlocks blocks(files, block_bytes);
    CsvBlock block;
    std::string out;
    while (blocks.take(block)) {
      blocks.load(block);
      out += block.text;
    }
    return out;
  };
  for (const std::uint64_t bytes : {1, 2, 3, 5, 100}) {
    CAPTURE(bytes);
    CHECK(text_of("a\nbb\n", bytes) == "a\nbb\n");
    CHECK(text_of("a\nbb", bytes) == "a\nbb\n");
    CHECK(text_of("a\n\n\r\n\nbb\n\r\n\n", bytes) == "a\n\n\r\n\nbb\n");
    CHECK(text_of("\n\n", bytes).empty());
    CHECK(text_of("", bytes).empty());
  }
}

TEST_CASE("a pipe is read as it comes", "[packed]") {
  const Folder folder;
  const fs::path pipe = folder.path / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const std::string text = many_rows(40000);
  std::thread writer([&] { swipegym::test::write_file(pipe, gzip(text)); });
  std::vector<CsvFile> files;
  files.emplace_back(pipe);
  CHECK(files[0].header().size() == 19);
  CsvBlocks blocks(files, 1 << 20);
  CsvBlock block;
  std::string back = kLogHeader;
  while (blocks.take(block)) {
    blocks.load(block);
    back += block.text;
  }
  writer.join();
  CHECK(back == text);
}

TEST_CASE("what is no CSV file is refused in words", "[packed]") {
  const Folder folder;
  const auto refuse = [&](const std::string& contents, const std::string& message) {
    swipegym::test::write_file(folder.path / "x.csv", contents);
    CHECK_THROWS_WITH(CsvFile(folder.path / "x.csv"), Contains("x.csv: " + message));
  };
  refuse(std::string("\xFF\xFEu\0s\0", 6), "is UTF-16; save it as UTF-8");
  refuse("BZh91AY", "is packed by bzip2");
  refuse("PK\x03\x04zip", "is a zip archive");
  refuse("\x89HDF\r\n\x1A\n", "is an HDF5 file");
  refuse(std::string("user\0id\n", 8), "holds bytes that are no text");
  refuse("user_id,item_id\r1,2\r3,4\r", "its lines end in a carriage return alone");
  refuse("", "is empty");
  refuse("\xEF\xBB\xBF", "is empty");
  refuse("\nuser_id\n", "begins with an empty line");
  CHECK_THROWS_WITH(CsvFile(folder.path), Contains("is a folder, expected a file"));
  CHECK_THROWS_WITH(CsvFile(folder.path / "none"), Contains("none: no such file"));
}

TEST_CASE("what a cell holds does not reach a message raw", "[packed]") {
  CHECK(shown("plain text") == "plain text");
  CHECK(shown(std::string("a\0b\x1B[31m\x7F", 9)) == "a\\x00b\\x1B[31m\\x7F");
  CHECK(shown(std::string(100000, 'x')) == std::string(80, 'x') + "... (100000 bytes)");
  CHECK(shown(std::string(79, 'x') + "\xC3\xA4\xC3\xA4") == std::string(79, 'x') + "... (83 bytes)");
  const Folder folder;
  SampleRelease sample;
  sample.standard.insert(kLogHeader.size(), "\x1B[2J,11,20220425,1200,1,1,1,0,0,0,0,0,3000,8000,5,10,1,0,0\n");
  sample.write(folder.path);
  CHECK_THROWS_WITH(load_dataset(folder.path), Contains("user_id is '\\x1B[2J' (not an integer)"));
}

TEST_CASE("the second row of a video is skippable, as the docs say", "[packed]") {
  const Folder folder;
  SampleRelease sample;
  const std::uint64_t expected = [&] {
    sample.write(folder.path);
    return fingerprint_of(folder.path);
  }();
  sample.videos += "10,5555,AD,2022-04-10,LongImport,0.0,10000.0,720.0,1280.0,9155697141,9.0,\"39,40\"\n";
  sample.write(folder.path);
  CHECK_THROWS_WITH(load_dataset(folder.path), Contains("video_id 10 appears twice, the second time in data row 5"));
  const LoadedDataset loaded = load_dataset(folder.path, {.skip_bad_rows = true});
  CHECK(loaded.data.fingerprint == expected);
  CHECK(loaded.report.dropped.at("video_features_basic: repeated video_id") == 1);
}

TEST_CASE("a header of very many columns is read in little time, or refused", "[packed]") {
  const Folder folder;
  SampleRelease sample;
  std::string header = kUserHeader.substr(0, kUserHeader.size() - 1);
  for (int i = 0; i < 70000; ++i) header += fmt::format(",f{}", i);
  sample.users = header + "\n";
  sample.write(folder.path);
  CHECK_THROWS_WITH(load_dataset(folder.path), Contains("has 70015 columns, at most 4096 are read"));
}
