#include "policy/row_copies.h"

#include <algorithm>

#include "env/simulator.h"

namespace swipegym {
namespace {

// The rows asked for of a [rows, width] column; null where the column is.
template <class T>
const T* copied(const T* column, std::size_t width, std::span<const std::uint32_t> rows, std::vector<T>& out) {
  if (column == nullptr) return nullptr;
  out.resize(rows.size() * width);
  for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(column + rows[i] * width, width, out.data() + i * width);
  return out.data();
}

}  // namespace

RowCopies::RowCopies(const ObservationView& from, std::span<const std::uint32_t> rows) : observation_(from) {
  ObservationView& to = observation_;
  const std::size_t history = from.history_length, slots = from.candidates;
  to.rows = rows.size();
  to.user = copied(from.user, 1, rows, user_);
  to.user_features = copied(from.user_features, kUserFeatures, rows, user_features_);
  to.history_video = copied(from.history_video, history, rows, history_video_);
  to.history_ratio = copied(from.history_ratio, history, rows, history_ratio_);
  to.history_signals = copied(from.history_signals, history, rows, history_signals_);
  to.history_age_days = copied(from.history_age_days, history, rows, history_age_days_);
  to.context = copied(from.context, kContextFeatures, rows, context_);
  to.tab = copied(from.tab, 1, rows, tab_);
  to.hours_since = copied(from.hours_since, 1, rows, hours_since_);
  to.candidate = copied(from.candidate, slots, rows, candidate_);
  to.candidate_features = copied(from.candidate_features, slots * kVideoFeatures, rows, candidate_features_);
  to.mask = copied(from.mask, slots, rows, mask_);
}

}  // namespace swipegym
