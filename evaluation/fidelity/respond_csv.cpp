#include "evaluation/fidelity/respond_csv.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace swipegym {
namespace {

constexpr std::size_t kBufferBytes = 1U << 20;

std::string header() {
  std::string line = "user_id,video_id,time_ms,play_time_ms";
  for (const std::string_view name : kSignalNames) fmt::format_to(std::back_inserter(line), ",{}", name);
  for (const std::string_view name : kSignalNames) fmt::format_to(std::back_inserter(line), ",p_{}", name);
  line += ",e_play_s";
  for (std::size_t i = 1; i <= kQuantiles; ++i) fmt::format_to(std::back_inserter(line), ",wr_q{:02}", i);
  return line + "\n";
}

}  // namespace

RespondCsv::RespondCsv(std::filesystem::path path, const Dataset& data)
    : data_(data), file_(std::move(path)), buffer_(header()) {}

void RespondCsv::add(const RowPrediction& prediction) {
  const Log& log = data_.log;
  const std::size_t row = prediction.log_row;
  auto out = std::back_inserter(buffer_);
  append_id(buffer_, data_.users, index_of(log.user[row]));
  buffer_ += ',';
  append_id(buffer_, data_.videos, index_of(log.video[row]));
  fmt::format_to(out, FMT_COMPILE(",{},{}"), log.time_ms[row], prediction.draw.play_ms);
  for (std::size_t s = 0; s < kNumSignals; ++s) {
    buffer_ += ',';
    buffer_ += static_cast<char>('0' + (prediction.draw.signals >> s & 1U));
  }
  for (const float p : prediction.probability) fmt::format_to(out, FMT_COMPILE(",{}"), p);
  fmt::format_to(out, FMT_COMPILE(",{}"), prediction.watch_s);
  for (const float q : prediction.quantile) fmt::format_to(out, FMT_COMPILE(",{}"), q);
  buffer_ += '\n';
  ++rows_;
  if (buffer_.size() < kBufferBytes) return;
  file_.write(buffer_);
  buffer_.clear();
}

void RespondCsv::commit() {
  file_.write(buffer_);
  buffer_.clear();
  file_.commit();
}

}  // namespace swipegym
