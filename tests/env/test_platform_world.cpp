#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/catalogue.h"
#include "env/constant_user_model.h"
#include "env/platform/platform_world.h"
#include "env/truth/truth_model.h"

namespace swipegym {
namespace {

Simulator tiny_truth() {
  Simulator simulator;
  const auto model = std::make_shared<TruthModel>(TruthOptions{.preset = TruthPreset::kTiny, .seed = 5});
  const ToyWorld size{.num_users = model->num_users(), .num_videos = model->num_videos()};
  simulator.catalogue = make_toy_catalogue(size);
  simulator.population = make_toy_population(size);
  simulator.catalogue.until = 20220508;
  simulator.model = model;
  return simulator;
}

PlatformSettings small_platform() {
  PlatformSettings settings;
  settings.life_days = 3;
  settings.least_on_offer = 60;
  return settings;
}

// Every video on offer is shown to somebody who watches it when `clicks` says so.
template <class Clicks>
void play_platform_day(PlatformWorld& world, int shows, const Clicks& clicks) {
  std::vector<ShownAnswer> answers;
  const VideoRange range = world.on_offer();
  for (std::uint32_t video = range.begin; video < range.end; ++video)
    for (int k = 0; k < shows; ++k)
      answers.push_back(
          {static_cast<std::uint32_t>(k), video, 0.5F, clicks(video) ? bit(Signal::kClick) : SignalBits{0}});
  world.count(answers);
}

}  // namespace

TEST_CASE("uploads of creators whom nothing moves come as often as the law says", "[env][platform]") {
  CreatorSettings settings = with_effect({}, "none");
  settings.base_deviation = 0.0, settings.arrivals = 0.0, settings.leave_hazard = 0.0;
  Creators creators(settings, make_key(4), 5'000);
  double uploads = 0.0;
  for (int day = 0; day < 20; ++day) uploads += static_cast<double>(creators.next_day().size());
  const double expected = 20.0 * 5'000.0 / (1.0 + std::exp(3.0));
  CHECK(uploads == Approx(expected).margin(5.0 * std::sqrt(expected)));
}

TEST_CASE("newcomers arrive at their rate, upload at once, and the same ones in every world", "[env][platform]") {
  CreatorSettings settings;
  settings.arrivals = 0.05;
  Creators one(settings, make_key(4), 400), other(settings, make_key(4), 400);
  for (int day = 0; day < 50; ++day) {
    for (std::uint32_t c = 0; c < 100; ++c) one.add_worth(c, 30.0);  // the other world's creators get nothing
    const std::uint32_t before = static_cast<std::uint32_t>(one.size());
    const std::vector<Upload> uploads = one.next_day();
    other.next_day();
    REQUIRE(one.size() == other.size());
    const std::size_t arrived = one.size() - before;
    for (std::size_t i = 0; i < arrived; ++i)
      CHECK(uploads[uploads.size() - arrived + i].creator == before + static_cast<std::uint32_t>(i));
  }
  CHECK(static_cast<double>(one.size() - 400) == Approx(50.0 * 20.0).margin(5.0 * std::sqrt(1000.0)));
  CHECK(one.num_active() > other.num_active());  // who gets something stays
}

TEST_CASE("a creator's upload answers a video that was watched, as often as the law says", "[env][platform]") {
  CreatorSettings settings;
  settings.mimic_rate = 0.2, settings.mimic_topic = 1.0, settings.base_deviation = 0.0, settings.leave_hazard = 0.0;
  settings.response_rest = settings.responsive = 0.0, settings.arrivals = 0.0;
  Creators creators(settings, make_key(9), 4'000);
  for (std::uint32_t c = 0; c < creators.size(); ++c) creators.watched(c, 7), creators.watched(c, 1009);
  const std::vector<Upload> uploads = creators.next_day();
  double seven = 0.0, thousand_nine = 0.0;
  for (const Upload& upload : uploads) seven += upload.mimicked == 7, thousand_nine += upload.mimicked == 1009;
  const double base = 1.0 / (1.0 + std::exp(3.0)), all = 1.0 - (1.0 - base) * std::exp(-0.2 * 2.0);
  CHECK(static_cast<double>(uploads.size()) == Approx(4'000 * all).margin(5.0 * std::sqrt(4'000 * all)));
  CHECK(seven + thousand_nine == Approx(4'000 * (all - base)).margin(5.0 * std::sqrt(4'000 * all)));
  CHECK(seven == Approx(thousand_nine).margin(5.0 * std::sqrt(seven + thousand_nine)));
}

TEST_CASE("what is on offer is the newest videos, and statistics say what was counted", "[env][platform]") {
  const Simulator base = tiny_truth();
  PlatformWorld world(base, small_platform(), 100, make_key(2));
  CHECK(world.on_offer().end == base.catalogue.num_videos());
  CHECK(world.on_offer().size() >= 60);
  for (int day = 0; day < 6; ++day) {
    const VideoRange before = world.on_offer();
    play_platform_day(world, 3, [](std::uint32_t video) { return video % 2 == 0; });
    const PlatformWorld::Night night = world.next_day();
    const Catalogue& catalogue = *world.catalogue();
    REQUIRE_NOTHROW(catalogue.validate());
    CHECK(world.on_offer().end == before.end + night.uploads);
    CHECK(world.on_offer().end == catalogue.num_videos());
    CHECK(world.on_offer().size() >= 60);
    for (std::uint32_t video = world.on_offer().begin + 1; video < world.on_offer().end; ++video)
      CHECK(world.uploaded(video) >= world.uploaded(video - 1));
  }
  const Catalogue& catalogue = *world.catalogue();
  const std::uint32_t video = world.on_offer().begin, fresh = world.on_offer().end - 1;
  // A video's rate moves towards what it got, from the mean of all rows so far, which one without shows has.
  double clicks = 0.0, rows = 0.0;
  for (std::size_t v = 0; v < catalogue.num_videos(); ++v) {
    const double weight = catalogue.exposures[v] + static_cast<double>(kShrinkage);
    clicks += weight * static_cast<double>(catalogue.video_features[v * kVideoFeatures + kVideoClickRate]);
    rows += weight;
  }
  const double even = static_cast<double>(catalogue.video_features[fresh * kVideoFeatures + kVideoClickRate]);
  CHECK(catalogue.exposures[fresh] == 0);
  CHECK(clicks / rows == Approx(even).epsilon(1e-5));
  int counted = 0;
  for (std::uint32_t shown = video; shown < fresh; ++shown) {
    const double shows = catalogue.exposures[shown];
    if (world.uploaded(shown) < 0 || shows == 0.0) continue;
    ++counted;
    const double got = shown % 2 == 0 ? shows : 0.0;
    CHECK(static_cast<double>(catalogue.video_features[shown * kVideoFeatures + kVideoClickRate]) ==
          Approx((got + kShrinkage * even) / (shows + kShrinkage)).epsilon(1e-5));
  }
  CHECK(counted > 5);
}

TEST_CASE("the stock is spread over all creators", "[env][platform]") {
  PlatformSettings settings = small_platform();
  settings.creators_a_user = 0.1;
  const PlatformWorld world(tiny_truth(), settings, 100, make_key(2));
  std::vector<int> videos(10, 0);
  for (std::uint32_t video = world.on_offer().begin; video < world.on_offer().end; ++video)
    ++videos[world.creator(video)];
  const auto [least, most] = std::minmax_element(videos.begin(), videos.end());
  CHECK(*least > 0);
  CHECK(*most <= 3 * static_cast<int>(world.on_offer().size()) / 10);
}

TEST_CASE("a world that was saved is the same world", "[env][platform]") {
  const Simulator base = tiny_truth();
  PlatformSettings settings = small_platform();
  settings.wrong_tags = 0.3;
  PlatformWorld world(base, settings, 100, make_key(2)), again(base, settings, 100, make_key(2));
  for (int day = 0; day < 4; ++day) {
    play_platform_day(world, 2, [](std::uint32_t video) { return video % 3 == 0; });
    world.next_day();
  }
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("platform-" + std::to_string(::getpid()) + ".h5");
  {
    Hdf5Writer file(path);
    file.attribute("kind", "world");
    file.attribute("schema_version", std::int64_t{1});
    world.save(file, "world");
    file.commit();
  }
  again.load(Hdf5Reader(path, "world", 1), "world");
  std::filesystem::remove(path);
  const Catalogue &a = *world.catalogue(), &b = *again.catalogue();
  CHECK(a.video_features == b.video_features);
  CHECK(a.exposures == b.exposures);
  CHECK(a.tag == b.tag);
  CHECK(a.upload_day == b.upload_day);
  CHECK(a.author == b.author);
  CHECK(a.raw_author_id == b.raw_author_id);
  CHECK(a.creator_uplift == b.creator_uplift);
  CHECK(world.outlook()->mean_value > 0.0F);
  CHECK(world.outlook()->mean_value == again.outlook()->mean_value);
  CHECK(world.outlook()->upload_value == again.outlook()->upload_value);
  CHECK(world.outlook()->topic_value == again.outlook()->topic_value);
  CHECK(world.on_offer().begin == again.on_offer().begin);
  for (std::uint32_t video = world.on_offer().begin; video < world.on_offer().end; ++video)
    CHECK(world.click_appeal(video) == again.click_appeal(video));
  for (PlatformWorld* one : {&world, &again}) {
    play_platform_day(*one, 2, [](std::uint32_t) { return true; });
    one->next_day();
  }
  CHECK(a.video_features == b.video_features);
  CHECK(a.num_videos() == b.num_videos());
}

TEST_CASE("so many tags are wrong as the platform sees them, and none as they are", "[env][platform]") {
  const Simulator base = tiny_truth();
  PlatformSettings settings = small_platform();
  settings.creators.base_mean = 0.0;  // many uploads
  PlatformWorld right(base, settings, 200, make_key(2));
  settings.wrong_tags = 0.4;
  PlatformWorld wrong(base, settings, 200, make_key(2)), other(base, settings, 200, make_key(3));
  for (int day = 0; day < 5; ++day)
    for (PlatformWorld* one : {&right, &wrong, &other}) one->next_day();
  const auto share = [](const PlatformWorld& world, std::size_t from, std::size_t to) {
    double differ = 0.0;
    for (std::size_t v = from; v < to; ++v)
      differ += world.catalogue()->tag[v] != world.category(static_cast<std::uint32_t>(v)) ? 1.0 : 0.0;
    return differ / static_cast<double>(to - from);
  };
  const std::size_t first = base.catalogue.num_videos(), all = wrong.catalogue()->num_videos();
  REQUIRE(all > first + 300);
  REQUIRE(right.catalogue()->num_videos() == all);
  CHECK(share(right, 0, all) == 0.0);
  CHECK(share(wrong, 0, first) == Approx(0.4).margin(0.12));
  CHECK(share(wrong, first, all) == Approx(0.4).margin(0.12));
  for (std::uint32_t v = 0; v < all; ++v) CHECK(wrong.category(v) == right.category(v));
  CHECK(wrong.catalogue()->tag != other.catalogue()->tag);
  CHECK_NOTHROW(wrong.catalogue()->validate());
  // The videos are what they were.
  for (std::uint32_t v = wrong.on_offer().begin; v < all; ++v) CHECK(wrong.click_appeal(v) == right.click_appeal(v));
}

TEST_CASE("a world foretells what uploads bring and how likely tonight's imitate", "[env][platform]") {
  PlatformSettings settings = small_platform();
  settings.creators.mimic_rate = 0.3, settings.creators.mimicking = 0.5, settings.creators.leave_hazard = 0.02;
  PlatformWorld world(tiny_truth(), settings, 100, make_key(6));
  double expected = 0.0, imitations = 0.0;
  for (int day = 0; day < 30; ++day) {
    play_platform_day(world, 60, [](std::uint32_t video) { return video % 16 == 0; });
    for (std::uint32_t c = 0; c < world.creators().size(); ++c) expected += world.creators().mimics_tonight(c);
    world.next_day();
    for (std::uint32_t video = world.on_offer().end; world.uploaded(video - 1) == world.day(); --video)
      imitations += world.imitated(video - 1) != 0;
  }
  CHECK(expected > 300.0);
  CHECK(imitations == Approx(expected).margin(5.0 * std::sqrt(expected)));
  // Every video was shown sixty times a day, half of its length each.
  const CreatorOutlook& ahead = *world.outlook();
  double seconds = 0.0;
  for (std::uint32_t video = world.on_offer().begin; video < world.on_offer().end; ++video)
    seconds += 3 * 60 * 0.5 * 1e-3 * world.catalogue()->duration_ms[video] / world.on_offer().size();
  CHECK(ahead.mean_value == Approx(seconds).epsilon(0.3));
  int imitate = 0;
  for (std::uint32_t user = 0; user < 100; ++user) imitate += ahead.mimic_uplift[user] > 0.0F;
  CHECK(imitate > 15);  // half of those who are there
  CHECK(imitate < 65);
  CHECK(ahead.mimic_uplift.size() == world.catalogue()->num_users());
}

TEST_CASE("a platform needs a world that can be given uploads", "[env][platform]") {
  const auto constant = make_constant_simulator({});
  Simulator dated = *constant;
  dated.catalogue.until = 20220508;
  CHECK_THROWS_WITH(PlatformWorld(dated, small_platform(), 10, make_key(1)), Catch::Matchers::Contains("constant"));
  CHECK_THROWS_WITH(PlatformWorld(tiny_truth(), small_platform(), 0, make_key(1)),
                    Catch::Matchers::Contains("0 users"));
  Simulator undated = tiny_truth();
  undated.catalogue.until = 0;
  CHECK_THROWS_AS(PlatformWorld(undated, small_platform(), 10, make_key(1)), InputError);
}

TEST_CASE("uploads follow their author, and another season brings others", "[env][platform]") {
  const TruthWorld world({.preset = TruthPreset::kTiny, .seed = 5});
  double favourite = 0.0, quality = 0.0, other = 0.0;
  for (std::uint32_t author = 0; author < 200; ++author) {
    const auto tags = world.favourite_tags(author);
    for (std::int32_t day = 0; day < 10; ++day) {
      const TruthVideo video = world.upload(author, day), again = world.upload(author, day);
      CHECK(video.quality == again.quality);
      CHECK(video.author == author);
      favourite += video.tag[0] == tags[0] || video.tag[0] == tags[1] ? 1.0 : 0.0;
      quality += video.quality != world.upload(author, day, 0, 1).quality ? 1.0 : 0.0;
      other += world.upload(author, day, 12).tag[0] == 12 || world.upload(author, day, 12).tag[0] == 0 ? 1.0 : 0.0;
    }
  }
  CHECK(favourite / 2'000.0 > 0.75);
  CHECK(quality == 2'000.0);
  CHECK(other == 2'000.0);
}

}  // namespace swipegym
