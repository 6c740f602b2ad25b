#!/usr/bin/env python3
"""Kills every command that writes at random moments, and looks at what is left.

    python3 tests/cli/kills.py build/dev/swipegym --kills 120

A command's outputs are there from an earlier run. It is run again and ended by SIGKILL, SIGTERM or SIGINT in turn. Then
each output has the bytes of the earlier run, or, where the signal came too late, those of an undisturbed one; the next
run succeeds with an undisturbed one's bytes; and nothing else is left in the folder. Exits with 1 where any of this does
not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CODES = {signal.SIGKILL: (-9,), signal.SIGTERM: (143, -15), signal.SIGINT: (130, -2)}

WORLD = {"num_envs": 64, "history_length": 10}
DQN = {
    "env_steps": 24000, "round_steps": 2000, "learning_starts": 1000, "steps_per_update": 64, "num_envs": 100,
    "history_length": 10, "replay_capacity": 10000, "batch": 128, "target_every": 20,
}  # fmt: skip
CONFIGS = {
    "fit": {"max_updates": 30},
    "dqn": DQN,
    "ppo": {"algorithm": "ppo", "world": WORLD, "env_steps": 16384, "round_steps": 2048, "evaluation_sessions": 200},
    "sasrec_actor": {"world": WORLD, "env_steps": 6144, "round_steps": 1024},
    "ranker": {"epochs": 0.2},
    "mf": {"epochs": 6, "factors": 4},
    "converge": {
        "evaluations": 2, "sessions": 64, "oracle_sessions": 64,
        "dqn": {"env_steps": 4000, "round_steps": 4000, "learning_starts": 500, "replay_capacity": 4000, "batch": 64},
    },
    "platform": {"max_steps": 20, "world": {"life_days": 3, "least_on_offer": 60}},
    "tabular": {"sweeps": 20000, "reduction": {"plays": 200000}},
}  # fmt: skip


@dataclass
class Case:
    """A command; {o} is the folder of its outputs, {w} that of what was made before, {s} the seed."""

    name: str
    line: str
    outputs: list[str]
    resumes: bool = False
    grows: list[str] = field(default_factory=list)  # outputs that are whole only once a run is
    times: int = 1  # killed so often before it is left alone


CASES = [
    Case("data synth", "data synth --preset tiny --rows 30000 --seed {s} --out {o}/data", ["data"]),
    Case("data import", "data import {w}/data{s} --out {o}/logs.h5", ["logs.h5"]),
    Case("data stats", "data stats {w}/data{s} --json {o}/stats.json", ["stats.json"]),
    Case("fit", "fit --data {w}/data1 --until 20220501 --seed {s} --config {w}/fit.json --out {o}/sim.h5", ["sim.h5"]),
    Case("respond", "respond --simulator {w}/sim.h5 --data {w}/data1 --from 20220502 --seed {s} --out {o}/r.csv", ["r.csv"]),
    Case("generate", "generate --simulator {w}/sim.h5 --policy item-mean --epsilon 0.5 --sessions 3000 --seed {s} --out {o}/log"
         " --keep-candidates {o}/sets.h5", ["log", "sets.h5"]),
    Case("generate, store", "generate --simulator {w}/sim.h5 --sessions 3000 --seed {s} --format hdf5 --out {o}/log.h5",
         ["log.h5"]),
    Case("train dqn", "train dqn --simulator {w}/sim.h5 --config {w}/dqn.json --seed {s} --out {o}/p.h5", ["p.h5"], True),
    Case("train ppo", "train ppo --simulator {w}/sim.h5 --config {w}/ppo.json --seed {s} --out {o}/p.h5", ["p.h5"], True),
    Case("train sasrec-ppo", "train sasrec-ppo --simulator {w}/sim.h5 --config {w}/sasrec_actor.json --seed {s} --out {o}/p.h5",
         ["p.h5"], True),
    Case("train ranker", "train ranker --data {w}/data1 --until 20220501 --config {w}/ranker.json --seed {s} --out {o}/p.h5",
         ["p.h5"]),
    Case("supervised", "supervised mf --data {w}/data1 --until 20220501 --validate-until 20220503 --test-until 20220505"
         " --resamples 20 --seeds 2 --config {w}/mf.json --seed {s} --out {o}/p.h5", ["p-s{s}.h5", "p-s{t}.h5"], True),
    Case("score", "score --policy {w}/mf{s}.h5 --data {w}/data1 --from 20220502 --out {o}/s.csv", ["s.csv"]),
    Case("compare", "compare --simulator {w}/sim.h5 --policies random,popularity,{w}/mf1.h5 --sessions 200 --seeds 2"
         " --resamples 50 --seed {s} --report {o}/r.html --json {o}/c.json", ["r.html", "c.json"]),
    Case("evaluate", "evaluate --policy item-mean --data {w}/data1 --from 20220501 --candidates 5 --resamples 50"
         " --seed {s} --json {o}/e.json", ["e.json"]),
    Case("converge", "converge --simulator {w}/sim.h5 --sizes 5,10 --agents dqn --seeds 1 --config {w}/converge.json"
         " --seed {s} --out {o}/study", ["study/table.csv", "study/baselines.csv"]),
    Case("tabular", "tabular --simulator {w}/sim.h5 --config {w}/tabular.json --seeds 2 --dqn-seeds 0 --seed {s}"
         " --curves {o}/c.csv --json {o}/t.json", ["c.csv", "t.json"]),
    Case("platform", "platform --simulator {w}/data1 --visits 5 --users 80 --days 8 --burn-in 1 --seeds 2 --logs"
         " --policies uniform,thompson --random-share 0.1 --split greedy --config {w}/platform.json --seed {s}"
         " --out {o}/season", ["season/season.csv", "season/season.json", "season/index.html"],
         grows=["season/runs", "season/logs"], times=10),
    Case("session", "session --simulator {w}/sim.h5 --seed {s} --json {o}/one.json", ["one.json"]),
]  # fmt: skip
SHORT = ("data import", "generate", "train dqn", "supervised", "compare")  # for the test suite

TIMES = {"seconds", "steps_per_s", "update_ms"}  # of a run, not of what it computed
EARLIER, NOW = 1, 2


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def digest(path: Path) -> str:
    """Of a file or a folder; "" when it is not there."""
    if not path.exists():
        return ""
    if path.is_dir():
        return str({file.name: digest(file) for file in sorted(path.iterdir())})
    if path.suffix == ".json" and path.parent.name == "out":
        return json.dumps(without_times(json.loads(path.read_text())))
    if path.name == "table.csv":  # its last columns are times
        rows = [line.split(",") for line in path.read_text().splitlines()]
        kept = [i for i, name in enumerate(rows[0]) if name not in TIMES]
        return str([[row[i] for i in kept] for row in rows])
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Killer:
    def __init__(self, program: str, folder: Path, seed: int):
        self.program, self.folder, self.random = program, folder, random.Random(seed)
        self.problems: list[str] = []

    def words(self, case: Case, out: Path, seed: int) -> list[str]:
        line = case.line.format(o=out, w=self.folder, s=seed)
        return [self.program, *line.split(), "--threads", "1", "--quiet"]

    def run(self, words: list[str]) -> None:
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)}\nends with {done.returncode}: {done.stderr}")

    def prepare(self) -> None:
        for name, config in CONFIGS.items():
            (self.folder / f"{name}.json").write_text(json.dumps(config))
        for seed in (EARLIER, NOW):
            self.run([self.program, *f"data synth --preset tiny --seed {seed} --out {self.folder}/data{seed}".split()])
        data = f"--data {self.folder}/data1 --until 20220501"
        self.run([self.program, "fit", *data.split(), "--config", f"{self.folder}/fit.json", "--out", f"{self.folder}/sim.h5"])
        for seed in (EARLIER, NOW):
            self.run([self.program, "supervised", "mf", *data.split(), "--config", f"{self.folder}/mf.json", "--seed",
                      str(seed), "--out", f"{self.folder}/mf{seed}.h5"])  # fmt: skip

    def state(self, case: Case, out: Path) -> list[str]:
        names = [name.format(s=NOW, t=NOW + 1) for name in case.outputs]
        return [digest(out / name) for name in names]

    def grown(self, case: Case, out: Path) -> list[str]:
        return [digest(out / name) for name in case.grows]

    def begin_and_kill(self, case: Case, out: Path, sent: signal.Signals, longest: float) -> tuple[int, str]:
        process = subprocess.Popen(self.words(case, out, NOW), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(self.random.uniform(0, longest))
        process.send_signal(sent)
        error = process.communicate()[1].decode()
        return process.returncode, error

    def leftovers(self, case: Case, out: Path) -> list[str]:
        def is_left(path: Path) -> bool:
            return path.name.startswith(".") or path.name.endswith((".part", ".checkpoint"))

        return [str(path.relative_to(out)) for path in sorted(out.rglob("*")) if is_left(path)]

    def earlier(self, case: Case, template: Path) -> None:
        """Outputs of a run with another seed, under the names of the run that is killed."""
        template.mkdir(parents=True)
        self.run(self.words(case, template, EARLIER))
        for name in case.outputs:
            old, new = template / name.format(s=EARLIER, t=EARLIER + 1), template / name.format(s=NOW, t=NOW + 1)
            if old != new and "-s" in name:
                shutil.copy(old, str(new) + ".copy")
        for copy in template.glob("*.copy"):
            copy.rename(str(copy)[: -len(".copy")])

    def kill(self, case: Case, kills: int) -> dict:
        base = self.folder / case.name.replace(" ", "-").replace(",", "")
        template, out = base / "earlier" / "out", base / "run" / "out"
        self.earlier(case, template)
        for study in ("study", "season"):
            if (template / study).exists():  # a study goes on from its own cells: it begins with none
                shutil.rmtree(template / study)
                template.joinpath(study).mkdir()
        whole = base / "whole" / "out"
        shutil.copytree(template, whole)
        begun = time.monotonic()
        self.run(self.words(case, whole, NOW))
        length = time.monotonic() - begun
        before, expected, grown = self.state(case, template), self.state(case, whole), self.grown(case, whole)
        found = {"seconds": length, "kills": 0, "late": 0, "problems": 0}
        count = len(self.problems)
        for number in range(kills):
            shutil.rmtree(out.parent, ignore_errors=True)
            shutil.copytree(template, out)  # with its times, by which a folder is known to be the program's own
            for time_of_many in range(case.times):
                sent = SIGNALS[(number + time_of_many) % len(SIGNALS)]
                what = f"{case.name}, {sent.name} number {number}"
                code, error = self.begin_and_kill(case, out, sent, 1.05 * length / min(case.times, 3))
                late = code == 0
                found["late" if late else "kills"] += 1
                if late:
                    break
                if code not in CODES[sent]:
                    self.problems.append(f"{what}: ends with {code}: {error}")
            state = self.state(case, out)
            if late and state != expected:
                self.problems.append(f"{what}: ended with 0, other bytes than an undisturbed run")
            if any(now not in (old, new) for now, old, new in zip(state, before, expected)):
                self.problems.append(f"{what}: an output is neither the earlier nor the whole new one")
            words = self.words(case, out, NOW) + (["--resume"] if case.resumes and number % 2 else [])
            next_run = subprocess.run(words, capture_output=True, text=True)
            if next_run.returncode != 0:
                self.problems.append(f"{what}: the next run ends with {next_run.returncode}: {next_run.stderr}")
            if self.state(case, out) != expected:
                self.problems.append(f"{what}: the next run has other bytes than an undisturbed one")
            if self.grown(case, out) != grown:
                self.problems.append(f"{what}: what the next run goes on with has other bytes than an undisturbed one's")
            if left := self.leftovers(case, out):
                self.problems.append(f"{what}: left after the next run: {', '.join(left)}")
        found["problems"] = len(self.problems) - count
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=len(CASES) * 6, help="in all, shared among the commands")
    parser.add_argument("--only", help="commands, separated by commas")
    parser.add_argument("--short", action="store_true", help="a few commands, for the test suite")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else SHORT if options.short else [case.name for case in CASES]
    cases = [case for case in CASES if case.name in chosen]
    with tempfile.TemporaryDirectory(prefix="swipegym_kills_") as folder:
        killer = Killer(str(Path(options.program).absolute()), Path(folder), options.seed)
        killer.prepare()
        print(f"{'command':<18}{'a run, s':>9}{'killed':>8}{'too late':>10}{'problems':>10}")
        total = {"kills": 0, "late": 0, "problems": 0}
        for index, case in enumerate(cases):
            share = options.kills // len(cases) + (index < options.kills % len(cases))
            found = killer.kill(case, share)
            total = {key: total[key] + found[key] for key in total}
            print(f"{case.name:<18}{found['seconds']:>9.2f}{found['kills']:>8}{found['late']:>10}{found['problems']:>10}", flush=True)
        print(f"{'in all':<18}{'':>9}{total['kills']:>8}{total['late']:>10}{total['problems']:>10}")
        for problem in killer.problems:
            print(problem)
    return 1 if killer.problems else 0


if __name__ == "__main__":
    sys.exit(main())
