#!/usr/bin/env python3
"""The tables of docs/results/optimism.md from what `bench/headline.sh optimism OUT` measured:  optimism_table.py OUT

Promise: mean return a session in the simulator that a policy was made for; what it gives: that in the truth or judge.
Gap: promise less what is given, as a share of (best - random), both in the judge, the best of all policies of that judge
and number of candidates. Coverage: how often mean of members +- t sqrt(9/8 d^2 + noise^2) holds what the truth gives,
d the deviation of a member, t the 95th percentile of Student's with seven degrees of freedom: 90 % of a new draw.
"""

import json
import math
import pathlib
import sys

FITS = ("before", "one", "members")
POLICIES = ("random", "popularity", "item-mean", "longest", "shortest", "oracle", "dqn", "ppo")  # of coverage
STUDENT_7 = 1.895


def figures(path):
    """{policy: (promise, given)}, their half widths of sampling noise, and the members' deviations, of one comparison."""
    report = json.loads(path.read_text())
    own, judge = report["simulators"]
    out = {}
    for mine, theirs in zip(own["policies"], judge["policies"]):
        reward = theirs["metrics"]["reward"]
        out[mine["name"]] = {
            "promise": mine["metrics"]["reward"]["mean"],
            "given": reward["mean"],
            "noise": (reward["high"] - reward["low"]) / 3.92,
            "members": mine.get("members"),
        }
    return out


def gaps(out, world, candidates):
    read = {fit: figures(path) for fit in FITS if (path := out / f"{world}-{fit}-{candidates}.json").exists()}
    if not read:
        return {}
    best = max(p["given"] for policies in read.values() for p in policies.values())
    random = sum(policies["random"]["given"] for policies in read.values()) / len(read)
    return {
        (fit, name): (p["promise"], p["given"], (p["promise"] - p["given"]) / (best - random))
        for fit, policies in read.items()
        for name, p in policies.items()
    }


def coverage(out, worlds, candidates):
    held, total, missed = 0, 0, []
    for world in worlds:
        path = out / f"{world}-members-{candidates}.json"
        if not path.exists():
            continue
        for name, p in figures(path).items():
            if name not in POLICIES:
                continue
            members = p["members"]
            half = STUDENT_7 * math.sqrt(
                members["reward"] ** 2 * 9 / 8 + members["reward_noise"] ** 2 + p["noise"] ** 2
            )
            total += 1
            if abs(p["promise"] - p["given"]) <= half:
                held += 1
            else:
                missed.append(f"{world} {name} {p['promise']:.1f} ± {half:.1f}, {p['given']:.1f}")
    return held, total, missed


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    worlds = sorted({p.name.split("-")[0] for p in out.glob("world*-*-10*.json")})
    for title, places in (("Worlds", worlds), ("Slice", ["slice"])):
        for candidates in (10, 100):
            measured = [found for place in places if (found := gaps(out, place, candidates))]
            if not measured:
                continue
            print(f"\n{title}, {candidates} candidates: promise, given, gap as a share of (best - random)\n")
            row("fit", "policy", *places, "mean gap")
            row(*["---"] * (len(places) + 3))
            for fit, name in measured[0]:
                cells = [m.get((fit, name)) for m in measured]
                if any(cell is None for cell in cells):
                    continue
                texts = [f"{promise:.1f}, {given:.1f}: {gap:+.2f}" for promise, given, gap in cells]
                row(fit, name, *texts, f"{sum(gap for _, _, gap in cells) / len(cells):+.2f}")
    print("\nTrained across members less in one fit, seconds a session in the truth\n")
    row("candidates", "agent", *worlds)
    row(*["---"] * (len(worlds) + 2))
    for candidates in (10, 100):
        for agent in ("dqn", "ppo"):
            cells = []
            for world in worlds:
                path = out / f"{world}-{agent}-truth-{candidates}.json"
                if not path.exists():
                    continue
                policies = json.loads(path.read_text())["policies"]
                members = next(p for p in policies if p["name"] == "members")["versus"]
                cells.append(f"{members['mean']:+.2f} [{members['low']:.2f}, {members['high']:.2f}]")
            if cells:
                row(str(candidates), agent, *cells)
    for candidates in (10, 100):
        held, total, missed = coverage(out, worlds, candidates)
        if total:
            print(f"\nCoverage, {candidates} candidates: {held} of {total}; missed:", "; ".join(missed) or "none")


if __name__ == "__main__":
    main()
