#!/usr/bin/env python3
"""Draws a convergence study from the CSV files of `swipegym converge`: python3 bench/plot_convergence.py STUDY OUT.png"""
import csv
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen first)


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def curves(axis, rows, agent):
    """Mean over seeds of the normalised return against steps, a line a size; the band is the seeds' range."""
    sizes = sorted({int(row["size"]) for row in rows})
    for place, size in enumerate(sizes):
        points = defaultdict(list)
        for row in rows:
            if int(row["size"]) == size and row["agent"] == agent:
                points[int(row["env_steps"])].append(float(row["normalised"]))
        if not points:
            continue
        steps = sorted(points)
        colour = plt.cm.viridis(place / max(1, len(sizes) - 1) * 0.9)
        axis.plot(steps, [sum(points[s]) / len(points[s]) for s in steps], color=colour, label=f"{size:,}")
        axis.fill_between(steps, [min(points[s]) for s in steps], [max(points[s]) for s in steps], color=colour, alpha=0.15)
    axis.set(xlabel="environment steps", ylabel="0 random, 1 one-step oracle", title=f"greedy return of {agent}")
    axis.legend(title="videos to choose from", fontsize=7)


def by_size(axis, table, figure, title, bars=False, log=False):
    for agent in dict.fromkeys(row["agent"] for row in table):
        mine = [row for row in table if row["agent"] == agent]
        x, y = [int(row["size"]) for row in mine], [float(row[figure]) for row in mine]
        if bars:
            low = [value - float(row[figure + "_low"]) for value, row in zip(y, mine)]
            high = [float(row[figure + "_high"]) - value for value, row in zip(y, mine)]
            axis.errorbar(x, y, yerr=[low, high], marker="o", capsize=3, label=agent)
        else:
            axis.plot(x, y, marker="o", label=agent)
    axis.set(xscale="log", xlabel="videos to choose from", title=title)
    if log:
        axis.set_yscale("log")
    axis.legend(fontsize=7)


def main(study, out):
    rows, table = read(study / "curves.csv"), read(study / "table.csv")
    lines = [{**row, "agent": row["policy"]} for row in read(study / "baselines.csv")]
    _, axes = plt.subplots(2, 3, figsize=(15, 8))
    curves(axes[0][0], rows, "dqn")
    by_size(axes[0][1], table, "normalised", "at the end: 0 random, 1 one-step oracle", bars=True)
    by_size(axes[0][2], table + lines, "reward", "reward a session", bars=True)
    by_size(axes[1][0], [row for row in table if float(row["steps_to_80"]) > 0], "steps_to_80",
            "steps to 80 % of the plateau", log=True)
    by_size(axes[1][1], table, "over_estimation", "promised less realised return")
    by_size(axes[1][2], table, "update_ms", "ms an update, acting included", log=True)
    plt.tight_layout()
    plt.savefig(out, dpi=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
