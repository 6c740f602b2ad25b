#include "env/platform/upload_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "env/catalogue.h"
#include "env/fitted/fitted_user_model.h"
#include "env/truth/truth_model.h"

namespace swipegym {
namespace {

constexpr std::size_t kRoom = 4096;  // videos that room is made for at once

std::vector<std::uint16_t> dense_tags(const Catalogue& catalogue) {
  std::vector<std::uint16_t> dense(256, static_cast<std::uint16_t>(catalogue.num_tags - 1));
  for (std::size_t tag = 0; tag < catalogue.tag_code.size(); ++tag)
    if (catalogue.tag_code[tag] < dense.size()) dense[catalogue.tag_code[tag]] = static_cast<std::uint16_t>(tag);
  return dense;
}

class TruthUploads final : public UploadMaker {
 public:
  TruthUploads(const TruthModel& truth, const Catalogue& catalogue, RandomKey world)
      : model_(std::make_shared<TruthModel>(truth)),
        world_(truth.options()),
        dense_(dense_tags(catalogue)),
        season_(std::uint64_t{world.hi} << 32 | world.lo) {}

  std::shared_ptr<const UserModel> model() const override { return model_; }
  std::uint16_t tag_code(std::uint32_t video) const override { return model_->video(VideoIndex{video}).tag[0]; }

  UploadedVideo make(std::uint32_t video, const Upload& upload, std::uint32_t, std::int64_t raw_author,
                     std::int32_t day) override {
    if (video >= model_->num_videos()) model_->make_room(video + kRoom);
    if (upload.mimicked > 0xFF)
      throw InputError(fmt::format("an upload imitates tag {}, which is none", upload.mimicked));
    const auto mimicked = static_cast<std::uint8_t>(upload.mimicked);
    const TruthVideo made = world_.upload(static_cast<std::uint32_t>(raw_author), day, mimicked, season_);
    model_->set_video(VideoIndex{video}, made);
    uploads_.push_back({static_cast<std::uint32_t>(raw_author), day, mimicked, season_});
    return {.duration_ms = made.duration_ms,
            .tag = dense_[made.tag[0]],
            .upload_type = static_cast<float>(made.upload_type) / static_cast<float>(kTruthUploadTypes.size()),
            .is_ad = made.is_ad ? 1.0F : 0.0F};
  }

  std::string truth() const override {
    TruthOptions options = model_->options();
    options.uploads.insert(options.uploads.end(), uploads_.begin(), uploads_.end());
    return truth_json(options);
  }

 private:
  std::vector<TruthUpload> uploads_;
  std::shared_ptr<TruthModel> model_;
  TruthWorld world_;
  std::vector<std::uint16_t> dense_;  // by code
  std::uint64_t season_;
};

class TemplateUploads final : public UploadMaker {
 public:
  TemplateUploads(const FittedUserModel& fitted, const Catalogue& catalogue, RandomKey world)
      : model_(std::make_shared<FittedUserModel>(fitted)),
        catalogue_(catalogue),
        room_(catalogue.num_videos()),
        key_(world),
        of_tag_(catalogue.num_tags),
        of_author_(catalogue.num_authors) {
    for (std::uint32_t video = 0; video < catalogue.num_videos(); ++video) {
      of_tag_[catalogue.tag[video]].push_back(video);
      of_author_[catalogue.author[video]].push_back(video);
      tag_.push_back(catalogue.tag[video]);
    }
  }

  std::shared_ptr<const UserModel> model() const override { return model_; }
  std::uint16_t tag_code(std::uint32_t video) const override { return static_cast<std::uint16_t>(tag_[video] + 1); }

  UploadedVideo make(std::uint32_t video, const Upload& upload, std::uint32_t author, std::int64_t,
                     std::int32_t day) override {
    if (video >= room_) model_->make_room(room_ = video + kRoom);
    const std::uint32_t from = template_of(upload, author, day);
    model_->copy_video(VideoIndex{from}, VideoIndex{video}, author);
    tag_.push_back(catalogue_.tag[from]);
    const float* features = &catalogue_.video_features[from * kVideoFeatures];
    return {.duration_ms = catalogue_.duration_ms[from],
            .tag = catalogue_.tag[from],
            .upload_type = features[kVideoUploadType],
            .is_ad = features[kVideoIsAd]};
  }

 private:
  // Half of an author's uploads are answered as one of their fitted videos is, the others as one of its tag; authors
  // without a fitted video have that of another, always the same one.
  std::uint32_t template_of(const Upload& upload, std::uint32_t author, std::int32_t day) const {
    RandomStream random(split(key_, author), static_cast<std::uint32_t>(day));
    const auto any_of = [&random](const std::vector<std::uint32_t>& videos) {
      return videos[random.below(static_cast<std::uint32_t>(videos.size()))];
    };
    const std::vector<std::uint32_t>* own = author < of_author_.size() ? &of_author_[author] : nullptr;
    std::uint32_t like =
        RandomStream(split(key_, author), 0xFFFFFFFFU).below(static_cast<std::uint32_t>(catalogue_.num_videos()));
    if (own != nullptr && !own->empty()) like = any_of(*own);
    const auto mimicked = static_cast<std::size_t>(upload.mimicked) - 1;
    if (upload.mimicked != 0 && mimicked < of_tag_.size() && !of_tag_[mimicked].empty())
      return any_of(of_tag_[mimicked]);
    return random.uniform() < 0.5F ? like : any_of(of_tag_[catalogue_.tag[like]]);
  }

  std::shared_ptr<FittedUserModel> model_;
  Catalogue catalogue_;
  std::size_t room_;
  RandomKey key_;
  std::vector<std::vector<std::uint32_t>> of_tag_, of_author_;
  std::vector<std::uint16_t> tag_;  // of every video
};

}  // namespace

std::unique_ptr<UploadMaker> make_upload_maker(const Simulator& base, RandomKey world) {
  if (const auto* truth = dynamic_cast<const TruthModel*>(base.model.get()))
    return std::make_unique<TruthUploads>(*truth, base.catalogue, world);
  if (const auto* fitted = dynamic_cast<const FittedUserModel*>(base.model.get()))
    return std::make_unique<TemplateUploads>(*fitted, base.catalogue, world);
  throw InputError(fmt::format("a platform needs a fitted simulator or the truth of a synthetic world, not '{}'",
                               base.model->name()));
}

}  // namespace swipegym
