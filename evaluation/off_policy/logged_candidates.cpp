#include "evaluation/off_policy/logged_candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr std::string_view kCandidatesKind = "candidates";
constexpr std::int64_t kCandidatesVersion = 1;

}  // namespace

void save_candidates(const LoggedCandidates& candidates, const VideoTable& videos, const std::filesystem::path& path) {
  Hdf5Writer file(path);
  file.attribute("kind", kCandidatesKind);
  file.attribute("schema_version", kCandidatesVersion);
  file.write("raw_video_id", videos.raw_id);
  file.write_matrix("candidate", std::span<const std::int32_t>(candidates.video), candidates.rows(), candidates.slots);
  file.commit();
}

void LoggedCandidates::validate() const {
  require_that("candidate", slots > 0, "a table of rows and slots");
  require_that("candidate", video.size() % slots == 0, "as many slots in every row");
  require_between("candidate", std::span(video), -1, std::numeric_limits<std::int32_t>::max());
}

LoggedCandidates load_candidates(const std::filesystem::path& path, const VideoTable& videos) {
  const Hdf5Reader file(path, kCandidatesKind, kCandidatesVersion);
  const std::vector<std::size_t> shape = file.shape("candidate");
  LoggedCandidates out = file.checked(
      LoggedCandidates{.slots = shape.size() == 2 ? shape[1] : 0, .video = file.read<std::int32_t>("candidate")});
  std::unordered_map<std::int64_t, std::int32_t> known;
  for (std::size_t v = 0; v < videos.raw_id.size(); ++v) known[videos.raw_id[v]] = static_cast<std::int32_t>(v);
  const auto raw_id = file.read<std::int64_t>("raw_video_id");
  for (std::int32_t& video : out.video) {
    if (video < 0) continue;
    const auto own = static_cast<std::size_t>(video);
    const auto found = own < raw_id.size() ? known.find(raw_id[own]) : known.end();
    if (found == known.end())
      throw InputError(
          fmt::format("{}: offers a video that the data does not know; give the candidates that were "
                      "written together with this data",
                      path.string()));
    video = found->second;
  }
  return out;
}

CandidatesOf offered_candidates(const LoggedCandidates& candidates, const Log& log) {
  for (const std::uint32_t row : log.source_row)
    if (row >= candidates.rows())
      throw InputError(
          fmt::format("row {} of the log has no candidates, there are {} sets: give the candidates that were "
                      "written together with this log",
                      row, candidates.rows()));
  return [&candidates, &log](std::uint32_t row, std::size_t, std::span<std::int32_t> videos,
                             std::span<std::uint8_t> mask) {
    const auto logged = static_cast<std::int32_t>(index_of(log.video[row]));
    const std::int32_t* offered = &candidates.video[log.source_row[row] * candidates.slots];
    std::size_t at = candidates.slots;
    for (std::size_t slot = 0; slot < candidates.slots; ++slot) {
      if (offered[slot] == logged) at = slot;
      mask[slot] = offered[slot] >= 0 ? 1 : 0;
      videos[slot] = std::max(offered[slot], 0);
    }
    if (at == candidates.slots)
      throw InputError(
          fmt::format("row {} of the log shows a video that was not offered: give the candidates that were "
                      "written together with this log",
                      log.source_row[row]));
    return at;
  };
}

CandidatesOf redrawn_candidates(const Log& log, std::vector<std::uint32_t> pool, RandomKey key) {
  return [&log, pool = std::move(pool), key](std::uint32_t row, std::size_t draw, std::span<std::int32_t> videos,
                                             std::span<std::uint8_t> mask) {
    RandomStream random(split(key, log.source_row[row]), static_cast<std::uint32_t>(draw));
    const std::size_t slots = videos.size();
    const auto logged = static_cast<std::int32_t>(index_of(log.video[row]));
    const std::size_t at = random.below(static_cast<std::uint32_t>(slots));
    std::fill(mask.begin(), mask.end(), std::uint8_t{1});
    videos[0] = logged;
    for (std::size_t filled = 1; filled < slots;) {
      const auto video = static_cast<std::int32_t>(pool[random.below(static_cast<std::uint32_t>(pool.size()))]);
      if (std::find(videos.begin(), videos.begin() + static_cast<std::ptrdiff_t>(filled), video) ==
          videos.begin() + static_cast<std::ptrdiff_t>(filled))
        videos[filled++] = video;
    }
    std::swap(videos[0], videos[at]);
    return at;
  };
}

std::vector<std::uint32_t> random_pool(const Log& log) {
  std::vector<std::uint32_t> pool;
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.is_random[row] != 0) pool.push_back(index_of(log.video[row]));
  std::sort(pool.begin(), pool.end());
  pool.erase(std::unique(pool.begin(), pool.end()), pool.end());
  return pool;
}

}  // namespace swipegym
