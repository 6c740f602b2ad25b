#pragma once

#include <cstddef>

#include "policy/policy_file.h"
#include "policy/value/value_network.h"

namespace swipegym {

/// require_stored() of a whole ValueNetwork over such states and videos. Throws InputError.
void require_stored(const Hdf5Reader& file, const ValueNetworkConfig& config, std::size_t state_size,
                    const ItemInputs& items);

}  // namespace swipegym
