#include "policy/embedding/factor_policy.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "nn/fast_math.h"
#include "policy/item_inputs.h"

namespace swipegym {
namespace {

void write_matrix(Hdf5Writer& file, const std::string& name, const Matrix& matrix) {
  file.write_matrix<float>(name, {matrix.data(), static_cast<std::size_t>(matrix.size())},
                           static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols()));
}

}  // namespace

void FactorModel::validate() const {
  const auto numbers = [](const Matrix& matrix) {
    return std::span<const float>(matrix.data(), static_cast<std::size_t>(matrix.size()));
  };
  require_size("user/bias", user_bias.size(), raw_user_id.size());
  require_size("video/bias", video_bias.size(), raw_video_id.size());
  require_size("user/factors", static_cast<std::size_t>(user.size()), raw_user_id.size() * factors());
  require_size("video/factors", static_cast<std::size_t>(video.size()), raw_video_id.size() * factors());
  require_finite("mean", std::span(&mean, 1));
  require_finite("user/bias", std::span(user_bias));
  require_finite("video/bias", std::span(video_bias));
  require_finite("user/factors", numbers(user));
  require_finite("video/factors", numbers(video));
  require_that("head", !head.empty(), "the name of what a score estimates");
}

FactorPolicy::FactorPolicy(std::shared_ptr<const FactorModel> model, const Catalogue& catalogue)
    : model_(std::move(model)),
      user_row_(match_ids(model_->raw_user_id, catalogue.raw_user_id)),
      video_row_(match_ids(model_->raw_video_id, catalogue.raw_video_id)) {}

void FactorPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, video_row_.size()), k = model_->factors();
  for (std::size_t row = 0; row < observation.rows; ++row) {
    const std::int32_t u = user_row_.empty() ? -1 : user_row_[observation.user[row]];
    const float base = model_->mean + (u >= 0 ? model_->user_bias[static_cast<std::size_t>(u)] : 0.0F);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const std::int32_t v = video_row_[static_cast<std::size_t>(video_in_slot(observation, row, slot))];
      float score = base;
      if (v >= 0) {
        score += model_->video_bias[static_cast<std::size_t>(v)];
        if (u >= 0)
          for (std::size_t i = 0; i < k; ++i)
            score += model_->user(u, static_cast<Eigen::Index>(i)) * model_->video(v, static_cast<Eigen::Index>(i));
      }
      scores[row * slots + slot] = model_->logistic ? fast_sigmoid(score) : score;
    }
  }
}

std::shared_ptr<const FactorModel> make_popularity_model(const Catalogue& catalogue) {
  auto model = std::make_shared<FactorModel>();
  model->header = {.model = "factors", .policy = "popularity", .catalogue_until = catalogue.until, .config = "{}"};
  model->raw_video_id = catalogue.raw_video_id;
  model->video.resize(static_cast<Eigen::Index>(catalogue.num_videos()), 0);
  for (const std::uint32_t exposures : catalogue.exposures)
    model->video_bias.push_back(std::log1p(static_cast<float>(exposures)));
  return model;
}

void FactorPolicy::write(Hdf5Writer& file) const {
  const FactorModel& model = *model_;
  file.attribute("head", std::string_view(model.head));
  file.attribute("logistic", std::int64_t{model.logistic});
  file.attribute("mean", static_cast<double>(model.mean));
  file.write("user/raw_id", model.raw_user_id);
  file.write("video/raw_id", model.raw_video_id);
  file.write("user/bias", model.user_bias);
  file.write("video/bias", model.video_bias);
  if (model.factors() > 0) {
    write_matrix(file, "user/factors", model.user);
    write_matrix(file, "video/factors", model.video);
  }
}

std::shared_ptr<const Policy> load_factor_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<FactorModel>();
  model->header = read_header(file);
  model->head = file.attribute_text("head");
  model->logistic = file.attribute_int("logistic") != 0;
  model->mean = static_cast<float>(file.attribute_double("mean"));
  model->raw_user_id = file.read<std::int64_t>("user/raw_id");
  model->raw_video_id = file.read<std::int64_t>("video/raw_id");
  model->user_bias = file.read<float>("user/bias");
  model->video_bias = file.read<float>("video/bias");
  const std::size_t users = model->raw_user_id.size(), videos = model->raw_video_id.size();
  std::vector<float> user, video;
  if (file.has("video/factors")) user = file.read<float>("user/factors"), video = file.read<float>("video/factors");
  const std::size_t k = videos > 0 ? video.size() / videos : 0;
  if (video.size() != videos * k || user.size() != users * k)
    throw InputError(
        fmt::format("{}: its users, videos and factors do not fit together ({} users, {} videos, {} and "
                    "{} numbers); the file is damaged, train the policy again",
                    file.path().string(), users, videos, user.size(), video.size()));
  model->user = as_matrix(user.data(), users, k);
  model->video = as_matrix(video.data(), videos, k);
  file.check(*model);
  require_known_videos(file, model->raw_video_id, catalogue);
  return std::make_shared<FactorPolicy>(std::move(model), catalogue);
}

}  // namespace swipegym
