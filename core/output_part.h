#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace swipegym {

enum class OutputKind : std::uint8_t {
  kText,    // a file written from its beginning to its end: it may be a device or a pipe
  kBinary,  // a file written here and there, as HDF5 does: never a device or a pipe
  kFolder,  // a folder that is replaced as a whole
};

/// The claim to an output, which every writer holds: `temporary()` is a new file or folder beside the place where
/// `path` leads, which commit() puts there and a destructor without commit() removes, so that an interrupted run leaves
/// the earlier output as it was. A link is followed: it stays, and what it points to is replaced. A device, a pipe and
/// what standard output goes to are written into and never replaced. A lock on the part says that it is being written;
/// parts of the same output whose lock is free were left by a run that was killed, and a new claim removes them.
class OutputPart {
 public:
  /// Throws InputError, saying why, when nothing can be written there; SystemError when the disk is full.
  OutputPart(std::filesystem::path path, OutputKind kind);
  ~OutputPart();
  OutputPart(OutputPart&& other) noexcept;
  OutputPart& operator=(OutputPart&&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }            // as it was given
  const std::filesystem::path& target() const noexcept { return target_; }        // links followed
  const std::filesystem::path& temporary() const noexcept { return temporary_; }  // empty for a stream
  bool is_stream() const noexcept { return temporary_.empty(); }
  int descriptor() const noexcept { return descriptor_; }  // open for writing, unless it is a folder

  /// Puts the part in its place: at once, or when the rest of its OutputGroup is whole too.
  void commit();

 private:
  friend class OutputGroup;
  void open_stream(OutputKind kind);
  void open_part(OutputKind kind);
  void put_in_place();

  std::filesystem::path path_, target_, temporary_;
  int descriptor_ = -1;
};

/// The outputs of one piece of work, which appear together: while a group lives on a thread, what is committed there to
/// one of `targets` waits for the group's commit(), and is removed when that never comes. Other files (checkpoints, the
/// files of a folder that is not whole yet) appear at once, as all do without a group.
class OutputGroup {
 public:
  /// `on_removed` hears of each part of a killed run that was removed.
  explicit OutputGroup(const std::vector<std::filesystem::path>& targets,
                       std::function<void(const std::filesystem::path&)> on_removed = {});
  ~OutputGroup();
  OutputGroup(const OutputGroup&) = delete;
  OutputGroup& operator=(const OutputGroup&) = delete;

  /// A file that is of no use once the outputs are there, such as a checkpoint.
  void remove_after(std::filesystem::path path) { no_longer_needed_.push_back(std::move(path)); }
  void commit();

 private:
  friend class OutputPart;
  friend std::filesystem::path where_written(const std::filesystem::path& path);
  friend void remove_stale_parts(const std::filesystem::path& path);

  std::vector<std::filesystem::path> targets_;
  std::function<void(const std::filesystem::path&)> on_removed_;
  std::vector<OutputPart> waiting_;
  std::vector<std::filesystem::path> no_longer_needed_;
  OutputGroup* outer_;
};

/// Where the output `path` can be read: its part while it waits for its group, else `path`.
std::filesystem::path where_written(const std::filesystem::path& path);

/// The place a path leads to, whether or not something is there: absolute, links followed, without "." and "..".
std::filesystem::path resolved(const std::filesystem::path& path);
/// A device, a pipe or a socket, or the file that this process's standard output or error goes to.
bool is_stream(const std::filesystem::path& path);

/// Throws InputError, saying why, when no output of this kind could be written at `path`: called before long work, not
/// after it. Touches nothing, and does not wait for the reader of a pipe.
void require_writable(const std::filesystem::path& path, OutputKind kind = OutputKind::kText);

/// Removes what runs that were killed left of this output; those of running ones stay.
void remove_stale_parts(const std::filesystem::path& path);

}  // namespace swipegym
