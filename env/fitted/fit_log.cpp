#include "env/fitted/fit_log.h"

#include "core/error.h"
#include "core/random.h"

namespace swipegym {
namespace {

bool is_in_fold(const FitWindow& window, std::uint32_t user) noexcept {
  return window.folds <= 1 || split(make_key(0xF01D), user).lo % window.folds == window.fold;
}

// The rows up to the window's end, and those of them that are fitted.
std::vector<std::uint32_t> find_rows(FitLog& out) {
  const Log& log = out.data.log;
  std::vector<std::uint32_t> fitted;
  for (std::uint32_t user = 0; user < out.data.users.size(); ++user) {
    out.in_fold.push_back(is_in_fold(out.window, user) ? 1 : 0);
    out.offset.push_back(out.row.size());
    for (std::uint64_t at = out.data.user_offset[user]; at < out.data.user_offset[user + 1]; ++at) {
      if (log.date[at] > out.window.until) continue;
      const auto row = static_cast<std::uint32_t>(at);
      out.row.push_back(row);
      if (log.duration_ms[row] <= 0 || !out.in_fold.back()) continue;
      fitted.push_back(row);
      out.random_rows += log.is_random[row];
    }
  }
  out.offset.push_back(out.row.size());
  out.rows = fitted.size();
  return fitted;
}

}  // namespace

FitLog encode_log(const Dataset& data, const FitWindow& window) {
  const Log& log = data.log;
  FitLog out{.data = data, .window = window};
  const std::vector<std::uint32_t> fitted = find_rows(out);
  if (fitted.empty())
    throw InputError("no row with a known duration is dated <= " + std::to_string(window.until) +
                     "; give an --until within the log");
  RowEncoder& encoder = out.encoder;
  encoder.features = encode_features(data);
  encoder.grid = WatchGrid(log, fitted);
  std::vector<WatchGrid::Place> places, fitted_places;
  places.reserve(out.row.size()), fitted_places.reserve(fitted.size());
  for (const std::uint32_t row : out.row) {
    places.push_back(encoder.grid.place(log.play_ms[row], log.duration_ms[row]));
    if (fitted_places.size() < fitted.size() && fitted[fitted_places.size()] == row)
      fitted_places.push_back(places.back());
  }
  encoder.cells = ResponseCells(log, fitted, fitted_places);
  out.event.reserve(out.row.size()), out.bin.reserve(out.row.size());
  for (std::size_t i = 0; i < out.row.size(); ++i) {
    out.event.push_back(encoder.event(log, out.row[i], places[i]));
    out.bin.push_back(places[i].bin);
  }
  return out;
}

}  // namespace swipegym
