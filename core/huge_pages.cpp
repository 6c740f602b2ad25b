#include "core/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace swipegym {

void prefer_huge_pages(const void* data, std::size_t bytes) noexcept {
  constexpr std::uintptr_t kHuge = std::uintptr_t{2} << 20;
  if (bytes < 2 * kHuge) return;
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = (address + kHuge - 1) / kHuge * kHuge, end = (address + bytes) / kHuge * kHuge;
  void* const first = reinterpret_cast<void*>(begin);
  // Advice: whoever cannot follow it (an older kernel, no such pages left) goes on as before.
  (void)madvise(first, end - begin, MADV_HUGEPAGE);
#ifdef MADV_COLLAPSE
  (void)madvise(first, end - begin, MADV_COLLAPSE);
#endif
}

}  // namespace swipegym
