#include "policy/retrieval_index_file.h"

#include <fmt/format.h>

#include <bit>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {

std::uint64_t hash_rows(const Matrix& items) noexcept {
  // FNV-1a over words, not bytes: it tells other vectors, it keeps no one out.
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  const auto add = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x100000001B3ULL; };
  add(static_cast<std::uint64_t>(items.rows())), add(static_cast<std::uint64_t>(items.cols()));
  for (Eigen::Index i = 0; i < items.size(); ++i) add(std::bit_cast<std::uint32_t>(items.data()[i]));
  return hash;
}

void save_index_file(const RetrievalIndex& index, const Matrix& items, const std::filesystem::path& path) {
  Hdf5Writer file(path);
  file.attribute("kind", kIndexKind);
  file.attribute("schema_version", kIndexVersion);
  file.attribute("vectors", static_cast<std::int64_t>(hash_rows(items)));
  index.save(file, "index");
  file.commit();
}

RetrievalIndex load_index_file(const std::filesystem::path& path, const Matrix& items,
                               const RetrievalIndexConfig& config) {
  const Hdf5Reader file(path, kIndexKind, kIndexVersion);
  if (file.attribute_int("vectors") != static_cast<std::int64_t>(hash_rows(items)))
    throw InputError(fmt::format("{}: an index of other vectors than these {}; delete it, and it is made anew",
                                 path.string(), items.rows()));
  RetrievalIndex index = RetrievalIndex::load(file, "index", items);
  const RetrievalIndexConfig& own = index.config();
  if (own.links != config.links || own.ef_construction != config.ef_construction)
    throw InputError(fmt::format(
        "{}: an index of links {} and ef_construction {}, where {} and {} are set; delete it, and it is made anew",
        path.string(), own.links, own.ef_construction, config.links, config.ef_construction));
  return index;
}

RetrievalIndex keep_index_file(const std::filesystem::path& path, const Matrix& items,
                               const RetrievalIndexConfig& config) {
  if (std::filesystem::exists(path)) return load_index_file(path, items, config);
  RetrievalIndex index(items, config);
  save_index_file(index, items, path);
  return index;
}

}  // namespace swipegym
