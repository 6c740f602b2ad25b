#pragma once

#include <cstdint>
#include <span>

#include "core/random.h"

namespace swipegym {

/// Beta(alpha[i], beta[i]) for stream `streams[i]` of the key, in [0, 1], as draw_beta() of core/random_draws.h draws
/// them: by the ratio of two gammas of Marsaglia & Tsang (TOMS 2000). Many at a time and in single precision, which is
/// three times as fast; what a stream gives does not depend on its place in the list. Shapes are 1e-6 or more; all
/// spans have one length.
void draw_betas(RandomKey key, std::span<const std::uint32_t> streams, std::span<const double> alpha,
                std::span<const double> beta, std::span<double> out);

}  // namespace swipegym
