#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/parallel_for.h"
#include "nn/embedding.h"

namespace swipegym {

/// Rows of one sequence at most; numbers of dropped rows are spread by it, so that no two sequences share any.
inline constexpr std::size_t kMostSequenceRows = 512;

/// A batch of sequences, cut into shards that threads take, and each shard into pieces of about as many rows as a cache
/// holds the activations of. A `Piece` has what was assembled, where it began (first_row), and clear() and rows().
template <class Piece>
class SequencePieces {
 public:
  explicit SequencePieces(std::size_t shards) : shards_(shards > 0 ? shards : 1) {}

  std::size_t shards() const noexcept { return shards_.size(); }
  /// Calls provide(i, piece) for i in [0, count), in order within a shard, on several threads; a piece that has
  /// `piece_rows` rows is full.
  template <class Provide>
  void assemble(std::size_t count, std::size_t piece_rows, int threads, const Provide& provide) {
    parallel_for(shards_.size(), threads, [&](std::size_t index, int) {
      Shard& shard = shards_[index];
      shard.used = 0;
      const std::size_t end = count * (index + 1) / shards_.size();
      for (std::size_t i = count * index / shards_.size(); i < end; ++i) {
        if (shard.used == 0 || shard.pieces[shard.used - 1]->rows() >= piece_rows) {
          if (shard.used == shard.pieces.size()) shard.pieces.push_back(std::make_unique<Piece>());
          Piece& piece = *shard.pieces[shard.used++];
          piece.clear();
          piece.first_row = i * kMostSequenceRows;
        }
        provide(i, *shard.pieces[shard.used - 1]);
      }
    });
  }
  /// Calls use(piece, shard) for every piece, in order within a shard, on several threads.
  template <class Use>
  void each(int threads, const Use& use) {
    parallel_for(shards_.size(), threads, [&](std::size_t index, int) {
      for (std::size_t p = 0; p < shards_[index].used; ++p) use(*shards_[index].pieces[p], index);
    });
  }
  /// All of them, in order.
  std::vector<const Piece*> list() const {
    std::vector<const Piece*> all;
    for (const Shard& shard : shards_)
      for (std::size_t p = 0; p < shard.used; ++p) all.push_back(shard.pieces[p].get());
    return all;
  }

 private:
  struct Shard {
    std::vector<std::unique_ptr<Piece>> pieces;
    std::size_t used = 0;
  };
  std::vector<Shard> shards_;
};

/// The shards' gradients of a whole table, added up in the first of them, as the rows that Embedding::scatter() takes.
inline std::vector<RowGradient> sum_of_shards(std::vector<Matrix>& shards) {
  for (std::size_t index = 1; index < shards.size(); ++index) shards[0] += shards[index];
  std::vector<RowGradient> rows;
  for (Eigen::Index row = 0; row < shards[0].rows(); ++row)
    rows.push_back({static_cast<std::int32_t>(row), 1.0F, shards[0].data() + row * shards[0].cols()});
  return rows;
}

}  // namespace swipegym
