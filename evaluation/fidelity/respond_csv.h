#pragma once

#include <cstdint>
#include <filesystem>

#include "core/output_file.h"
#include "evaluation/fidelity/fidelity.h"

namespace swipegym {

/// Writes one line a judged row: user_id, video_id, time_ms; play_time_ms and the eight signals of one joint draw
/// (0/1); p_<signal> before the answer is seen; e_play_s, the mean seconds; wr_q01 .. wr_q99. Floats are written with
/// the fewest digits that read back as the same float32, so the file says exactly what the simulator said. The file
/// appears when commit() succeeds.
class RespondCsv {
 public:
  RespondCsv(std::filesystem::path path, const Dataset& data);
  void add(const RowPrediction& prediction);
  void commit();
  std::uint64_t rows() const noexcept { return rows_; }

 private:
  const Dataset& data_;
  OutputFile file_;
  std::string buffer_;
  std::uint64_t rows_ = 0;
};

}  // namespace swipegym
