#!/usr/bin/env python3
"""Records the merges that scipy's Ward linkage makes of 200 sets of random points.

    pip install scipy numpy
    python tests/parity/ward.py                 # writes tests/parity/ward.json

The points are not stored: `points` here and in the test draw the same numbers from the same small generator.
"""
import json
import os

import numpy as np
import scipy
from scipy.cluster.hierarchy import linkage

SETS = 200


def points(number):
    """Set `number`: its size, its width, and numbers in [0, 1) of 24 bits, which a float holds exactly."""
    state = number + 1

    def draw():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 40) / 2**24

    n, d = 2 + int(draw() * 60), 1 + int(draw() * 16)
    # Two in three sets lie in groups, as tastes do.
    groups = [[3.0 * draw() for _ in range(d)] for _ in range(number % 3 * 3)]
    rows = []
    for i in range(n):
        centre = groups[i % len(groups)] if groups else [0.0] * d
        rows.append([np.float32(np.float32(c) + np.float32(draw())) for c in centre])
    return np.array(rows, dtype=np.float64)


def main():
    sets = []
    for number in range(SETS):
        made = linkage(points(number), "ward")
        sets.append({"merges": made[:, [0, 1, 3]].astype(int).reshape(-1).tolist(),
                     "heights": [float(f"{h:.10g}") for h in made[:, 2]]})
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ward.json"), "w") as file:
        json.dump({"scipy": scipy.__version__, "sets": sets}, file, separators=(",", ":"))
        file.write("\n")


main()
