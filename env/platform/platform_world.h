#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "env/platform/creator_outlook.h"
#include "env/platform/creators.h"
#include "env/platform/upload_maker.h"
#include "env/platform/upload_past.h"
#include "env/simulator.h"
#include "env/video_range.h"

namespace swipegym {

/// How a world lives, beside its users: named assumptions, which every table prints.
struct PlatformSettings {
  CreatorSettings creators;
  std::string effect = "strong";  // how strongly creators answer: none, mild, strong (with_effect)
  double creators_a_user = 1.0;   // creators at the start, for each user who visits
  int life_days = 14;             // an upload is on offer for so many days,
  int least_on_offer = 400;       // or longer, while there are fewer videos than this
  double gap_scale = 1.0;         // gaps between visits, of what the simulator draws: its log may be thinned
  int uplift_days = 7;            // what a creator's uplift looks ahead
  double wrong_tags = 0.0;        // share of the videos whose tag the platform has wrong: that of another video
};

template <class Visitor>
void visit_fields(Visitor& visit, PlatformSettings& settings) {
  visit("creators", settings.creators);
  visit("effect", settings.effect, one_of({"none", "mild", "strong"}));
  visit("creators_a_user", settings.creators_a_user, above(0, 1'000));
  visit("life_days", settings.life_days, between(1, 365));
  visit("least_on_offer", settings.least_on_offer, between(50, 1'000'000));
  visit("gap_scale", settings.gap_scale, above(0, 100));
  visit("uplift_days", settings.uplift_days, between(1, 365));
  visit("wrong_tags", settings.wrong_tags, between(0, 1));
}

/// A video shown on the platform, and what came of it.
struct ShownAnswer {
  std::uint32_t user = 0, video = 0;
  float watch_ratio = 0.0F;
  SignalBits signals = 0;
};

/// A world whose catalogue lives: a copy of a simulator in which creators upload, are encouraged, give up and arrive.
/// Videos are numbered in the order of their upload, so that what is on offer is a range. Everything is drawn by the
/// world's key, creator and day, so that policies meet the same creators. Nothing here may be called while sessions
/// are being stepped.
class PlatformWorld {
 public:
  /// `base`: the truth of a synthetic world, or a fitted simulator. Day 0 is the day after its log. The newest videos
  /// of its catalogue, as many as are on offer in a steady state, stand on offer at once, their ages spread evenly.
  /// `users`: how many users visit, the first ones of the catalogue. InputError for settings that make no sense.
  PlatformWorld(const Simulator& base, const PlatformSettings& settings, std::uint32_t users, RandomKey world);

  const PlatformSettings& settings() const noexcept { return settings_; }
  /// The world to step in. Its catalogue changes in count() and next_day().
  std::shared_ptr<const Simulator> simulator() const noexcept { return simulator_; }
  std::shared_ptr<const Catalogue> catalogue() const noexcept { return {simulator_, &simulator_->catalogue}; }
  VideoRange on_offer() const noexcept { return on_offer_; }
  const Creators& creators() const noexcept { return creators_; }
  std::int32_t day() const noexcept { return creators_.day(); }
  std::int64_t day_begins_ms() const noexcept;  // midnight of Kuaishou's clock
  std::uint32_t users() const noexcept { return users_; }
  /// The truth.json of this world with its uploads so far; empty where no truth is known.
  std::string truth() const { return maker_->truth(); }

  /// The creator of a video, or kNobody for one that was in the log and never on offer.
  std::uint32_t creator(std::uint32_t video) const noexcept { return creator_[video]; }
  static constexpr std::uint32_t kNobody = 0xFFFFFFFFU;
  /// The tag of a video as it is, dense; the catalogue's is what the platform takes it for (wrong_tags).
  std::uint16_t category(std::uint32_t video) const noexcept { return true_tag_[video]; }
  /// The day on which a video was uploaded; below 0 for what was there at the start.
  std::int32_t uploaded(std::uint32_t video) const noexcept { return uploaded_[video]; }
  /// What anybody expects of a video who knows the truth of the world: the mean probability of a click and the mean
  /// seconds watched of a panel of users, at the start of an evening session.
  double click_appeal(std::uint32_t video) const noexcept { return click_appeal_[video]; }
  double seconds_appeal(std::uint32_t video) const noexcept { return seconds_appeal_[video]; }
  /// What creators answer by when they imitate a video (UploadMaker::tag_code), and what a video imitates; 0: nothing.
  std::uint16_t topic(std::uint32_t video) const { return maker_->tag_code(video); }
  std::uint16_t imitated(std::uint32_t video) const noexcept {
    return video < first_videos_ ? std::uint16_t{0} : uploads_[video - first_videos_].mimicked;
  }
  /// What a ranking may know of creators, as of midnight; its columns go with those of the catalogue.
  std::shared_ptr<const CreatorOutlook> outlook() const noexcept { return outlook_; }
  /// Videos on offer, those with the highest click_appeal() first.
  std::span<const std::uint32_t> best_on_offer() const noexcept { return best_; }

  /// Counts answers, in their order: for the videos' statistics and their creators' receptions. The catalogue says so
  /// at once.
  void count(std::span<const ShownAnswer> answers);

  struct Night {
    std::uint32_t uploads = 0, arrived = 0, left = 0;
  };
  /// Midnight: creators upload, leave and arrive; videos come and go.
  Night next_day();

  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group);

 private:
  void add_upload(const Upload& upload);
  void append_video(std::uint32_t creator, const UploadedVideo& video, std::int32_t day);
  std::uint16_t seen_tag(RandomKey video, std::uint16_t tag) const;
  void set_features(std::uint32_t video);
  void shrink_to_today();
  void judge(std::uint32_t begin, std::uint32_t end);
  void rank_on_offer();
  void describe_creators();
  void look_ahead();
  void retire();
  std::uint32_t author_of(std::uint32_t creator);

  // Sums over a video's rows. A shrunk mean is (sum + pseudo) / (rows + kShrinkage).
  struct Sums {
    double ratio = 0.0, clicks = 0.0, likes = 0.0, hates = 0.0;

    void add(const Sums& other, double times) noexcept {
      ratio += times * other.ratio, clicks += times * other.clicks;
      likes += times * other.likes, hates += times * other.hates;
    }
  };

  PlatformSettings settings_;
  std::shared_ptr<Simulator> simulator_;
  std::unique_ptr<UploadMaker> maker_;
  std::uint32_t users_;
  std::uint32_t first_videos_;  // of the base
  RandomKey tag_key_;
  std::int32_t first_day_;  // days since 1970
  Sums pseudo_;             // kShrinkage rows of the mean until midnight
  std::int64_t next_raw_video_ = 0;
  VideoRange on_offer_;
  std::uint32_t first_offered_;  // the oldest video that was ever on offer
  UploadPast past_;              // of the videos from there on
  std::shared_ptr<const CreatorOutlook> outlook_;
  std::vector<std::uint32_t> author_of_;  // of each creator, dense
  Creators creators_;
  std::vector<Upload> uploads_;  // of each video behind the base's
  std::vector<std::uint32_t> creator_;
  std::vector<std::int32_t> uploaded_;
  std::vector<std::uint16_t> true_tag_;
  std::vector<Sums> sums_;
  std::vector<float> click_appeal_, seconds_appeal_;
  std::vector<std::uint32_t> best_;
  std::vector<std::uint8_t> touched_;
  std::vector<std::uint32_t> touched_list_;
};

}  // namespace swipegym
