#include "policy/retrieval_index.h"

// hnswlib asks the memory for one neighbour behind a full list, which only a sanitizer minds.
#if defined(__SANITIZE_ADDRESS__)
#define NO_MANUAL_VECTORIZATION
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NO_MANUAL_VECTORIZATION
#endif
#endif
#include <fmt/format.h>
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"
#include "core/validate.h"
#include "nn/matrix_product.h"

namespace swipegym {
namespace {

using Hnsw = hnswlib::HierarchicalNSW<float>;

constexpr std::size_t kSearchShard = 16;  // queries of one parallel piece

// A graph as it lies in a file.
struct StoredGraph {
  std::size_t rows = 0;  // that it must be of
  std::int64_t links = 0, entry = 0;
  std::vector<std::uint8_t> level;       // [rows] a row stands in layers 0 to this one
  std::vector<std::uint16_t> count;      // of each row and layer of it, lowest first: its neighbours
  std::vector<std::uint32_t> neighbour;  // all of them

  void validate() const {
    require_between("links", links, std::int64_t{2}, std::int64_t{256});
    require_size("level", level.size(), rows);
    require_between("entry", entry, std::int64_t{0}, static_cast<std::int64_t>(rows) - 1);
    std::size_t lists = 0;
    for (const std::uint8_t l : level) lists += std::size_t{l} + 1;
    require_size("count", count.size(), lists);
    const std::uint8_t highest = *std::max_element(level.begin(), level.end());
    require_that("entry", level[static_cast<std::size_t>(entry)] == highest, "a row of the highest layer");
    std::size_t list = 0, at = 0;
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t layer = 0; layer <= level[row]; ++layer, ++list) {
        require_that("count", count[list] <= (layer == 0 ? 2 : 1) * links, "at most the links of its layer");
        require_that("neighbour", count[list] <= neighbour.size() - at, "as many as the counts say");
        for (std::size_t i = 0; i < count[list]; ++i, ++at)
          require_that("neighbour", neighbour[at] < rows && level[neighbour[at]] >= layer, "rows of the same layer");
      }
    require_size("neighbour", neighbour.size(), at);
  }
};

}  // namespace

struct RetrievalIndex::Graph {
  RetrievalIndexConfig config;
  std::size_t dimension;
  hnswlib::InnerProductSpace space;
  Hnsw hnsw;

  Graph(std::size_t rows, std::size_t d, const RetrievalIndexConfig& settings)
      : config(settings), dimension(d), space(d), hnsw(&space, rows, settings.links, settings.ef_construction) {}

  const float* row(std::size_t at) const {
    return reinterpret_cast<const float*>(hnsw.getDataByInternalId(static_cast<hnswlib::tableint>(at)));
  }

  float distance(const float* query, std::size_t at) const {
    return hnsw.fstdistfunc_(query, row(at), hnsw.dist_func_param_);
  }

  // Where the search of the lowest layer begins: as near as the upper layers lead.
  hnswlib::tableint descend(const float* query) const {
    hnswlib::tableint at = hnsw.enterpoint_node_;
    float best = distance(query, at);
    for (int layer = hnsw.maxlevel_; layer > 0; --layer)
      for (bool nearer = true; nearer;) {
        nearer = false;
        const hnswlib::linklistsizeint* list = hnsw.get_linklist(at, layer);
        const std::size_t count = *reinterpret_cast<const unsigned short*>(list);
        for (std::size_t i = 1; i <= count; ++i)
          if (const float other = distance(query, list[i]); other < best) best = other, at = list[i], nearer = true;
      }
    return at;
  }

  void search(const float* query, std::size_t count, std::size_t ef, TopItem* out) const {
    auto found = hnsw.searchBaseLayerST<false>(descend(query), query, std::max(ef, count));
    std::vector<TopItem> all;
    std::vector<float> rows, products(found.size());
    for (; !found.empty(); found.pop()) {
      const std::size_t at = found.top().second;
      all.push_back({static_cast<std::int32_t>(at), 0.0F});
      rows.insert(rows.end(), row(at), row(at) + dimension);
    }
    // The scores that top_items() would give them, to the bit.
    multiply_lanes(rows.data(), dimension, std::size_t{1}, all.size(), dimension, query, std::size_t{1}, std::size_t{1},
                   products.data(), std::size_t{1}, false);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].score = products[i];
    std::sort(all.begin(), all.end(), [](const TopItem& a, const TopItem& b) {
      return a.score > b.score || (a.score == b.score && a.item < b.item);
    });
    all.resize(count);
    std::copy(all.begin(), all.end(), out);
  }
};

RetrievalIndex::RetrievalIndex(const Matrix& items, const RetrievalIndexConfig& config) {
  check_ranges(config);
  if (items.rows() == 0) throw InputError("an index of no videos finds nothing; give at least one");
  graph_ =
      std::make_unique<Graph>(static_cast<std::size_t>(items.rows()), static_cast<std::size_t>(items.cols()), config);
  for (Eigen::Index i = 0; i < items.rows(); ++i)
    graph_->hnsw.addPoint(items.data() + i * items.cols(), static_cast<hnswlib::labeltype>(i));
}

RetrievalIndex::RetrievalIndex(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
RetrievalIndex::~RetrievalIndex() = default;
RetrievalIndex::RetrievalIndex(RetrievalIndex&&) noexcept = default;
RetrievalIndex& RetrievalIndex::operator=(RetrievalIndex&&) noexcept = default;

const RetrievalIndexConfig& RetrievalIndex::config() const noexcept {
  return graph_->config;
}
std::size_t RetrievalIndex::size() const noexcept {
  return graph_->hnsw.cur_element_count;
}
std::size_t RetrievalIndex::dimension() const noexcept {
  return graph_->dimension;
}

std::uint64_t RetrievalIndex::bytes() const noexcept {
  const Hnsw& hnsw = graph_->hnsw;
  constexpr std::uint64_t kNode = 4 * sizeof(void*);  // of the map from numbers to places, which a loaded one lacks
  std::uint64_t total = size() * (hnsw.size_data_per_element_ + sizeof(char*) + sizeof(std::mutex) + sizeof(int) +
                                  sizeof(hnswlib::vl_type)) +
                        hnsw.label_lookup_.size() * (kNode + sizeof(void*));
  for (const int level : hnsw.element_levels_)
    total += static_cast<std::uint64_t>(level) * hnsw.size_links_per_element_;
  return total;
}

std::vector<TopItem> RetrievalIndex::search(const Matrix& queries, std::size_t count, int threads,
                                            std::size_t ef) const {
  const auto m = static_cast<std::size_t>(queries.rows());
  count = std::min(count, size());
  std::vector<TopItem> out(m * count);
  if (count == 0) return out;
  parallel_for((m + kSearchShard - 1) / kSearchShard, threads, [&](std::size_t shard, int) {
    for (std::size_t q = shard * kSearchShard; q < std::min(m, (shard + 1) * kSearchShard); ++q)
      graph_->search(queries.data() + q * graph_->dimension, count, ef > 0 ? ef : graph_->config.ef, &out[q * count]);
  });
  return out;
}

void RetrievalIndex::save(Hdf5Writer& file, const std::string& name) const {
  const Hnsw& hnsw = graph_->hnsw;
  StoredGraph stored;
  for (std::size_t row = 0; row < size(); ++row) {
    const int highest = hnsw.element_levels_[row];
    stored.level.push_back(static_cast<std::uint8_t>(highest));
    for (int layer = 0; layer <= highest; ++layer) {
      const hnswlib::linklistsizeint* list = hnsw.get_linklist_at_level(static_cast<hnswlib::tableint>(row), layer);
      const std::size_t count = *reinterpret_cast<const unsigned short*>(list);
      stored.count.push_back(static_cast<std::uint16_t>(count));
      stored.neighbour.insert(stored.neighbour.end(), list + 1, list + 1 + count);
    }
  }
  file.write_text(name + "/config", config_to_json(graph_->config).dump());
  file.write(name + "/entry", std::vector<std::int64_t>{hnsw.enterpoint_node_});
  file.write(name + "/level", stored.level);
  file.write(name + "/count", stored.count);
  file.write(name + "/neighbour", stored.neighbour);
}

RetrievalIndex RetrievalIndex::load(const Hdf5Reader& file, const std::string& name, const Matrix& items) {
  const auto config = config_from_text<RetrievalIndexConfig>(file.read_text(name + "/config"),
                                                             file.path().string() + ": " + name + "/config");
  StoredGraph stored;
  stored.rows = static_cast<std::size_t>(items.rows());
  stored.links = static_cast<std::int64_t>(config.links);
  stored.entry = file.read_array<std::int64_t, 1>(name + "/entry")[0];
  file.require_shape(name + "/level", {stored.rows});
  stored.level = file.read<std::uint8_t>(name + "/level");
  stored.count = file.read<std::uint16_t>(name + "/count");
  stored.neighbour = file.read<std::uint32_t>(name + "/neighbour");
  file.check(stored);
  auto graph = std::make_unique<Graph>(stored.rows, static_cast<std::size_t>(items.cols()), config);
  Hnsw& hnsw = graph->hnsw;
  std::size_t list = 0;
  const std::uint32_t* from = stored.neighbour.data();
  for (std::size_t row = 0; row < stored.rows; ++row) {
    const auto id = static_cast<hnswlib::tableint>(row);
    const std::size_t upper = stored.level[row] * hnsw.size_links_per_element_;
    std::memset(hnsw.data_level0_memory_ + row * hnsw.size_data_per_element_, 0, hnsw.size_data_per_element_);
    hnsw.setExternalLabel(id, row);
    std::memcpy(hnsw.getDataByInternalId(id), items.data() + row * graph->dimension, graph->dimension * sizeof(float));
    if (upper > 0) {
      hnsw.linkLists_[row] = static_cast<char*>(std::calloc(upper + 1, 1));
      if (hnsw.linkLists_[row] == nullptr) throw std::bad_alloc();
    }
    hnsw.element_levels_[row] = stored.level[row];
    ++hnsw.cur_element_count;
    for (int layer = 0; layer <= stored.level[row]; ++layer, ++list) {
      hnswlib::linklistsizeint* to = hnsw.get_linklist_at_level(id, layer);
      *reinterpret_cast<unsigned short*>(to) = stored.count[list];
      std::copy_n(from, stored.count[list], to + 1);
      from += stored.count[list];
    }
  }
  hnsw.enterpoint_node_ = static_cast<hnswlib::tableint>(stored.entry);
  hnsw.maxlevel_ = stored.level[static_cast<std::size_t>(stored.entry)];
  return RetrievalIndex(std::move(graph));
}

double index_recall(const RetrievalIndex& index, const Matrix& items, const Matrix& queries, std::size_t count,
                    int threads, std::size_t ef) {
  count = std::min(count, index.size());
  const std::vector<TopItem> exact = top_items(queries, items, count, threads);
  const std::vector<TopItem> found = index.search(queries, count, threads, ef);
  std::size_t hits = 0;
  std::vector<std::int32_t> own(count);
  for (std::size_t q = 0; q < static_cast<std::size_t>(queries.rows()); ++q) {
    std::transform(found.begin() + static_cast<std::ptrdiff_t>(q * count),
                   found.begin() + static_cast<std::ptrdiff_t>((q + 1) * count), own.begin(),
                   [](const TopItem& item) { return item.item; });
    std::sort(own.begin(), own.end());
    for (std::size_t place = 0; place < count; ++place)
      hits += std::binary_search(own.begin(), own.end(), exact[q * count + place].item);
  }
  return exact.empty() ? 0.0 : static_cast<double>(hits) / static_cast<double>(exact.size());
}

}  // namespace swipegym
