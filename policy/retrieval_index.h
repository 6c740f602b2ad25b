#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/range.h"
#include "nn/matrix.h"
#include "policy/best_unseen.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// A graph of neighbours to search many videos by: hierarchical navigable small worlds (Malkov & Yashunin, IEEE TPAMI
/// 42(4), 2020).
struct RetrievalIndexConfig {
  std::size_t links = 16;             // M: neighbours of a video in each layer, twice as many in the lowest
  std::size_t ef_construction = 100;  // nearest ones looked through for them when a video is put in
  std::size_t ef = 200;               // nearest ones kept while searching, at least as many as are asked for
};

template <class Visitor>
void visit_fields(Visitor& visit, RetrievalIndexConfig& config) {
  visit("links", config.links, between(2, 256));
  visit("ef_construction", config.ef_construction, between(1, 100'000));
  visit("ef", config.ef, between(1, 1'000'000));
}

/// What top_items() finds exactly, found for the most part and much sooner: an index of hnswlib over rows that are
/// multiplied with queries. Made in the order of the rows by one thread, so that it is the same for any number of them,
/// and searched by any number at once. It copies the rows.
class RetrievalIndex {
 public:
  /// Time grows a little faster than rows: a core makes an index of a million rows of 32 in minutes. Throws InputError
  /// for no rows.
  RetrievalIndex(const Matrix& items, const RetrievalIndexConfig& config);
  ~RetrievalIndex();
  RetrievalIndex(RetrievalIndex&&) noexcept;
  RetrievalIndex& operator=(RetrievalIndex&&) noexcept;

  const RetrievalIndexConfig& config() const noexcept;
  std::size_t size() const noexcept;       // rows
  std::size_t dimension() const noexcept;  // of each
  std::uint64_t bytes() const noexcept;    // of its memory, estimated

  /// About the `count` rows with the largest products with each row of `queries` [m, d], best first; equal ones by
  /// number. [m, min(count, size())], row-major; where fewer were found the rest has item -1. `ef` other than 0 is used
  /// instead of the setting. `threads` (0: all) changes nothing.
  std::vector<TopItem> search(const Matrix& queries, std::size_t count, int threads, std::size_t ef = 0) const;

  /// Its graph as a part of a file; rows are not kept, whoever loads it has them. Takes about 8 * links + 8 bytes a
  /// row.
  void save(Hdf5Writer& file, const std::string& name) const;
  /// Throws InputError for a graph that is damaged or of other rows than `items` [n, d] could be.
  static RetrievalIndex load(const Hdf5Reader& file, const std::string& name, const Matrix& items);

 private:
  struct Graph;
  explicit RetrievalIndex(std::unique_ptr<Graph> graph);
  std::unique_ptr<Graph> graph_;
};

/// The mean share of the `count` exact best of each query that a search of the index finds.
double index_recall(const RetrievalIndex& index, const Matrix& items, const Matrix& queries, std::size_t count,
                    int threads, std::size_t ef = 0);

}  // namespace swipegym
