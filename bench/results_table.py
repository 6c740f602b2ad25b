"""The Markdown tables of docs/results/policies.md, from what bench/results.sh left in OUT.

    python3 bench/results_table.py OUT/30/m10.json [OUT/5/m10.json ...]
"""

import json
import sys


def interval(value, digits=1):
    return f"{value['mean']:,.{digits}f} [{value['low']:,.{digits}f}, {value['high']:,.{digits}f}]"


def table(path):
    with open(path) as file:
        report = json.load(file)
    first, judge = report["simulators"][0], report["simulators"][1]
    judged = {policy["name"]: policy for policy in judge["policies"]}
    gaps = report["agreement"][0]["gap"]
    print(f"\n{path}\n")
    print("| policy | seeds | s a session | judged | there less here | judged, 0 random, 1 oracle | judged less wt | videos | back in a day |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for policy in sorted(judge["policies"], key=lambda p: -p["metrics"]["reward"]["mean"]):
        name = policy["name"]
        here = next(p for p in first["policies"] if p["name"] == name)
        gap = gaps[name]
        less = {"mean": -gap["mean"], "low": -gap["high"], "high": -gap["low"]}
        versus = "" if name == "wt" else interval(policy["versus"])
        print(
            f"| {name} | {policy['training_seeds']} | {interval(here['metrics']['reward'])} | {interval(policy['metrics']['reward'])}"
            f" | {interval(less)} | {interval(judged[name]['normalised_score'], 2)} | {versus}"
            f" | {policy['metrics']['depth']['mean']:.1f} | {policy['metrics']['returns_in_day']['mean']:.3f} |"
        )
    agreement = report["agreement"][0]
    print(
        f"\nKendall's tau {interval(agreement['kendall_tau'], 2)}; chosen here: {agreement['choice']}, best there: "
        f"{agreement['best']}, regret {interval(agreement['regret'], 3)}"
    )


for path in sys.argv[1:]:
    table(path)
