#pragma once

#include <mutex>

namespace swipegym {

/// HDF5's library is not made for threads: seasons that are played side by side take turns at files.
inline std::mutex& season_file_turn() {
  static std::mutex turn;
  return turn;
}

}  // namespace swipegym
