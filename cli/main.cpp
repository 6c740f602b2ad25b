#include <string>
#include <vector>

#include "cli/command.h"

int main(int argc, char** argv) {
  return swipegym::cli::run_program(std::vector<std::string>(argv + (argc > 0), argv + argc));
}
