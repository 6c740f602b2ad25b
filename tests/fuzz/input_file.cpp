#include "tests/fuzz/input_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace swipegym::fuzz {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

std::filesystem::path temporary_name() {
  return std::filesystem::temp_directory_path() / "swipegym-fuzz-XXXXXX";
}

}  // namespace

InputFile::InputFile() {
  std::string name = temporary_name();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  require(descriptor_ >= 0, "no temporary file");
  path_ = name;
}

InputFile::~InputFile() {
  ::close(descriptor_);
  ::unlink(path_.c_str());
}

void InputFile::set(std::string_view content) const {
  require(::ftruncate(descriptor_, static_cast<off_t>(content.size())) == 0, "cannot cut a temporary file");
  require(::pwrite(descriptor_, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()),
          "cannot write a temporary file");
}

ScratchFolder::ScratchFolder() {
  std::string name = temporary_name();
  require(::mkdtemp(name.data()) != nullptr, "no scratch folder");
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace swipegym::fuzz
