"""The Markdown tables of docs/results/policies.md, from what bench/results.sh left in OUT.

    python3 bench/results_table.py OUT/30/m10.json [OUT/5/m10.json ...]
"""

import json
import sys


def plain(number, digits):
    """As the pages write numbers: without a zero before the point."""
    return f"{number:,.{digits}f}".replace("-0.", "-.") if number < 0 else f"{number:,.{digits}f}".removeprefix("0") or "0"


def interval(value, digits=1):
    return f"{plain(value['mean'], digits)} [{plain(value['low'], digits)}, {plain(value['high'], digits)}]"


def table(path):
    with open(path) as file:
        report = json.load(file)
    first, judge = report["simulators"][0], report["simulators"][1]
    agreement = report["agreement"][0]
    print(f"\n{path}\n")
    print("| policy | s a session | in the judge, s | judge less here, s | judge: 0 random, 1 its own oracle | judge: less wt, paired, s | videos |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for policy in sorted(judge["policies"], key=lambda p: -p["metrics"]["reward"]["mean"]):
        name = policy["name"]
        here = next(p for p in first["policies"] if p["name"] == name)
        versus = "" if name == "wt" else interval(policy["versus"])
        print(
            f"| {name} | {interval(here['metrics']['reward'])} | {interval(policy['metrics']['reward'])}"
            f" | {plain(-agreement['gap'][name]['mean'], 1)} | {interval(policy['normalised_score'], 2)} | {versus}"
            f" | {policy['metrics']['depth']['mean']:.1f} |"
        )
    for name in ("is_like", "is_hate", "returns_in_day"):
        print(f"\n{name} in the judge: " + ", ".join(f"{p['name']} {p['metrics'][name]['mean']:.4f}" for p in judge["policies"]))
    print(
        f"\nKendall's tau {interval(agreement['kendall_tau'], 2)}; chosen here: {agreement['choice']}, best there: "
        f"{agreement['best']}, regret {interval(agreement['regret'], 3)}"
    )


for path in sys.argv[1:]:
    table(path)
