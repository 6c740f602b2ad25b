#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace swipegym {

/// Finds the dense index of a raw id. Ids that fill their range (KuaiRand's do) cost one array read; others are hashed
/// with linear probing.
class IdMap {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  IdMap() = default;
  /// Index i belongs to ids[i]. A repeated id keeps its first index; `repeated` then names the later position.
  explicit IdMap(std::span<const std::int64_t> ids, bool of_texts = false);

  std::uint32_t find(std::int64_t id) const noexcept {
    if (direct_)
      return id >= 0 && static_cast<std::uint64_t>(id) < index_.size() ? index_[static_cast<std::size_t>(id)] : kNone;
    if (index_.empty()) return kNone;
    for (std::size_t slot = home(id);; slot = (slot + 1) & (index_.size() - 1))
      if (index_[slot] == kNone || key_[slot] == id) return index_[slot];
  }
  /// Asks for what find() will read, some time before it does.
  void prefetch(std::uint64_t id) const noexcept {
    if (direct_ && id < index_.size()) __builtin_prefetch(&index_[static_cast<std::size_t>(id)]);
  }
  /// The dense index of `id`, a new one (size()) at its first appearance. Only for maps made empty.
  std::uint32_t find_or_add(std::int64_t id);
  std::size_t size() const noexcept { return size_; }
  /// The ids stand for texts (number_of_id), so files hold these.
  bool of_texts() const noexcept { return of_texts_; }
  /// Position of the first id that had appeared before, or kNone.
  std::uint32_t repeated() const noexcept { return repeated_; }

 private:
  std::size_t home(std::int64_t id) const noexcept {
    return static_cast<std::size_t>((static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15ULL) >> shift_);
  }
  void rehash(std::size_t slots);
  void insert(std::int64_t id, std::uint32_t index);

  bool direct_ = false, of_texts_ = false;
  unsigned shift_ = 64;
  std::size_t size_ = 0;
  std::uint32_t repeated_ = kNone;
  std::vector<std::int64_t> key_;     // [slots], hashed maps only
  std::vector<std::uint32_t> index_;  // [slots], or [largest id + 1] when direct
};

}  // namespace swipegym
