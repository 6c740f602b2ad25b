#include "policy/item_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/huge_pages.h"
#include "core/remarks.h"
#include "core/validate.h"
#include "env/catalogue.h"
#include "policy/derive_item.h"

namespace swipegym {
namespace {

// Features are logarithms, rates and shares. Beyond this a duration's exponential is infinite.
constexpr float kLargestItemFeature = 50.0F;

Matrix derive(const Matrix& features) {
  Matrix out(features.rows(), static_cast<Eigen::Index>(kDerivedItemFeatures));
  for (Eigen::Index v = 0; v < features.rows(); ++v) derive_item(features.row(v).data(), out.row(v).data());
  return out;
}

// Rows of videos that are not known (`row_of` below 0): what most of the known ones have that share `shared` with them,
// for a tag may be wrong of some; the smallest of equally many. `count`: values of shared.
template <class Shared>
void infer_rows(const std::vector<Shared>& shared, const std::vector<std::int32_t>& row_of, std::size_t count,
                std::vector<std::int32_t>& rows) {
  std::vector<std::pair<Shared, std::int32_t>> seen;
  for (std::size_t v = 0; v < rows.size(); ++v)
    if (row_of[v] >= 0 && rows[v] >= 0) seen.emplace_back(shared[v], rows[v]);
  std::sort(seen.begin(), seen.end());
  std::vector<std::int32_t> usual(count, -1);
  std::vector<std::size_t> most(count, 0);
  for (std::size_t first = 0, end = 0; first < seen.size(); first = end) {
    while (end < seen.size() && seen[end] == seen[first]) ++end;
    const std::size_t what = seen[first].first;
    if (end - first > most[what]) most[what] = end - first, usual[what] = seen[first].second;
  }
  for (std::size_t v = 0; v < rows.size(); ++v)
    if (row_of[v] < 0) rows[v] = usual[shared[v]];
}

// Candidates are read at random.
void read_at_random(const ItemInputs& items) {
  prefer_huge_pages(items.features), prefer_huge_pages(items.derived);
  prefer_huge_pages(items.tag), prefer_huge_pages(items.author), prefer_huge_pages(items.id);
}

}  // namespace

void derive_item(const float* features, float* derived) noexcept {
  const float duration_s = std::exp(1.5F * features[kVideoLogDuration] + 3.5F);
  derived[kItemMeanSeconds] = features[kVideoMeanRatio] * duration_s / 20.0F;
  derived[kItemClickRoot] = features[kVideoClickRate] * std::sqrt(duration_s) / 4.0F;
}

ItemInputs make_item_inputs(const Catalogue& catalogue, std::uint32_t max_authors, std::uint32_t max_ids) {
  const std::size_t videos = catalogue.num_videos();
  ItemInputs items;
  items.raw_id = catalogue.raw_video_id;
  items.features = as_matrix(catalogue.video_features.data(), videos, kVideoFeatures);
  items.derived = derive(items.features);
  items.num_tags = catalogue.num_tags;
  items.num_authors = std::min(std::max(catalogue.num_authors, 1U), max_authors);
  items.num_ids = std::min(static_cast<std::uint32_t>(videos), max_ids);
  items.tag.resize(videos), items.author.resize(videos), items.id.resize(videos);
  for (std::size_t v = 0; v < videos; ++v) {
    items.tag[v] = static_cast<std::int32_t>(catalogue.tag[v]);
    items.author[v] = static_cast<std::int32_t>(catalogue.author[v] % items.num_authors);
    items.id[v] = static_cast<std::int32_t>(v % items.num_ids);
  }
  read_at_random(items);
  return items;
}

std::vector<std::int32_t> match_ids(const std::vector<std::int64_t>& known, const std::vector<std::int64_t>& wanted) {
  std::unordered_map<std::int64_t, std::int32_t> row_of;
  row_of.reserve(known.size());
  for (std::size_t row = 0; row < known.size(); ++row) row_of.emplace(known[row], static_cast<std::int32_t>(row));
  std::vector<std::int32_t> rows(wanted.size(), -1);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (const auto found = row_of.find(wanted[i]); found != row_of.end()) rows[i] = found->second;
  return rows;
}

ItemInputs match_item_inputs(const ItemInputs& own, const Catalogue& catalogue) {
  if (own.raw_id == catalogue.raw_video_id) return own;
  const std::vector<std::int32_t> row_of = match_ids(own.raw_id, catalogue.raw_video_id);
  const std::size_t videos = catalogue.num_videos();
  ItemInputs items;
  items.raw_id = catalogue.raw_video_id;
  items.features = as_matrix(catalogue.video_features.data(), videos, kVideoFeatures);
  items.num_tags = own.num_tags, items.num_authors = own.num_authors, items.num_ids = own.num_ids;
  items.tag.assign(videos, -1), items.author.assign(videos, -1), items.id.assign(videos, -1);
  for (std::size_t v = 0; v < videos; ++v) {
    if (row_of[v] < 0) continue;
    const auto row = static_cast<std::size_t>(row_of[v]);
    items.features.row(static_cast<Eigen::Index>(v)) = own.features.row(row_of[v]);
    items.tag[v] = own.tag[row], items.author[v] = own.author[row], items.id[v] = own.id[row];
  }
  infer_rows(catalogue.tag, row_of, catalogue.num_tags, items.tag);
  infer_rows(catalogue.author, row_of, catalogue.num_authors, items.author);
  items.derived = derive(items.features);
  read_at_random(items);
  return items;
}

ItemInputs renew_item_inputs(const ItemInputs& own, const Catalogue& catalogue) {
  ItemInputs items = match_item_inputs(own, catalogue);
  items.features = as_matrix(catalogue.video_features.data(), catalogue.num_videos(), kVideoFeatures);
  items.derived = derive(items.features);
  read_at_random(items);
  return items;
}

void renew_statistics(const Catalogue& catalogue, VideoRange videos, ItemInputs& items) {
  for (std::uint32_t v = videos.begin; v < videos.end; ++v) {
    const float* features = &catalogue.video_features[v * kVideoFeatures];
    std::copy_n(features, kVideoFeatures, items.features.row(v).data());
    derive_item(features, items.derived.row(v).data());
  }
}

ItemInputs extend_item_inputs(const ItemInputs& own, const Catalogue& catalogue, std::uint32_t max_authors,
                              std::uint32_t max_ids) {
  ItemInputs items = renew_item_inputs(own, catalogue);
  const std::size_t videos = catalogue.num_videos();
  const auto next = [](std::uint32_t& rows, std::uint32_t most, std::size_t index) {
    return static_cast<std::int32_t>(rows < most ? rows++ : index % rows);
  };
  std::vector<std::int32_t> row_of_author(catalogue.num_authors, -1);
  for (std::size_t v = 0; v < videos; ++v) {
    if (items.id[v] < 0) items.id[v] = next(items.num_ids, max_ids, v);
    if (items.author[v] >= 0) continue;
    std::int32_t& row = row_of_author[catalogue.author[v]];
    if (row < 0) row = next(items.num_authors, max_authors, catalogue.author[v]);
    items.author[v] = row;
  }
  read_at_random(items);
  return items;
}

void save(Hdf5Writer& file, const std::string& name, const ItemInputs& items) {
  file.write(name + "/raw_id", items.raw_id);
  file.write_matrix<float>(name + "/features", {items.features.data(), static_cast<std::size_t>(items.features.size())},
                           items.num_videos(), kVideoFeatures);
  file.write(name + "/tag", items.tag);
  file.write(name + "/author", items.author);
  file.write(name + "/id", items.id);
  file.write(name + "/table_sizes", std::vector<std::uint32_t>{items.num_tags, items.num_authors, items.num_ids});
}

void ItemInputs::validate() const {
  constexpr std::uint32_t kMostTags = 1U << 20, kMostAuthors = 1U << 16, kMostIds = 1U << 16;
  const std::size_t videos = num_videos();
  require_that("raw_id", videos > 0, "at least one video");
  require_size("features", static_cast<std::size_t>(features.size()), videos * kVideoFeatures);
  require_size("tag", tag.size(), videos);
  require_size("author", author.size(), videos);
  require_size("id", id.size(), videos);
  require_between("table_sizes: tags", num_tags, 0U, kMostTags);
  // Tables that nobody asks for embeddings of are not stored; nothing else bounds what room they take.
  require_that("table_sizes: authors", num_authors <= std::max<std::size_t>(videos, kMostAuthors),
               fmt::format("at most {} or the number of videos", kMostAuthors));
  require_that("table_sizes: ids", num_ids <= std::max<std::size_t>(videos, kMostIds),
               fmt::format("at most {} or the number of videos", kMostIds));
  require_below_or_none("tag", std::span(tag), num_tags);
  require_below_or_none("author", std::span(author), num_authors);
  require_below_or_none("id", std::span(id), num_ids);
  const std::span<const float> all(features.data(), static_cast<std::size_t>(features.size()));
  require_between("features", all, -kLargestItemFeature, kLargestItemFeature);
}

void require_distinct(const Hdf5Reader& file, const std::string& name, std::vector<std::int64_t> ids) {
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end())
    throw InputError(fmt::format("{}: the id {} stands twice in {}; the file is damaged, make it again",
                                 file.path().string(), *twice, name));
}

ItemInputs load_item_inputs(const Hdf5Reader& file, const std::string& name) {
  ItemInputs items;
  items.raw_id = file.read<std::int64_t>(name + "/raw_id");
  const std::vector<float> features = file.read_matrix<float>(name + "/features", items.raw_id.size(), kVideoFeatures);
  items.tag = file.read<std::int32_t>(name + "/tag");
  items.author = file.read<std::int32_t>(name + "/author");
  items.id = file.read<std::int32_t>(name + "/id");
  const std::vector<std::uint32_t> sizes = file.read<std::uint32_t>(name + "/table_sizes");
  if (sizes.size() != 3)
    throw InputError(fmt::format("{}: the tables under {} do not fit together; the file is damaged, make it again",
                                 file.path().string(), name));
  items.num_tags = sizes[0], items.num_authors = sizes[1], items.num_ids = sizes[2];
  items.features = as_matrix(features.data(), features.size() / kVideoFeatures, kVideoFeatures);
  file.check(items);
  require_distinct(file, name + "/raw_id", items.raw_id);
  items.derived = derive(items.features);
  return items;
}

void require_known_videos(const Hdf5Reader& file, const std::vector<std::int64_t>& known, const Catalogue& catalogue) {
  if (known == catalogue.raw_video_id) return;
  const std::vector<std::int32_t> row_of = match_ids(known, catalogue.raw_video_id);
  const std::size_t all = row_of.size();
  const auto met =
      static_cast<std::size_t>(std::count_if(row_of.begin(), row_of.end(), [](std::int32_t row) { return row >= 0; }));
  if (met == 0)
    throw InputError(
        fmt::format("{}: knows none of the {} videos here, by their raw ids; it was made for another catalogue, name "
                    "the simulator it was trained for or train it anew",
                    file.path().string(), all));
  if (2 * met < all)
    remark(fmt::format("{}: knows {} of the {} videos here, by their raw ids; it was made for another catalogue",
                       file.path().string(), met, all));
}

VideoTables::VideoTables(const ItemInputs& items, std::size_t tag_dim, std::size_t author_dim, std::size_t id_dim,
                         RandomKey key, std::uint64_t first)
    : tag(items.num_tags, tag_dim, split(key, first), 0.1),
      author(items.num_authors, author_dim, split(key, first + 1), 0.05),
      id(items.num_ids, id_dim, split(key, first + 2), 0.05) {}

void VideoTables::gather(const ItemInputs& items, const std::vector<std::int32_t>& videos, MatrixRef<float> out) const {
  constexpr auto kFeatures = static_cast<Eigen::Index>(kVideoFeatures);
  auto at = static_cast<Eigen::Index>(kNumbers);
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    const std::int32_t video = videos[static_cast<std::size_t>(i)];
    out.row(i).head(kFeatures) = items.features.row(video);
    out.row(i).segment(kFeatures, at - kFeatures) = items.derived.row(video);
  }
  thread_local std::vector<std::int32_t> rows;
  for (const auto& [column, table] : {std::pair(&items.tag, &tag), {&items.author, &author}, {&items.id, &id}}) {
    const auto dim = static_cast<Eigen::Index>(table->dim());
    gather_column(*column, videos, rows);
    table->gather(rows, out.middleCols(at, dim));
    at += dim;
  }
}

void VideoTables::scatter(const ItemInputs& items, const std::vector<std::int32_t>& videos,
                          ConstMatrixRef<float> gradient) {
  auto at = static_cast<Eigen::Index>(kNumbers);
  std::vector<std::int32_t> rows;
  for (const auto& [column, table] : {std::pair(&items.tag, &tag), {&items.author, &author}, {&items.id, &id}}) {
    const auto dim = static_cast<Eigen::Index>(table->dim());
    gather_column(*column, videos, rows);
    table->scatter(rows, gradient.middleCols(at, dim));
    at += dim;
  }
}

}  // namespace swipegym
