#include "env/fitted/item_statistics.h"

#include <algorithm>
#include <cmath>

namespace swipegym {

namespace {
constexpr float kExposurePrior = 5.0F;  // exposures
}

ItemStatistics::ItemStatistics(const FeatureEncoder& encoder)
    : encoder_(&encoder), video_(encoder.num_videos()), standard_(encoder.num_videos()) {
  std::uint32_t authors = 0, tags = 0;
  for (const std::uint32_t author : encoder.video_author) authors = std::max(authors, author + 1);
  for (const std::uint32_t tag : encoder.video_tag) tags = std::max(tags, tag + 1);
  author_.resize(authors);
  tag_.resize(tags);
}

void ItemStatistics::change(std::uint32_t video, const HistoryEvent& event, bool random, float by) {
  if (!event.known) return;
  if (!random) standard_[video] += by, all_standard_ += static_cast<double>(by);
  for (Sums* sums : {&video_[video], &author_[encoder_->video_author[video]], &tag_[encoder_->video_tag[video]]}) {
    sums->count += by;
    sums->level += by * event.level, sums->click += by * event.click, sums->long_view += by * event.long_view;
    sums->like += by * event.like, sums->profile += by * event.profile, sums->other += by * event.other;
    sums->hate += by * event.hate;
  }
}

void ItemStatistics::change(const FitLog& log, std::uint64_t at, float by) {
  change(log.event[at].video, log.event[at], log.data.log.is_random[log.row[at]] != 0, by);
}

float ItemStatistics::exposures(std::uint32_t video) const noexcept {
  const auto mean = static_cast<float>(all_standard_ / static_cast<double>(standard_.size()));
  return std::log((standard_[video] + kExposurePrior) / (mean + kExposurePrior));
}

void ItemStatistics::features(std::uint32_t video, std::span<float> out) const noexcept {
  const Sums& v = video_[video];
  const Sums& a = author_[encoder_->video_author[video]];
  const Sums& t = tag_[encoder_->video_tag[video]];
  const auto shrunk = [](float sum, float weight, float prior) { return sum / (weight + prior); };
  out[0] = exposures(video);
  out[1] = 6.0F * shrunk(v.level, v.count, 15.0F);
  out[2] = 4.0F * shrunk(v.click, v.count, 15.0F);
  out[3] = 4.0F * shrunk(v.long_view, v.count, 15.0F);
  out[4] = 15.0F * shrunk(v.like, v.count, 40.0F);
  out[5] = 15.0F * shrunk(v.profile, v.count, 40.0F);
  out[6] = 15.0F * shrunk(v.other, v.count, 60.0F);
  out[7] = 25.0F * shrunk(v.hate, v.count, 80.0F);
  out[8] = 6.0F * shrunk(v.level, v.count, 3.0F);
  out[9] = 6.0F * shrunk(a.level, a.count, 15.0F);
  out[10] = 4.0F * shrunk(a.click, a.count, 15.0F);
  out[11] = 15.0F * shrunk(a.profile, a.count, 40.0F);
  out[12] = 8.0F * shrunk(t.level, t.count, 100.0F);
  out[13] = 15.0F * shrunk(t.like, t.count, 200.0F);
}

std::vector<float> ItemStatistics::all_features() const {
  std::vector<float> out(video_.size() * kItemDense);
  for (std::size_t v = 0; v < video_.size(); ++v)
    features(static_cast<std::uint32_t>(v), {out.data() + v * kItemDense, kItemDense});
  return out;
}

ItemStatistics statistics_at_end(const FitLog& log) {
  ItemStatistics out(log.encoder.features);
  for (std::size_t user = 0; user + 1 < log.offset.size(); ++user)
    for (std::uint64_t at = log.offset[user]; at < log.offset[user + 1] && log.in_fold[user]; ++at) out.add(log, at);
  return out;
}

}  // namespace swipegym
