#pragma once

#include <functional>
#include <string>

namespace swipegym {

/// Library code never prints. What it has to say without failing goes to the listener of this thread that was made
/// last, or to nobody: a command prints it, Python warns.
class RemarkListener {
 public:
  explicit RemarkListener(std::function<void(const std::string&)> listen);
  ~RemarkListener();
  RemarkListener(const RemarkListener&) = delete;
  RemarkListener& operator=(const RemarkListener&) = delete;

 private:
  friend void remark(const std::string& text);
  std::function<void(const std::string&)> listen_;  // empty: nobody is to hear
  RemarkListener* before_;
};

void remark(const std::string& text);

}  // namespace swipegym
