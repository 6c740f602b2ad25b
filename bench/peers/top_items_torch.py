#!/usr/bin/env python3
"""Exact top 100 of a catalogue by PyTorch's matmul and topk, in chunks of items so that scores fit; beside
bench/sequence_bench's top_hundred.

    pip install torch
    python bench/peers/top_items_torch.py --threads 2 --users 32 --items 4370000
"""
import argparse
import resource
import statistics
import time

import torch

CHUNK, COUNT, WIDTH = 131072, 100, 64


def top(users, items):
    best = index = None
    for first in range(0, len(items), CHUNK):
        part = items[first:first + CHUNK]
        value, at = torch.topk(users @ part.T, min(COUNT, len(part)), dim=1)
        at = at + first
        if best is not None:
            value, at = torch.cat([best, value], 1), torch.cat([index, at], 1)
            value, order = torch.topk(value, COUNT, dim=1)
            at = at.gather(1, order)
        best, index = value, at
    return index


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--items", type=int, default=4370000)
    parser.add_argument("--seconds", type=float, default=4.0)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    items, users = torch.randn(o.items, WIDTH), torch.randn(o.users, WIDTH)
    top(users, items)
    times = []
    while sum(times) < o.seconds or len(times) < 3:
        start = time.perf_counter()
        top(users, items)
        times.append(time.perf_counter() - start)
    median = statistics.median(times)
    print(f"torch {torch.__version__}: top {COUNT} of {o.items} x {WIDTH} for {o.users} users, {o.threads} threads: "
          f"{1e3 * median:.1f} ms (best {1e3 * min(times):.1f}), {o.users / median:.1f} users/s, "
          f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
