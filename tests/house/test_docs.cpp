#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/output_file.h"

namespace swipegym::cli {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string pages() {
  std::string out;
  for (const Command& command : make_commands())
    out += "\n## " + command.name + "\n\n```\n" + help_page(command) + "```\n";
  return out;
}

TEST_CASE("docs/reference/commands.md ends with the help page of every command, word for word", "[house]") {
  const fs::path path = fs::path(SWIPEGYM_SOURCE_DIR) / "docs" / "reference" / "commands.md";
  const std::string marker = "<!-- help pages: SWIPEGYM_WRITE_DOCS=1 test_house writes them anew -->\n";
  std::string text = text_of(path);
  const std::size_t at = text.find(marker);
  REQUIRE(at != std::string::npos);
  if (std::getenv("SWIPEGYM_WRITE_DOCS") != nullptr) {
    write_file(path, text.substr(0, at) + marker + pages());
    text = text_of(path);
  }
  CHECK(text.substr(at + marker.size()) == pages());
}

TEST_CASE("links between the pages lead somewhere", "[house]") {
  const fs::path root = SWIPEGYM_SOURCE_DIR;
  std::vector<fs::path> documents = {root / "README.md", root / "CONTRIBUTING.md", root / "CHANGELOG.md"};
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs"))
    if (entry.path().extension() == ".md") documents.push_back(entry.path());
  std::size_t links = 0;
  for (const fs::path& document : documents) {
    const std::string text = text_of(document);
    for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
      const std::string target = text.substr(at + 2, text.find_first_of(")#", at + 2) - at - 2);
      if (target.empty() || target.starts_with("http")) continue;
      ++links;
      CAPTURE(document.string(), target);
      CHECK(fs::exists(document.parent_path() / target));
    }
  }
  CHECK(links > 10);
}

}  // namespace
}  // namespace swipegym::cli
