"""Trains every client of swipegym.examples at full length over seeds; writes a table and the learning curves.

    python bench/clients/run.py --out build/clients --python rllib_ppo=build/ray/bin/python
    python bench/clients/run.py --out build/clients --only sb3_dqn,sb3_ppo
    python bench/clients/run.py --out build/clients --table        # again, from what is there

Writes NAME.json and NAME.log of each client, table.md and clients.png into the folder; ends with 1 where a client failed or is
not better than random choice. Needs what the examples' headers name, and matplotlib for the plot. swipegym must be
importable by every interpreter. scripts/clients_weekly.sh makes environments for all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

CLIENTS = ("sb3_ppo", "sb3_dqn", "sb3_plain", "sb3_maskable_ppo", "torch_dqn", "torchrl_dqn", "tianshou_dqn", "skrl_ddqn", "d3rlpy_dqn", "pfrl_dqn", "rllib_ppo")


def run(name: str, python: str, out: Path, options: argparse.Namespace) -> bool:
    command = [python, "-m", f"swipegym.examples.{name}", "--json", str(out / f"{name}.json")]
    command += ["--seeds", str(options.seeds), "--sessions", str(options.sessions), "--curve", str(options.curve)]
    if options.steps:
        command += ["--steps", str(options.steps)]
    print(" ".join(command), flush=True)
    with open(out / f"{name}.log", "w") as log:
        status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode
    if status:
        print(f"{name} ended with {status}: see {out / name}.log", file=sys.stderr)
    return status == 0


def bootstrap(returns: np.ndarray, resamples: int = 2000) -> tuple[float, float]:
    """95 % interval of the mean of returns [training seeds, sessions]: seeds are drawn again, and sessions, the same
    ones for every seed since all of them played the same."""
    random = np.random.default_rng(1)
    means = np.empty(resamples)
    for i in range(resamples):
        sessions = returns[:, random.integers(returns.shape[1], size=returns.shape[1])].mean(axis=1)
        means[i] = sessions[random.integers(len(returns), size=len(returns))].mean()
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def row(name: str, steps: str, seconds: str, returns: np.ndarray, random: np.ndarray, oracle: np.ndarray) -> str:
    """A line of the table. returns: [training seeds, sessions]; random, oracle: [sessions], the same ones. The share is of
    the way from random to the oracle, with that of the worst training seed."""
    more, whole = returns - random, oracle.mean() - random.mean()
    cells = [name, steps, seconds, "{:.1f} [{:.1f}, {:.1f}]".format(returns.mean(), *bootstrap(returns)), "", ""]
    if steps:
        cells[-2] = "{:+.1f} [{:+.1f}, {:+.1f}]".format(more.mean(), *bootstrap(more))
        cells[-1] = f"{more.mean() / whole:.2f} ({more.mean(axis=1).min() / whole:.2f})"
    return "| " + " | ".join(cells) + " |"


def table(results: list[dict]) -> str:
    lines = [
        "| client | steps | training, s (processor, s) | seconds watched a session | beside random | share (worst seed) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    random, oracle = np.array(results[0]["random"]), np.array(results[0]["oracle"])
    lines.append(row("random", "", "", random[None], random, oracle))
    lines.append(row("one-step oracle", "", "", oracle[None], random, oracle))
    for result in results:
        wall, processor = np.max([one["seconds"] for one in result["runs"]], axis=0)
        returns = np.array([one["returns"] for one in result["runs"]])
        if not np.array_equal(random, result["random"]):
            raise SystemExit(f"{result['name']} and {results[0]['name']} played other sessions: run both again")
        steps = f"{result['steps']:,}"
        lines.append(row(result["name"], steps, f"{wall:.0f} ({processor:.0f})", returns, random, oracle))
    return "\n".join(lines) + "\n"


def plot(results: list[dict], path: Path) -> None:
    """The mean over training seeds, and all of them as a band."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    for result in results:
        steps = np.array([point["steps"] for point in result["runs"][0]["curve"]])
        means = np.array([[point["mean"] for point in one["curve"]] for one in result["runs"]])
        (line,) = axes.plot(steps, means.mean(axis=0), marker=".", label=result["name"])
        axes.fill_between(steps, means.min(axis=0), means.max(axis=0), color=line.get_color(), alpha=0.1, linewidth=0)
    for name, style in (("random", ":"), ("oracle", "--")):
        mean = np.mean(results[0][name][: results[0]["curve_sessions"]])
        axes.axhline(mean, color="0.4", linestyle=style, label=name)
    axes.set_xscale("log")
    axes.set_xlim(left=1000)  # before that networks are what they were drawn as
    axes.set_xlabel("steps of training")
    axes.set_ylabel("seconds watched a session")
    axes.legend(fontsize="small", ncol=2)
    figure.tight_layout()
    figure.savefig(path, dpi=100, format="png")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--only", default=",".join(CLIENTS), help="names, with commas between them")
    options.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="a client's interpreter")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--sessions", type=int, default=4000)
    options.add_argument("--curve", type=int, default=2500)
    options.add_argument("--steps", type=int, help="other than the examples' own")
    options.add_argument("--table", action="store_true", help="train nothing, read what is in the folder")
    options = options.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pythons = dict(pair.split("=", 1) for pair in options.python)
    names = options.only.split(",")
    failed = []
    if not options.table:
        failed = [name for name in names if not run(name, pythons.get(name, sys.executable), options.out, options)]

    files = [options.out / f"{name}.json" for name in names if name not in failed]
    results = [json.loads(file.read_text()) for file in files if file.exists()]
    if not results:
        raise SystemExit(f"nothing in {options.out}")
    text = table(results)
    print(text, end="")
    for path, write in (("table.md", lambda to: to.write_text(text)), ("clients.png", lambda to: plot(results, to))):
        part = options.out / (path + ".part")
        write(part)
        part.replace(options.out / path)
    for result in results:
        more = np.array([one["returns"] for one in result["runs"]]) - np.array(result["random"])
        if bootstrap(more)[0] <= 0:
            failed.append(result["name"])
            print(f"{result['name']} is not better than random choice", file=sys.stderr)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
