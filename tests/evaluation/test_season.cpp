#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "core/error.h"
#include "core/folder_lock.h"
#include "env/constant_user_model.h"
#include "env/truth/truth_model.h"
#include "evaluation/platform/platform_page.h"
#include "evaluation/platform/platform_study.h"
#include "evaluation/platform/platform_tables.h"
#include "evaluation/platform/season.h"
#include "tests/hdf5_mutants.h"

using namespace swipegym;

namespace {

// The tiny truth with a catalogue that knows nothing of its videos.
std::shared_ptr<const Simulator> season_world() {
  auto simulator = std::make_shared<Simulator>();
  const TruthOptions options{.preset = TruthPreset::kTiny, .seed = 3};
  const auto model = std::make_shared<TruthModel>(options);
  simulator->catalogue = make_toy_catalogue({.num_users = model->num_users(), .num_videos = model->num_videos()});
  simulator->population = make_toy_population({.num_users = model->num_users(), .num_videos = model->num_videos()});
  simulator->catalogue.until = 20220508;
  simulator->model = model;
  return simulator;
}

SeasonConfig short_season(const std::string& effect = "strong") {
  SeasonConfig config;
  config.days = 4, config.burn_in = 1;
  config.users = 60, config.tick_hours = 3, config.slate = 4, config.max_steps = 20;
  config.world.effect = effect;
  config.world.life_days = 3;
  config.world.gap_scale = 0.2;  // so that few users are enough
  config.world.least_on_offer = 100;
  return config;
}

std::vector<double> season_figures(const std::vector<DayMeasures>& days) {
  std::vector<double> out;
  for (const DayMeasures& day : days)
    for (const MeasureInfo& info : day_measures()) {
      const double value = day.*info.value;
      out.push_back(std::isnan(value) ? -1.0 : value);
    }
  return out;
}

Season play(const std::string& policy, const SeasonConfig& config, std::uint64_t seed = 1, int threads = 1) {
  Season season(season_world(), config, season_policy(policy, config.slate), seed, threads);
  while (!season.over()) season.play_day();
  return season;
}

std::filesystem::path season_file(const char* name) {
  return std::filesystem::temp_directory_path() / (std::string(name) + std::to_string(::getpid()));
}

void remove_season(const std::filesystem::path& path) {
  std::filesystem::remove(path);
  std::filesystem::remove_all(season_days_folder(path));
}

std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a season has the same bytes for any number of threads, and another one by another seed", "[platform]") {
  const SeasonConfig config = short_season();
  for (const char* policy : {"thompson", "flow", "uniform"}) {
    const std::vector<double> one = season_figures(play(policy, config, 1, 1).days());
    CHECK(one == season_figures(play(policy, config, 1, 3).days()));
    CHECK(one != season_figures(play(policy, config, 2, 1).days()));
  }
}

TEST_CASE("a season that was saved every day and begun anew ends with the same bytes", "[platform]") {
  const SeasonConfig config = short_season();
  const std::filesystem::path kept = season_file("season-kept"), whole = season_file("season-whole");
  for (int day = 0; day < config.days; ++day) {
    Season season(season_world(), config, season_policy("thompson", config.slate), 7, 1);
    if (day > 0) season.load(kept);
    CHECK(season.day() == day);
    season.play_day();
    season.save(kept);
  }
  Season at_once = play("thompson", config, 7);
  at_once.save(whole);
  CHECK(bytes_of_file(kept) == bytes_of_file(whole));
  for (int day = 0; day < config.days; ++day) {
    const std::string name = "0000" + std::to_string(day) + ".h5";
    const std::string bytes = bytes_of_file(season_days_folder(kept) / name);
    CHECK(!bytes.empty());
    CHECK(bytes == bytes_of_file(season_days_folder(whole) / name));
  }
  Season other(season_world(), config, season_policy("thompson", config.slate), 8, 1);
  CHECK_THROWS_WITH(other.load(kept), Catch::Matchers::Contains("another season"));
  for (const auto& path : {kept, whole}) remove_season(path);
}

TEST_CASE("what creators did is written once a day, and only the season's own days are read", "[platform]") {
  const SeasonConfig config = short_season();
  const std::filesystem::path kept = season_file("season-days"), other = season_file("season-other-days");
  Season season(season_world(), config, season_policy("thompson", config.slate), 7, 1);
  season.play_day(), season.save(kept);
  const std::filesystem::path first = season_days_folder(kept) / "00000.h5";
  const std::string bytes = bytes_of_file(first);
  std::ofstream(first, std::ios::trunc) << "touched";
  season.play_day(), season.save(kept);
  CHECK(bytes_of_file(first) == "touched");
  Season uniform(season_world(), config, season_policy("uniform", config.slate), 7, 1);
  uniform.play_day(), uniform.play_day(), uniform.save(other);
  const auto loads = [&](const std::string& day) {
    std::ofstream(first, std::ios::trunc | std::ios::binary) << day;
    Season again(season_world(), config, season_policy("thompson", config.slate), 7, 1);
    again.load(kept);
    return again.creator_days().size() == season.creator_days().size();
  };
  CHECK(loads(bytes));
  CHECK_THROWS_AS(loads("touched"), InputError);
  CHECK_THROWS_WITH(loads(bytes_of_file(season_days_folder(other) / "00000.h5")),
                    Catch::Matchers::Contains("another season"));
  std::filesystem::remove(first);
  Season again(season_world(), config, season_policy("thompson", config.slate), 7, 1);
  CHECK_THROWS_WITH(again.load(kept), Catch::Matchers::Contains("00000.h5"));
  for (const auto& path : {kept, other}) remove_season(path);
}

TEST_CASE("the policy of a day is made once, and none when the season is over", "[platform]") {
  const SeasonConfig config = short_season();
  int made = 0;
  const SeasonPolicy uniform = season_policy("uniform", config.slate);
  const SeasonPolicy counted = [&](const Catalogue& catalogue, const PolicySource& networks) {
    return ++made, uniform(catalogue, networks);
  };
  Season season(season_world(), config, counted, 1, 1);
  for (int day = 0; day < config.days; ++day) {
    season.set_policy(counted);
    season.play_day();
    CHECK(made == day + 1);
  }
}

TEST_CASE("creators whom nothing moves do the same under every policy", "[platform]") {
  const SeasonConfig config = short_season("none");
  const Season uniform = play("uniform", config), greedy = play("greedy", config);
  double seconds = 0.0;
  for (std::size_t day = 0; day < uniform.days().size(); ++day) {
    CHECK(uniform.days()[day].uploads == greedy.days()[day].uploads);
    CHECK(uniform.days()[day].creators == greedy.days()[day].creators);
    seconds += std::abs(uniform.days()[day].seconds - greedy.days()[day].seconds);
  }
  CHECK(seconds > 0.0);
  // With an effect they do not: what they got differs.
  const SeasonConfig strong = short_season("strong");
  const Season other_uniform = play("uniform", strong), other_greedy = play("greedy", strong);
  double uploads = 0.0;
  for (std::size_t day = 0; day < other_uniform.days().size(); ++day)
    uploads += std::abs(other_uniform.days()[day].uploads - other_greedy.days()[day].uploads);
  CHECK(uploads > 0.0);
}

TEST_CASE("a season measures what happened in it", "[platform]") {
  SeasonConfig config = short_season();
  config.days = 6;
  const Season season = play("uniform", config);
  double videos = 0.0;
  for (std::size_t day = 0; day < season.days().size(); ++day) {
    const DayMeasures& measures = season.days()[day];
    videos += measures.videos * static_cast<double>(config.users);
    CHECK(measures.seconds > 0.0);
    CHECK(measures.regret > 0.0);
    CHECK(measures.fresh + measures.rising + measures.known == Approx(1.0));
    CHECK(measures.on_offer >= config.world.least_on_offer);
    CHECK(measures.shown_share > 0.0);
    CHECK((measures.gini >= 0.0 && measures.gini < 1.0));
    if (day > 0) CHECK(measures.uploads > 0.0);
    if (day >= 3) CHECK((measures.discovery >= 0.0 && measures.discovery <= 1.0));
  }
  CHECK(videos == Approx(static_cast<double>(season.videos_shown())));
  const PlatformWorld& world = season.world();
  double counted = 0.0, before = 0.0;
  const std::shared_ptr<const Simulator> base = season_world();
  for (const std::uint32_t shows : world.catalogue()->exposures) counted += shows;
  for (const std::uint32_t shows : base->catalogue.exposures) before += shows;
  CHECK(counted - before == Approx(static_cast<double>(season.videos_shown())));
}

TEST_CASE("the best that a session could be shown is never worse than what it was shown", "[platform]") {
  SeasonConfig config = short_season();
  const Season season = play("greedy", config);
  for (const DayMeasures& day : season.days()) CHECK(day.regret >= -1e-9);
}

TEST_CASE("settings of a season that make no sense are refused", "[platform]") {
  SeasonConfig config = short_season();
  config.burn_in = config.days;
  CHECK_THROWS_WITH(play("uniform", config), Catch::Matchers::Contains("burn_in"));
  config = short_season();
  config.users = 10'000;
  CHECK_THROWS_WITH(play("uniform", config), Catch::Matchers::Contains("10000 users"));
  config = short_season();
  config.world.effect = "huge";
  CHECK_THROWS_AS(play("uniform", config), InputError);
  CHECK_THROWS_AS(play("nobody", short_season()), InputError);
}

TEST_CASE("a study goes on where it stopped and tells other settings apart", "[platform]") {
  PlatformStudy study;
  study.config = short_season();
  study.policies = {{"uniform", "uniform"}, {"thompson", "thompson"}};
  study.seeds = 2;
  study.threads = 2;
  study.folder = season_file("season-study");
  std::uint64_t least = 1'000'000, most = 0, total = 0;
  study.progress = [&](std::string_view, std::uint64_t done, std::uint64_t all) {
    least = std::min(least, done), most = std::max(most, done), total = all;
  };
  const PlatformReport first = run_platform(season_world(), study);
  CHECK((least == 0 && most == total && total == 16));
  const std::string csv = platform_csv(first);
  CHECK(csv == platform_csv(run_platform(season_world(), study)));  // of the files
  std::filesystem::remove(study.folder / "runs" / "thompson-s2.json");
  study.threads = 1;
  CHECK(csv == platform_csv(run_platform(season_world(), study)));
  CHECK(platform_table(first).find("thompson") != std::string::npos);
  CHECK(platform_page(first, "title <&>", {"a note"}).find("title &lt;&amp;&gt;") != std::string::npos);
  study.config.slate = 3;
  CHECK_THROWS_WITH(run_platform(season_world(), study), Catch::Matchers::Contains("other settings"));
  study.policies = {{"a", "uniform"}, {"a", "thompson"}};
  CHECK_THROWS_WITH(run_platform(season_world(), study), Catch::Matchers::Contains("two policies"));
  std::filesystem::remove_all(study.folder);
}

TEST_CASE("a study has its folder to itself, ends when its caller says so, and knows a policy by its contents",
          "[platform]") {
  PlatformStudy study;
  study.config = short_season();
  study.threads = 2;
  study.folder = season_file("season-own-study");
  std::filesystem::create_directories(study.folder / "runs");
  const std::filesystem::path first = study.folder / "first.json", second = study.folder / "second.json";
  const auto write = [](const std::filesystem::path& path, const char* count) {
    std::ofstream(path) << R"({"retrieve": [{"use": "bucket", "count": )" << count << "}]}";
  };
  write(first, "4");
  study.policies = {{"stages", first.string()}, {"uniform", "uniform"}};
  {
    const FolderLock another(study.folder / "runs");
    CHECK_THROWS_WITH(run_platform(season_world(), study), Catch::Matchers::Contains("at work"));
  }
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<bool> elsewhere = false;
  study.progress = [&](std::string_view, std::uint64_t, std::uint64_t) {
    elsewhere = elsewhere || std::this_thread::get_id() != caller;
    if (std::filesystem::exists(study.folder / "runs" / "uniform-s1.h5")) throw Interrupted();
  };
  study.config.days = 10'000;
  CHECK_THROWS_AS(run_platform(season_world(), study), Interrupted);
  CHECK_FALSE(elsewhere);
  study.progress = {};
  {
    // A bit of a number, which makes sense either way.
    std::fstream checkpoint(study.folder / "runs" / "uniform-s1.h5", std::ios::in | std::ios::out | std::ios::binary);
    checkpoint.seekg(-100, std::ios::end);
    const auto at = checkpoint.tellg();
    const auto byte = static_cast<char>(checkpoint.get() ^ 1);
    checkpoint.seekp(at);
    checkpoint.put(byte);
  }
  CHECK_THROWS_WITH(run_platform(season_world(), study), Catch::Matchers::Contains("uniform-s1.h5") &&
                                                             Catch::Matchers::Contains("to begin this season anew"));
  std::filesystem::remove_all(study.folder / "runs");
  study.config = short_season();
  const std::string csv = platform_csv(run_platform(season_world(), study));
  write(second, "4");
  study.policies[0].word = second.string();
  CHECK(csv == platform_csv(run_platform(season_world(), study)));
  write(second, "5");
  CHECK_THROWS_WITH(run_platform(season_world(), study), Catch::Matchers::Contains("other settings"));
  std::filesystem::remove_all(study.folder);
}

TEST_CASE("the randomised share is drawn among the creators whose coin says so, and what it did is written down",
          "[platform]") {
  SeasonConfig config = short_season();
  config.random_share = 0.3;
  const std::filesystem::path folder = season_file("season-log");
  const std::shared_ptr<const Simulator> base = season_world();
  UserTable users;
  for (const std::int64_t id : base->catalogue.raw_user_id) users.raw_id.push_back(id);
  VideoTable videos;
  videos.raw_id = base->catalogue.raw_video_id;
  videos.author = base->catalogue.author;
  videos.tag_offset.assign(videos.raw_id.size() + 1, 0);
  for (std::uint32_t author = 0; author < base->catalogue.num_authors; ++author) videos.author_raw_id.push_back(author);
  for (auto* column : {&videos.video_type, &videos.upload_type}) column->assign(videos.raw_id.size(), 0);
  videos.video_types = {"NORMAL"}, videos.upload_types = {"Web"};
  videos.upload_date.assign(videos.raw_id.size(), 20220410);
  videos.duration_ms.assign(videos.raw_id.size(), 10'000.0F);
  videos.width.assign(videos.raw_id.size(), 0), videos.height = videos.width;
  videos.music_id.assign(videos.raw_id.size(), 0), videos.music_type.assign(videos.raw_id.size(), -1);
  SeasonLog log(folder, users, videos);
  Season season(base, config, season_policy("greedy", config.slate), 1, 1);
  season.log_to(&log);
  while (!season.over()) season.play_day();
  log.finish(season.world());

  const CreatorDays& days = season.creator_days();
  REQUIRE(days.size() > 0);
  double treated = 0.0, shows = 0.0, random = 0.0;
  for (std::size_t i = 0; i < days.size(); ++i) {
    treated += days.treated[i], shows += days.shows[i], random += days.random_shows[i];
    if (days.treated[i] == 0) CHECK(days.random_shows[i] == 0);
    CHECK(days.random_shows[i] <= days.shows[i]);
    CHECK(days.watches[i] <= days.shows[i]);
    CHECK(days.uplift[i] >= 0.0F);
  }
  CHECK(treated / static_cast<double>(days.size()) == Approx(0.5).margin(0.15));
  CHECK(random / shows == Approx(0.3).margin(0.06));

  std::uint64_t rows = 0, random_rows = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("log_")) continue;
    const std::string text = bytes_of_file(entry.path());
    const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) - 1;
    rows += lines;
    if (name.starts_with("log_random_")) random_rows += lines;
    CHECK((text.find("propensity") != std::string::npos) == name.starts_with("log_random_"));
  }
  CHECK(rows == season.videos_shown());
  CHECK(static_cast<double>(random_rows) >= random);  // who has left for good has rows and no days
  CHECK(random > 0.8 * static_cast<double>(random_rows));
  const std::string table = bytes_of_file(folder / "video_features_basic_season.csv");
  CHECK(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')) ==
        season.world().catalogue()->num_videos() + 1);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a policy that cares for creators brings more uploads, and another composition can take over", "[platform]") {
  SeasonConfig config = short_season();
  config.days = 12, config.users = 120;
  const std::string plain = R"({"retrieve": [{"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb",
    "ties": "drawn", "count": 4, "uplift": UPLIFT}]})";
  const auto composition = [&](const char* weight) {
    std::string text = plain;
    return composed_policy(text.replace(text.find("UPLIFT"), 6, weight));
  };
  double uploads[2] = {};
  for (const bool cares : {false, true})
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      Season season(season_world(), config, composition(cares ? "500" : "0"), seed, 1);
      while (!season.over()) season.play_day();
      for (std::size_t day = 4; day < season.days().size(); ++day) uploads[cares ? 1 : 0] += season.days()[day].uploads;
    }
  CHECK(uploads[1] > uploads[0]);
  Season season(season_world(), config, composition("0"), 1, 1), other(season_world(), config, composition("0"), 1, 1);
  season.play_day(), other.play_day();
  other.set_policy(season_policy("uniform", config.slate));
  season.play_day(), other.play_day();
  CHECK(season_figures({season.days()[0]}) == season_figures({other.days()[0]}));
  CHECK(season_figures({season.days()[1]}) != season_figures({other.days()[1]}));
}

TEST_CASE("a season meters what creators imitate as often as the world's chances say", "[platform]") {
  SeasonConfig config = short_season();
  config.days = 14, config.users = 200, config.world.creators.leave_hazard = 0.0;
  config.world.creators.mimic_rate = 0.3, config.world.creators.mimicking = 0.5;
  Season season(season_world(), config, season_policy("thompson", config.slate), 1, 1);
  MimicMeter meter(make_key(3));
  season.meter_mimicry(&meter);
  while (!season.over()) season.play_day();
  CHECK(season_figures(season.days()) == season_figures(play("thompson", config).days()));
  const MimicDays& days = meter.days();
  double expected = 0.0, imitated = 0.0, clicked = 0.0, other = 0.0;
  std::uint32_t topics = 0;
  for (std::size_t row = 0; row < days.size(); ++row) {
    expected += static_cast<double>(days.chance[row]), imitated += days.mimicked[row];
    (days.clicks[row] > 0 ? clicked : other) += 1.0;
    if (days.clicks[row] == 0) CHECK(days.chance[row] == 0.0F);
    if (days.clicks[row] == 0) CHECK(days.mimicked[row] == 0);
    CHECK(days.topic_uploads[row] <= days.uploads[row]);
    CHECK(days.answered[row] <= days.answers[row]);
    topics += days.answered[row];
  }
  CHECK(expected > 100.0);
  CHECK(imitated == Approx(expected).margin(5.0 * std::sqrt(expected)));
  CHECK(other > 0.8 * clicked);
  CHECK(topics > 0);
}

TEST_CASE("a flow that values imitation serves those who imitate in another way, and nobody else", "[platform]") {
  SeasonConfig config = short_season();
  const auto seconds = [&](double rate, const char* mimic) {
    config.world.creators.mimic_rate = rate;
    const std::string text = R"({"retrieve": [{"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb",
      "ties": "drawn", "count": 4, "uploads": "valued", "mimic": )" +
                             std::string(mimic) + "}]}";
    Season season(season_world(), config, composed_policy(text), 1, 1);
    while (!season.over()) season.play_day();
    return season_figures(season.days());
  };
  CHECK(seconds(0.3, "20") != seconds(0.3, "0"));
  CHECK(seconds(0.0, "20") == seconds(0.0, "0"));
}

TEST_CASE("half of the users can be served by another policy in the same world", "[platform]") {
  const SeasonConfig config = short_season();
  const auto played = [&](const char* policy, const char* other) {
    Season season(season_world(), config, season_policy(policy, config.slate), 2, 1);
    if (other != nullptr) season.split_users(season_policy(other, config.slate));
    while (!season.over()) season.play_day();
    return season.days();
  };
  const std::vector<DayMeasures> whole = played("thompson", nullptr), same = played("thompson", "thompson");
  const std::vector<DayMeasures> mixed = played("uniform", "greedy");
  double own = 0.0, other = 0.0;
  for (std::size_t day = 0; day < whole.size(); ++day) {
    CHECK(whole[day].seconds == same[day].seconds);  // whoever asks for a row, the answer is the same
    CHECK(std::isnan(whole[day].own_seconds));
    const double low = std::min(same[day].own_seconds, same[day].other_seconds);
    const double high = std::max(same[day].own_seconds, same[day].other_seconds);
    CHECK((low <= same[day].seconds && same[day].seconds <= high));
    own += mixed[day].own_seconds, other += mixed[day].other_seconds;
  }
  CHECK(own != other);
  Season begun(season_world(), config, season_policy("uniform", config.slate), 2, 1);
  begun.play_day();
  CHECK_THROWS_AS(begun.split_users(season_policy("greedy", config.slate)), InputError);
}

TEST_CASE("whatever is done to a season's checkpoint, it is refused or played to its end", "[platform]") {
  SeasonConfig config = short_season();
  config.users = 12, config.days = 3;
  const std::filesystem::path kept = season_file("season-mutants");
  Season season(season_world(), config, season_policy("thompson", config.slate), 5, 1);
  season.play_day(), season.play_day();
  season.save(kept);
  const testing::FileImage image = testing::read_image(kept);
  int refused = 0, played = 0;
  for (const testing::Hdf5Mutation& mutation : testing::sample_of(testing::hdf5_mutations(image), /*few=*/true)) {
    CAPTURE(mutation.object, mutation.change);
    const testing::FileImage damaged = testing::mutated(image, mutation);
    std::ofstream(kept, std::ios::binary)
        .write(reinterpret_cast<const char*>(damaged.data()), static_cast<std::streamsize>(damaged.size()));
    Season again(season_world(), config, season_policy("thompson", config.slate), 5, 1);
    try {
      again.load(kept);
    } catch (const InputError&) {
      ++refused;
      continue;
    }
    while (!again.over()) again.play_day();
    CHECK(std::isfinite(again.days().back().seconds));
    ++played;
  }
  remove_season(kept);
  CHECK(refused > played);
  CHECK(played > 0);  // such as a count of views that is one off
}
