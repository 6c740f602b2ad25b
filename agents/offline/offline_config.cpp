#include "agents/offline/offline_config.h"

#include "core/config.h"

namespace swipegym {

void check(const OfflineConfig& c) {
  check_ranges(c);
}

}  // namespace swipegym
