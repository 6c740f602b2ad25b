#!/usr/bin/env python3
"""Random search of an agent's settings by the choices its simulator expects most of (docs/results/policies.md).

    bench/tune_agent.py full-output sim.h5 configs/search/full-output.json OUT --trials 24 --steps 400000

The first trial has the agent's defaults. Each is trained with one seed that no table uses, and judged as
`compare --expected` does, on states of uniform sessions that nobody else is judged on. What is in OUT already is not
made again. Prints the trials, best first. `SWIPEGYM` names another program than build/release/swipegym.
"""
import argparse
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

PROGRAM = os.environ.get("SWIPEGYM", str(Path(__file__).parent / "../build/release/swipegym"))
TRAINING_SEED, STATES_SEED = "1001", "1000001"


def draw(ranges: dict, rng: random.Random) -> dict:
    """Settings from ranges as `supervised --search` has them: {"choice": list}, {"log": [a, b]}, {"uniform": [a, b]}."""
    settings = {}
    for key, given in ranges.items():
        (kind, values), = given.items()
        if kind == "choice":
            settings[key] = rng.choice(values)
        elif kind == "log":
            settings[key] = math.exp(rng.uniform(math.log(values[0]), math.log(values[1])))
        elif kind == "uniform":
            settings[key] = rng.uniform(*values)
        else:
            sys.exit(f"tune_agent: '{kind}' of '{key}' is none of choice, log, uniform")
    return settings


def run(*arguments) -> None:
    subprocess.run([PROGRAM, *arguments, "--threads", "1", "--quiet"], check=True, stdout=subprocess.DEVNULL)


def judged(given, number: int, settings: dict) -> float:
    """The share of the way from uniform choice to the one-step oracle that a trial's choices are expected to go."""
    name = f"{given.out}/trial-{number}"
    made = json.dumps([given.agent, given.simulator, given.steps, given.sessions, settings])
    notes = Path(f"{name}.settings")
    if not Path(f"{name}.json").exists() or notes.read_text() != made:
        Path(f"{name}.json").unlink(missing_ok=True)
        notes.write_text(made)
        options = [f"--set={key}={json.dumps(value)}" for key, value in settings.items()]
        run("train", given.agent, "--simulator", given.simulator, "--seed", TRAINING_SEED,
            f"--set=env_steps={given.steps}", *options, "--out", f"{name}.h5")
        run("compare", "--simulator", given.simulator, "--expected", "--policies", f"random,tried={name}.h5,oracle",
            "--candidates", "10", "--sessions", str(given.sessions), "--seeds", "1", "--seed", STATES_SEED,
            "--json", f"{name}.json")
    report = json.loads(Path(f"{name}.json").read_text())
    tried = next(p for p in report["simulators"][0]["policies"] if p["name"] == "tried")
    return tried["expected"]["share"]["mean"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("agent", help="as in 'swipegym train AGENT'")
    parser.add_argument("simulator")
    parser.add_argument("space", help="ranges of settings, as configs/search has them")
    parser.add_argument("out", help="folder of the trials")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--steps", type=int, default=400_000)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    Path(given.out).mkdir(parents=True, exist_ok=True)
    ranges = json.loads(Path(given.space).read_text())["ranges"]
    rng = random.Random(given.seed)
    trials = [{}] + [draw(ranges, rng) for _ in range(given.trials - 1)]
    shares = []
    for number, settings in enumerate(trials):
        shares.append(judged(given, number, settings))
        print(f"trial {number + 1} of {len(trials)}: share {shares[-1]:.3f}", file=sys.stderr, flush=True)
    for number in sorted(range(len(trials)), key=lambda i: -shares[i]):
        print(f"{shares[number]:.3f}  {json.dumps(trials[number])}")


if __name__ == "__main__":
    main()
