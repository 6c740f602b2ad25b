#include "policy/input_columns.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>

#include "core/parallel_pieces.h"
#include "env/catalogue.h"

namespace swipegym {
namespace {

constexpr std::size_t kRowsAPiece = 64;

// A column more in one of these tables needs a name here.
constexpr std::array<std::string_view, kUserFeatures> kUserNames = {
    "full_active",   "high_active", "middle_active", "low_active", "new",     "other_active",
    "is_streamer",   "is_author",   "follows",       "fans",       "friends", "register_days",
    "is_low_period", "rows",        "mean_ratio",    "click_rate",
};
constexpr std::array<std::string_view, kContextFeatures> kContextNames = {
    "steps", "minutes", "day_sine", "day_cosine", "is_tab_1", "is_tab_0", "is_tab_4", "last_ratio",
};
constexpr std::array<std::string_view, kVideoFeatures> kVideoNames = {
    "log_duration", "exposures", "mean_ratio", "click_rate", "like_rate", "is_ad", "upload_type", "tag_popularity",
};
constexpr std::array<std::string_view, VideoTables::kNumbers - kVideoFeatures> kDerivedNames = {
    "mean_seconds",
    "click_root",
};
constexpr std::array<std::string_view, StateEncoder::kCross> kCrossNames = {
    "tag_fast", "tag_slow", "tag_liked", "is_last_tag", "author_fast", "author_liked", "alike_liked", "alike_fast",
};
static_assert(!kUserNames.back().empty() && !kContextNames.back().empty() && !kVideoNames.back().empty() &&
              !kDerivedNames.back().empty() && !kCrossNames.back().empty());

template <class Names>
void append(std::vector<std::string>& to, std::string_view before, const Names& names) {
  for (const std::string_view name : names) to.push_back(std::string(before).append(name));
}

struct Encoded {
  Matrix states;
  StateEncoder::Histories histories;
};

}  // namespace

InputColumns::InputColumns(const Catalogue& catalogue)
    : items_(make_item_inputs(catalogue)), tables_(items_, 0, 0, 0, RandomKey{}, 0), encoder_({}, items_) {}

std::vector<std::string> InputColumns::state_names() const {
  std::vector<std::string> names;
  append(names, "user.", kUserNames);
  append(names, "context.", kContextNames);
  append(names, "history.", std::array<std::string_view, 4>{"known", "fast_ratio", "slow_ratio", "has"});
  append(names, "history.mean.", kVideoNames);
  append(names, "history.liked.", kVideoNames);
  for (std::size_t back = 1; back <= StateEncoderConfig{}.recent; ++back) {
    const std::string newest = "newest." + std::to_string(back) + ".";
    append(names, newest, kVideoNames);
    names.push_back(newest + "ratio");
  }
  const std::size_t tags = (encoder_.state_size() - names.size()) / 3;
  for (const char* what : {"fast", "slow", "liked"})
    for (std::size_t tag = 0; tag < tags; ++tag)
      names.push_back(std::string("tag.").append(what).append(".").append(std::to_string(tag)));
  assert(names.size() == encoder_.state_size());
  return names;
}

std::vector<std::string> InputColumns::pair_names() const {
  std::vector<std::string> names;
  append(names, "video.", kVideoNames);
  append(names, "video.", kDerivedNames);
  append(names, "cross.", kCrossNames);
  names.insert(names.end(), {"video.tag", "video.id"});
  return names;
}

void InputColumns::states(const ObservationView& observation, int threads, std::span<float> out) const {
  const std::size_t width = encoder_.state_size();
  assert(out.size() == observation.rows * width);
  parallel_pieces(observation.rows, kRowsAPiece, threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local Encoded now;
    now.states.resize(kRowsAPiece, static_cast<Eigen::Index>(width));
    encoder_.encode(observation, first, count, now.states, now.histories);
    std::copy_n(now.states.data(), count * width, out.data() + first * width);
  });
}

void InputColumns::pairs(const ObservationView& observation, std::span<const std::int32_t> videos, bool with_state,
                         int threads, std::span<float> out) const {
  if (observation.rows == 0) return;
  const std::size_t per_row = videos.size() / observation.rows, numbers = tables_.size();
  const std::size_t before = with_state ? encoder_.state_size() : 0, width = before + pair_size();
  assert(out.size() == videos.size() * width);
  parallel_pieces(observation.rows, kRowsAPiece, threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local Encoded now;
    thread_local std::vector<std::int32_t> shown;
    now.states.resize(kRowsAPiece, static_cast<Eigen::Index>(encoder_.state_size()));
    encoder_.encode(observation, first, count, now.states, now.histories);
    shown.assign(videos.begin() + static_cast<std::ptrdiff_t>(first * per_row),
                 videos.begin() + static_cast<std::ptrdiff_t>((first + count) * per_row));
    auto block = as_matrix(out.data() + first * per_row * width, shown.size(), width);
    tables_.gather(items_, shown,
                   block.middleCols(static_cast<Eigen::Index>(before), static_cast<Eigen::Index>(numbers)));
    for (std::size_t pair = 0; pair < shown.size(); ++pair) {
      const std::size_t row = pair / per_row;
      float* to = block.row(static_cast<Eigen::Index>(pair)).data();
      std::copy_n(now.states.row(static_cast<Eigen::Index>(row)).data(), before, to);
      to += before + numbers;
      encoder_.cross(now.states, now.histories, row, shown[pair], to);
      const auto video = static_cast<std::size_t>(shown[pair]);
      to[StateEncoder::kCross] = static_cast<float>(items_.tag[video]);
      to[StateEncoder::kCross + 1] = static_cast<float>(items_.id[video]);
    }
  });
}

}  // namespace swipegym
