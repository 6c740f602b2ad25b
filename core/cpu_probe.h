#pragma once

namespace swipegym {

/// How much a plain loop gains on two threads right now: near 2 where two processors are free, near 1 where the machine
/// or the host of a virtual one has only one to give. The loop is a chain of dependent multiplications without memory,
/// so nothing but processor time can hold it back. Takes about `seconds`; 1 with a single hardware thread.
double two_thread_gain(double seconds = 0.4);

/// Below this a figure taken on two threads says more about the machine than about the program.
inline constexpr double kHealthyGain = 1.8;

}  // namespace swipegym
