"""Sampling rate of the replay buffer beside cpprb's, in one run on one thread each.

Both hold transitions whose state is the last 200 video ids and draw batches of 256 with s and s' as contiguous
int32 [256, 200] arrays. Runs alternate, so that a machine that slows down slows both, and both are
counted in processor time, so that other programs bother neither. With --prioritised both draw by
priority and are given 256 new priorities after each batch.

    pip install cpprb numpy
    cmake --preset release -DSWIPEGYM_BENCH=ON && cmake --build --preset release --target replay_bench
    python bench/peers/replay.py --bench build/release/bench/replay_bench
"""

import argparse
import json
import statistics
import subprocess
import time

import cpprb
import numpy as np

LENGTH, BATCH = 200, 256


def make_cpprb(transitions, prioritised):
    """A cpprb buffer of sliding windows over one long sequence of ids."""
    ids = np.random.default_rng(0).integers(0, 7583, transitions + LENGTH + 1).astype(np.int32)
    windows = np.lib.stride_tricks.sliding_window_view(ids, LENGTH)
    columns = {
        "obs": {"shape": LENGTH, "dtype": np.int32},
        "next_obs": {"shape": LENGTH, "dtype": np.int32},
        "act": {"dtype": np.int32},
        "rew": {},
        "done": {},
    }
    kind = cpprb.PrioritizedReplayBuffer if prioritised else cpprb.ReplayBuffer
    buffer = kind(transitions, columns)
    for first in range(0, transitions, 1000):
        last = min(first + 1000, transitions)
        buffer.add(
            obs=windows[first:last],
            next_obs=windows[first + 1 : last + 1],
            act=ids[first:last],
            rew=np.zeros(last - first),
            done=np.zeros(last - first),
        )
    return buffer


def cpprb_rate(buffer, prioritised, seconds):
    """Transitions a second."""
    batches, start = 0, time.process_time()
    priorities = np.random.default_rng(1).random((64, BATCH))
    while (elapsed := time.process_time() - start) < seconds:
        sample = buffer.sample(BATCH)
        if prioritised:
            buffer.update_priorities(sample["indexes"], priorities[batches % 64])
        batches += 1
    return batches * BATCH / elapsed


def our_run(bench, suite, transitions, seconds):
    """Transitions a second and bytes a transition beyond its candidate ids."""
    command = [bench, f"--benchmark_filter={suite}/{transitions}$", f"--benchmark_min_time={seconds}", "--benchmark_format=json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["benchmarks"][0]
    return result["items_per_second"], result["bytes_beyond_candidates"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the program replay_bench")
    parser.add_argument("--transitions", type=int, default=200_000, choices=(200_000, 1_000_000))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run")
    parser.add_argument("--prioritised", action="store_true", help="draw by priority and update priorities")
    options = parser.parse_args()

    suite = "prioritised" if options.prioritised else "ids"
    buffer = make_cpprb(options.transitions, options.prioritised)
    theirs, ours, extra = [], [], 0.0
    for _ in range(options.runs):
        theirs.append(cpprb_rate(buffer, options.prioritised, options.seconds))
        rate, extra = our_run(options.bench, suite, options.transitions, options.seconds)
        ours.append(rate)
    for name, rates in (("cpprb", theirs), ("swipegym", ours)):
        print(f"{name:9} {min(rates) / 1e6:6.2f} min {statistics.median(rates) / 1e6:6.2f} median  M transitions/s")
    print(f"ratio of medians {statistics.median(ours) / statistics.median(theirs):.2f}")
    print(f"bytes a transition beyond candidate ids {extra:.1f}")


if __name__ == "__main__":
    main()
