#include "core/named_files.h"

#include "core/error.h"
#include "core/json_text.h"

namespace swipegym {
namespace {

void add_hdf5_names(const Json& value, std::vector<std::string>& names) {
  if (value.is_string() && std::filesystem::path(value.get_ref<const std::string&>()).extension() == ".h5")
    names.push_back(value);
  if (value.is_structured())
    for (const Json& part : value) add_hdf5_names(part, names);
}

}  // namespace

std::vector<std::string> hdf5_names_of(const Json& value) {
  std::vector<std::string> names;
  add_hdf5_names(value, names);
  return names;
}

std::vector<std::string> hdf5_names_in(const std::filesystem::path& json) {
  std::vector<std::string> names;
  std::error_code ignored;
  if (json.extension() != ".json" || !std::filesystem::is_regular_file(json, ignored)) return names;
  try {
    names = hdf5_names_of(read_json(json));
  } catch (const InputError&) {  // whoever reads it says what is wrong
  }
  return names;
}

}  // namespace swipegym
