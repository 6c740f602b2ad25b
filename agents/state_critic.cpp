#include "agents/state_critic.h"

#include <algorithm>
#include <cassert>

#include "agents/counters.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"
#include "nn/losses.h"

namespace swipegym {

StateCritic::StateCritic(std::size_t state_size, const Settings& settings, std::size_t most_rows, RandomKey key)
    : settings_(settings),
      network_(layer_sizes(state_size, settings.hidden, 1), Activation::kSilu, key),
      adam_(settings.adam),
      shards_((most_rows + settings.shard_rows - 1) / settings.shard_rows) {
  network_.set_shards(shards_.size());
  network_.collect(parameters_);
}

void StateCritic::values(const Matrix& states, std::span<float> out) const {
  const std::size_t piece = settings_.shard_rows, rows = out.size();
  parallel_for((rows + piece - 1) / piece, settings_.threads, [&](std::size_t index, int) {
    thread_local MlpWorkspace work;
    const std::size_t first = index * piece, count = std::min(piece, rows - first);
    network_.forward(states.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)), work);
    std::copy_n(work.output().data(), count, out.begin() + static_cast<std::ptrdiff_t>(first));
  });
}

double StateCritic::step(const Matrix& states, std::span<const std::uint32_t> rows, std::span<const float> target) {
  const std::size_t piece = settings_.shard_rows, used = (rows.size() + piece - 1) / piece;
  assert(used <= shards_.size());
  const LossRows<float> whole_batch{.weight = {}, .total_weight = static_cast<double>(rows.size())};
  parallel_for(used, settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    const std::size_t first = index * piece, count = std::min(piece, rows.size() - first);
    shard.input.resize(static_cast<Eigen::Index>(count), states.cols());
    shard.target.resize(static_cast<Eigen::Index>(count), 1);
    for (std::size_t i = 0; i < count; ++i) {
      shard.input.row(static_cast<Eigen::Index>(i)) = states.row(rows[first + i]);
      shard.target(static_cast<Eigen::Index>(i), 0) = target[rows[first + i]];
    }
    network_.forward(shard.input, shard.work);
    shard.loss = huber(shard.work.output(), shard.target, settings_.huber_delta, whole_batch, &shard.gradient);
    network_.backward(shard.input, shard.gradient, shard.work, nullptr, index);
  });
  double loss = 0.0;
  for (std::size_t index = 0; index < used; ++index) loss += shards_[index].loss;
  adam_.step(parameters_);
  return loss;
}

void StateCritic::save(Hdf5Writer& file, const std::string& name) const {
  swipegym::save(file, name + "/network", network_, /*moments=*/true);
  file.write(name + "/steps", std::vector<std::int64_t>{adam_.steps()});
}

void StateCritic::load(const Hdf5Reader& file, const std::string& name) {
  swipegym::load(file, name + "/network", network_);
  adam_.set_steps(read_counters(file, name + "/steps", 1)[0]);
}

}  // namespace swipegym
