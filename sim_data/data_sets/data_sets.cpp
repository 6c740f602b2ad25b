#include "sim_data/data_sets/data_sets.h"

#include <fmt/format.h>

#include "core/error.h"

namespace swipegym {

LoadReport import_data_set(std::string_view name, const std::filesystem::path& path, const std::filesystem::path& out,
                           const LoadOptions& options) {
  if (name == "kuairec") return import_kuairec(path, out, options);
  if (name == "kuaisar") return import_kuaisar(path, out, options);
  if (name == "movielens") return import_movielens(path, out, options);
  if (name == "tenrec") return import_tenrec(path, out, options);
  if (name == "wechat") return import_wechat(path, out, options);
  throw InputError(fmt::format("'{}' is no data set, expected one of {}", name, fmt::join(kDataSetNames, ", ")));
}

}  // namespace swipegym
