#pragma once

#include <filesystem>
#include <string>

namespace swipegym {

/// Why a file cannot be read: "sim.h5: no such file", "sim.h5: cannot be read (Permission denied)"; `error` is errno's.
std::string unreadable_text(const std::filesystem::path& path, int error);

/// Throws InputError "dqn.h5: no such file" for a word that can only be meant as a file's, by its folder or its ending,
/// and that names none.
void require_file_of_word(const std::string& word);

}  // namespace swipegym
