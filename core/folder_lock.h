#pragma once

#include <filesystem>

namespace swipegym {

/// While it lives nobody else has one for the same folder, in this process or another of the machine. Gone with the
/// process, however that ends; without effect on a file system that has no locks.
class FolderLock {
 public:
  /// InputError when somebody is at work in the folder, or when there is none.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace swipegym
