#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace swipegym::testing {

/// The bytes of a file.
using FileImage = std::vector<std::uint8_t>;

FileImage read_image(const std::filesystem::path& path);

/// A file in memory (/dev/shm), gone with this: for HDF5, which wants a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> image);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// One damage to one object of an HDF5 file. Mutation tests do each in turn, fuzzers draw one at random. Objects are
/// found by walking the file and never named by a test, so that a field added tomorrow is covered the same day.
struct Hdf5Mutation {
  std::string object;  // the path of a data set, or "@name" for an attribute of the file
  std::string change;  // "all nan", "last plus one", "emptied", "removed", "key 'until' null", ...
};

/// Every mutation of the objects in `image`, object by object; none when it is not an HDF5 file.
std::vector<Hdf5Mutation> hdf5_mutations(std::span<const std::uint8_t> image);

/// Some of them, for a test that has seconds: all that change a whole object and every third of those that change one
/// element, or with `few` every eleventh of all.
std::vector<Hdf5Mutation> sample_of(const std::vector<Hdf5Mutation>& mutations, bool few);

/// `image` with one of its hdf5_mutations() done.
FileImage mutated(std::span<const std::uint8_t> image, const Hdf5Mutation& mutation);

/// `image` with one object drawn and damaged at random, as a fuzzer wants it: one of its mutations, or an extreme value
/// anywhere in it. As it was when it is not an HDF5 file.
FileImage mutated_at_random(std::span<const std::uint8_t> image, std::uint64_t seed);

}  // namespace swipegym::testing
