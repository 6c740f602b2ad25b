#include "core/unreadable.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace swipegym {

std::string unreadable_text(const std::filesystem::path& path, int error) {
  if (error == ENOENT) return fmt::format("{}: no such file", path.string());
  return fmt::format("{}: cannot be read ({})", path.string(), std::strerror(error));
}

void require_file_of_word(const std::string& word) {
  const std::filesystem::path path(word);
  const bool is_path = path.has_parent_path() || path.extension() == ".h5" || path.extension() == ".json";
  std::error_code ignored;
  if (is_path && !std::filesystem::exists(path, ignored)) throw InputError(unreadable_text(path, ENOENT));
}

}  // namespace swipegym
