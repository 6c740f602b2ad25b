#!/usr/bin/env python3
"""Tables of docs/results/platform.md from what `swipegym platform` wrote.

    platform_table.py FOLDER [--days FROM:TO,...] [--measures seconds,uploads,...] [--versus POLICY] [--tau FOLDER]
                      [--until second_interest,...]

A row a policy: the mean of each measure over the days and its half 95 % interval over worlds (Student's t), and for the
first measure the difference from --versus, world by world. --tau: Kendall's tau of the first measure with another
study, over pairs of policies whose difference there has an interval without 0. --until: for measures that are shares
of users who were served by now, the mean days until they were, whoever was not by the end counted with the whole
season (the restricted mean), and who was not.

    platform_table.py FOLDER --change POLICY --split SPLIT [--days FROM:TO]

A line: what POLICY changes in seconds where whole worlds have it (FOLDER), and what the test says that gives it to half of
the users of each world (SPLIT, of the first policy and --split POLICY); the last figure is the test's bias.
"""
import argparse
import collections
import csv
import itertools
import math
from pathlib import Path

# Student's t at .975 for 1, 2, ... degrees of freedom.
T975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120]


def read(folder: Path) -> dict:
    """policy -> seed -> day -> {measure: value}"""
    out = collections.defaultdict(lambda: collections.defaultdict(dict))
    with open(folder / "season.csv", newline="") as file:
        for row in csv.DictReader(file):
            values = {name: float(value) for name, value in row.items() if name not in ("policy", "seed", "day") and value}
            out[row["policy"]][int(row["seed"])][int(row["day"])] = values
    return out


def worlds(days_of_seed: dict, measure: str, first: int, last: int) -> list[float]:
    means = []
    for seed in sorted(days_of_seed):
        found = [d[measure] for day, d in days_of_seed[seed].items() if first <= day < last and measure in d]
        means.append(sum(found) / len(found) if found else math.nan)
    return means


def interval(values: list[float]) -> tuple[float, float]:
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.nan
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, T975[min(n - 2, len(T975) - 1)] * deviation / math.sqrt(n)


def days_until(days_of_seed: dict, measure: str) -> tuple[list[float], list[float]]:
    """Of each world: E[min(T, days)], the sum of the shares not served before each day begins, and who never was."""
    means, never = [], []
    for seed in sorted(days_of_seed):
        shares = [days_of_seed[seed][day].get(measure, math.nan) for day in sorted(days_of_seed[seed])]
        means.append(1.0 + sum(1.0 - share for share in shares[:-1]))
        never.append(1.0 - shares[-1])
    return means, never


def shown(mean: float, half: float) -> str:
    if math.isnan(mean):
        return "–"
    size = half or abs(mean)
    if math.isnan(half):  # of one world
        return f"{mean:.3g}"
    digits = 0 if size >= 2 else 1 if size >= 0.2 else 2 if size >= 0.02 else 3 if size >= 0.002 else 4
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", default="20:100000")
    parser.add_argument("--measures", default="seconds,regret,discovery,uploads,creators,newcomers,gini")
    parser.add_argument("--versus")
    parser.add_argument("--tau", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--change")
    parser.add_argument("--until", default="")
    a = parser.parse_args()
    study, measures = read(a.folder), a.measures.split(",")
    until = [measure for measure in a.until.split(",") if measure]
    periods = [tuple(int(x) for x in part.split(":")) for part in a.days.split(",")]
    versus = a.versus or next(iter(study))
    if a.split:
        print_bias(study, read(a.split), versus, a.change, periods[0])
        return
    head = ["policy"]
    for first, last in periods:
        label = "" if len(periods) == 1 else f", days {first + 1}–{last}"
        head += [f"{measure}{label}" for measure in measures[:1]] + [f"less {versus}'s"] + [f"{m}{label}" for m in measures[1:]]
    head += [f"days until {measure}" for measure in until]
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for policy, seeds in study.items():
        cells = [policy]
        for first, last in periods:
            main_measure = worlds(seeds, measures[0], first, last)
            base = worlds(study[versus], measures[0], first, last)
            cells.append(shown(*interval(main_measure)))
            cells.append("" if policy == versus else shown(*interval([x - y for x, y in zip(main_measure, base)])))
            cells += [shown(*interval(worlds(seeds, m, first, last))) for m in measures[1:]]
        for measure in until:
            means, never = days_until(seeds, measure)
            cells.append(f"{shown(*interval(means))} ({100 * interval(never)[0]:.0f} % never)")
        print("| " + " | ".join(cells) + " |")
    if a.tau:
        print_tau(study, read(a.tau), measures[0], periods[0])


def print_bias(study: dict, split: dict, versus: str, change: str, period: tuple[int, int]):
    base, changed = (worlds(study[name], "seconds", *period) for name in (versus, change))
    own, other = (worlds(split[versus], f"{half}_seconds", *period) for half in ("own", "other"))
    whole, test = ([y - x for x, y in zip(*pair)] for pair in ((base, changed), (own, other)))
    cells = [change, *(shown(*interval(v)) for v in (whole, test, [y - x for x, y in zip(whole, test)]))]
    print("| " + " | ".join(cells) + " |")


def print_tau(study: dict, truth: dict, measure: str, period: tuple[int, int]):
    agree = counted = 0
    for one, other in itertools.combinations([p for p in study if p in truth], 2):
        true = [x - y for x, y in zip(worlds(truth[one], measure, *period), worlds(truth[other], measure, *period))]
        mean, half = interval(true)
        if not abs(mean) > half:
            continue
        here, _ = interval([x - y for x, y in zip(worlds(study[one], measure, *period), worlds(study[other], measure, *period))])
        counted += 1
        agree += 1 if here * mean > 0 else -1
    if counted == 0:
        print("\nno pair of policies differs in the truth")
        return
    print(f"\nKendall's tau {agree / counted:.2f} over {counted} pairs whose interval in the truth does not hold 0")


if __name__ == "__main__":
    main()
