#include "core/range.h"

#include <algorithm>

#include "core/error.h"

namespace swipegym {

std::string Lengths::expected() const {
  return fmt::format("a list of {} values{}",
                     least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most),
                     or_none ? ", or none" : "");
}

bool Words::contains(std::string_view text) const noexcept {
  return std::find(words_.begin(), words_.end(), text) != words_.end() ||
         (!file_ending_.empty() && text.size() > file_ending_.size() && text.ends_with(file_ending_));
}

std::string Words::expected() const {
  const std::string file = file_ending_.empty() ? "" : fmt::format("a file NAME{}", file_ending_);
  if (words_.empty()) return file;
  if (words_.size() == 1 && words_[0].empty()) return file.empty() ? "nothing" : "nothing, or " + file;
  return fmt::format("one of {}{}{}", fmt::join(words_, ", "), file.empty() ? "" : ", or ", file);
}

void throw_out_of_range(std::string_view name, std::string_view text, const std::string& expected) {
  throw InputError(fmt::format("{} is '{}', expected {}", name, text, expected));
}

}  // namespace swipegym
