#pragma once

#include <stdexcept>
#include <string>

namespace swipegym {

/// Bad input or usage: a file, a row, a config key, an action. The message says what was got, what was expected,
/// where (file:line:column for text) and what to do. The program prints it on one line and exits with 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The machine failed us: disk full, write error, out of memory. The program exits with 1.
class SystemError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The person pressed Ctrl-C; thrown by progress callbacks so that destructors remove half-written files. Exit 130.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

}  // namespace swipegym
