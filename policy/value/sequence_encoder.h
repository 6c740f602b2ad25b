#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nn/gru.h"
#include "nn/transformer.h"

namespace swipegym {

/// Settings of a learned encoder of the newest videos; ValueNetworkConfig names them one by one.
struct SequenceConfig {
  std::string kind = "none";  // none, gru or sasrec
  std::size_t length = 20;    // newest videos of a history that are read
  std::size_t width = 32;     // numbers it says of them
  std::size_t blocks = 1;     // sasrec: blocks of attention
  std::size_t heads = 1;      // sasrec: of each block

  bool enabled() const noexcept { return kind != "none"; }
};

/// Throws InputError naming the first setting that makes no sense, its value and its range.
void check(const SequenceConfig& config);

/// What the newest videos say of a session, learned: each is brought to `width` numbers, to which those of its place
/// are added (places count from the newest, so that a session that goes on, or a shorter history, moves none), and a
/// GRU or blocks of causal attention (SASRec, Kang & McAuley, ICDM 2018, with LayerNorm in front) read them, oldest
/// first. The result is the state behind the newest. Sequences are packed: there is no padding, and none beside another
/// changes its result.
class SequenceEncoder {
 public:
  /// Room for one pass of one thread.
  struct Work {
    Matrix steps;   // [steps, step size]: the videos
    Matrix input;   // [steps, width]
    Matrix output;  // [sequences, width]; 0 of an empty sequence
    GruWork gru;
    TransformerWork transformer;
    Matrix d_output, d_last, d_input;
    Matrix d_steps;  // [steps, step size]
  };

  /// One that is off and holds nothing.
  SequenceEncoder() = default;
  SequenceEncoder(const SequenceConfig& config, std::size_t step_size, RandomKey key);

  bool enabled() const noexcept { return config_.enabled(); }
  std::size_t width() const noexcept { return enabled() ? config_.width : 0; }

  /// work.output from work.steps; no sequence is longer than config.length.
  void forward(SequenceOffsets offset, Work& work) const;
  /// After forward(): adds the gradients to `shard`, given dL / d output in work.d_output, and writes work.d_steps.
  void backward(SequenceOffsets offset, Work& work, std::size_t shard);

  void set_shards(std::size_t count);
  void collect(std::vector<Parameter*>& parameters);
  void save(Hdf5Writer& file, const std::string& name, bool moments) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  template <class Encoder, class Use>
  static void each_part(Encoder& encoder, const Use& use);
  bool is_gru() const noexcept { return config_.kind == "gru"; }

  SequenceConfig config_;
  Linear step_;
  Parameter place_;  // [length, width]; row 0 is the newest video's
  Gru gru_;
  Transformer transformer_;
};

inline void save(Hdf5Writer& file, const std::string& name, const SequenceEncoder& encoder, bool moments) {
  encoder.save(file, name, moments);
}
inline void load(const Hdf5Reader& file, const std::string& name, SequenceEncoder& encoder) {
  encoder.load(file, name);
}

}  // namespace swipegym
