#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>

#include "sim_data/log.h"

namespace swipegym {

/// The columns of rows in a log store, under "rows/", and where a Log keeps them. `user` is not stored: rows are
/// ordered by user, so users/offset says it all.
inline constexpr auto kStoreColumns =
    std::make_tuple(std::make_pair(std::string_view("rows/date"), &Log::date),
                    std::make_pair(std::string_view("rows/is_random"), &Log::is_random),
                    std::make_pair(std::string_view("rows/video"), &Log::video),
                    std::make_pair(std::string_view("rows/time_ms"), &Log::time_ms),
                    std::make_pair(std::string_view("rows/play_ms"), &Log::play_ms),
                    std::make_pair(std::string_view("rows/duration_ms"), &Log::duration_ms),
                    std::make_pair(std::string_view("rows/hourmin"), &Log::hourmin),
                    std::make_pair(std::string_view("rows/tab"), &Log::tab),
                    std::make_pair(std::string_view("rows/signals"), &Log::signals),
                    std::make_pair(std::string_view("rows/source_row"), &Log::source_row),
                    std::make_pair(std::string_view("rows/propensity"), &Log::propensity));
inline constexpr std::size_t kNumStoreColumns = std::tuple_size_v<decltype(kStoreColumns)>;

/// The first two say which rows a slice of days and logs keeps; they are read before the others.
inline constexpr std::size_t kDateColumn = 0, kRandomColumn = 1, kPropensityColumn = kNumStoreColumns - 1;

/// Calls visit(index, name, member) for each column.
template <class Visit>
void for_each_store_column(Visit&& visit) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (visit(I, std::get<I>(kStoreColumns).first, std::get<I>(kStoreColumns).second), ...);
  }
  (std::make_index_sequence<kNumStoreColumns>{});
}

/// How a column's element is stored: VideoIndex as its number.
template <class T>
struct StoredAs {
  using type = T;
};
template <>
struct StoredAs<VideoIndex> {
  using type = std::uint32_t;
};

}  // namespace swipegym
