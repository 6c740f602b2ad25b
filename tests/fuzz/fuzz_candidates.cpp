#include <algorithm>

#include "core/random.h"
#include "evaluation/off_policy/logged_candidates.h"
#include "tests/evaluation/toy_data.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"

namespace swipegym::fuzz {

std::vector<std::string> target_names() {
  return {"candidates"};
}

Target make_target(const std::string&) {
  const auto data =
      std::make_shared<const Dataset>(test::make_toy_dataset({.users = 3, .videos = 8, .days = 1, .rows_per_day = 4}));
  LoggedCandidates offered{.slots = 3, .video = {}};
  const std::uint32_t last = *std::max_element(data->log.source_row.begin(), data->log.source_row.end());
  offered.video.assign(3 * (last + 1), -1);
  for (std::size_t row = 0; row < data->log.size(); ++row) {
    const auto shown = static_cast<std::int32_t>(index_of(data->log.video[row]));
    std::int32_t* const slots = &offered.video[3 * data->log.source_row[row]];
    slots[0] = (shown + 1) % 8, slots[1] = shown;
  }
  std::string file = written_by([&](const auto& path) { save_candidates(offered, data->videos, path); });
  return hdf5_target(std::move(file), [data](const std::filesystem::path& path) {
    const LoggedCandidates candidates = load_candidates(path, data->videos);
    const CandidatesOf of = offered_candidates(candidates, data->log);
    std::vector<std::int32_t> videos(candidates.slots);
    std::vector<std::uint8_t> mask(candidates.slots);
    for (std::size_t row = 0; row < data->log.size(); ++row) of(static_cast<std::uint32_t>(row), 0, videos, mask);
  });
}

}  // namespace swipegym::fuzz
