#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "replay/uniform_replay.h"

namespace swipegym {
namespace {

template <class T>
void read_into(const Hdf5Reader& file, const std::string& name, std::vector<T>& values) {
  std::vector<T> read = file.read<T>(name);
  if (read.size() != values.size())
    throw InputError(
        fmt::format("{}: {} has {} values, expected {}: the checkpoint was made with another replay "
                    "configuration; resume with its own",
                    file.path().string(), name, read.size(), values.size()));
  values = std::move(read);
}

constexpr std::uint64_t kMostPositions = std::uint64_t{1} << 40;  // a transition's id is this times the envs

// What a file holds of the steps, before it is packed: an entry's bits would cut off what is too large.
struct Columns {
  std::size_t users, videos;
  std::vector<float> context{}, reward{}, stays{};
  std::vector<std::uint32_t> user{};
  std::vector<std::uint8_t> age{}, flags{};
  std::span<const std::int32_t> video{}, candidate{};
  std::span<const float> ratio{}, cost{};

  void validate() const {
    require_between("context", std::span(context), -kMostNumber, kMostNumber);
    require_between("reward", std::span(reward), -kMostNumber, kMostNumber);
    require_between("stays", std::span(stays), 0.0F, 1.0F);
    require_below("user", std::span(user), users);
    require_below("flags", std::span(flags), 8);
    require_below("video", video, videos);
    require_below("candidate", candidate, videos);
    require_between("ratio", ratio, 0.0F, kMostNumber);
    require_between("cost", cost, -kMostNumber, kMostNumber);
  }
  static constexpr float kMostNumber = 1e15F;  // the sums and squares that learning makes of it stay finite
};

}  // namespace

void UniformReplay::save(Hdf5Writer& file, const std::string& name) const {
  // Entries go column by column: the padding of a struct has no defined bytes.
  const std::size_t total = entries_.size();
  std::vector<float> context(total * kContextFeatures), reward(total), stays(total);
  std::vector<std::uint32_t> user(total);
  std::vector<std::uint8_t> age(total), flags(total);
  for (std::size_t i = 0; i < total; ++i) {
    std::copy_n(entries_[i].context, kContextFeatures, &context[i * kContextFeatures]);
    reward[i] = entries_[i].reward, stays[i] = entries_[i].stays, user[i] = entries_[i].user;
    age[i] = static_cast<std::uint8_t>(entries_[i].age), flags[i] = static_cast<std::uint8_t>(entries_[i].flags);
  }
  file.write(name + "/context", context);
  file.write(name + "/reward", reward);
  file.write(name + "/stays", stays);
  file.write(name + "/user", user);
  file.write(name + "/age", age);
  file.write(name + "/flags", flags);
  file.write(name + "/head", head_);
  file.write(name + "/started", started_);
  file.write(name + "/video", video_);
  file.write(name + "/ratio", ratio_);
  if (!cost_.empty()) file.write(name + "/cost", cost_);
  file.write(name + "/candidate", candidate_);
  file.write(name + "/mask", mask_);
}

void UniformReplay::validate() const {
  for (std::size_t env = 0; env < config_.num_envs; ++env) {
    require_between("head", head_[env], std::uint64_t{0}, kMostPositions);
    require_between("started", started_[env], std::uint8_t{0}, std::uint8_t{1});
    for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(window_, head_[env]); ++back) {
      const std::uint64_t position = head_[env] - back;
      const std::size_t at = entry_at(env, position);
      if (config_.candidates == 0 || (entries_[at].flags & kTransition) == 0) continue;
      const auto offered = std::span(candidate_).subspan(at * config_.candidates, config_.candidates);
      require_that(fmt::format("step {} of env {}", position, env),
                   std::find(offered.begin(), offered.end(), video_[shown_at(env, position)]) != offered.end(),
                   "the video shown to be one of its candidates");
    }
  }
}

void UniformReplay::load(const Hdf5Reader& file, const std::string& name) {
  const std::size_t total = entries_.size();
  const Catalogue& catalogue = simulator_->catalogue;
  Columns columns{.users = catalogue.num_users(), .videos = catalogue.num_videos()};
  columns.context.resize(total * kContextFeatures), columns.reward.resize(total), columns.stays.resize(total);
  columns.user.resize(total), columns.age.resize(total), columns.flags.resize(total);
  read_into(file, name + "/context", columns.context);
  read_into(file, name + "/reward", columns.reward);
  read_into(file, name + "/user", columns.user);
  read_into(file, name + "/age", columns.age);
  read_into(file, name + "/flags", columns.flags);
  read_into(file, name + "/head", head_);
  read_into(file, name + "/started", started_);
  read_into(file, name + "/video", video_);
  read_into(file, name + "/ratio", ratio_);
  if (!cost_.empty()) read_into(file, name + "/cost", cost_);
  read_into(file, name + "/candidate", candidate_);
  read_into(file, name + "/mask", mask_);
  columns.video = video_, columns.candidate = candidate_, columns.ratio = ratio_, columns.cost = cost_;
  read_into(file, name + "/stays", columns.stays);
  file.check(columns);
  for (std::size_t i = 0; i < total; ++i) {
    std::copy_n(&columns.context[i * kContextFeatures], kContextFeatures, entries_[i].context);
    entries_[i].reward = columns.reward[i], entries_[i].stays = columns.stays[i];
    entries_[i].user = columns.user[i];
    entries_[i].age = columns.age[i], entries_[i].flags = columns.flags[i];
  }
  file.check(*this);
  size_ = 0;
  for (std::size_t env = 0; env < config_.num_envs; ++env)
    for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(window_, head_[env]); ++back)
      size_ += (entries_[entry_at(env, head_[env] - back)].flags & kTransition) != 0;
}

}  // namespace swipegym
