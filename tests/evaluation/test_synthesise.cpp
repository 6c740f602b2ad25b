#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "env/truth/truth_simulator.h"
#include "evaluation/generate/synthesise.h"
#include "sim_data/labels.h"
#include "sim_data/statistics.h"

namespace swipegym {
namespace {

const Dataset& tiny_data() {
  static const Dataset data = synthesise_dataset({.truth = {.preset = TruthPreset::kTiny}});
  return data;
}

double rate(const RowStatistics& rows, Signal signal) {
  return rows.signal[static_cast<std::size_t>(signal)];
}

/// A directory of this test alone, removed at its end.
struct TemporaryFolder {
  std::filesystem::path path;
  explicit TemporaryFolder(const char* name)
      : path(std::filesystem::temp_directory_path() / (std::string("swipegym_synthesise_") + name)) {
    std::filesystem::remove_all(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

}  // namespace

TEST_CASE("the tiny world has KuaiRand's rates", "[evaluation]") {
  const DataStatistics standard_log = describe_data(tiny_data(), 0, LogPart::kStandard);
  const RowStatistics &standard = standard_log.standard, random = describe_data(tiny_data()).random;
  CHECK(standard.rows > 15000);
  CHECK(random.rows > 5000);
  // Bands around the published aggregates, as wide as a world of 300 videos needs.
  CHECK((rate(standard, Signal::kClick) > 0.36 && rate(standard, Signal::kClick) < 0.50));
  CHECK((rate(random, Signal::kClick) > 0.13 && rate(random, Signal::kClick) < 0.22));
  CHECK((standard.watch_ratio.mean > 0.28 && standard.watch_ratio.mean < 0.43));
  CHECK((random.watch_ratio.mean > 0.11 && random.watch_ratio.mean < 0.18));
  CHECK((rate(standard, Signal::kLike) > 0.010 && rate(standard, Signal::kLike) < 0.025));
  CHECK(rate(random, Signal::kLike) < 0.5 * rate(standard, Signal::kLike));
  CHECK(rate(random, Signal::kHate) > rate(standard, Signal::kHate));
  CHECK((standard_log.session_rows.mean > 6 && standard_log.session_rows.mean < 12));
  for (const TabStatistics& tab : standard_log.tabs) {
    if (tab.tab == 0) CHECK(tab.zero_play > 0.85);
    if (tab.tab == 1) CHECK(tab.zero_play < 0.02);
  }
}

TEST_CASE("the hidden signal makes the two logs differ, and without it only the platform's taste does",
          "[evaluation]") {
  const SynthesisOptions blind{.truth = {.preset = TruthPreset::kTiny, .hidden_signal = 0.0}};
  const Dataset open = synthesise_dataset(blind);
  const auto gap = [](const Dataset& data) {
    const DataStatistics both = describe_data(data);
    return rate(both.standard, Signal::kClick) - rate(both.random, Signal::kClick);
  };
  CHECK(gap(tiny_data()) > 0.2);
  CHECK(gap(open) < 0.6 * gap(tiny_data()));
}

TEST_CASE("every row obeys KuaiRand's rules and the tables", "[evaluation]") {
  const Dataset& data = tiny_data();
  const Log& log = data.log;
  for (std::size_t row = 0; row < log.size(); ++row) {
    const std::size_t video = index_of(log.video[row]);
    const bool known = !std::isnan(data.videos.duration_ms[video]);
    REQUIRE(log.duration_ms[row] == (known ? static_cast<std::int32_t>(data.videos.duration_ms[video]) : 0));
    if (known)
      REQUIRE(has(log.signals[row], Signal::kLongView) == is_long_view(log.play_ms[row], log.duration_ms[row]));
    REQUIRE((log.date[row] >= 20220408 && log.date[row] <= 20220508));
    if (log.is_random[row]) REQUIRE((log.date[row] >= 20220422 && log.tab[row] == 1));
    REQUIRE(log.hourmin[row] % 100 == 0);
    if (row > 0 && log.user[row] == log.user[row - 1]) REQUIRE(log.time_ms[row] >= log.time_ms[row - 1]);
  }
}

TEST_CASE("random exposures are uniform over the pool", "[evaluation]") {
  const Log& log = tiny_data().log;
  std::array<double, 300> count{};
  double rows = 0;
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.is_random[row]) ++count[index_of(log.video[row])], ++rows;
  double chi_square = 0;
  for (const double n : count) chi_square += (n - rows / 300) * (n - rows / 300) / (rows / 300);
  // 299 degrees of freedom: mean 299, standard deviation 24.5. Draws without repeats within a user vary a little less.
  CHECK(chi_square < 299 + 4 * 24.5);
}

TEST_CASE("a truth rebuilt from truth.json gives the draws the log was made of", "[evaluation]") {
  const Dataset& data = tiny_data();
  const auto model = make_truth_model(data.truth, data);
  // Probability integral transform of the plays under the rebuilt law, in the replayed states: uniform on [0, 1] where
  // the law is continuous. Any wrong parameter, state or exposure kind shows as a slope.
  std::vector<float> state(model->state_size());
  std::array<double, 10> bins{};
  double rows = 0, left = 0, expected_left = 0;
  for (std::uint32_t user = 0; user < data.users.size(); ++user)
    replay_user(*model, data, user, kNoDateLimit, state, [&](std::size_t row, const Shown& shown, const float* at) {
      const Log& log = data.log;
      const float ratio = static_cast<float>(log.play_ms[row]) / static_cast<float>(shown.duration_ms);
      const bool last = row + 1 == data.user_offset[user + 1] || log.time_ms[row + 1] - log.time_ms[row] > 1800000;
      // The month's end cuts sessions short.
      if (log.date[row] < 20220508) left += last, expected_left += model->leave_probability(shown, at, ratio);
      if (log.play_ms[row] == 0) return;
      const auto exposure = log.is_random[row] ? ExposureKind::kInterventional : ExposureKind::kLogged;
      const TruthWatchLaw law = model->law(shown, at, exposure);
      const double u = (law.cdf(ratio) - law.zero) / (1.0 - law.zero);
      ++bins[static_cast<std::size_t>(std::min(u * 10, 9.0))], ++rows;
    });
  for (const double n : bins) CHECK(std::abs(n - rows / 10) < 4 * std::sqrt(rows * 0.09));
  CHECK(std::abs(left - expected_left) < 4 * std::sqrt(expected_left));
}

TEST_CASE("the truth's simulator begins where the log left its users", "[evaluation]") {
  const Dataset& data = tiny_data();
  const Simulator simulator = make_truth_simulator(data.truth, data, 20220501);
  CHECK(simulator.truth == data.truth);
  CHECK(simulator.catalogue.num_videos() == 300);
  CHECK(!simulator.population.start_user.empty());
  const auto* model = dynamic_cast<const TruthModel*>(simulator.model.get());
  REQUIRE(model != nullptr);
  // Some user's drift differs from a user's without a past.
  std::vector<float> state(model->state_size());
  double drift = 0;
  for (std::uint32_t user = 0; user < 100; ++user) {
    model->begin(UserIndex{user}, kTruthEpochMs + 40LL * 86400000, state);
    drift += std::abs(state[kTruthDrift]);
  }
  CHECK(drift > 0.5);
  CHECK_THROWS_WITH(make_truth_simulator(R"({"preset": "tiny", "seed": 1, "unknown": 2})", data),
                    Catch::Contains("unknown"));
}

TEST_CASE("fewer rows are the first users of the same world", "[evaluation]") {
  const Dataset part =
      synthesise_dataset({.truth = {.preset = TruthPreset::kTiny}, .standard_rows = 3000, .threads = 1});
  const Dataset& whole = tiny_data();
  REQUIRE(part.log.size() > 3000);
  REQUIRE(part.log.size() < whole.log.size() / 2);
  CHECK(part.videos.raw_id == whole.videos.raw_id);
  bool equal = true;
  for (std::size_t row = 0; row < part.log.size(); ++row)
    equal = equal && part.log.time_ms[row] == whole.log.time_ms[row] && part.log.play_ms[row] == whole.log.play_ms[row];
  CHECK(equal);
}

TEST_CASE("the same seed writes the same bytes on any number of threads, another seed others", "[evaluation]") {
  const TemporaryFolder one("one"), two("two"), three("three");
  const auto write = [](std::uint64_t seed, int threads, const TemporaryFolder& folder) {
    SynthesisOptions options{.truth = {.preset = TruthPreset::kTiny, .seed = seed}, .standard_rows = 3000};
    options.threads = threads;
    synthesise(options, folder.path);
    return contents(folder.path);
  };
  const auto first = write(1, 1, one);
  CHECK(first.size() == 6);  // two logs, two tables, the truth and the manifest
  CHECK(first.contains("log_random_tiny.csv"));
  CHECK(first.contains("truth.json"));
  CHECK(first == write(1, 3, two));
  CHECK(first.at("log_standard_tiny.csv") != write(2, 1, three).at("log_standard_tiny.csv"));
}

TEST_CASE("loading the written files gives the synthesised data set", "[evaluation]") {
  const TemporaryFolder folder("load");
  const SynthesisOptions options{.truth = {.preset = TruthPreset::kTiny}, .standard_rows = 3000};
  const SynthesisReport made = synthesise(options, folder.path);
  const Dataset expected = synthesise_dataset(options);
  const LoadedDataset loaded = load_dataset(folder.path);
  const Log &a = loaded.data.log, &b = expected.log;
  CHECK(loaded.report.dropped.empty());
  CHECK(made.standard.rows + made.random.rows == a.size());
  CHECK(a.user == b.user);
  CHECK(a.video == b.video);
  CHECK(a.time_ms == b.time_ms);
  CHECK(a.play_ms == b.play_ms);
  CHECK(a.duration_ms == b.duration_ms);
  CHECK(a.date == b.date);
  CHECK(a.hourmin == b.hourmin);
  CHECK(a.tab == b.tab);
  CHECK(a.signals == b.signals);
  CHECK(a.source_row == b.source_row);
  CHECK(loaded.data.user_offset == expected.user_offset);
  CHECK(loaded.data.truth == expected.truth);
  CHECK(loaded.data.videos.tag == expected.videos.tag);
  CHECK(loaded.data.videos.author == expected.videos.author);
}

}  // namespace swipegym
