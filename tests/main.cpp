#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

/// A folder for temporary files of this process alone: tests run beside each other, those of two checkouts too, and
/// name their files without thinking of that.
class OwnTemporaryFolder {
 public:
  OwnTemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "swipegym-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    path_ = name;
    ::setenv("TMPDIR", name.c_str(), 1);
  }
  ~OwnTemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  OwnTemporaryFolder(const OwnTemporaryFolder&) = delete;
  OwnTemporaryFolder& operator=(const OwnTemporaryFolder&) = delete;

 private:
  std::filesystem::path path_;
};

}  // namespace

int main(int argc, char** argv) {
  const OwnTemporaryFolder folder;
  return Catch::Session().run(argc, argv);
}
