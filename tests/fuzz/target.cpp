#include "tests/fuzz/target.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/error.h"

// What libFuzzer calls, for the target that was chosen.

namespace swipegym::fuzz {
namespace {

Target chosen;

[[noreturn]] void usage() {
  std::fprintf(stderr, "give --target=NAME [--seeds=FOLDER: write the seeds there and end]; the names are:");
  for (const std::string& name : target_names()) std::fprintf(stderr, " %s", name.c_str());
  std::fprintf(stderr, "\n");
  std::exit(2);
}

// The value of --name=VALUE; libFuzzer leaves words with two dashes alone.
std::string value_of(int argc, char** argv, std::string_view name) {
  for (int i = 1; i < argc; ++i)
    if (const std::string_view word = argv[i]; word.starts_with(name)) return std::string(word.substr(name.size()));
  return {};
}

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < chosen.seeds.size(); ++i)
    std::ofstream(folder / ("seed" + std::to_string(i)), std::ios::binary) << chosen.seeds[i];
}

}  // namespace
}  // namespace swipegym::fuzz

namespace fuzz = swipegym::fuzz;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t capacity)
    __attribute__((weak));  // libFuzzer's; replaying needs none

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::string name = fuzz::value_of(*argc, *argv, "--target=");
  const std::vector<std::string> names = fuzz::target_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) fuzz::usage();
  fuzz::chosen = fuzz::make_target(name);
  if (const std::string folder = fuzz::value_of(*argc, *argv, "--seeds="); !folder.empty()) {
    fuzz::write_seeds(folder);
    std::exit(0);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    fuzz::chosen.run(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const swipegym::InputError&) {
    // Refused, as it should be.
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t capacity,
                                               unsigned seed) {
  swipegym::RandomStream random(swipegym::make_key(seed));
  std::string changed;
  if (fuzz::chosen.mutate)
    changed = fuzz::chosen.mutate(std::string(reinterpret_cast<const char*>(data), size), random);
  if (changed.empty()) return LLVMFuzzerMutate(data, size, capacity);
  const std::size_t kept = std::min(changed.size(), capacity);
  std::memcpy(data, changed.data(), kept);
  return kept;
}
