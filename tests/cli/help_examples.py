#!/usr/bin/env python3
"""Runs every example of every help page as it is printed, in a folder that has the files they name.

    tests/cli/help_examples.py build/release/swipegym            # all
    tests/cli/help_examples.py build/release/swipegym generate   # those of one command
    tests/cli/help_examples.py build/release/swipegym --quick    # without quickstart, which has tests of its own

Sizes alone are smaller: words of SMALLER stand for others in the line, and --set shortens trainings. An example that
writes what another reads runs before it. Prints what fails, and how many passed.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SMALLER = {
    "--preset pure": "--preset tiny",
    "--preset 1k": "--preset tiny",
    "--sessions 100000": "--sessions 300",
    "--sessions 2000": "--sessions 50",
    "--days 60 --users 1000": "--days 25 --users 30",
    "--seeds 20": "--seeds 2",
    "--seeds 10": "--seeds 1",
    "--seeds 5": "--seeds 2",
    "--trials 20": "--trials 2",
    "--sizes 10,100,1000,all": "--sizes 10,100,all",
}
ONLINE = ["env_steps=2048", "round_steps=1024", "num_envs=64"]
DQN = [*ONLINE, "learning_starts=512", "replay_capacity=4096"]
ACTOR = [*ONLINE, "rollout_steps=8"]
SETTINGS = {  # by the command's name, or its beginning
    "fit": ["max_updates=5"],
    "creators fit": ["max_steps=3"],
    "train dqn": DQN,
    "train full-output": DQN,
    "train ranker": ["epochs=0.01"],
    "train tscac": [*ACTOR[1:], "env_steps=8192", "auxiliary_steps=1024"],
    "train": ACTOR,
    "supervised": ["epochs=1"],
    "constrain": ["videos=50"] + [part + "_epochs=1" for part in ("behaviour", "critic", "advantage", "actor")],
    "converge": ["dqn." + one for one in DQN] + ["sessions=20", "oracle_sessions=5"],
    "tabular": ["sweeps=300", "reduction.plays=20000", *["dqn." + one for one in DQN]],
    "bandits": ["days=10", "life_days=3", "uploads_a_day=20", "slate=20"],
    "platform": ["burn_in=1", "users=30", "days=25"],
}
OPTIONS = {"bench": " --seconds 0.1"}  # of commands without settings
# What examples read that no example of a help page makes.
MADE = [
    "data synth --preset tiny --seed 1 --out KuaiRand-Pure",
    "data import KuaiRand-Pure --out pure.h5",
    "fit --data KuaiRand-Pure --until 20220504 --set max_updates=5 --out sim.h5",
    "fit --data KuaiRand-Pure --seed 7 --set max_updates=5 --out judge.h5",
    "supervised ranker --data pure.h5 --until 20220502 --set epochs=0.01 --out ranker.h5",
    "supervised two-tower --data pure.h5 --until 20220502 --set epochs=1 --out two_tower.h5",
    "supervised sqn --data pure.h5 --until 20220502 --set epochs=1 --out sqn.h5",
    "supervised mf --data pure.h5 --until 20220502 --set epochs=1 --seeds 2 --out mf.h5",
    "supervised mf --data pure.h5 --until 20220502 --set epochs=1 --out mf.h5",
    "supervised sasrec-next --data pure.h5 --until 20220502 --set epochs=1 --out sasrec-s1.h5",
    "train dqn --simulator sim.h5 --set " + " --set ".join(DQN) + " --out dqn.h5",
]
FIRST = ["data synth", "data import", "fit", "generate", "quickstart", "train", "platform"]  # they make what others read


def settings_of(command):
    for name in sorted(SETTINGS, key=len, reverse=True):
        if command == name or command.startswith(name + " "):
            return SETTINGS[name]
    return []


def examples(program):
    """(command, line) in the order they are to run."""
    names = re.findall(r"^  ([a-z0-9-]+(?: [a-z0-9-]+)?)  ", subprocess.check_output([program, "--help"], text=True), re.M)
    found = []
    for name in names:
        page = subprocess.check_output([program, *name.split(), "--help"], text=True)
        block = re.search(r"^Examples\n((?:  .*\n)+)", page, re.M).group(1)
        found += [(name, line.strip()) for line in block.splitlines()]

    def turn(example):
        return next((i for i, first in enumerate(FIRST) if example[0].startswith(first)), len(FIRST))

    return sorted(found, key=turn)


def run(line, folder, program):
    folder_of_program = Path(program).resolve().parent
    return subprocess.run(
        ["bash", "-c", f"PATH={folder_of_program}:$PATH; {line}"], cwd=folder, capture_output=True, text=True, timeout=300
    )


def prepare(folder, program):
    for link in ("configs", "tests", "bench"):
        (folder / link).symlink_to(ROOT / link)
    for words in MADE:
        made = run(f"swipegym {words} --quiet", folder, program)
        if made.returncode != 0:
            sys.exit(f"swipegym {words}: {made.stderr}")
    (folder / "KuaiRand-27K").symlink_to("KuaiRand-Pure")
    (folder / "KuaiRand-1K").symlink_to("season/logs/uniform-s1")  # in which uploads follow rows
    (folder / "dqn-s1.h5").write_bytes((folder / "dqn.h5").read_bytes())
    rows = "".join(f"{user},{item},{100 * item + user},{user % 5}\n" for user in range(9) for item in range(7))
    (folder / "ratings.csv").write_text("user,item,time,rating\n" + rows)
    (folder / "sales.csv").write_text("customer,sku,sold_at\n" + "".join(row.rsplit(",", 1)[0] + "\n" for row in rows.split()))
    subprocess.run(["gzip", "sales.csv"], cwd=folder, check=True)


def main():
    program, *only = sys.argv[1:]
    left_out = ("quickstart",) if "--quick" in only else ()
    only = [name for name in only if name != "--quick"]
    failed, passed = 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, program)
        for command, line in examples(program):
            if command in left_out or (only and command not in only):
                continue
            asked = line
            for words, fewer in SMALLER.items():
                asked = asked.replace(words, fewer)
            asked += "".join(f" --set {one}" for one in settings_of(command)) + OPTIONS.get(command, "")
            begun = time.monotonic()
            outcome = run(asked, folder, program)
            if outcome.returncode == 0:
                passed += 1
            else:
                failed += 1
                print(f"FAILED: {line}\n  {outcome.stderr.strip().splitlines()[-1]}")
            if (seconds := time.monotonic() - begun) > 2:
                print(f"{seconds:.1f} s: {line}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
