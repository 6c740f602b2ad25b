#include "agents/policy_gradient/candidate_scorer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/parallel_for.h"

namespace swipegym {

CandidateScorer::CandidateScorer(ValueModel& model, const Settings& settings, std::size_t most_rows)
    : model_(model),
      settings_(settings),
      adam_(settings.adam),
      shards_((most_rows + settings.shard_rows - 1) / settings.shard_rows),
      parameters_(model.network.parameters()),
      embeddings_(model.network.embeddings()) {
  model.network.set_shards(shards_.size());
}

void CandidateScorer::forward(const Rollout& rollout, std::span<const std::uint32_t> rows,
                              ValueNetwork::Work& work) const {
  const std::size_t m = rollout.shape().slots, pairs = rows.size() * m;
  work.states.resize(static_cast<Eigen::Index>(rows.size()), rollout.states.cols());
  work.cross.resize(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(StateEncoder::kCross));
  work.videos.resize(pairs);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    work.states.row(static_cast<Eigen::Index>(i)) = rollout.states.row(rows[i]);
    std::copy_n(rollout.cross.data() + rows[i] * m * StateEncoder::kCross, m * StateEncoder::kCross,
                work.cross.data() + i * m * StateEncoder::kCross);
    std::copy_n(rollout.candidate.data() + rows[i] * m, m, work.videos.data() + i * m);
  }
  model_.network.forward_states(*model_.items, work);
  model_.network.forward_items(*model_.items, work);
  work.values.resize(pairs);
  model_.network.combine(work.item.output(), false, pairs, m, work, work.values);
}

void CandidateScorer::score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) {
  const std::size_t m = rollout.shape().slots, piece = settings_.shard_rows;
  parallel_for((rows.size() + piece - 1) / piece, settings_.threads, [&](std::size_t index, int) {
    thread_local ValueNetwork::Work work;
    const std::size_t first = index * piece, count = std::min(piece, rows.size() - first);
    forward(rollout, rows.subspan(first, count), work);
    std::copy(work.values.begin(), work.values.end(), out.begin() + static_cast<std::ptrdiff_t>(first * m));
  });
}

CandidateScorer::Step CandidateScorer::step(const Rollout& rollout, std::span<const std::uint32_t> rows,
                                            const RowLoss& loss) {
  const std::size_t m = rollout.shape().slots, piece = settings_.shard_rows;
  const std::size_t used = (rows.size() + piece - 1) / piece;
  assert(used <= shards_.size());
  const float share = 1.0F / static_cast<float>(rows.size());
  parallel_for(used, settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    const std::size_t first = index * piece, count = std::min(piece, rows.size() - first);
    forward(rollout, rows.subspan(first, count), shard.work);
    shard.d_value.resize(count * m);
    shard.loss = 0.0;
    for (std::size_t i = 0; i < count; ++i)
      shard.loss +=
          loss(first + i, std::span(shard.work.values).subspan(i * m, m), std::span(shard.d_value).subspan(i * m, m));
    for (float& d : shard.d_value) d *= share;
    model_.network.backward(shard.d_value, shard.work, index, m);
  });
  Step out;
  for (std::size_t index = 0; index < used; ++index) {
    model_.network.scatter(*model_.items, shards_[index].work);
    out.loss += shards_[index].loss * static_cast<double>(share);
  }
  out.gradient_norm = adam_.step(parameters_, embeddings_);
  return out;
}

}  // namespace swipegym
