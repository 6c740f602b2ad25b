#include "policy/value/sequence_encoder.h"

#include <cassert>

#include "core/config.h"

namespace swipegym {
namespace {

constexpr double kPlaceDeviation = 0.1;  // of first values: small beside a video's numbers

// Calls use(row, place) for every step; the newest of a sequence has place 0.
template <class Use>
void each_place(SequenceOffsets offset, const Use& use) {
  for (std::size_t s = 0; s + 1 < offset.size(); ++s)
    for (std::uint32_t row = offset[s]; row < offset[s + 1]; ++row)
      use(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(offset[s + 1] - 1 - row));
}

// Calls use(sequence, row) for every sequence that is not empty; `row` is its newest step.
template <class Use>
void each_newest(SequenceOffsets offset, const Use& use) {
  for (std::size_t s = 0; s + 1 < offset.size(); ++s)
    if (offset[s] < offset[s + 1]) use(static_cast<Eigen::Index>(s), static_cast<Eigen::Index>(offset[s + 1] - 1));
}

}  // namespace

void check(const SequenceConfig& c) {
  require_setting(c.heads >= 1 && c.width % c.heads == 0, "network.sequence_heads", c.heads,
                  "a divisor of sequence_width");
}

SequenceEncoder::SequenceEncoder(const SequenceConfig& config, std::size_t step_size, RandomKey key) : config_(config) {
  if (!enabled()) return;
  check(config);
  step_ = Linear(step_size, config.width, split(key, 0));
  place_.resize(config.length, config.width);
  place_.decays = false;
  initialise(place_, split(key, 1), 1.0, kPlaceDeviation);
  if (is_gru()) {
    gru_ = Gru(config.width, config.width, split(key, 2));
    return;
  }
  TransformerShape shape;
  shape.width = shape.inner = config.width;
  shape.blocks = config.blocks, shape.heads = config.heads;
  transformer_ = Transformer(shape, split(key, 2));
}

void SequenceEncoder::forward(SequenceOffsets offset, Work& work) const {
  assert(enabled() && offset.back() == work.steps.rows());
  work.output.setZero(static_cast<Eigen::Index>(offset.size() - 1), place_.value.cols());
  if (offset.back() == 0) return;
  apply(step_, work.steps, work.input);
  each_place(offset, [&](Eigen::Index row, Eigen::Index place) { work.input.row(row) += place_.value.row(place); });
  if (is_gru()) {
    gru_.forward(work.input, offset, work.gru);
    work.output = work.gru.output;
    return;
  }
  transformer_.forward(work.input, offset, {}, work.transformer);
  each_newest(offset, [&](Eigen::Index s, Eigen::Index row) { work.output.row(s) = work.transformer.output.row(row); });
}

void SequenceEncoder::backward(SequenceOffsets offset, Work& work, std::size_t shard) {
  work.d_steps.resize(work.steps.rows(), work.steps.cols());
  if (offset.back() == 0) return;
  if (is_gru()) {
    gru_.backward(work.input, offset, work.d_output, work.gru, work.d_input, shard);
  } else {
    work.d_last.setZero(work.input.rows(), work.input.cols());
    each_newest(offset, [&](Eigen::Index s, Eigen::Index row) { work.d_last.row(row) = work.d_output.row(s); });
    transformer_.backward(offset, {}, work.d_last, work.transformer, work.d_input, shard);
  }
  each_place(offset,
             [&](Eigen::Index row, Eigen::Index place) { place_.shards[shard].row(place) += work.d_input.row(row); });
  apply_backward(step_, work.steps, work.d_input, &work.d_steps, false, shard);
}

void SequenceEncoder::set_shards(std::size_t count) {
  if (!enabled()) return;
  step_.set_shards(count);
  place_.set_shards(count);
  gru_.set_shards(count);
  transformer_.set_shards(count);
}

void SequenceEncoder::collect(std::vector<Parameter*>& parameters) {
  if (!enabled()) return;
  for (Parameter* parameter : {&step_.weight, &step_.bias, &place_}) parameters.push_back(parameter);
  if (is_gru())
    gru_.collect(parameters);
  else
    transformer_.collect(parameters);
}

// Calls use(name, part) for what a file holds, whatever the encoder's constness.
template <class Encoder, class Use>
void SequenceEncoder::each_part(Encoder& encoder, const Use& use) {
  if (!encoder.enabled()) return;
  use("/step", encoder.step_), use("/place", encoder.place_);
  if (encoder.is_gru())
    use("/gru", encoder.gru_);
  else
    use("/blocks", encoder.transformer_);
}

void SequenceEncoder::save(Hdf5Writer& file, const std::string& name, bool moments) const {
  each_part(*this, [&](const char* part, const auto& what) { swipegym::save(file, name + part, what, moments); });
}

void SequenceEncoder::load(const Hdf5Reader& file, const std::string& name) {
  each_part(*this, [&](const char* part, auto& what) { swipegym::load(file, name + part, what); });
}

}  // namespace swipegym
