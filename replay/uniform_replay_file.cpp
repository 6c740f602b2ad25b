#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
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

}  // namespace

void UniformReplay::save(Hdf5Writer& file, const std::string& name) const {
  // Entries go column by column: the padding of a struct has no defined bytes.
  const std::size_t total = entries_.size();
  std::vector<float> context(total * kContextFeatures), reward(total);
  std::vector<std::uint32_t> user(total);
  std::vector<std::uint8_t> age(total), flags(total);
  for (std::size_t i = 0; i < total; ++i) {
    std::copy_n(entries_[i].context, kContextFeatures, &context[i * kContextFeatures]);
    reward[i] = entries_[i].reward, user[i] = entries_[i].user;
    age[i] = static_cast<std::uint8_t>(entries_[i].age), flags[i] = static_cast<std::uint8_t>(entries_[i].flags);
  }
  file.write(name + "/context", context);
  file.write(name + "/reward", reward);
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

void UniformReplay::load(const Hdf5Reader& file, const std::string& name) {
  const std::size_t total = entries_.size();
  std::vector<float> context(total * kContextFeatures), reward(total);
  std::vector<std::uint32_t> user(total);
  std::vector<std::uint8_t> age(total), flags(total);
  read_into(file, name + "/context", context);
  read_into(file, name + "/reward", reward);
  read_into(file, name + "/user", user);
  read_into(file, name + "/age", age);
  read_into(file, name + "/flags", flags);
  read_into(file, name + "/head", head_);
  read_into(file, name + "/started", started_);
  read_into(file, name + "/video", video_);
  read_into(file, name + "/ratio", ratio_);
  if (!cost_.empty()) read_into(file, name + "/cost", cost_);
  read_into(file, name + "/candidate", candidate_);
  read_into(file, name + "/mask", mask_);
  for (std::size_t i = 0; i < total; ++i) {
    std::copy_n(&context[i * kContextFeatures], kContextFeatures, entries_[i].context);
    entries_[i].reward = reward[i], entries_[i].user = user[i];
    entries_[i].age = age[i], entries_[i].flags = flags[i];
  }
  size_ = 0;
  for (std::size_t env = 0; env < config_.num_envs; ++env)
    for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(window_, head_[env]); ++back)
      size_ += (entries_[entry_at(env, head_[env] - back)].flags & kTransition) != 0;
}

}  // namespace swipegym
