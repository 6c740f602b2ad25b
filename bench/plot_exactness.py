#!/usr/bin/env python3
"""Draws how tabular Q-learning comes to exact answers: plot_exactness.py curves.csv out.png

curves.csv is what `swipegym tabular --curves curves.csv` writes: learner,seed,sweeps,error,bias."""
import csv
import sys
from collections import defaultdict

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

NAMES = {"q": "Q-learning", "double_q": "double Q-learning"}


def main():
    errors, biases = defaultdict(list), defaultdict(list)
    with open(sys.argv[1]) as file:
        for row in csv.DictReader(file):
            point = row["learner"], int(row["sweeps"])
            errors[point].append(float(row["error"]))
            biases[point].append(float(row["bias"]))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
    for color, (learner, name) in zip(("C0", "C1"), NAMES.items()):
        sweeps = sorted(n for who, n in errors if who == learner)
        mean = [sum(errors[learner, n]) / len(errors[learner, n]) for n in sweeps]
        left.fill_between(sweeps, [min(errors[learner, n]) for n in sweeps], [max(errors[learner, n]) for n in sweeps],
                          color=color, alpha=0.2, linewidth=0)
        left.plot(sweeps, mean, color=color, label=name)
        if learner == "q":
            left.plot(sweeps, [mean[-1] * (sweeps[-1] / n) ** 0.5 for n in sweeps], color="0.6", linestyle=":",
                      label="slope -1/2")
        right.plot(sweeps, [sum(biases[learner, n]) / len(biases[learner, n]) for n in sweeps], color=color, label=name)
    left.set(xscale="log", yscale="log", xlabel="sweeps", ylabel="max |Q - Q*|, s (mean, range of seeds)")
    right.set(xscale="log", xlabel="sweeps", ylabel="bias of a state's value, s")
    right.axhline(0, color="0.6", linewidth=0.8)
    left.legend()
    right.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=80)


main()
