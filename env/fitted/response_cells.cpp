#include "env/fitted/response_cells.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/validate.h"
#include "env/fitted/published_aggregates.h"

namespace swipegym {

namespace {

constexpr std::size_t kValues = 7;  // click, long_view, like, profile, other, hate, zero
constexpr double kCellPrior = 60.0, kRandomPrior = 400.0;

struct Sums {
  double rows = 0;
  std::array<double, WatchGrid::kBins> bins{};
  std::array<double, kValues> values{};

  void add(const Sums& other, double scale) {
    rows += scale * other.rows;
    for (std::size_t k = 0; k < bins.size(); ++k) bins[k] += scale * other.bins[k];
    for (std::size_t v = 0; v < kValues; ++v) values[v] += scale * other.values[v];
  }
  // Adds `prior` pseudo-rows shaped like `other`.
  void lean_on(const Sums& other, double prior) {
    if (other.rows > 0) add(other, prior / other.rows);
  }
};

ResponseCells::Cell to_cell(const Sums& sums) {
  ResponseCells::Cell cell;
  const double rows = std::max(sums.rows, 1.0);
  double below = 0;
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) {
    cell.level[k] = static_cast<float>((below + 0.5 * sums.bins[k]) / rows - 0.5);
    below += sums.bins[k];
  }
  float* const fields[kValues] = {&cell.click, &cell.long_view, &cell.like, &cell.profile,
                                  &cell.other, &cell.hate,      &cell.zero};
  for (std::size_t v = 0; v < kValues; ++v) *fields[v] = static_cast<float>(sums.values[v] / rows);
  return cell;
}

// The standard cell reweighted towards short plays: bin k by exp(-tilt * its share of the way up).
Sums tilted(const Sums& standard, double tilt) {
  Sums out = standard;
  double total = 0;
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) {
    out.bins[k] *= std::exp(-tilt * static_cast<double>(k) / WatchGrid::kBins);
    total += out.bins[k];
  }
  double clicks = 0, standard_clicks = 0;
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) {
    out.bins[k] *= total > 0 ? standard.rows / total : 1.0;
    if (k >= WatchGrid::kFirst[2]) clicks += out.bins[k], standard_clicks += standard.bins[k];
  }
  const double scale = standard_clicks > 0 ? clicks / standard_clicks : 1.0;
  for (std::size_t v = 0; v + 1 < kValues; ++v) out.values[v] *= scale;
  return out;
}

double click_share(const Sums& sums) {
  double clicks = 0;
  for (std::size_t k = WatchGrid::kFirst[2]; k < WatchGrid::kBins; ++k) clicks += sums.bins[k];
  return sums.rows > 0 ? clicks / sums.rows : 0.0;
}

}  // namespace

ResponseCells::ResponseCells(const Log& log, std::span<const std::uint32_t> rows,
                             std::span<const WatchGrid::Place> places) {
  constexpr std::size_t kGroups = WatchGrid::kGroups;
  std::vector<Sums> sums(2 * kTabClasses * kGroups);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint32_t row = rows[i];
    const std::size_t kind = log.is_random[row] ? kTabClasses : 0;
    Sums& cell = sums[(kind + tab_class(log.tab[row])) * kGroups + places[i].group];
    const SignalBits signals = log.signals[row];
    cell.rows += 1;
    cell.bins[places[i].bin] += 1;
    const auto yes = [&](Signal signal) { return has(signals, signal) ? 1.0 : 0.0; };
    cell.values[0] += yes(Signal::kClick), cell.values[1] += yes(Signal::kLongView);
    cell.values[2] += yes(Signal::kLike), cell.values[3] += yes(Signal::kProfile);
    cell.values[4] += yes(Signal::kFollow) + yes(Signal::kComment) + yes(Signal::kForward);
    cell.values[5] += yes(Signal::kHate), cell.values[6] += log.play_ms[row] == 0 ? 1.0 : 0.0;
  }

  Sums main_tab, all;
  std::vector<Sums> by_class(kTabClasses);
  for (std::size_t t = 0; t < kTabClasses; ++t)
    for (std::size_t g = 0; g < kGroups; ++g) by_class[t].add(sums[t * kGroups + g], 1.0);
  for (const Sums& one : by_class) all.add(one, 1.0);
  main_tab = by_class[1];
  main_tab.lean_on(all, kCellPrior);
  double low = 0, high = 12;  // the tilt that brings the main tab's click share to random exposure's
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    (click_share(tilted(main_tab, middle)) > kRandomExposure.click ? low : high) = middle;
  }

  cells_.resize(sums.size());
  for (std::size_t t = 0; t < kTabClasses; ++t) {
    Sums tab = by_class[t];
    tab.lean_on(all, kCellPrior);
    for (std::size_t g = 0; g < kGroups; ++g) {
      Sums standard = sums[t * kGroups + g];
      standard.lean_on(tab, kCellPrior);
      Sums random = sums[(kTabClasses + t) * kGroups + g];
      Sums in_main_tab = sums[kGroups + g];
      in_main_tab.lean_on(main_tab, kCellPrior);
      random.lean_on(tilted(t == 1 ? in_main_tab : standard, low), kRandomPrior);
      cells_[t * kGroups + g] = to_cell(standard);
      cells_[(kTabClasses + t) * kGroups + g] = to_cell(random);
    }
  }
}

HistoryEvent ResponseCells::event(bool random, std::uint8_t tab, std::int32_t duration_ms, WatchGrid::Place place,
                                  SignalBits signals) const noexcept {
  HistoryEvent out;
  out.tab_class = static_cast<std::uint8_t>(tab_class(tab));
  out.duration_class = static_cast<std::uint8_t>(duration_class(duration_ms));
  out.known = duration_ms > 0;
  if (!out.known) return out;
  const Cell& expected = cell(random, out.tab_class, place.group);
  const auto yes = [&](Signal signal) { return has(signals, signal) ? 1.0F : 0.0F; };
  out.level = expected.level[place.bin];
  out.click = yes(Signal::kClick) - expected.click;
  out.long_view = yes(Signal::kLongView) - expected.long_view;
  out.like = yes(Signal::kLike) - expected.like;
  out.profile = yes(Signal::kProfile) - expected.profile;
  out.other = yes(Signal::kFollow) + yes(Signal::kComment) + yes(Signal::kForward) - expected.other;
  out.hate = yes(Signal::kHate) - expected.hate;
  out.zero = (place.bin == 0 ? 1.0F : 0.0F) - expected.zero;
  return out;
}

void ResponseCells::save(Hdf5Writer& file) const {
  std::vector<float> flat(cells_.size() * kFloats);
  std::memcpy(flat.data(), cells_.data(), flat.size() * sizeof(float));
  file.write_matrix<float>("response_cells", flat, cells_.size(), kFloats);
}

ResponseCells ResponseCells::load(const Hdf5Reader& file) {
  const std::vector<float> flat = file.read_matrix<float>("response_cells", kCells, kFloats);
  ResponseCells cells;
  cells.cells_.resize(kCells);
  std::memcpy(static_cast<void*>(cells.cells_.data()), flat.data(), flat.size() * sizeof(float));
  return file.checked(std::move(cells));
}

void ResponseCells::validate() const {
  require_size("response_cells", cells_.size(), kCells);
  // Levels lie within half of 0, probabilities within 1, and the sum of three rare signals within 3.
  for (const Cell& one : cells_)
    require_between("response_cells", std::span<const float>(one.level.data(), kFloats), -3.01F, 3.01F);
}

}  // namespace swipegym
