#!/usr/bin/env python3
"""Draws the durations of what rankers recommend beside the pool's: plot_durations.py durations.csv out.png

durations.csv is what `label_study fit` writes, put together: method,duration_s."""
import csv
import sys
from collections import defaultdict

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SHOWN = ["pc", "d2q", "dvr", "labelcraft"]


def main():
    durations = defaultdict(list)
    with open(sys.argv[1]) as file:
        for row in csv.DictReader(file):
            durations[row["method"]].append(float(row["duration_s"]))
    bins = range(0, 421, 20)
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(14, 3), sharey=True)
    for axis, method in zip(axes, SHOWN):
        axis.hist(durations["pool"], bins=bins, density=True, color="0.8", label="pool")
        axis.hist(durations[method], bins=bins, density=True, histtype="step", color="C0", label=method)
        axis.set_xlabel("duration, s")
        axis.legend()
    axes[0].set_ylabel("density")
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=120)


main()
