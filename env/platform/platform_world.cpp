#include "env/platform/platform_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/catalogue.h"
#include "env/state_room.h"
#include "sim_data/calendar.h"
#include "sim_data/tables.h"

namespace swipegym {
namespace {

constexpr std::size_t kPanel = kChunk;  // users who judge a video
constexpr std::int64_t kPanelEveningMs = 20LL * 3600 * 1000;
enum TagKey : std::uint64_t { kBaseTags = 1, kUploadTags };  // children of the key of wrong tags
// The named strengths of an effect are applied once, so that tables print what was used.
CreatorSettings creators_of(const PlatformSettings& settings) {
  return with_effect(settings.creators, settings.effect);
}

std::uint32_t first_creators(const PlatformSettings& settings, std::uint32_t users) {
  return static_cast<std::uint32_t>(std::max(1L, std::lround(settings.creators_a_user * users)));
}

PlatformSettings checked(const PlatformSettings& settings) {
  check_ranges(settings);
  return settings;
}

// Videos on offer at the start: a life's uploads of creators who upload as at rest.
std::uint32_t first_on_offer(const PlatformSettings& settings, std::uint32_t users, std::size_t videos) {
  const double daily = first_creators(settings, users) * 0.1;
  const double wanted = std::max<double>(settings.least_on_offer, daily * settings.life_days);
  return static_cast<std::uint32_t>(std::min<double>(wanted, static_cast<double>(videos)));
}

std::uint32_t check_users(const Simulator& base, std::uint32_t users) {
  if (users == 0 || users > base.catalogue.num_users())
    throw InputError(
        fmt::format("{} users visit, expected 1 to {}, those of the simulator", users, base.catalogue.num_users()));
  return users;
}

}  // namespace

PlatformWorld::PlatformWorld(const Simulator& base, const PlatformSettings& settings, std::uint32_t users,
                             RandomKey world)
    : settings_(checked(settings)),
      simulator_(std::make_shared<Simulator>(base)),
      maker_(make_upload_maker(base, split(world, 2))),
      users_(check_users(base, users)),
      first_videos_(static_cast<std::uint32_t>(base.catalogue.num_videos())),
      tag_key_(split(world, 3)),
      first_day_(days_of_date(base.catalogue.until) + 1),
      past_(settings_.life_days),
      creators_(creators_of(settings), split(world, 1), first_creators(settings, users)) {
  if (base.catalogue.until == 0) throw InputError("the simulator does not say on which day its log ends: fit it again");
  simulator_->model = maker_->model();
  Catalogue& catalogue = simulator_->catalogue;
  const std::size_t videos = catalogue.num_videos();
  if (catalogue.upload_day.empty()) catalogue.upload_day.assign(videos, 0);
  if (catalogue.hate_rate.empty()) catalogue.hate_rate.assign(videos, 0.0F);
  if (catalogue.raw_author_id.empty())
    for (std::uint32_t author = 0; author < catalogue.num_authors; ++author) catalogue.raw_author_id.push_back(author);
  // What the shrunk means were made of: the rows' own sums, by the mean that everything was shrunk to.
  Sums all;
  double rows = 0.0;
  for (std::size_t v = 0; v < videos; ++v) {
    const double weight = catalogue.exposures[v] + static_cast<double>(kShrinkage);
    const float* f = &catalogue.video_features[v * kVideoFeatures];
    sums_.push_back({.ratio = weight * f[kVideoMeanRatio],
                     .clicks = weight * f[kVideoClickRate],
                     .likes = weight * f[kVideoLikeRate] / 10.0,
                     .hates = weight * catalogue.hate_rate[v]});
    rows += weight;
    all.add(sums_[v], 1.0);
  }
  for (Sums& sums : sums_) sums.add(all, -kShrinkage / rows);

  true_tag_ = catalogue.tag;
  for (std::uint32_t v = 0; v < videos; ++v)
    catalogue.tag[v] = seen_tag(split(split(tag_key_, kBaseTags), v), true_tag_[v]);
  creator_.assign(videos, kNobody), uploaded_.assign(videos, std::numeric_limits<std::int32_t>::min());
  const std::uint32_t stock = first_on_offer(settings_, users_, videos);
  on_offer_ = {first_videos_ - stock, first_videos_};
  first_offered_ = on_offer_.begin;
  // The stock's authors are the first creators, as far as there are as many; the rest of the videos fall to these too.
  std::vector<std::uint32_t> creator_of(catalogue.num_authors, kNobody);
  std::uint32_t authors = 0;
  for (std::uint32_t v = on_offer_.begin; v < on_offer_.end; ++v) {
    std::uint32_t& creator = creator_of[catalogue.author[v]];
    if (creator == kNobody) {
      creator = authors++ % static_cast<std::uint32_t>(creators_.size());
      if (author_of_.size() < creators_.size()) author_of_.push_back(catalogue.author[v]);
    }
    creator_[v] = creator;
    const std::uint32_t age = static_cast<std::uint32_t>(settings_.life_days) * (on_offer_.end - v - 1) / stock;
    uploaded_[v] = -1 - static_cast<std::int32_t>(age);
    past_.add(creator, catalogue.tag[v], uploaded_[v]);
    catalogue.upload_day[v] = static_cast<std::uint16_t>(first_day_ + uploaded_[v]);
  }
  next_raw_video_ = *std::max_element(catalogue.raw_video_id.begin(), catalogue.raw_video_id.end()) + 1;
  touched_.assign(videos, 0);
  shrink_to_today();
  judge(on_offer_.begin, on_offer_.end);
  rank_on_offer();
  describe_creators();
}

std::int64_t PlatformWorld::day_begins_ms() const noexcept {
  return (static_cast<std::int64_t>(first_day_) + day()) * kDayMs - kUtcOffsetMs;
}

// Creators whom no author of the base stands for are new authors.
std::uint32_t PlatformWorld::author_of(std::uint32_t creator) {
  Catalogue& catalogue = simulator_->catalogue;
  while (author_of_.size() <= creator) {
    const std::int64_t raw =
        catalogue.raw_author_id.empty()
            ? 0
            : *std::max_element(catalogue.raw_author_id.begin(), catalogue.raw_author_id.end()) + 1;
    author_of_.push_back(catalogue.num_authors++);
    catalogue.raw_author_id.push_back(raw);
  }
  return author_of_[creator];
}

// What the platform takes a video's tag for: where it is wrong, that of one of the base's videos, so that tags stay as
// common as they are. Videos without a tag have none.
std::uint16_t PlatformWorld::seen_tag(RandomKey video, std::uint16_t tag) const {
  const std::vector<std::uint16_t>& code = simulator_->catalogue.tag_code;  // empty in older simulators
  const auto is_tag = [&code](std::uint16_t one) { return one >= code.size() || code[one] != VideoTable::kNoTag; };
  if (settings_.wrong_tags == 0.0 || !is_tag(tag)) return tag;
  RandomStream random(video);
  if (random.uniform_double() >= settings_.wrong_tags) return tag;
  constexpr int kTries = 1'000;  // a catalogue may have one tag only
  for (int tries = 0; tries < kTries; ++tries)
    if (const std::uint16_t other = true_tag_[random.below(first_videos_)]; other != tag && is_tag(other)) return other;
  return tag;
}

void PlatformWorld::append_video(std::uint32_t creator, const UploadedVideo& video, std::int32_t day) {
  Catalogue& catalogue = simulator_->catalogue;
  const auto index = static_cast<std::uint32_t>(catalogue.num_videos());
  catalogue.raw_video_id.push_back(next_raw_video_++);
  catalogue.duration_ms.push_back(video.duration_ms);
  const RandomKey uploads_of_creator = split(split(tag_key_, kUploadTags), creator);
  catalogue.tag.push_back(seen_tag(split(uploads_of_creator, static_cast<std::uint64_t>(day)), video.tag));
  true_tag_.push_back(video.tag);
  catalogue.author.push_back(author_of(creator));
  catalogue.exposures.push_back(0);
  catalogue.item_mean.push_back(0.0F);
  catalogue.hate_rate.push_back(0.0F);
  catalogue.upload_day.push_back(static_cast<std::uint16_t>(first_day_ + day));
  if (!catalogue.visible_status.empty()) catalogue.visible_status.push_back(0);
  std::array<float, kVideoFeatures> features{};
  features[kVideoLogDuration] = (std::log(static_cast<float>(video.duration_ms) * 1e-3F) - 3.5F) / 1.5F;
  features[kVideoIsAd] = video.is_ad;
  features[kVideoUploadType] = video.upload_type;
  catalogue.video_features.insert(catalogue.video_features.end(), features.begin(), features.end());
  creator_.push_back(creator), uploaded_.push_back(day);
  past_.add(creator, catalogue.tag[index], day);
  sums_.emplace_back(), touched_.push_back(0);
  set_features(index);
}

void PlatformWorld::add_upload(const Upload& upload) {
  const auto index = static_cast<std::uint32_t>(simulator_->catalogue.num_videos());
  const std::uint32_t author = author_of(upload.creator);
  const UploadedVideo made = maker_->make(index, upload, author, simulator_->catalogue.raw_author_id[author], day());
  append_video(upload.creator, made, day());
  uploads_.push_back(upload);
}

void PlatformWorld::set_features(std::uint32_t video) {
  Catalogue& catalogue = simulator_->catalogue;
  const Sums& sums = sums_[video];
  const double weight = catalogue.exposures[video] + static_cast<double>(kShrinkage);
  float* f = &catalogue.video_features[video * kVideoFeatures];
  f[kVideoExposures] = std::log1p(static_cast<float>(catalogue.exposures[video])) / 10.0F;
  f[kVideoMeanRatio] = catalogue.item_mean[video] = static_cast<float>((sums.ratio + pseudo_.ratio) / weight);
  f[kVideoClickRate] = static_cast<float>((sums.clicks + pseudo_.clicks) / weight);
  f[kVideoLikeRate] = static_cast<float>(10.0 * (sums.likes + pseudo_.likes) / weight);
  catalogue.hate_rate[video] = static_cast<float>((sums.hates + pseudo_.hates) / weight);
}

// Means are shrunk to that of all rows until midnight, as build_catalogue() would of a log until then.
void PlatformWorld::shrink_to_today() {
  const Catalogue& catalogue = simulator_->catalogue;
  Sums all;
  double rows = 0.0;
  for (std::size_t v = 0; v < sums_.size(); ++v) all.add(sums_[v], 1.0), rows += catalogue.exposures[v];
  pseudo_ = {};
  if (rows > 0.0) pseudo_.add(all, kShrinkage / rows);
  for (std::uint32_t video = 0; video < sums_.size(); ++video) set_features(video);
}

void PlatformWorld::count(std::span<const ShownAnswer> answers) {
  Catalogue& catalogue = simulator_->catalogue;
  const CreatorSettings& law = creators_.law().settings();
  touched_list_.clear();
  for (const ShownAnswer& answer : answers) {
    Sums& sums = sums_[answer.video];
    const bool click = has(answer.signals, Signal::kClick), like = has(answer.signals, Signal::kLike);
    ++catalogue.exposures[answer.video];
    sums.ratio += std::min(answer.watch_ratio, kRatioClip);
    sums.clicks += click, sums.likes += like, sums.hates += has(answer.signals, Signal::kHate);
    if (answer.video >= first_offered_)
      past_.watched(answer.video - first_offered_, day(),
                    static_cast<double>(answer.watch_ratio) * 1e-3 * catalogue.duration_ms[answer.video]);
    if (touched_[answer.video] == 0) touched_[answer.video] = 1, touched_list_.push_back(answer.video);
    if (const std::uint32_t creator = creator_[answer.video]; creator != kNobody && creators_.active(creator))
      creators_.add_worth(creator, creators_.law().worth(click, like, has(answer.signals, Signal::kFollow)));
    // Users are creators too, those of their own number.
    if (law.mimic_rate > 0.0 && click && answer.user < creators_.size() && creators_.active(answer.user))
      creators_.watched(answer.user, maker_->tag_code(answer.video));
  }
  for (const std::uint32_t video : touched_list_) set_features(video), touched_[video] = 0;
}

PlatformWorld::Night PlatformWorld::next_day() {
  const auto creators = static_cast<std::uint32_t>(creators_.size());
  const std::size_t before = creators_.num_active();
  const std::vector<Upload> uploads = creators_.next_day();
  Night night;
  night.uploads = static_cast<std::uint32_t>(uploads.size());
  night.arrived = static_cast<std::uint32_t>(creators_.size()) - creators;
  night.left = static_cast<std::uint32_t>(before + night.arrived - creators_.num_active());
  const auto first = static_cast<std::uint32_t>(simulator_->catalogue.num_videos());
  for (const Upload& upload : uploads) add_upload(upload);
  simulator_->catalogue.until = date_of_days(first_day_ + day() - 1);
  shrink_to_today();
  judge(first, static_cast<std::uint32_t>(simulator_->catalogue.num_videos()));
  retire();
  rank_on_offer();
  describe_creators();
  return night;
}

void PlatformWorld::retire() {
  on_offer_.end = static_cast<std::uint32_t>(simulator_->catalogue.num_videos());
  while (on_offer_.size() > static_cast<std::size_t>(settings_.least_on_offer) &&
         uploaded_[on_offer_.begin] <= day() - settings_.life_days)
    ++on_offer_.begin;
}

// The panel's expectations; everybody in the state in which the log left them.
void PlatformWorld::judge(std::uint32_t begin, std::uint32_t end) {
  const UserModel& model = *simulator_->model;
  const std::size_t panel = std::min<std::size_t>(kPanel, users_);
  const std::int64_t evening = static_cast<std::int64_t>(first_day_) * kDayMs - kUtcOffsetMs + kPanelEveningMs;
  const auto scratch = model.make_scratch();
  StateRoom states(panel, model.state_size());
  std::vector<Shown> shown(panel);
  std::vector<const float*> state(panel);
  std::vector<Expectation> expected(panel);
  for (std::size_t i = 0; i < panel; ++i) {
    shown[i].user = UserIndex{static_cast<std::uint32_t>(i * users_ / panel)};
    shown[i].time_ms = evening;
    model.begin(shown[i].user, evening, states.of(i));
    state[i] = states.at(i);
  }
  click_appeal_.resize(end), seconds_appeal_.resize(end);
  for (std::uint32_t video = begin; video < end; ++video) {
    for (Shown& one : shown) {
      one.video = VideoIndex{video};
      one.duration_ms = simulator_->catalogue.duration_ms[video];
    }
    model.expect(shown, state, ExposureKind::kInterventional, expected, *scratch);
    double clicks = 0.0, seconds = 0.0;
    for (const Expectation& one : expected)
      clicks += one.signal[static_cast<std::size_t>(Signal::kClick)], seconds += one.watch_s;
    click_appeal_[video] = static_cast<float>(clicks / static_cast<double>(panel));
    seconds_appeal_[video] = static_cast<float>(seconds / static_cast<double>(panel));
  }
}

void PlatformWorld::rank_on_offer() {
  best_.resize(on_offer_.size());
  for (std::size_t i = 0; i < best_.size(); ++i) best_[i] = on_offer_.begin + static_cast<std::uint32_t>(i);
  std::sort(best_.begin(), best_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return click_appeal_[a] != click_appeal_[b] ? click_appeal_[a] > click_appeal_[b] : a < b;
  });
}

// What a ranking that cares for creators may know: it is the world's truth, as of midnight.
void PlatformWorld::describe_creators() {
  Catalogue& catalogue = simulator_->catalogue;
  catalogue.creator_uplift.assign(catalogue.num_videos(), 0.0F);
  catalogue.creator_days.assign(catalogue.num_videos(), 0xFFFF);
  constexpr float kUnknown = -1.0F;
  std::vector<float> uplift(creators_.size(), kUnknown);
  for (std::uint32_t video = on_offer_.begin; video < on_offer_.end; ++video) {
    const std::uint32_t creator = creator_[video];
    if (creator == kNobody || !creators_.active(creator)) continue;
    if (uplift[creator] == kUnknown)
      uplift[creator] =
          static_cast<float>(creators_.uplift(creator, creators_.law().settings().watch_weight, settings_.uplift_days));
    catalogue.creator_uplift[video] = uplift[creator];
    if (const std::int32_t arrived = creators_.arrived(creator); arrived >= 0)
      catalogue.creator_days[video] = static_cast<std::uint16_t>(day() - arrived);
  }
  look_ahead();
}

// What an upload brings is told by the past; how likely a viewer imitates is the world's truth, as the uplift is.
void PlatformWorld::look_ahead() {
  const Catalogue& catalogue = simulator_->catalogue;
  const UploadValues worth = past_.values(day(), creators_.size(), catalogue.num_tags);
  CreatorOutlook ahead;
  ahead.mean_value = static_cast<float>(worth.mean);
  ahead.topic_share = static_cast<float>(creators_.law().settings().mimic_topic);
  ahead.topic_value.assign(worth.of_tag.begin(), worth.of_tag.end());
  ahead.upload_value.assign(catalogue.num_videos(), ahead.mean_value);
  for (std::uint32_t video = on_offer_.begin; video < on_offer_.end; ++video)
    if (creator_[video] != kNobody) ahead.upload_value[video] = static_cast<float>(worth.of_creator[creator_[video]]);
  ahead.own_value.assign(catalogue.num_users(), ahead.mean_value);
  ahead.mimic_uplift.assign(catalogue.num_users(), 0.0F);
  // Users are creators too, those of their own number.
  for (std::uint32_t user = 0; user < std::min<std::size_t>(users_, creators_.size()); ++user) {
    ahead.own_value[user] = static_cast<float>(worth.of_creator[user]);
    ahead.mimic_uplift[user] = static_cast<float>(creators_.mimic_uplift(user, settings_.uplift_days));
  }
  outlook_ = std::make_shared<const CreatorOutlook>(std::move(ahead));
}

void PlatformWorld::save(Hdf5Writer& file, const std::string& group) const {
  creators_.save(file, group + "/creators");
  std::vector<std::uint32_t> by;
  std::vector<std::uint16_t> mimicked;
  for (const Upload& upload : uploads_) by.push_back(upload.creator), mimicked.push_back(upload.mimicked);
  std::vector<double> ratio, clicks, likes, hates;
  for (const Sums& sums : sums_)
    ratio.push_back(sums.ratio), clicks.push_back(sums.clicks), likes.push_back(sums.likes),
        hates.push_back(sums.hates);
  file.write(group + "/upload_creator", by);
  file.write(group + "/upload_mimicked", mimicked);
  file.write(
      group + "/upload_day",
      std::vector<std::int32_t>(uploaded_.begin() + static_cast<std::ptrdiff_t>(first_videos_), uploaded_.end()));
  file.write(group + "/exposures", simulator_->catalogue.exposures);
  file.write(group + "/ratio", ratio);
  file.write(group + "/clicks", clicks);
  file.write(group + "/likes", likes);
  file.write(group + "/hates", hates);
  past_.save(file, group + "/past");
  file.write(group + "/first_on_offer", std::vector<std::uint32_t>{on_offer_.begin});
}

void PlatformWorld::load(const Hdf5Reader& file, const std::string& group) {
  const auto damaged = [&](bool holds, const char* what) {
    if (!holds) throw InputError(fmt::format("{}: {} make no sense", file.path().string(), what));
  };
  const auto by = file.read<std::uint32_t>(group + "/upload_creator");
  const auto mimicked = file.read<std::uint16_t>(group + "/upload_mimicked");
  const auto days = file.read<std::int32_t>(group + "/upload_day");
  creators_.load(file, group + "/creators");
  damaged(by.size() == mimicked.size() && by.size() == days.size(), "its uploads");
  damaged(simulator_->catalogue.num_videos() == first_videos_, "uploads behind those of another day: its uploads");
  const std::int32_t today = creators_.day();
  for (std::size_t i = 0; i < by.size(); ++i) {
    damaged(by[i] < creators_.size() && days[i] >= 1 && days[i] <= today && (i == 0 || days[i] >= days[i - 1]),
            "its uploads");
    const Upload upload{by[i], mimicked[i]};
    const auto index = static_cast<std::uint32_t>(simulator_->catalogue.num_videos());
    const std::uint32_t author = author_of(upload.creator);
    const UploadedVideo made =
        maker_->make(index, upload, author, simulator_->catalogue.raw_author_id[author], days[i]);
    append_video(upload.creator, made, days[i]);
    uploads_.push_back(upload);
  }
  Catalogue& catalogue = simulator_->catalogue;
  const std::size_t videos = catalogue.num_videos();
  const auto exposures = file.read<std::uint32_t>(group + "/exposures");
  const auto ratio = file.read<double>(group + "/ratio"), clicks = file.read<double>(group + "/clicks");
  const auto likes = file.read<double>(group + "/likes"), hates = file.read<double>(group + "/hates");
  const auto first = file.read<std::uint32_t>(group + "/first_on_offer");
  const auto fits = [videos](const auto&... columns) { return ((columns.size() == videos) && ...); };
  damaged(
      fits(exposures, ratio, clicks, likes, hates) && first.size() == 1 && first[0] >= on_offer_.begin &&
          first[0] < videos &&
          videos - first[0] >= std::min<std::size_t>(videos, static_cast<std::size_t>(settings_.least_on_offer) / 2),
      "its counts");
  for (std::uint32_t v = 0; v < videos; ++v) {
    // Those of the base come from its shrunk means; an upload's were counted.
    const double least = v < first_videos_ ? -1e12 : 0.0;
    const double most = v < first_videos_ ? 1e12 : static_cast<double>(kRatioClip) * exposures[v];
    for (const double sum : {ratio[v], clicks[v], likes[v], hates[v]})
      damaged(sum >= least && sum <= most * (1.0 + 1e-9), "its counts");
    catalogue.exposures[v] = exposures[v];
    sums_[v] = {ratio[v], clicks[v], likes[v], hates[v]};
  }
  past_.load(file, group + "/past");
  shrink_to_today();
  catalogue.until = date_of_days(first_day_ + today - 1);
  judge(first_videos_, static_cast<std::uint32_t>(videos));
  on_offer_ = {first[0], static_cast<std::uint32_t>(videos)};
  rank_on_offer();
  describe_creators();
}

}  // namespace swipegym
