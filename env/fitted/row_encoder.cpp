#include "env/fitted/row_encoder.h"

#include <algorithm>

namespace swipegym {

HistoryQuery RowEncoder::query(const Shown& shown) const noexcept {
  const std::uint32_t video = index_of(shown.video);
  return {.video = video,
          .author = features.video_author[video],
          .tag = features.video_tag[video],
          .time_ms = shown.time_ms,
          .tab_class = static_cast<std::uint8_t>(tab_class(shown.tab)),
          .duration_class = static_cast<std::uint8_t>(duration_class(shown.duration_ms))};
}

HistoryEvent RowEncoder::event(const Shown& shown, bool random, WatchGrid::Place place,
                               SignalBits signals) const noexcept {
  HistoryEvent event = cells.event(random, shown.tab, shown.duration_ms, place, signals);
  const std::uint32_t video = index_of(shown.video);
  event.video = video, event.author = features.video_author[video], event.tag = features.video_tag[video];
  event.time_ms = shown.time_ms;
  return event;
}

HistoryEvent RowEncoder::event(const Log& log, std::uint32_t row, WatchGrid::Place place) const noexcept {
  const Shown shown = shown_of_row(log, row);
  HistoryEvent out = event(shown, log.is_random[row] != 0, place, log.signals[row]);
  if (shown.duration_ms > 0)
    out.watched = std::min(static_cast<float>(log.play_ms[row]) / static_cast<float>(shown.duration_ms), 1.0F);
  return out;
}

Shown shown_of_row(const Log& log, std::uint32_t row) noexcept {
  return {.user = log.user[row],
          .video = log.video[row],
          .time_ms = log.time_ms[row],
          .duration_ms = log.duration_ms[row],
          .tab = log.tab[row]};
}

}  // namespace swipegym
