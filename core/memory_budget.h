#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace swipegym {

/// Products and sums of sizes that stay at the largest number instead of beginning anew at 0.
std::uint64_t product_of(std::initializer_list<std::uint64_t> factors) noexcept;
std::uint64_t sum_of(std::initializer_list<std::uint64_t> terms) noexcept;

/// What a process may still take: the machine's available memory, or what its control group leaves when that is less.
/// Half of all there is where neither can be read.
std::uint64_t machine_memory();

/// What memory budgets are held against: machine_memory(), or what was set. 0 sets it back.
std::uint64_t memory_limit();
void set_memory_limit(std::uint64_t bytes) noexcept;
std::uint64_t stated_memory_limit() noexcept;  // 0: none was set

/// "1.5 GiB".
std::string show_bytes(std::uint64_t bytes);
/// "16G", "512M", "1.5T" or a number of bytes; InputError that names `name` otherwise.
std::uint64_t parse_bytes(std::string_view name, std::string_view text);

/// What is about to be allocated, part by part, so that it can be said and refused before the machine ends the process.
/// Each part of the engine states its own bytes beside its constructor (VectorEnv::bytes, UniformReplay::bytes), and
/// asks for them there; commands add up all parts first.
///
///   MemoryBudget budget;
///   budget.add("100000 sessions side by side", VectorEnv::bytes(simulator, slots, config), "num_envs");
///   budget.require();
class MemoryBudget {
 public:
  /// `lower`: the setting or option that makes it less.
  MemoryBudget& add(std::string what, std::uint64_t bytes, std::string lower);
  std::uint64_t total() const noexcept;
  /// "5.2 GiB (5.0 GiB for 100000 sessions side by side, 0.2 GiB for ...)", the largest first.
  std::string text() const;
  /// Throws InputError that says what takes how much and what to lower, when the total is above memory_limit().
  void require() const;

 private:
  struct Part {
    std::string what;
    std::uint64_t bytes;
    std::string lower;
  };
  std::vector<Part> parts_;  // the largest first
};

}  // namespace swipegym
