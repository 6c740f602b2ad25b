#include "tests/fuzz/hdf5_recipe.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/fuzz/input_file.h"
#include "tests/hdf5_mutants.h"

namespace swipegym::fuzz {
namespace {

using testing::FileImage;
using testing::Hdf5Mutation;

constexpr std::size_t kMostLines = 4;  // one damage is what happens, and of many the first is seen

std::vector<std::string> lines_of(const std::string& recipe) {
  std::vector<std::string> lines;
  std::istringstream text(recipe);
  for (std::string line; std::getline(text, line) && lines.size() < kMostLines;)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

void follow(const std::string& line, FileImage& image) {
  std::istringstream words(line);
  std::string verb;
  std::uint64_t at = 0;
  unsigned value = 0;
  if (const std::size_t colon = line.find(": "); colon != std::string::npos) {
    image = testing::mutated(image, {line.substr(0, colon), line.substr(colon + 2)});
  } else if (words >> verb >> at && verb == "any") {
    image = testing::mutated_at_random(image, at);
  } else if (verb == "cut" && at < image.size()) {
    image.resize(at);
  } else if (verb == "byte" && words >> value && at < image.size()) {
    image[at] = static_cast<std::uint8_t>(value);
  }
}

class Recipes {
 public:
  explicit Recipes(const std::string& image)
      : image_(image.begin(), image.end()), mutations_(testing::hdf5_mutations(image_)) {
    if (mutations_.empty()) throw std::logic_error("the seed is no HDF5 file");
  }

  std::string cook(const std::string& recipe) const {
    FileImage image = image_;
    for (const std::string& line : lines_of(recipe)) {
      try {
        follow(line, image);
      } catch (const std::logic_error&) {
        // No such object, or no longer one that can be changed so.
      }
    }
    return {image.begin(), image.end()};
  }

  std::string change(const std::string& recipe, RandomStream& random) const {
    std::vector<std::string> lines = lines_of(recipe);
    const std::uint32_t what = random.below(4);
    if (lines.empty() || (what == 0 && lines.size() < kMostLines))
      lines.push_back(any_line(random));
    else if (what == 1 && lines.size() > 1)
      lines.erase(lines.begin() + random.below(static_cast<std::uint32_t>(lines.size())));
    else
      lines[random.below(static_cast<std::uint32_t>(lines.size()))] = any_line(random);
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    return text;
  }

 private:
  std::string any_line(RandomStream& random) const {
    const auto below = [&](std::size_t bound) { return random.below(static_cast<std::uint32_t>(bound)); };
    switch (below(16)) {
      case 0:
        return "byte " + std::to_string(below(image_.size())) + " " + std::to_string(below(256));
      case 1:
        return "cut " + std::to_string(below(image_.size()));
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
        return "any " + std::to_string(random.next());
      default: {
        const Hdf5Mutation& mutation = mutations_[below(mutations_.size())];
        return mutation.object + ": " + mutation.change;
      }
    }
  }

  FileImage image_;
  std::vector<Hdf5Mutation> mutations_;
};

}  // namespace

Target hdf5_target(std::string image, std::function<void(const std::filesystem::path&)> read) {
  const auto recipes = std::make_shared<const Recipes>(image);
  const auto file = std::make_shared<const InputFile>();
  file->set(image);
  read(file->path());  // what is not damaged must be read
  return {
      .seeds = {},
      .run =
          [recipes, file, read = std::move(read)](const std::string& recipe) {
            file->set(recipes->cook(recipe));
            read(file->path());
          },
      .mutate = [recipes](const std::string& recipe, RandomStream& random) { return recipes->change(recipe, random); }};
}

}  // namespace swipegym::fuzz
