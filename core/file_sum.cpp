#include "core/file_sum.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "core/error.h"
#include "core/unreadable.h"

namespace swipegym {

std::uint64_t file_sum(const std::filesystem::path& path, std::uint64_t sum) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::array<char, 1 << 16> part;
  while (file.read(part.data(), part.size()), file.gcount() > 0)
    sum = byte_sum({reinterpret_cast<const std::uint8_t*>(part.data()), static_cast<std::size_t>(file.gcount())}, sum);
  if (!file.eof()) throw InputError(unreadable_text(path, errno == 0 ? EIO : errno));
  return sum;
}

}  // namespace swipegym
