#include "core/memory_budget.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "core/error.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kUnasked = 64ULL << 20;  // smaller budgets fit anywhere: the machine is not asked

std::atomic<std::uint64_t> set_limit{0};

// The number behind `key` in a file of "key number" lines; the first number of the file without a key.
std::optional<std::uint64_t> number_in(const std::string& path, std::string_view key = {}) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    if (!key.empty() && word != key) continue;
    if (!key.empty() && !(file >> word)) break;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc{} && end == word.data() + word.size()) return value;
    return std::nullopt;  // "max": no limit
  }
  return std::nullopt;
}

// What a control group leaves; pages of files that nobody works with do not count as used.
std::optional<std::uint64_t> left_in(const std::string& folder, const char* limit, const char* used,
                                     std::string_view inactive) {
  const auto most = number_in(folder + limit), now = number_in(folder + used);
  if (!most || !now) return std::nullopt;
  const std::uint64_t held = *now - std::min(*now, number_in(folder + "/memory.stat", inactive).value_or(0));
  return *most - std::min(*most, held);
}

// Of this process's group and all above it.
std::uint64_t control_group_memory() {
  std::uint64_t least = kMost;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.rfind(':');
    if (colon == std::string::npos) continue;
    const bool unified = line.starts_with("0::");
    if (!unified && line.find(":memory:") == std::string::npos) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    for (std::string group = line.substr(colon + 1);; group.resize(group.rfind('/'))) {
      const auto left =
          unified ? left_in(root + group, "/memory.max", "/memory.current", "inactive_file")
                  : left_in(root + group, "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file");
      least = std::min(least, left.value_or(kMost));
      if (group.find('/') == std::string::npos) break;
    }
  }
  return least;
}

}  // namespace

std::uint64_t product_of(std::initializer_list<std::uint64_t> factors) noexcept {
  std::uint64_t product = 1;
  for (const std::uint64_t factor : factors)
    if (factor == 0) return 0;
  for (const std::uint64_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product)) return kMost;
  return product;
}

std::uint64_t sum_of(std::initializer_list<std::uint64_t> terms) noexcept {
  std::uint64_t sum = 0;
  for (const std::uint64_t term : terms)
    if (__builtin_add_overflow(sum, term, &sum)) return kMost;
  return sum;
}

std::uint64_t machine_memory() {
  const std::uint64_t all = product_of(
      {static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)), static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))});
  const auto available_kib = number_in("/proc/meminfo", "MemAvailable:");
  return std::min(available_kib ? product_of({*available_kib, 1024}) : all / 2, control_group_memory());
}

std::uint64_t memory_limit() {
  const std::uint64_t set = stated_memory_limit();
  return set > 0 ? set : machine_memory();
}

std::uint64_t stated_memory_limit() noexcept {
  return set_limit.load();
}

void set_memory_limit(std::uint64_t bytes) noexcept {
  set_limit.store(bytes);
}

std::string show_bytes(std::uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  double value = static_cast<double>(bytes);
  for (; value >= 1024.0 && unit + 1 < std::size(kUnits); ++unit) value /= 1024.0;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::uint64_t parse_bytes(std::string_view name, std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::size_t power = unit.empty() ? 0 : unit.size() == 1 ? kUnits.find(unit[0]) + 1 : 0;
  const double bytes = value * std::pow(1024.0, static_cast<double>(power));
  if (error != std::errc{} || (power == 0 && !unit.empty()) || !(bytes >= 1.0 && bytes <= 1e18))
    throw InputError(fmt::format("{} is '{}', expected a number of bytes, such as 16G (K, M, G or T)", name, text));
  return static_cast<std::uint64_t>(bytes);
}

MemoryBudget& MemoryBudget::add(std::string what, std::uint64_t bytes, std::string lower) {
  const auto smaller = std::find_if(parts_.begin(), parts_.end(), [&](const Part& p) { return p.bytes < bytes; });
  parts_.insert(smaller, {std::move(what), bytes, std::move(lower)});
  return *this;
}

std::uint64_t MemoryBudget::total() const noexcept {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) sum = sum_of({sum, part.bytes});
  return sum;
}

std::string MemoryBudget::text() const {
  std::string list;
  for (const Part& part : parts_) {
    if (!list.empty() && part.bytes < total() / 100) break;  // what is not worth a word
    list += fmt::format("{}{} for {}", list.empty() ? "" : ", ", show_bytes(part.bytes), part.what);
  }
  return fmt::format("{} ({})", show_bytes(total()), list);
}

void MemoryBudget::require() const {
  if (total() < kUnasked || total() <= memory_limit()) return;
  throw InputError(fmt::format("this needs {}, and there are {}: lower {}, or raise the limit with --memory-limit",
                               text(), show_bytes(memory_limit()), parts_.front().lower));
}

}  // namespace swipegym
