#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/output_part.h"

namespace swipegym::cli {

/// A file or folder that a command reads, and the option that names it ("--data").
struct InputUse {
  std::string option;
  std::filesystem::path path;
};

enum class Writing : std::uint8_t {
  kText,        // a file, or a device or a pipe
  kBinary,      // a file
  kCheckpoint,  // a file that is kept when the command is interrupted, and removed when its outputs are there
  kFolder,      // a release, which is replaced as a whole
  kWorkFolder,  // a folder in which files are put beside others
};

struct OutputUse {
  std::string option;
  std::filesystem::path path;
  Writing writing = Writing::kText;
  bool replaces_any = false;  // a folder may be replaced without a manifest
};

/// All that a command reads and writes, as far as its options tell.
struct FileUse {
  std::vector<InputUse> inputs;
  std::vector<OutputUse> outputs;
};

/// The .h5 files that a JSON file's settings name, each beside it and, where there is one, in the working folder: what
/// a composition or settings that name policies read and keep too. None of anything but a regular file of JSON.
std::vector<std::filesystem::path> files_named_in(const std::filesystem::path& json);

/// Throws InputError, naming both options, when two outputs are one file, or when an output is an input, would replace
/// a file of an input folder, or is a folder that is, holds or lies in an input. Links are followed, hard ones too.
void require_apart(const FileUse& use);

/// Throws InputError, saying why, for an output that cannot be written. Leaves nothing behind.
void require_writable(const FileUse& use);

/// Where a training that writes `out` keeps what --resume needs, and that it does so.
std::filesystem::path checkpoint_of(const std::filesystem::path& out);
void add_checkpoint(FileUse& use, const std::filesystem::path& out);

/// The outputs that appear together when the command ends.
std::vector<std::filesystem::path> final_outputs(const FileUse& use);

}  // namespace swipegym::cli
