#include "evaluation/generate/synthetic_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "core/parallel_for.h"
#include "core/random.h"
#include "env/truth/truth_world.h"

namespace swipegym {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kRowBlock = 4096;

/// Cells that carry nothing of the truth are drawn from here.
RandomKey table_key(const TruthOptions& options, std::uint64_t table, std::uint32_t raw_id) {
  return split(split(make_key(options.seed ^ 0x7AB1E5ULL), table), raw_id);
}

FeatureColumn numeric(const char* name, std::size_t rows) {
  return {name, std::vector<float>(rows), {}};
}
FeatureColumn textual(const char* name, std::size_t rows, std::vector<std::string> categories) {
  return {name, std::vector<float>(rows), std::move(categories)};
}

/// Index of the first bound that the value does not exceed.
float range_of(float value, std::initializer_list<float> bounds) {
  float index = 0;
  for (const float bound : bounds) {
    if (value <= bound) break;
    ++index;
  }
  return index;
}

/// A count with a log-normal law, as followers and friends have.
float draw_count(float z, float median, float sigma, float most) {
  return std::min(std::floor(median * std::exp(sigma * z)), most);
}

constexpr std::size_t kUserColumns = 30;

std::vector<FeatureColumn> empty_user_columns(std::size_t n) {
  std::vector<FeatureColumn> columns;
  columns.push_back(textual("user_active_degree", n,
                            {"full_active", "high_active", "middle_active", "2_14_day_new", "low_active", "UNKNOWN"}));
  columns.push_back(numeric("is_lowactive_period", n));
  columns.push_back(numeric("is_live_streamer", n));
  columns.push_back(numeric("is_video_author", n));
  columns.push_back(numeric("follow_user_num", n));
  columns.push_back(textual("follow_user_num_range", n,
                            {"0", "(0,10]", "(10,50]", "(50,100]", "(100,150]", "(150,250]", "(250,500]", "500+"}));
  columns.push_back(numeric("fans_user_num", n));
  columns.push_back(textual("fans_user_num_range", n,
                            {"0", "[1,10)", "[10,100)", "[100,1k)", "[1k,5k)", "[5k,1w)", "[1w,10w)", "[10w,100w)"}));
  columns.push_back(numeric("friend_user_num", n));
  columns.push_back(
      textual("friend_user_num_range", n, {"0", "[1,5)", "[5,30)", "[30,60)", "[60,120)", "[120,250)", "250+"}));
  columns.push_back(numeric("register_days", n));
  columns.push_back(
      textual("register_days_range", n, {"8-14", "15-30", "31-60", "61-90", "91-180", "181-365", "366-730", "730+"}));
  static constexpr std::array<const char*, 18> kOnehot = {
      "onehot_feat0",  "onehot_feat1",  "onehot_feat2",  "onehot_feat3",  "onehot_feat4",  "onehot_feat5",
      "onehot_feat6",  "onehot_feat7",  "onehot_feat8",  "onehot_feat9",  "onehot_feat10", "onehot_feat11",
      "onehot_feat12", "onehot_feat13", "onehot_feat14", "onehot_feat15", "onehot_feat16", "onehot_feat17"};
  for (const char* name : kOnehot) columns.push_back(numeric(name, n));
  return columns;
}

/// Codes 0 .. cardinality - 1 that become rarer as they grow.
float draw_code(RandomStream& random, std::uint32_t cardinality) {
  return static_cast<float>(std::min(random.below(cardinality), random.below(cardinality)));
}

void draw_social(const TruthUser& user, RandomStream& random, float* cell) {
  const auto a = draw_normals(random), b = draw_normals(random);
  cell[2] = random.uniform() < 0.226F ? 1.0F : -124.0F;
  cell[3] = random.uniform() < 0.816F ? 1.0F : 0.0F;
  cell[4] = draw_count(0.3F * user.activity + 0.95F * a[0], 155, 1.45F, 5003);
  cell[5] = range_of(cell[4], {0, 10, 50, 100, 150, 250, 500});
  cell[6] = draw_count(0.2F * user.activity + 0.98F * a[1], 45, 2.0F, 2000000);
  cell[7] = range_of(cell[6], {0, 9, 99, 999, 4999, 9999, 99999});
  cell[8] = std::min(draw_count(0.5F * a[1] + 0.866F * b[0], 16, 2.1F, 4995), cell[4]);
  cell[9] = range_of(cell[8], {0, 4, 29, 59, 119, 249});
}

void draw_user_cells(const TruthOptions& options, const TruthWorld& world, std::uint32_t raw_id,
                     std::array<float, kUserColumns>& cell) {
  const TruthUser user = world.user(raw_id);
  RandomStream random(table_key(options, 1, raw_id));
  // The app grades activity by its own measure, which goes with the number of sessions: thresholds at the shares of
  // KuaiRand's 27,285 users.
  const float measured = (user.activity + 0.4F * draw_normals(random)[0]) / 1.077F;
  const bool is_new = random.uniform() < 0.0233F;
  cell[0] = is_new               ? 3.0F
            : measured > -0.454F ? 0.0F
            : measured > -1.19F  ? 1.0F
            : measured > -2.15F  ? 2.0F
            : measured > -2.7F   ? 4.0F
                                 : 5.0F;
  cell[1] = 0.0F;
  draw_social(user, random, cell.data());
  cell[10] = is_new ? 14.0F : std::floor(15.0F + 2800.0F * std::sqrt(random.uniform()) * random.uniform() * 1.25F);
  cell[11] = range_of(cell[10], {14, 30, 60, 90, 180, 365, 730});
  float* onehot = cell.data() + 12;
  onehot[0] = user.gender;
  onehot[1] = user.age;
  static constexpr std::array<std::uint32_t, 12> kCardinality = {2, 7, 50, 1471, 15, 34, 3, 118, 454, 7, 5, 5};
  for (std::size_t k = 2; k < kCardinality.size(); ++k) onehot[k] = draw_code(random, kCardinality[k]);
  if (random.uniform() < 0.994F) onehot[5] = 0.0F;
  if (random.uniform() < 0.032F) onehot[4] = kMissing;
  static constexpr std::array<float, 6> kFlag = {.724F, .068F, .119F, .023F, .04F, .0145F};
  const bool unknown = random.uniform() < 0.026F;
  for (std::size_t k = 0; k < kFlag.size(); ++k)
    onehot[12 + k] = unknown ? kMissing : random.uniform() < kFlag[k] ? 1.0F : 0.0F;
}

struct VideoCells {
  TruthVideo video;
  std::int32_t upload_date;
  std::int16_t width, height;
  std::int64_t music_id;
  std::int8_t music_type;
};

VideoCells draw_video_cells(const TruthOptions& options, const TruthWorld& world, std::uint32_t raw_id) {
  VideoCells cells{};
  cells.video = world.video(raw_id);
  RandomStream random(table_key(options, 2, raw_id));
  const float day = random.uniform(), size = random.uniform(), music = random.uniform();
  cells.upload_date = day < 0.37F ? 20220405 : day < 0.82F ? 20220406 : 20220407;
  const std::array<std::int16_t, 2> side = size < 0.72F  ? std::array<std::int16_t, 2>{720, 1280}
                                           : size < 0.9F ? std::array<std::int16_t, 2>{1280, 720}
                                                         : std::array<std::int16_t, 2>{960, 1440};
  cells.width = side[0], cells.height = side[1];
  cells.music_type = music < 0.027F ? -1 : music < 0.9F ? 9 : music < 0.99F ? 4 : 8;
  cells.music_id = music < 0.027F ? 0 : 4'000'000'000LL + static_cast<std::int64_t>(random.next());
  return cells;
}

}  // namespace

UserTable synthetic_users(const TruthOptions& options, std::uint32_t users, int threads) {
  const TruthWorld world(options);
  UserTable table;
  table.raw_id.resize(users);
  table.columns = empty_user_columns(users);
  parallel_for((users + kRowBlock - 1) / kRowBlock, threads, [&](std::size_t block, int) {
    std::array<float, kUserColumns> cell;
    for (std::size_t u = block * kRowBlock; u < std::min<std::size_t>(users, (block + 1) * kRowBlock); ++u) {
      draw_user_cells(options, world, static_cast<std::uint32_t>(u), cell);
      table.raw_id[u] = static_cast<std::int64_t>(u);
      for (std::size_t k = 0; k < kUserColumns; ++k) table.columns[k].value[u] = cell[k];
    }
  });
  return table;
}

VideoTable synthetic_videos(const TruthOptions& options, int threads, const Progress& progress) {
  const TruthWorld world(options);
  const std::uint32_t n = world.spec().videos;
  VideoTable table;
  table.video_types = {"NORMAL", "AD"};
  table.upload_types.assign(kTruthUploadTypes.begin(), kTruthUploadTypes.end());
  table.raw_id.resize(n), table.author.resize(n), table.video_type.resize(n), table.upload_type.resize(n);
  table.upload_date.resize(n), table.duration_ms.resize(n), table.width.resize(n), table.height.resize(n);
  table.music_id.resize(n), table.music_type.resize(n), table.tag_offset.resize(n + std::size_t{1});
  std::vector<std::array<std::uint8_t, 2>> tags(n);
  parallel_for((n + kRowBlock - 1) / kRowBlock, threads, [&](std::size_t block, int) {
    report(progress, "describe the videos", block * kRowBlock, n);
    for (std::size_t v = block * kRowBlock; v < std::min<std::size_t>(n, (block + 1) * kRowBlock); ++v) {
      const VideoCells cells = draw_video_cells(options, world, static_cast<std::uint32_t>(v));
      table.raw_id[v] = static_cast<std::int64_t>(v);
      table.author[v] = cells.video.author;  // the world's id, made dense below
      table.video_type[v] = cells.video.is_ad;
      table.upload_type[v] = cells.video.upload_type;
      table.upload_date[v] = cells.upload_date;
      table.duration_ms[v] = cells.video.duration_missing ? kMissing : static_cast<float>(cells.video.duration_ms);
      table.width[v] = cells.width, table.height[v] = cells.height;
      table.music_id[v] = cells.music_id, table.music_type[v] = cells.music_type;
      tags[v] = cells.video.tag;
    }
  });
  std::unordered_map<std::uint32_t, std::uint32_t> dense;
  for (std::size_t v = 0; v < n; ++v) {
    const auto [found, is_new] = dense.try_emplace(table.author[v], static_cast<std::uint32_t>(dense.size()));
    if (is_new) table.author_raw_id.push_back(table.author[v]);
    table.author[v] = found->second;
    table.tag_offset[v] = static_cast<std::uint32_t>(table.tag.size());
    for (const std::uint8_t tag : tags[v])
      if (tag != 0) table.tag.push_back(tag);
  }
  table.tag_offset[n] = static_cast<std::uint32_t>(table.tag.size());
  return table;
}

}  // namespace swipegym
