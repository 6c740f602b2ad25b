#!/usr/bin/env python3
"""What a policy's choice would do, by how many random exposures a simulator was fitted to, where the truth is known.

    interventions.py OUT [--worlds 5] [--rows 0,1000,5000,40000,all] [--swipegym build/release/swipegym]

Worlds are synthetic `pure` of 300,000 standard rows, seeds from 11; the last two are other platforms, which know half
and one and a half times as much that no feature holds. In each, random exposures until 20220430 are cut to those
named, a simulator is fitted, and random exposures of May judge it (`fidelity --log random`); the truth is judged by
the same rows. Then the truth judges eight policies that the simulator has ordered (`compare --judge truth`), two of
them trained in it: a ranker, and a DQN of 100,000 steps among ten. A table in Markdown, means over worlds and the
largest distance from 0 of an excess or a gap in any. What is in OUT already is not made again.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

UNTIL, FROM = 20220430, 20220501
CANDIDATES = (10, 100)
HIDDEN = {3: "0.5", 4: "1.5"}  # of the last two worlds


def make(path: Path, *command) -> Path:
    if not path.exists():
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return path


def cut(world: Path, rows: str, out: Path) -> Path:
    """The world with so many of its random rows until UNTIL."""
    if out.exists():
        return out
    out.mkdir()
    for file in world.iterdir():
        if not file.name.startswith("log_random"):
            os.symlink(file.resolve(), out / file.name)
    (source,) = world.glob("log_random*")
    head, *lines = source.read_text().splitlines(keepends=True)
    date = head.split(",").index("date")
    past = [i for i, line in enumerate(lines) if int(line.split(",")[date]) <= UNTIL]
    kept = set(random.Random(7).sample(past, min(len(past), int(rows))))
    dropped = set(past) - kept
    with open(out / source.name, "w") as file:
        file.write(head)
        file.writelines(line for i, line in enumerate(lines) if i not in dropped)
    return out


def judged(swipegym: Path, world: Path, rows: str, at: Path, policies: str) -> dict:
    """The figures of one simulator."""
    data = world if rows == "all" else cut(world, rows, at.with_suffix(""))
    sim = make(at, swipegym, "fit", "--data", data, "--until", UNTIL, "--seed", 1, "--quiet", "--out", at)
    out = {}
    for m in CANDIDATES:
        name = at.with_suffix(f".{m}.json")
        seen = json.loads(make(name, swipegym, "fidelity", "--simulator", sim, "--data", world, "--log", "random", "--from",
                               FROM, "--candidates", m, "--json", name, "--quiet").read_text())
        # Rows are the same, so the truth's own gap is what rows are off by.
        life, truth = seen["choices"], seen["choices_truth"]
        if m == CANDIDATES[0]:
            for what in ("is_click", "watch_s"):
                out[what] = (life["strata"]["popularity"]["excess"][what]["mean"]
                             - truth["strata"]["popularity"]["excess"][what]["mean"])
            out["mean"] = life["policies"]["random"]["simulated"] / truth["policies"]["random"]["simulated"] - 1
        out["gap", m] = {policy: life["policies"][policy]["gap_of_lift"]["mean"]
                         - truth["policies"][policy]["gap_of_lift"]["mean"] for policy in life["policies"]}
        name = at.with_suffix(f".{m}.compare.json")
        agreement = json.loads(make(name, swipegym, "compare", "--simulator", sim, "--judge", "truth", "--data", world,
                                    "--candidates", m, "--policies", policies, "--sessions", 2000, "--seeds", 2, "--json",
                                    name, "--quiet").read_text())["agreement"][0]
        out["tau", m] = agreement["kendall_tau"]["mean"]
        out["regret", m] = agreement["regret"]["mean"]
    return out


def world_of(swipegym: Path, out: Path, number: int) -> Path:
    path = out / f"world{number}"
    return make(path, swipegym, "data", "synth", "--preset", "pure", "--rows", 300000, "--seed", 11 + number,
                "--hidden-signal", HIDDEN.get(number, "1"), "--quiet", "--out", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--rows", default="0,1000,5000,40000,all")
    parser.add_argument("--swipegym", type=Path, default=Path(__file__).parent.parent / "build/release/swipegym")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    swipegym = Path(shutil.which(options.swipegym) or options.swipegym).resolve()
    if not os.access(swipegym, os.X_OK):
        parser.error(f"{options.swipegym}: no such program; build it, or name it with --swipegym")
    table = {rows: [] for rows in options.rows.split(",")}
    for number in range(options.worlds):
        world = world_of(swipegym, options.out, number)
        first = make(options.out / f"w{number}-all.h5", swipegym, "fit", "--data", world, "--until", UNTIL, "--seed", 1,
                     "--quiet", "--out", options.out / f"w{number}-all.h5")
        ranker, dqn = options.out / f"ranker{number}.h5", options.out / f"dqn{number}.h5"
        make(ranker, swipegym, "train", "ranker", "--data", world, "--until", UNTIL, "--quiet", "--out", ranker)
        settings = options.out / "dqn.json"
        settings.write_text('{"env_steps": 100000}')
        make(dqn, swipegym, "train", "dqn", "--simulator", first, "--config", settings, "--quiet", "--out", dqn)
        policies = f"random,popularity,shortest,longest,item-mean,supervised={ranker},dqn={dqn},oracle"
        for rows, found in table.items():
            found.append(judged(swipegym, world, rows, options.out / f"w{number}-{rows}.h5", policies))
    print("| random rows | excess of click, largest | of seconds, largest | gap of lift, largest at 10, 100 (s) "
          "| mean seconds, largest | tau at 10, 100 | regret at 10, 100 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for rows, found in table.items():
        average = lambda key: sum(one[key] for one in found) / len(found)
        farthest = lambda key: max((one[key] for one in found), key=abs)
        gaps = [max((gap for one in found for gap in one["gap", m].values()), key=abs) for m in CANDIDATES]
        print(f"| {rows} | {average('is_click'):+.4f}, {farthest('is_click'):+.4f} "
              f"| {average('watch_s'):+.2f}, {farthest('watch_s'):+.2f} | {gaps[0]:+.2f}, {gaps[1]:+.2f} "
              f"| {100 * farthest('mean'):+.1f} % | {average(('tau', 10)):.2f}, {average(('tau', 100)):.2f} "
              f"| {100 * average(('regret', 10)):.1f} %, {100 * average(('regret', 100)):.1f} % |")


if __name__ == "__main__":
    main()
