#include "python/src/observation_arrays.h"

#include <algorithm>
#include <memory>

#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {

nb::dict observation_arrays(ObservationBuffers& o, nb::handle owner) {
  nb::dict out;
  const std::size_t n = o.rows, length = o.history_length, m = o.candidates;
  out["user_features"] = array(o.user_features, {n, kUserFeatures}, owner);
  out["history_video"] = array(o.history_video, {n, length}, owner);
  out["history_ratio"] = array(o.history_ratio, {n, length}, owner);
  out["history_signals"] = array(o.history_signals, {n, length}, owner);
  out["context"] = array(o.context, {n, kContextFeatures}, owner);
  out["tab"] = array(o.tab, {n, 1}, owner);
  out["hours_since"] = array(o.hours_since, {n, 1}, owner);
  if (m > 0) {
    out["candidate"] = array(o.candidate, {n, m}, owner);
    out["candidate_features"] = array(o.candidate_features, {n, m * kVideoFeatures}, owner);
  }
  return out;
}

nb::dict information_arrays(ObservationBuffers& o, nb::handle owner) {
  nb::dict out;
  out["user"] = array(o.user, {o.rows}, owner);
  if (o.candidates > 0)
    out["action_mask"] = nb::cast(nb::ndarray<nb::numpy, std::int8_t>(reinterpret_cast<std::int8_t*>(o.mask.data()),
                                                                      {o.rows, o.candidates}, owner));
  return out;
}

namespace {

// From row `begin` on; a column that is not there stays so.
ObservationView from_row(const ObservationView& view, std::size_t begin, std::size_t end) {
  ObservationView out = view;
  out.rows = end - begin;
  const auto skip = [begin](auto*& column, std::size_t width) {
    if (column != nullptr) column += begin * width;
  };
  skip(out.user, 1), skip(out.user_features, kUserFeatures), skip(out.context, kContextFeatures);
  skip(out.history_video, view.history_length), skip(out.history_ratio, view.history_length);
  skip(out.history_signals, view.history_length), skip(out.tab, 1), skip(out.hours_since, 1);
  skip(out.candidate, view.candidates), skip(out.mask, view.candidates);
  skip(out.candidate_features, view.candidates * kVideoFeatures);
  return out;
}

}  // namespace

Told told_of(const ObservationView& view, std::size_t begin, std::size_t end) {
  auto buffers = std::make_unique<ObservationBuffers>(end - begin, view.history_length, view.candidates);
  ObservationBuffers& kept = *buffers;
  if (view.mask == nullptr) std::fill(kept.mask.begin(), kept.mask.end(), std::uint8_t{1});
  kept.copy(from_row(view, begin, end), 0, end - begin);
  const nb::capsule owner(buffers.release(), [](void* p) noexcept { delete static_cast<ObservationBuffers*>(p); });
  return {observation_arrays(kept, owner), information_arrays(kept, owner)};
}

void tell_seen(Told& told, std::span<const std::span<const std::uint32_t>> videos) {
  std::size_t width = 0;
  for (const auto& row : videos) width = std::max(width, row.size());
  std::vector<std::int64_t> seen(videos.size() * width, -1);
  for (std::size_t row = 0; row < videos.size(); ++row)
    std::copy(videos[row].begin(), videos[row].end(), seen.begin() + static_cast<std::ptrdiff_t>(row * width));
  told.info["seen"] = owned_array(std::move(seen), {videos.size(), width});
}

void tell_uniform(Told& told, std::vector<RandomStream> streams, std::size_t draws) {
  if (draws == 0) return;
  std::vector<float> uniform;
  for (RandomStream& random : streams)
    for (std::size_t draw = 0; draw < draws; ++draw) uniform.push_back(random.uniform());
  told.info["uniform"] = owned_array(std::move(uniform), {streams.size(), draws});
}

}  // namespace swipegym::python
