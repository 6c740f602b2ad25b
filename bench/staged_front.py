"""The compositions of bench/staged.sh front, and its table.

    python3 bench/staged_front.py write BASE.json DIR   BASE's stages under every orderer, as DIR/front_NAME.json
    python3 bench/staged_front.py table FRONT.json      the Markdown table of what compare wrote
"""

import json
import os
import re
import sys

VECTORS = {"vectors": "two_tower.h5"}
DEVIATIONS = {"vectors": "variational.h5"}
ORDERERS = {
    "value": {},
    **{f"mmr_{x}": {"method": "mmr", "mmr_lambda": x, **VECTORS} for x in (0.9, 0.7, 0.5)},
    **{f"dpp_{x}": {"method": "dpp", "dpp_theta": x, **VECTORS} for x in (30, 10, 3)},
    # More of it for users who are not well known, at an equal mean: the mean of deviation / mean deviation is 1.
    **{f"mmr_{x}_{name}": {"method": "mmr", "mmr_lambda": x, **DEVIATIONS, "variance": {"power": power, "limit": 1000}}
       for x in (0.9, 0.7) for name, power in (("constant", 0), ("by-variance", 0.5))},
    **{f"ssd_{x}": {"method": "ssd", "ssd_gamma": x, **VECTORS} for x in (0.1, 0.3, 1)},
    **{f"damping_{x}": {"inventory": {"kappa": x}} for x in (0.1, 0.3, 1)},
    **{f"bring-back_{x}": {"bring_back": {"probability": x, "place": "drawn"}} for x in (0.1, 0.3, 1)},
    **{f"rules_{x}": {"rules": {"no_author_twice": True, "tag_cap": x}} for x in (4, 2, 1)},
}


# How a slate is found among 2,000 retrieved videos: pruned step by step, or so many scored at once.
SCORED = {"use": "multitask", "file": "multitask.h5"}
DIVERSE = {"use": "slate", "method": "dpp", "dpp_theta": 10, "consider": 30, **VECTORS}
STEPS = {
    "stepwise": {
        "prune": [
            {"use": "policy", "file": "longest", "keep": 500},  # what a rule knows of seconds
            {"use": "policy", "file": "two_tower.h5", "keep": 100},
        ]
    },
    "at-once_2000": {},
    "at-once_500": {"count": 500},
    "at-once_100": {"count": 100},
}


def write_steps(folder):
    for name, change in STEPS.items():
        composition = {
            "retrieve": [{"use": "vectors", "file": "two_tower.h5", "count": change.get("count", 2000)}],
            "score": SCORED,
            "value": {"watch_s": 1},
            "order": [DIVERSE],
        }
        if "prune" in change:
            composition["prune"] = change["prune"]
        with open(os.path.join(folder, f"front_{name}.json"), "w") as file:
            json.dump(composition, file, indent=2)


def write(base, folder):
    write_steps(folder)
    with open(base) as file:
        text = re.sub(r"(?m)^\s*//.*$", "", file.read())
    composition = json.loads(text)
    for name, order in ORDERERS.items():
        composition["order"] = [{"use": "slate", **order}]
        with open(os.path.join(folder, f"front_{name}.json"), "w") as file:
            json.dump(composition, file, indent=2)


def interval(value, digits):
    return f"{value['mean']:,.{digits}f} [{value['low']:,.{digits}f}, {value['high']:,.{digits}f}]"


def table(path):
    with open(path) as file:
        report = json.load(file)
    here, judge = report["simulators"][:2]
    print("| order | s a session | less value, paired, s | in the judge, s | less value, paired, s | entropy, nats | catalogue shown | author Gini | videos |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for policy in here["policies"]:
        judged = next(p for p in judge["policies"] if p["name"] == policy["name"])
        metrics = policy["metrics"]
        less = [interval(p["versus"], 1) if "versus" in p and p["name"] != "value" else "" for p in (policy, judged)]
        print(
            f"| {policy['name'].replace('_', ' ')} | {interval(metrics['reward'], 1)} | {less[0]}"
            f" | {interval(judged['metrics']['reward'], 1)} | {less[1]} | {metrics['tag_entropy']['mean']:.3f}"
            f" | {metrics['catalogue_share']['mean']:.3f} | {metrics['author_gini']['mean']:.3f} | {metrics['depth']['mean']:.1f} |"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"] and len(sys.argv) == 4:
        write(*sys.argv[2:])
    elif sys.argv[1:2] == ["table"] and len(sys.argv) == 3:
        table(sys.argv[2])
    elif sys.argv[1:2] == ["names"]:
        print(" ".join([*ORDERERS, *STEPS]))
    else:
        sys.exit(__doc__)
